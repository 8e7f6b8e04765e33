//! The list of an inventory's files: its `manifest.json`.
//!
//! COS writes it beside `manifest.checksum`, which has its MD5. The list of an S3 inventory has the same members in
//! slightly other forms (numbers as numbers, `MD5checksum`, no APPID), and is read as well.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Columns, row::full_bucket};
use crate::spec::Column;

/// Longest `manifest.json`, in bytes. A file takes about 250 of them.
pub const LIST_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Most files of an inventory. COS writes some hundred for a billion objects.
pub const FILES_MAX: usize = 100_000;

/// Longest `manifest.checksum`, in bytes: 32 hex digits, and what editors and tools put around them.
pub const CHECKSUM_BYTES_MAX: u64 = 256;

/// Longest name of a data file, in bytes (COS Object API, keys).
const KEY_BYTES_MAX: usize = 1024;

/// What an inventory's list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The bucket that was listed, with its APPID.
    pub source_bucket: String,
    /// The columns of its files.
    pub columns: Vec<Column>,
    /// Its files.
    pub files: Vec<DataFile>,
}

/// A file with rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Key, in the bucket that the list is in.
    pub key: String,
    /// Size in bytes.
    pub size: Option<u64>,
    /// MD5 of its bytes, lower-case hex.
    pub md5: Option<String>,
}

/// What is wrong with a list, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// It is no JSON, or a member has the wrong type.
    #[error("line {line}, column {column}: {rule}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The rule that is broken.
        rule: String,
    },
    /// A member breaks a rule.
    #[error("{member}: {rule}")]
    Member {
        /// Which, as a path.
        member: String,
        /// The rule that is broken.
        rule: String,
    },
    /// An inventory in a format that is not CSV.
    #[error("fileFormat: inventories of format {0} are not supported, only CSV")]
    Format(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    #[serde(default)]
    source_appid: Option<String>,
    source_bucket: String,
    file_format: String,
    file_schema: String,
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    key: String,
    #[serde(default)]
    size: Option<Number>,
    #[serde(default, alias = "MD5checksum")]
    md5_checksum: Option<String>,
}

/// COS writes numbers as strings, S3 as numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

impl Inventory {
    /// Reads a list.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(json: &[u8]) -> Result<Self, InventoryError> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let list: List = serde_json::from_slice(json).map_err(|error| {
            let text = error.to_string();
            // The place is told once, in front.
            let rule = text.rsplit_once(" at line ").map_or(text.as_str(), |(rule, _)| rule).to_owned();
            InventoryError::Json { line: error.line(), column: error.column(), rule }
        })?;
        if !list.file_format.eq_ignore_ascii_case("CSV") {
            return Err(InventoryError::Format(list.file_format));
        }
        let source_bucket = list.source_bucket.trim();
        if source_bucket.is_empty() {
            return Err(member("sourceBucket", "it is empty"));
        }
        let source_bucket = full_bucket(source_bucket, list.source_appid.as_deref().unwrap_or_default().trim());
        let columns = columns(&list.file_schema)?;
        if list.files.len() > FILES_MAX {
            return Err(member("files", format!("there are {}, at most {FILES_MAX} are allowed", list.files.len())));
        }
        let files = list
            .files
            .into_iter()
            .enumerate()
            .map(|(place, file)| file.checked(place))
            .collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeSet::new();
        if let Some(place) = files.iter().position(|file| !seen.insert(file.key.as_str())) {
            return Err(member(format!("files[{place}].key"), "it names a file that was named before"));
        }
        Ok(Self { source_bucket: source_bucket.into_owned(), columns, files })
    }
}

fn columns(schema: &str) -> Result<Vec<Column>, InventoryError> {
    let names: Vec<&str> = schema.split(',').map(str::trim).collect();
    let columns: Vec<Column> = names.iter().map(|name| Column::of_inventory(name)).collect();
    if columns.len() > super::records::COLUMNS_MAX {
        let rule = format!("it has {} columns, at most {} are allowed", columns.len(), super::records::COLUMNS_MAX);
        return Err(member("fileSchema", rule));
    }
    if Columns::of_inventory(&columns).is_none() {
        let rule = "it must name Bucket once, Key once, and Appid, VersionId, IsLatest, IsDeleteMarker at most once";
        return Err(member("fileSchema", rule));
    }
    Ok(columns)
}

impl File {
    fn checked(self, place: usize) -> Result<DataFile, InventoryError> {
        if self.key.is_empty() || self.key.len() > KEY_BYTES_MAX {
            let rule = format!("it has {} bytes, a key has 1 to {KEY_BYTES_MAX}", self.key.len());
            return Err(member(format!("files[{place}].key"), rule));
        }
        let size = match self.size {
            None => None,
            Some(Number::Number(size)) => Some(size),
            Some(Number::Text(text)) => {
                let size = text.trim().parse();
                Some(size.map_err(|_| member(format!("files[{place}].size"), "it is no number of bytes"))?)
            }
        };
        let md5 = match self.md5_checksum {
            Some(text) if !text.trim().is_empty() => Some(md5(&text).ok_or_else(|| {
                member(format!("files[{place}].md5Checksum"), "it is no MD5 in hexadecimal (32 digits)")
            })?),
            _ => None,
        };
        Ok(DataFile { key: self.key, size, md5 })
    }
}

/// The MD5 that a text holds, in lower-case hex; quotes and white space around it do not count.
#[must_use]
pub fn md5(text: &str) -> Option<String> {
    let digits = text.trim().trim_matches('"');
    (digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then(|| digits.to_ascii_lowercase())
}

/// Where the MD5 of a list is: beside it.
#[must_use]
pub fn checksum_key(list: &str) -> String {
    let folder = list.rfind('/').map_or(0, |slash| slash + 1);
    format!("{}manifest.checksum", &list[..folder])
}

fn member(member: impl Into<String>, rule: impl Into<String>) -> InventoryError {
    InventoryError::Member { member: member.into(), rule: rule.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_as_cos_writes_it() {
        let json = br#"{"sourceAppid": "1250000000", "sourceBucket": "photos", "destinationAppid": "1250000000",
            "destinationBucket": "lists", "fileFormat": "CSV", "listObjectCount": "13", "listStorageSize": "7",
            "filterObjectCount": "13", "filterStorageSize": "7",
            "fileSchema": "Appid, Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, ETag",
            "files": [{"key": "inv/data/a.csv.gz", "size": "502", "md5Checksum": "7D40288b9bdb0e8d7e7d3b9be1f40000"}]}"#;
        use Column::{Appid, Bucket, Ignore, IsDeleteMarker, IsLatest, Key, VersionId};
        let expected = Inventory {
            source_bucket: "photos-1250000000".into(),
            columns: vec![Appid, Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Ignore, Ignore],
            files: vec![DataFile {
                key: "inv/data/a.csv.gz".into(),
                size: Some(502),
                md5: Some("7d40288b9bdb0e8d7e7d3b9be1f40000".into()),
            }],
        };
        assert_eq!(Inventory::parse(json).unwrap(), expected);
    }

    #[test]
    fn a_list_as_s3_writes_it() {
        let json = br#"{"sourceBucket": "photos", "destinationBucket": "arn:aws:s3:::lists", "version": "2016-11-30",
            "creationTimestamp": "1514944800000", "fileFormat": "CSV", "fileSchema": "Bucket, Key, Size",
            "files": [{"key": "a.csv.gz", "size": 2147483647, "MD5checksum": "f11166069f1990abeb9c97ace9cdfabc"}]}"#;
        let inventory = Inventory::parse(json).unwrap();
        assert_eq!(inventory.source_bucket, "photos");
        assert_eq!(inventory.files[0].size, Some(2_147_483_647));
        assert!(inventory.files[0].md5.is_some());
    }

    #[test]
    fn where_the_checksum_is() {
        assert_eq!(checksum_key("a/b/manifest.json"), "a/b/manifest.checksum");
        assert_eq!(checksum_key("manifest.json"), "manifest.checksum");
        assert_eq!(md5(" \"D41D8CD98F00B204E9800998ECF8427E\"\n").unwrap(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(md5("d41d8cd98f00b204e9800998ecf8427"), None);
    }
}
