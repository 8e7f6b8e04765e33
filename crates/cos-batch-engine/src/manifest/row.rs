//! What a record of a manifest means.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::{ManifestError, Record};
use crate::spec::Column;

/// Which field of a record is what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    names: Vec<Column>,
    bucket: usize,
    key: usize,
    version: Option<usize>,
}

/// One object a job works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Bucket, spaces around it taken away.
    pub bucket: &'a str,
    /// Key, percent-decoded; `+` stays a plus.
    pub key: Cow<'a, str>,
    /// Version; none: the latest.
    pub version: Option<&'a str>,
}

impl Columns {
    /// Columns in the order of the manifest; `None` unless there is exactly one Bucket, one Key, and at most one
    /// VersionId.
    #[must_use]
    pub fn new(names: &[Column]) -> Option<Self> {
        let only = |wanted: Column| {
            let mut places = names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(place, _)| place);
            (places.next(), places.next().is_none())
        };
        let ((Some(bucket), true), (Some(key), true), (version, true)) =
            (only(Column::Bucket), only(Column::Key), only(Column::VersionId))
        else {
            return None;
        };
        Some(Self { names: names.to_vec(), bucket, key, version })
    }

    /// Is this first record a header, that is, does it repeat the declared names? (The content of ignored columns does
    /// not matter.)
    #[must_use]
    pub fn is_header(&self, record: &Record<'_>) -> bool {
        record.len() == self.names.len()
            && self.names.iter().enumerate().all(|(place, name)| {
                let expected: &[u8] = match name {
                    Column::Bucket => b"Bucket",
                    Column::Key => b"Key",
                    Column::VersionId => b"VersionId",
                    Column::Ignore => return true,
                };
                record.field(place).is_some_and(|field| field.trim_ascii() == expected)
            })
    }

    /// Reads a record. `number` is its number in the file, from 1, for the error.
    ///
    /// # Errors
    /// Another number of columns than declared, an empty Bucket or Key, a percent sign without two hex digits, or text
    /// that is not UTF-8.
    pub fn read<'a>(&self, record: &Record<'a>, number: u64) -> Result<Row<'a>, ManifestError> {
        let at = |column: Option<usize>, rule: String| ManifestError {
            record: number,
            column: column.map(|column| column + 1),
            rule,
        };
        if record.len() != self.names.len() {
            let (declared, found) = (self.names.len(), record.len());
            let columns = if found == 1 { "column" } else { "columns" };
            return Err(at(None, format!("it has {found} {columns}, Manifest.Spec.Fields declares {declared}")));
        }
        let text = |place: usize, name: &str| {
            std::str::from_utf8(record.field(place).unwrap_or_default())
                .map_err(|_| at(Some(place), format!("{name} is not UTF-8")))
        };
        let bucket = text(self.bucket, "Bucket")?.trim_matches(' ');
        if bucket.is_empty() {
            return Err(at(Some(self.bucket), "Bucket is empty".to_owned()));
        }
        let encoded = text(self.key, "Key")?;
        if encoded.is_empty() {
            return Err(at(Some(self.key), "Key is empty".to_owned()));
        }
        let key = decode(encoded).map_err(|rule| at(Some(self.key), rule.to_owned()))?;
        let version = match self.version {
            Some(place) => Some(text(place, "VersionId")?.trim_matches(' ')).filter(|version| !version.is_empty()),
            None => None,
        };
        Ok(Row { bucket, key, version })
    }
}

/// Percent-decodes a key.
fn decode(encoded: &str) -> Result<Cow<'_, str>, &'static str> {
    let bytes = encoded.as_bytes();
    for place in memchr::memchr_iter(b'%', bytes) {
        let digits = bytes.get(place + 1..place + 3).unwrap_or_default();
        if digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err("Key has a % that two hex digits do not follow; a plain % is written %25");
        }
    }
    percent_decode(bytes).decode_utf8().map_err(|_| "Key does not percent-decode to UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Records, records::Next};

    fn read(columns: &[Column], line: &[u8]) -> Result<(String, String, Option<String>), String> {
        let columns = Columns::new(columns).unwrap();
        let mut records = Records::new(0);
        let Next::Record(record, _) = records.next(line, false) else { panic!("no record") };
        let row = columns.read(&record, 5).map_err(|error| error.to_string())?;
        Ok((row.bucket.to_owned(), row.key.into_owned(), row.version.map(str::to_owned)))
    }

    const BKV: [Column; 3] = [Column::Bucket, Column::Key, Column::VersionId];

    #[test]
    fn spaces_versions_and_percent_signs() {
        let row = read(&BKV, b" photos-1 ,a%20b+c%2F%E5%A5%BD , v1 \n").unwrap();
        assert_eq!(row, ("photos-1".into(), "a b+c/\u{597d} ".into(), Some("v1".into())));
        assert_eq!(read(&BKV, b"p-1,k,\n").unwrap().2, None);
        assert_eq!(read(&BKV, b"p-1,k,null\n").unwrap().2.as_deref(), Some("null"));
        let row = read(&[Column::Ignore, Column::Key, Column::Bucket], b"x,k,b-1\n").unwrap();
        assert_eq!(row, ("b-1".into(), "k".into(), None));
    }

    #[test]
    fn broken_rows_are_named_by_row_column_and_rule() {
        let errors: Vec<String> = [
            &b"b-1,k\n"[..],
            b"b-1,k,,\n",
            b" ,k,\n",
            b"b-1,,\n",
            b"b-1,100%,\n",
            b"b-1,%zz,\n",
            b"b-1,%FF,\n",
            b"b-1,\xff,\n",
            b"\xff,k,\n",
            b"b-1,k,\xff\n",
        ]
        .iter()
        .map(|line| read(&BKV, line).unwrap_err())
        .collect();
        insta::assert_snapshot!(errors.join("\n"), @r"
        row 5: it has 2 columns, Manifest.Spec.Fields declares 3
        row 5: it has 4 columns, Manifest.Spec.Fields declares 3
        row 5, column 1: Bucket is empty
        row 5, column 2: Key is empty
        row 5, column 2: Key has a % that two hex digits do not follow; a plain % is written %25
        row 5, column 2: Key has a % that two hex digits do not follow; a plain % is written %25
        row 5, column 2: Key does not percent-decode to UTF-8
        row 5, column 2: Key is not UTF-8
        row 5, column 1: Bucket is not UTF-8
        row 5, column 3: VersionId is not UTF-8
        ");
    }

    #[test]
    fn columns_need_one_bucket_and_one_key() {
        use Column::{Bucket, Ignore, Key, VersionId};
        assert!(Columns::new(&[Bucket, Key]).is_some());
        assert!(Columns::new(&[Ignore, Key, Ignore, Bucket, VersionId]).is_some());
        for wrong in [
            &[Bucket][..],
            &[Key],
            &[],
            &[Bucket, Key, Key],
            &[Bucket, Bucket, Key],
            &[Bucket, Key, VersionId, VersionId],
        ] {
            assert!(Columns::new(wrong).is_none(), "{wrong:?}");
        }
    }
}
