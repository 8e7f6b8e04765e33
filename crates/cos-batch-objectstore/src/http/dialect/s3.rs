//! Amazon S3, and what speaks as it does.

use http::HeaderName;

use super::{Dialect, Names, percent_decoded};
use crate::{ErrorKind, http::encoding};

/// Bytes of a key at most (Amazon S3 User Guide, object key names).
const KEY_BYTES_MAX: usize = 1024;

/// The dialect of S3.
#[derive(Debug)]
pub(crate) struct S3;

static NAMES: Names = Names {
    user_metadata: "x-amz-meta-",
    acl: HeaderName::from_static("x-amz-acl"),
    copy_source: HeaderName::from_static("x-amz-copy-source"),
    copy_source_if_match: HeaderName::from_static("x-amz-copy-source-if-match"),
    copy_source_if_modified_since: HeaderName::from_static("x-amz-copy-source-if-modified-since"),
    copy_source_if_unmodified_since: HeaderName::from_static("x-amz-copy-source-if-unmodified-since"),
    copy_source_range: HeaderName::from_static("x-amz-copy-source-range"),
    delete_marker: HeaderName::from_static("x-amz-delete-marker"),
    encryption: HeaderName::from_static("x-amz-server-side-encryption"),
    grant_full_control: HeaderName::from_static("x-amz-grant-full-control"),
    grant_read: HeaderName::from_static("x-amz-grant-read"),
    grant_read_acp: HeaderName::from_static("x-amz-grant-read-acp"),
    grant_write_acp: HeaderName::from_static("x-amz-grant-write-acp"),
    metadata_directive: HeaderName::from_static("x-amz-metadata-directive"),
    restore: HeaderName::from_static("x-amz-restore"),
    storage_class: HeaderName::from_static("x-amz-storage-class"),
    tagging: HeaderName::from_static("x-amz-tagging"),
    tagging_directive: HeaderName::from_static("x-amz-tagging-directive"),
    version_id: HeaderName::from_static("x-amz-version-id"),
};

impl Dialect for S3 {
    fn names(&self) -> &'static Names {
        &NAMES
    }

    fn key_bytes_max(&self) -> usize {
        KEY_BYTES_MAX
    }

    /// Dot segments stay as they are: the signature is over the encoded path.
    fn write_key(&self, path: &mut String, key: &str) {
        encoding::write_path(path, key);
    }

    /// Bucket and key: `/photos/in/a.jpg`.
    fn copy_source(&self, _: &str, bucket: &str, key: &str, version: Option<&str>) -> String {
        let mut source = String::with_capacity(bucket.len() + 2 * key.len() + 64);
        source.push('/');
        source.push_str(bucket);
        source.push('/');
        encoding::write_path(&mut source, key);
        encoding::write_version(&mut source, version);
        source
    }

    fn copy_directive(&self) -> &'static str {
        "COPY"
    }

    fn replace_directive(&self) -> &'static str {
        "REPLACE"
    }

    /// Together they have rules of their own: a match that holds overrides the time (S3, CopyObject).
    fn may_combine_conditions(&self) -> bool {
        false
    }

    fn class_on_wire<'a>(&self, class: &'a str) -> &'a str {
        if class == "ARCHIVE" { "GLACIER" } else { class }
    }

    fn copies_name_standard_class(&self) -> bool {
        true
    }

    fn class_from_wire<'a>(&self, class: &'a str) -> &'a str {
        if class == "GLACIER" { "ARCHIVE" } else { class }
    }

    fn encryption_on_wire<'a>(&self, name: &'a str) -> &'a str {
        if name == "cos/kms" { "aws:kms" } else { name }
    }

    /// Every object of S3 is encrypted with AES256 at least.
    fn encryption_from_wire<'a>(&self, name: &'a str) -> Option<&'a str> {
        match name {
            "AES256" => None,
            "aws:kms" => Some("cos/kms"),
            other => Some(other),
        }
    }

    fn default_content_type(&self) -> &'static str {
        "binary/octet-stream"
    }

    fn default_acl(&self) -> &'static str {
        "private"
    }

    fn grants_to_groups(&self) -> bool {
        true
    }

    fn namespace(&self) -> Option<&'static str> {
        Some("http://s3.amazonaws.com/doc/2006-03-01/")
    }

    fn restore_parameters(&self) -> &'static str {
        "GlacierJobParameters"
    }

    fn list_type(&self) -> Option<(&'static str, &'static str)> {
        Some(("list-type", "2"))
    }

    fn list_after(&self) -> &'static str {
        "start-after"
    }

    /// S3 writes a space as `+`, and a plus as `%2B`.
    fn decode_listed(&self, text: &str) -> Option<String> {
        if text.contains('+') { percent_decoded(&text.replace('+', "%20")) } else { percent_decoded(text) }
    }

    fn restore_refusal(&self, status: u16, code: &str) -> Option<ErrorKind> {
        (status == 403 && code == "InvalidObjectState").then_some(ErrorKind::RestoreNonArchiveObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_a_copy_begins_with_the_bucket() {
        assert_eq!(S3.copy_source("h", "b", "a/../b c", None), "/b/a/../b%20c");
        assert_eq!(S3.copy_source("h", "b", "k", Some("null")), "/b/k?versionId=null");
    }

    #[test]
    fn classes_have_the_stores_names_there_and_ours_here() {
        for (ours, theirs) in [("ARCHIVE", "GLACIER"), ("DEEP_ARCHIVE", "DEEP_ARCHIVE"), ("STANDARD_IA", "STANDARD_IA")]
        {
            assert_eq!((S3.class_on_wire(ours), S3.class_from_wire(theirs)), (theirs, ours));
        }
    }

    #[test]
    fn listed_keys_are_decoded_as_forms() {
        assert_eq!(S3.decode_listed("a+b%2Bc%00%C3%A9").as_deref(), Some("a b+c\0é"));
        assert_eq!(S3.decode_listed("%FF"), None);
    }
}
