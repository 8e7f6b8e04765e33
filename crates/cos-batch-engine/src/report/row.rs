//! Rows of a completion report (`Report_CSV_V1`).
//!
//! Columns: Bucket, Key, VersionId, TaskStatus, HTTPStatusCode, ErrorCode, ResultMessage. The key is percent-encoded;
//! there is no header. A file of rows is itself a legal manifest with the fields Bucket, Key, VersionId and four times
//! Ignore.

use std::{borrow::Cow, io::Write as _};

use cos_batch_objectstore::VersionSelector;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

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
        words(out, &failure.code);
        out.push(b',');
        words(out, cut(&failure.message));
    } else {
        out.push(b',');
        if let Some(told) = &outcome.told {
            words(out, cut(told));
        }
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

/// What a formula begins with, also as it is written among Chinese and Japanese characters.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Whether a program that shows tables may take it for a formula, with what it leaves out before one or without.
///
/// ```
/// use cos_batch_engine::report::row::is_formula;
/// assert!(is_formula("=1+1") && is_formula(" \u{ff1d}1") && !is_formula("a=1"));
/// ```
#[must_use]
pub fn is_formula(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control()).starts_with(FORMULA)
}

/// A field of words that nothing reads as a value: a store chose them, and a program that shows tables must not take them for
/// a formula.
fn words(out: &mut Vec<u8>, text: &str) {
    // Of controls, a field knows those of one byte.
    let text =
        if text.contains(char::is_control) { text.replace(char::is_control, " ").into() } else { Cow::Borrowed(text) };
    if is_formula(&text) {
        field(out, &format!("'{text}"));
    } else {
        field(out, &text);
    }
}

/// A row as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow<'a> {
    /// Bucket of the object.
    pub bucket: Cow<'a, str>,
    /// Its key, percent-encoded.
    pub key: Cow<'a, str>,
    /// Its version; empty: none was named.
    pub version: Cow<'a, str>,
    /// `succeeded` or `failed`.
    pub task_status: Cow<'a, str>,
    /// HTTP status of the operation.
    pub status: u16,
    /// The error's code; empty where the task succeeded.
    pub code: Cow<'a, str>,
    /// A sentence about the error, or what a task that succeeded has to tell.
    pub message: Cow<'a, str>,
}

impl<'a> ReportRow<'a> {
    /// Reads one line, without its line end. `None`: it is no row of a report.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut rest = Some(line.strip_suffix('\r').unwrap_or(line));
        let mut next = || {
            let (field, after) = split_field(rest?)?;
            rest = after;
            Some(field)
        };
        let (bucket, key, version, task_status) = (next()?, next()?, next()?, next()?);
        let status = next()?.parse().ok()?;
        let (code, message) = (next()?, next()?);
        rest.is_none().then_some(Self { bucket, key, version, task_status, status, code, message })
    }

    /// The key with percent-encoding undone; as it is where that gives no text.
    #[must_use]
    pub fn plain_key(&self) -> Cow<'_, str> {
        percent_decode_str(&self.key).decode_utf8().unwrap_or(Cow::Borrowed(&self.key))
    }
}

/// Appends a row as it was read.
pub fn write_again(out: &mut Vec<u8>, row: &ReportRow<'_>) {
    for text in [&row.bucket, &row.key, &row.version, &row.task_status] {
        field(out, text);
        out.push(b',');
    }
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{},", row.status);
    words(out, &row.code);
    out.push(b',');
    words(out, &row.message);
    out.push(b'\n');
}

/// Percent-encodes a key as rows have it.
#[must_use]
pub fn encode_key(key: &str) -> String {
    percent_encode(key.as_bytes(), KEY).to_string()
}

/// Appends the row of a manifest that names the same object: Bucket, Key and, with `version`, VersionId.
pub fn write_manifest_row(out: &mut Vec<u8>, row: &ReportRow<'_>, version: bool) {
    field(out, &row.bucket);
    out.push(b',');
    field(out, &row.key);
    if version {
        out.push(b',');
        field(out, &row.version);
    }
    out.push(b'\n');
}

/// Appends the row of a manifest that names this object; the key is as it is. A version: with the column VersionId.
pub fn write_object(out: &mut Vec<u8>, bucket: &str, key: &str, version: Option<&str>) {
    field(out, bucket);
    out.push(b',');
    for piece in percent_encode(key.as_bytes(), KEY) {
        out.extend_from_slice(piece.as_bytes());
    }
    if let Some(version) = version {
        out.push(b',');
        field(out, version);
    }
    out.push(b'\n');
}

/// The first field of a line of CSV, and what comes after its comma.
fn split_field(text: &str) -> Option<(Cow<'_, str>, Option<&str>)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Some(match text.split_once(',') {
            Some((field, rest)) => (Cow::Borrowed(field), Some(rest)),
            None => (Cow::Borrowed(text), None),
        });
    };
    let mut end = 0;
    loop {
        end += quoted[end..].find('"')?;
        let after = &quoted[end + 1..];
        if after.starts_with('"') {
            end += 2;
            continue;
        }
        let field = &quoted[..end];
        let field = if field.contains('"') { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) };
        return match after.strip_prefix(',') {
            Some(rest) => Some((field, Some(rest))),
            None => after.is_empty().then_some((field, None)),
        };
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

    #[test]
    fn lines_that_are_no_rows() {
        for line in ["", "a", "a,b,c,failed,404,e", "a,b,c,failed,x,e,m", "a,b,c,failed,404,e,m,n", "\"a,b,c,d,1,e,m"] {
            assert_eq!(ReportRow::parse(line), None, "{line}");
        }
        for line in ["\"a\"b,b,c,failed,404,e,m", "a,b,c,failed,404,e,\"m\"x"] {
            assert_eq!(ReportRow::parse(line), None, "{line}");
        }
    }

    #[test]
    fn no_formula_comes_out_of_a_store() {
        for words in ["=HYPERLINK(\"http://x\")", "+1", "-1+1", "@SUM(A1)", "  =1", "\u{ff1d}1", "\u{3000}\u{ff0b}1"] {
            let mut out = Vec::new();
            write(&mut out, &task("=1+1", None), &Outcome::failure(503, words.to_owned(), words.to_owned()));
            let text = String::from_utf8(out).unwrap();
            let row = ReportRow::parse(text.trim_end()).unwrap();
            let all = [&row.bucket, &row.key, &row.version, &row.task_status, &row.code, &row.message];
            assert!(all.iter().all(|field| !is_formula(field)), "{text}");
            assert_eq!(row.message, format!("'{words}"));
            assert_eq!(row.plain_key(), "=1+1");
        }
    }

    proptest! {
        /// What is written is read again, control characters and what is too long aside.
        #[test]
        fn a_row_that_is_written_is_read(
            bucket in "[a-z\",-]{0,9}", key in "\\PC{1,40}", version in "[!-~]{0,20}", code in "\\PC{0,9}",
            message in "(?s).{0,300}",
        ) {
            let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
            let guard = |text: &str| if text.trim_start().starts_with(FORMULA) { "'" } else { "" };
            let clean = |text: &str| format!("{}{}", guard(&plain(text)), plain(text)).into_bytes();
            let mut task = task(&key, Some(&version));
            task.bucket = bucket.as_str().into();
            let mut out = Vec::new();
            write(&mut out, &task, &Outcome::failure(503, code.clone(), message.clone()));
            let text = String::from_utf8(out).unwrap();
            let row = ReportRow::parse(text.strip_suffix('\n').unwrap()).unwrap();
            prop_assert_eq!((&*row.bucket, &*row.plain_key(), &*row.version), (&*bucket, &*key, &*version));
            let mut again = Vec::new();
            write_again(&mut again, &row);
            prop_assert_eq!(&again, text.as_bytes());
            prop_assert_eq!((&*row.task_status, row.status), ("failed", 503));
            prop_assert_eq!(row.code.as_bytes(), clean(&code));
            prop_assert_eq!(row.message.as_bytes(), clean(cut(&message)));
        }

        /// A row is one line, and read as a manifest it names the same object.
        #[test]
        fn a_row_is_a_legal_manifest_row(
            key in "\\PC{1,40}|[\\x00-\\xff]{1,9}", version in "[-A-Za-z0-9._~+/=:%]{1,20}", code in "\\PC{0,9}", message in "(?s).{0,2000}",
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
