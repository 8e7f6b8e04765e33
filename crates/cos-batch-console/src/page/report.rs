//! The report of a job: its files, and their rows.

use askama::Template;
use cos_batch_engine::{
    report::{manifest_key, row::ReportRow},
    view::{JobDetails, ObjectName, READ_BYTES_MAX, TaskRow},
};
use cos_batch_model::ApiError;
use http::StatusCode;
use serde_json::Value;

use super::{bar::is_over, nothing_here};
use crate::{
    answer::{Answer, encoded, page},
    form::refused,
    frame::Frame,
    visit::Visit,
    words::Words,
};

/// Files of a report on the page of its job; all of them are in its manifest.
const FILES: usize = 12;

/// Rows on a page.
const ROWS: usize = 100;

/// Bytes that are read for them: the longest rows are some 5 KB.
const ROWS_BYTES: u64 = 512 * 1024;

/// What there is of a report.
pub(super) enum Report {
    /// None was asked for.
    None,
    /// It is written when the job ends.
    Later { place: String },
    /// It is there.
    There { place: String, manifest: String, files: Vec<File> },
    /// It should be there, and cannot be read.
    Missing { place: String, why: String },
}

/// A file of a report.
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) rows: String,
    pub(super) link: String,
    pub(super) look: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    f: Frame,
    id: String,
    name: String,
    link: String,
    rows: Vec<TaskRow>,
    first: Option<String>,
    next: Option<String>,
}

fn download(bucket: &str, key: &str) -> String {
    format!("/console/buckets/{}/download?key={}", encoded(bucket), encoded(key))
}

/// The part of a key behind its last slash.
fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

fn results(manifest: &Value) -> &[Value] {
    manifest["Results"].as_array().map_or(&[][..], Vec::as_slice)
}

fn text<'a>(result: &'a Value, name: &str) -> &'a str {
    result[name].as_str().unwrap_or_default()
}

/// The files that a report's manifest names.
fn files(manifest: &Value, job: &str, w: &Words) -> Vec<File> {
    let file = |(number, result): (usize, &Value)| File {
        name: last_part(text(result, "Key")).to_owned(),
        kind: w.outcome(text(result, "TaskExecutionStatus")).to_owned(),
        rows: result["Rows"].as_u64().map(|rows| w.rows(rows)).unwrap_or_default(),
        link: download(text(result, "Bucket"), text(result, "Key")),
        look: format!("/console/jobs/{job}/report?file={number}"),
    };
    results(manifest).iter().take(FILES).enumerate().map(file).collect()
}

/// The rows that begin a text, at most [`ROWS`], and how many bytes they take. What is no row is stepped over.
fn rows(text: &[u8]) -> (Vec<TaskRow>, usize) {
    let (mut rows, mut taken) = (Vec::new(), 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(row) = line.strip_suffix(b"\n").filter(|_| rows.len() < ROWS) else { break };
        taken += line.len();
        let row = std::str::from_utf8(row).ok().and_then(ReportRow::parse);
        rows.extend(row.as_ref().map(TaskRow::from));
    }
    (rows, taken)
}

impl Visit {
    pub(super) async fn report(&self, details: &JobDetails) -> Report {
        let Some(at) = &details.report else { return Report::None };
        let place = format!("{}/{}", at.bucket, at.key);
        if !is_over(&details.status) {
            return Report::Later { place };
        }
        match self.report_manifest(at).await {
            Err(error) => Report::Missing { place, why: error.message },
            Ok(manifest) => {
                let files = files(&manifest, &details.job_id, self.frame.w);
                Report::There { place, manifest: download(&at.bucket, &at.key), files }
            }
        }
    }

    /// A report's manifest; nothing in one that is longer than what is read at once: it has its files in itself alone.
    async fn report_manifest(&self, at: &ObjectName) -> Result<Value, ApiError> {
        let read = self.engine.read_object(&self.context, &at.bucket, &at.key, None, 0..READ_BYTES_MAX, None);
        Ok(serde_json::from_slice(&read.await?).unwrap_or_default())
    }

    /// Rows of one of a report's files.
    pub(crate) async fn report_rows(mut self, id: &str) -> Result<Answer, ApiError> {
        let record = self.engine.job(&self.context, id).await?;
        let to = record.spec.report.as_ref().ok_or_else(nothing_here)?;
        let at = ObjectName { bucket: to.bucket.clone(), key: manifest_key(to, record.id) };
        let number: usize = self.query.text("file").parse().map_err(|_| refused("file is the number of a file"))?;
        let from: u64 = match self.query.given("from") {
            Some(from) => from.parse().map_err(|_| refused("from is a place in the file, in bytes"))?,
            None => 0,
        };
        let manifest = self.report_manifest(&at).await?;
        let result = results(&manifest).get(number).ok_or_else(nothing_here)?;
        let (bucket, key) = (text(result, "Bucket"), text(result, "Key"));
        let size = self.engine.object_attributes(&self.context, bucket, key, None).await?.size;
        let range = from.min(size)..size.min(from.saturating_add(ROWS_BYTES));
        let read = self.engine.read_object(&self.context, bucket, key, None, range, None).await?;
        let (rows, taken) = rows(&read);
        let then = from.saturating_add(taken as u64);
        let address = format!("/console/jobs/{}/report?file={number}", record.id);
        self.frame.nav = "jobs";
        let template = ReportPage {
            name: last_part(key).to_owned(),
            link: download(bucket, key),
            rows,
            next: (taken > 0 && then < size).then(|| format!("{address}&from={then}")),
            first: (from > 0).then_some(address),
            id: record.id.to_string(),
            f: self.frame,
        };
        page(&template, StatusCode::OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn files_of_a_report_are_bounded_and_a_broken_one_has_none() {
        let result =
            serde_json::json!({"TaskExecutionStatus": "failed", "Bucket": "b-1", "Key": "r/ä&.csv", "Rows": 1234});
        let manifest = serde_json::json!({ "Results": vec![result; 100] });
        let found = files(&manifest, "j", Lang::En.words());
        assert_eq!(found.len(), FILES);
        assert_eq!((found[0].name.as_str(), found[0].rows.as_str()), ("ä&.csv", "1,234 rows"));
        assert_eq!(found[0].link, "/console/buckets/b-1/download?key=r/%C3%A4%26.csv");
        assert_eq!(found[2].look, "/console/jobs/j/report?file=2");
        assert_eq!(files(&manifest, "j", Lang::Zh.words())[0].kind, "失败");
        assert!(files(&Value::Null, "j", Lang::En.words()).is_empty());
    }

    #[test]
    fn a_page_of_rows_ends_at_the_end_of_a_row() {
        let line = "b-1,a%20b,,succeeded,200,,\n";
        let (found, taken) = rows(line.repeat(ROWS + 3).as_bytes());
        assert_eq!((found.len(), taken), (ROWS, line.len() * ROWS));
        assert_eq!(found[0].key, "a b");
        assert_eq!(rows(b"cut off"), (Vec::new(), 0));
        let (found, taken) = rows(format!("no row\n{line}b-1,cut").as_bytes());
        assert_eq!((found.len(), taken), (1, 7 + line.len()), "what is no row is stepped over");
    }
}
