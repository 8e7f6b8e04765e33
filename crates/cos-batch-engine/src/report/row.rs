//! Rows of a completion report (`Report_CSV_V1`).
//!
//! Columns: Bucket, Key, VersionId, TaskStatus, HTTPStatusCode, ErrorCode, ResultMessage. The key is percent-encoded;
//! there is no header. A file of rows is itself a legal manifest with the fields Bucket, Key, VersionId and four times
//! Ignore.

use std::io::Write as _;

use cos_batch_objectstore::VersionSelector;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::task::{Outcome, Task};

/// Names of the columns, in order (`ReportSchema` of the report's manifest).
pub const SCHEMA: &str = "Bucket, Key, VersionId, TaskStatus, HTTPStatusCode, ErrorCode, ResultMessage";

/// Longest ResultMessage, in bytes; the rest of a longer one is cut off.
pub const MESSAGE_BYTES_MAX: usize = 1024;

/// Left bare in a key: unreserved characters and the slash.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Appends the row of one task.
pub fn write(out: &mut Vec<u8>, task: &Task, outcome: &Outcome) {
    field(out, &task.bucket);
    out.push(b',');
    for piece in percent_encode(task.key.as_bytes(), KEY) {
        out.extend_from_slice(piece.as_bytes());
    }
    out.push(b',');
    if let VersionSelector::Id(version) = &task.version {
        field(out, version);
    }
    let word = if outcome.failure.is_some() { "failed" } else { "succeeded" };
    // Writing to a Vec cannot fail.
    let _ = write!(out, ",{word},{},", outcome.status);
    if let Some(failure) = &outcome.failure {
        field(out, &failure.code);
        out.push(b',');
        field(out, cut(&failure.message));
    } else {
        out.push(b',');
    }
    out.push(b'\n');
}

/// One field: control characters become spaces, so that a row is a line; quoted where CSV asks for it.
fn field(out: &mut Vec<u8>, text: &str) {
    let quoted = text.bytes().any(|byte| matches!(byte, b',' | b'"'));
    if quoted {
        out.push(b'"');
    }
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\"\""),
            0..=31 | 127 => out.push(b' '),
            other => out.push(other),
        }
    }
    if quoted {
        out.push(b'"');
    }
}

fn cut(message: &str) -> &str {
    &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        manifest::{Columns, ListedAs, Records, records::Next},
        spec::Column,
    };

    fn task(key: &str, version: Option<&str>) -> Task {
        let version = version.map_or(VersionSelector::Latest, |id| VersionSelector::Id(id.to_owned()));
        Task { row: 0, bucket: "src-1".into(), key: key.to_owned(), version, listed_as: ListedAs::Object, end: 0 }
    }

    #[test]
    fn rows_as_they_are_written() {
        let mut out = Vec::new();
        write(&mut out, &task("a b/+,é", None), &Outcome::success(200));
        write(&mut out, &task("=k", Some("v1")), &Outcome::failure(404, "NoSuchKey", "no \"such\",\nkey"));
        let expected = "src-1,a%20b/%2B%2C%C3%A9,,succeeded,200,,\n\
                        src-1,%3Dk,v1,failed,404,NoSuchKey,\"no \"\"such\"\", key\"\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    proptest! {
        /// A row is one line, and read as a manifest it names the same object.
        #[test]
        fn a_row_is_a_legal_manifest_row(
            key in "\\PC{1,40}|[\\x00-\\xff]{1,9}", version in "[!-~]{1,20}", code in "\\PC{0,9}", message in "(?s).{0,2000}",
        ) {
            let task = task(&key, Some(&version));
            let mut out = Vec::new();
            write(&mut out, &task, &Outcome::failure(500, code, message));
            prop_assert_eq!(memchr::memchr_iter(b'\n', &out).count(), 1);
            let columns = Columns::new(&[
                Column::Bucket, Column::Key, Column::VersionId, Column::Ignore, Column::Ignore, Column::Ignore, Column::Ignore,
            ]).unwrap();
            let mut records = Records::new(0);
            let Next::Record(record, used) = records.next(&out, false) else { panic!("no record") };
            prop_assert_eq!(used, out.len());
            let row = columns.read(&record, 1).unwrap();
            prop_assert_eq!((row.bucket.name, row.key.as_ref(), row.version), ("src-1", key.as_str(), Some(version.as_str())));
        }
    }
}
