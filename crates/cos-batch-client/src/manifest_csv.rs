//! The list of a job's objects.

use std::fmt::Write as _;

use bytes::Bytes;
use cos_batch_model::{BucketArn, ManifestField, ValidationError};
use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::JobBuilder;

/// Longest key of a row, in bytes. Servers have narrower limits of their own: COS 850 bytes.
///
/// Source: Amazon S3 User Guide, *Naming Amazon S3 objects*.
pub const KEY_BYTES_MAX: usize = 1024;

/// What is left as it is in a key: everything else would have to be told from the commas, quotes and line ends of a list.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A CSV manifest in the making: objects of one bucket, each with the keys percent-encoded as COS Batch reads them.
///
/// It is kept in memory, some 30 bytes and the key for each object. Put [`bytes`](Self::bytes) into a bucket with whatever puts
/// your objects there, at once and not in parts, and make the [`job`](Self::job) over it.
///
/// ```
/// use cos_batch_client::ManifestCsv;
///
/// let mut list = ManifestCsv::new("photos-1250000000")?;
/// list.push("2025/a, b.jpg")?;
/// list.push_version("2025/c.jpg", "MTg0NDY3")?;
/// assert_eq!(list.bytes(), "photos-1250000000,2025/a%2C%20b.jpg,\nphotos-1250000000,2025/c.jpg,MTg0NDY3\n");
///
/// let job = list.job("ap-guangzhou", "lists/2025.csv").copy_to("backup-1250000000").build("2025")?;
/// assert_eq!(job.manifest.location.e_tag.as_str(), list.etag());
/// assert_eq!(job.manifest.spec.fields.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ManifestCsv {
    bucket: String,
    text: String,
    rows: u64,
    has_versions: bool,
}

impl ManifestCsv {
    /// An empty list of objects of this bucket.
    ///
    /// # Errors
    ///
    /// It cannot be a bucket's name.
    pub fn new(bucket: impl Into<String>) -> Result<Self, ValidationError> {
        let bucket = bucket.into();
        // The region does not matter for that.
        BucketArn::for_bucket("local", &bucket)?;
        Ok(Self { bucket, text: String::new(), rows: 0, has_versions: false })
    }

    /// Adds an object: its newest version when the job comes to it.
    ///
    /// # Errors
    ///
    /// The key is empty or longer than [`KEY_BYTES_MAX`].
    pub fn push(&mut self, key: &str) -> Result<(), ValidationError> {
        check(key)?;
        self.add(key, "");
        Ok(())
    }

    /// Adds one version of an object. The list then has a column for versions; it is empty for what was added without.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), and where the version has a comma, a quote or a control character. What else the server does not
    /// take for a version it says itself.
    pub fn push_version(&mut self, key: &str, version: &str) -> Result<(), ValidationError> {
        if let Some(at_byte) = version.bytes().position(|byte| byte.is_ascii_control() || matches!(byte, b',' | b'"')) {
            let rule = "has a comma, a quote or a control character";
            return Err(ValidationError::Characters { field: "VersionId", rule, at_byte });
        }
        check(key)?;
        if !self.has_versions {
            self.has_versions = true;
            // No field has a line end: in keys they are encoded.
            self.text = self.text.replace('\n', ",\n");
        }
        self.add(key, version);
        Ok(())
    }

    fn add(&mut self, key: &str, version: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.text, "{},{}", self.bucket, utf8_percent_encode(key, KEY));
        if self.has_versions {
            self.text.push(',');
            self.text.push_str(version);
        }
        self.text.push('\n');
        self.rows += 1;
    }

    /// Objects so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns that the list has.
    pub fn columns(&self) -> Vec<ManifestField> {
        let columns = [ManifestField::Bucket, ManifestField::Key, ManifestField::VersionId];
        columns[..if self.has_versions { 3 } else { 2 }].to_vec()
    }

    /// The list itself.
    pub fn bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.text.as_bytes())
    }

    /// The ETag that a store gives to an object with these bytes that was put at once: their MD5 in hexadecimal digits. A store
    /// that encrypts with keys of its own, and an object that is put in parts, have another one: use what the store says.
    pub fn etag(&self) -> String {
        Md5::digest(&self.text).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// A job over this list, which is in the same bucket under this key.
    pub fn job(&self, region: impl Into<String>, key: &str) -> JobBuilder {
        JobBuilder::new(region, &format!("{}/{key}", self.bucket), &self.etag()).columns(self.columns())
    }
}

fn check(key: &str) -> Result<(), ValidationError> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(());
    }
    Err(ValidationError::Length { field: "Key", min: 1, max: KEY_BYTES_MAX, actual: key.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_any_kind_is_one_field() {
        let mut list = ManifestCsv::new("b-1250000000").unwrap();
        for key in ["a", "a,b", "\"a\"", "a\nb", "a b+c%d", "\u{597d}", "./..", &"k".repeat(KEY_BYTES_MAX)] {
            list.push(key).unwrap();
        }
        let text = String::from_utf8(list.bytes().to_vec()).unwrap();
        assert_eq!((text.lines().count(), list.rows()), (8, 8));
        assert!(text.lines().all(|line| line.split(',').count() == 2 && !line.contains('"')), "{text}");
        assert!(
            text.contains("b-1250000000,a%2Cb\n") && text.contains(",a%20b%2Bc%25d\n") && text.contains(",%E5%A5%BD\n")
        );
    }

    #[test]
    fn what_is_no_key_and_no_bucket_is_refused() {
        let mut list = ManifestCsv::new("b-1250000000").unwrap();
        for length in [0, KEY_BYTES_MAX + 1] {
            let said = list.push(&"k".repeat(length)).unwrap_err().to_string();
            assert!(said.contains("Key") && said.contains(&length.to_string()), "{said}");
        }
        assert_eq!((list.rows(), list.bytes().len()), (0, 0));
        for bucket in ["", "a,b-1250000000", "a b"] {
            assert!(ManifestCsv::new(bucket).is_err(), "{bucket}");
        }
    }

    #[test]
    fn versions_get_a_column_when_there_is_one() {
        let mut list = ManifestCsv::new("b-1250000000").unwrap();
        list.push("a").unwrap();
        // What is refused changes nothing.
        assert!(list.push_version("", "v1").is_err() && list.push_version("b", "v\"1").is_err());
        assert_eq!((list.columns().len(), list.rows()), (2, 1));
        list.push_version("b", "v1").unwrap();
        list.push("c").unwrap();
        assert!(list.push_version("d", "v,1").unwrap_err().to_string().contains("VersionId"));
        assert_eq!(list.bytes(), "b-1250000000,a,\nb-1250000000,b,v1\nb-1250000000,c,\n");
        assert_eq!(list.columns(), [ManifestField::Bucket, ManifestField::Key, ManifestField::VersionId]);
    }
}
