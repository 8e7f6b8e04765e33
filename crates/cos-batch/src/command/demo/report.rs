//! The completion report as a reader of it sees it.

use cos_batch_objectstore::FolderStore;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::check::read;
use crate::exit::Error;

/// The rows of a report.
pub(super) struct Rows {
    /// All of them.
    pub(super) rows: u64,
    /// Those of failed tasks.
    pub(super) failed: u64,
    /// The failed ones.
    pub(super) failures: Vec<Failure>,
}

/// One row of a failed task.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) status: String,
    pub(super) code: String,
    pub(super) message: String,
}

/// What is of interest in `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    results: Vec<ResultFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResultFile {
    task_execution_status: String,
    key: String,
}

/// Reads a report by its manifest.
pub(super) async fn read_report(store: &FolderStore, bucket: &str, key: &str) -> Result<Rows, Error> {
    let manifest: Manifest = serde_json::from_slice(&read(store, bucket, key).await?)
        .map_err(|error| Error::other(format!("{key}: {error}")))?;
    let mut rows = Rows { rows: 0, failed: 0, failures: Vec::new() };
    for file in &manifest.results {
        let body = read(store, bucket, &file.key).await?;
        let text = String::from_utf8_lossy(&body);
        let count = text.lines().count() as u64;
        rows.rows += count;
        if file.task_execution_status == "failed" {
            rows.failed += count;
            rows.failures.extend(text.lines().filter_map(failure));
        }
    }
    Ok(rows)
}

/// The row of a failed task. Fields before the message never have a comma: names of buckets cannot, keys are encoded,
/// and the demo names no versions.
fn failure(line: &str) -> Option<Failure> {
    let mut fields = line.splitn(7, ',');
    let bucket = fields.next()?.to_owned();
    let key = percent_decode_str(fields.next()?).decode_utf8_lossy().into_owned();
    let (_version, _word) = (fields.next()?, fields.next()?);
    let (status, code, message) = (fields.next()?.to_owned(), fields.next()?.to_owned(), fields.next()?);
    let inside = message.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let message = inside.map_or_else(|| message.to_owned(), |text| text.replace("\"\"", "\""));
    Some(Failure { bucket, key, status, code, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_taken_apart() {
        let line = r#"b-1,a%20b%2C,,failed,404,NoSuchKey,"no ""such"", key""#;
        let expected = Failure {
            bucket: "b-1".into(),
            key: "a b,".into(),
            status: "404".into(),
            code: "NoSuchKey".into(),
            message: "no \"such\", key".into(),
        };
        assert_eq!(failure(line), Some(expected));
        assert_eq!(failure("b-1,a,,failed,404"), None);
    }
}
