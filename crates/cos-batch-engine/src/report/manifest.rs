//! `manifest.json` of a completion report: published last, it says that the report is whole.

use serde::Serialize;
use uuid::Uuid;

use crate::{clock::UnixMillis, job::Progress, report::row::SCHEMA, spec::ReportSpec, store::ResultFile};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest<'a> {
    format: &'static str,
    report_creation_date: String,
    job_id: String,
    status: &'a str,
    total_number_of_tasks: u64,
    number_of_tasks_succeeded: u64,
    number_of_tasks_failed: u64,
    results: Vec<ResultEntry<'a>>,
    report_schema: &'static str,
}

#[derive(Serialize)]
struct ResultEntry<'a> {
    #[serde(rename = "TaskExecutionStatus")]
    status: &'static str,
    #[serde(rename = "Bucket")]
    bucket: &'a str,
    #[serde(rename = "MD5Checksum")]
    md5: &'a str,
    #[serde(rename = "Key")]
    key: &'a str,
    #[serde(rename = "Rows")]
    rows: u64,
}

/// The document.
#[must_use]
pub fn render(
    report: &ReportSpec,
    job: Uuid,
    status: &str,
    progress: Progress,
    results: &[ResultFile],
    now: UnixMillis,
) -> Vec<u8> {
    let manifest = Manifest {
        format: "Report_CSV_V1",
        report_creation_date: crate::wire::timestamp(now).to_string(),
        job_id: job.to_string(),
        status,
        total_number_of_tasks: progress.total,
        number_of_tasks_succeeded: progress.succeeded,
        number_of_tasks_failed: progress.failed,
        results: results
            .iter()
            .map(|file| ResultEntry {
                status: if file.failed { "failed" } else { "succeeded" },
                bucket: &report.bucket,
                md5: &file.md5,
                key: &file.key,
                rows: file.rows,
            })
            .collect(),
        report_schema: SCHEMA,
    };
    let mut text = serde_json::to_vec_pretty(&manifest).expect("strings and numbers always have a JSON form");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_as_it_is_written() {
        let report = ReportSpec { bucket: "rep-1".into(), prefix: "r".into(), all_tasks: true };
        let file = ResultFile { shard: 0, failed: true, key: "r/x.csv".into(), md5: "00ff".into(), rows: 2 };
        let progress = Progress { total: 9, succeeded: 7, failed: 2 };
        let text = render(&report, Uuid::from_u128(1), "Complete", progress, &[file], 1_700_000_000_999);
        insta::assert_snapshot!(String::from_utf8(text).unwrap());
    }
}
