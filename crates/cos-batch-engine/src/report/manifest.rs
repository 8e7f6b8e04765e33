//! `manifest.json` of a completion report: published last, it says that the report is whole.

use serde::Serialize;
use uuid::Uuid;

use crate::{
    clock::UnixMillis,
    job::Progress,
    report::row::SCHEMA,
    spec::{Dialect, ReportSpec},
    store::ResultFile,
};

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
    results: [ResultEntry<'a>; 0],
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

/// The document without its results, piece by piece: its beginning, one [`entry`](Self::entry) for each result, its end. A
/// report may have millions of them.
#[derive(Debug)]
pub struct Pieces {
    begin: String,
    end: String,
    entries: u64,
}

/// What stands where the results go.
const NO_RESULTS: &str = "\"Results\": [";

impl Pieces {
    /// Of the report of a job that has ended like this.
    #[must_use]
    pub fn new(job: Uuid, dialect: Dialect, status: &str, progress: Progress, now: UnixMillis) -> Self {
        let manifest = Manifest {
            format: dialect.report_format(),
            report_creation_date: crate::wire::timestamp(now).to_string(),
            job_id: job.to_string(),
            status,
            total_number_of_tasks: progress.total,
            number_of_tasks_succeeded: progress.succeeded,
            number_of_tasks_failed: progress.failed,
            results: [],
            report_schema: SCHEMA,
        };
        let text = serde_json::to_string_pretty(&manifest).expect("strings and numbers always have a JSON form");
        let (begin, end) = text.split_once(NO_RESULTS).expect("a list without entries is written so");
        Self { begin: format!("{begin}{NO_RESULTS}"), end: format!("{end}\n"), entries: 0 }
    }

    /// What comes first.
    #[must_use]
    pub fn begin(&self) -> &str {
        &self.begin
    }

    /// One result, behind those before it.
    pub fn entry(&mut self, report: &ReportSpec, file: &ResultFile) -> String {
        let entry = ResultEntry {
            status: if file.failed { "failed" } else { "succeeded" },
            bucket: &report.bucket,
            md5: &file.md5,
            key: &file.key,
            rows: file.rows,
        };
        let text = serde_json::to_string_pretty(&entry).expect("strings and numbers always have a JSON form");
        self.entries += 1;
        let comma = if self.entries > 1 { "," } else { "" };
        format!("{comma}\n    {}", text.replace('\n', "\n    "))
    }

    /// What comes last.
    #[must_use]
    pub fn end(&self) -> String {
        let line = if self.entries > 0 { "\n  " } else { "" };
        format!("{line}{}", self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_as_it_is_written() {
        let report = ReportSpec { bucket: "rep-1".into(), prefix: "r".into(), all_tasks: true };
        let file = ResultFile { shard: 0, failed: true, key: "r/x.csv".into(), md5: "00ff".into(), rows: 2 };
        let progress = Progress { total: 9, succeeded: 7, failed: 2 };
        let mut pieces = Pieces::new(Uuid::from_u128(1), Dialect::Cos, "Complete", progress, 1_700_000_000_999);
        let none = format!("{}{}", pieces.begin(), pieces.end());
        assert!(none.contains("\"Results\": [],\n"), "{none}");
        let text = format!("{}{}{}", pieces.begin().to_owned(), pieces.entry(&report, &file), pieces.end());
        insta::assert_snapshot!(text);
        let text = format!(
            "{}{}{}{}",
            Pieces::new(Uuid::nil(), Dialect::S3Control, "Failed", progress, 0).begin(),
            Pieces::new(Uuid::nil(), Dialect::S3Control, "Failed", progress, 0).entry(&report, &file),
            pieces.entry(&report, &file),
            pieces.end()
        );
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["Results"].as_array().unwrap().len(), 2);
        assert_eq!(json["Format"], "Report_CSV_20180820");
    }
}
