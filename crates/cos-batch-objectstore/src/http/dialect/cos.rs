//! Tencent COS (XML API).

use http::HeaderName;

use super::{Dialect, Names, percent_decoded};
use crate::{ErrorKind, http::encoding, rules::MAX_KEY_BYTES};

/// The dialect of COS.
#[derive(Debug)]
pub(crate) struct Cos;

static NAMES: Names = Names {
    user_metadata: "x-cos-meta-",
    acl: HeaderName::from_static("x-cos-acl"),
    copy_source: HeaderName::from_static("x-cos-copy-source"),
    copy_source_if_match: HeaderName::from_static("x-cos-copy-source-if-match"),
    copy_source_if_modified_since: HeaderName::from_static("x-cos-copy-source-if-modified-since"),
    copy_source_if_unmodified_since: HeaderName::from_static("x-cos-copy-source-if-unmodified-since"),
    copy_source_range: HeaderName::from_static("x-cos-copy-source-range"),
    delete_marker: HeaderName::from_static("x-cos-delete-marker"),
    encryption: HeaderName::from_static("x-cos-server-side-encryption"),
    grant_full_control: HeaderName::from_static("x-cos-grant-full-control"),
    grant_read: HeaderName::from_static("x-cos-grant-read"),
    grant_read_acp: HeaderName::from_static("x-cos-grant-read-acp"),
    grant_write_acp: HeaderName::from_static("x-cos-grant-write-acp"),
    metadata_directive: HeaderName::from_static("x-cos-metadata-directive"),
    restore: HeaderName::from_static("x-cos-restore"),
    storage_class: HeaderName::from_static("x-cos-storage-class"),
    tagging: HeaderName::from_static("x-cos-tagging"),
    tagging_directive: HeaderName::from_static("x-cos-tagging-directive"),
    version_id: HeaderName::from_static("x-cos-version-id"),
};

impl Dialect for Cos {
    fn names(&self) -> &'static Names {
        &NAMES
    }

    fn key_bytes_max(&self) -> usize {
        MAX_KEY_BYTES
    }

    /// As the official Python SDK does it: a slash after a dot is encoded too, so that nobody on the way takes the dots for
    /// steps of a path. The signature is over the decoded path.
    fn write_key(&self, path: &mut String, key: &str) {
        let start = path.len();
        encoding::write_path(path, key);
        if path[start..].contains("./") {
            let key = path.split_off(start);
            path.push_str(&key.replace("./", ".%2F"));
        }
    }

    /// Host and key: `photos-1250001111.cos.ap-guangzhou.myqcloud.com/in/a.jpg`, whatever style requests have.
    fn copy_source(&self, host: &str, bucket: &str, key: &str, version: Option<&str>) -> String {
        let mut source = String::with_capacity(bucket.len() + host.len() + 2 * key.len() + 64);
        source.push_str(bucket);
        source.push('.');
        source.push_str(host);
        source.push('/');
        encoding::write_path(&mut source, key);
        encoding::write_version(&mut source, version);
        source
    }

    fn copy_directive(&self) -> &'static str {
        "Copy"
    }

    fn replace_directive(&self) -> &'static str {
        "Replaced"
    }

    /// Only Unmodified-Since with Match, and Modified-Since with None-Match (COS, Upload Part - Copy).
    fn may_combine_conditions(&self) -> bool {
        false
    }

    fn class_on_wire<'a>(&self, class: &'a str) -> &'a str {
        class
    }

    /// In a bucket of several zones the class has another name.
    fn copies_name_standard_class(&self) -> bool {
        false
    }

    fn class_from_wire<'a>(&self, class: &'a str) -> &'a str {
        class
    }

    fn encryption_on_wire<'a>(&self, name: &'a str) -> &'a str {
        name
    }

    fn encryption_from_wire<'a>(&self, name: &'a str) -> Option<&'a str> {
        Some(name)
    }

    fn default_content_type(&self) -> &'static str {
        "application/octet-stream"
    }

    fn default_acl(&self) -> &'static str {
        "default"
    }

    fn grants_to_groups(&self) -> bool {
        false
    }

    fn namespace(&self) -> Option<&'static str> {
        None
    }

    fn restore_parameters(&self) -> &'static str {
        "CASJobParameters"
    }

    fn list_type(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    fn list_after(&self) -> &'static str {
        "marker"
    }

    /// A plus is a plus: COS writes a space as `%20`.
    fn decode_listed(&self, text: &str) -> Option<String> {
        percent_decoded(text)
    }

    fn restore_refusal(&self, _: u16, _: &str) -> Option<ErrorKind> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_the_official_sdk_does_it() {
        for (key, path) in [
            ("in/a b+c.txt", "in/a%20b%2Bc.txt"),
            ("a/./c/../d", "a/.%2Fc/..%2Fd"),
            ("//x/", "//x/"),
            ("%2F?#é", "%252F%3F%23%C3%A9"),
        ] {
            let mut written = "/".to_owned();
            Cos.write_key(&mut written, key);
            assert_eq!(&written[1..], path);
        }
    }

    #[test]
    fn the_source_of_a_copy_has_its_host() {
        let host = "cos.ap-guangzhou.myqcloud.com";
        assert_eq!(
            Cos.copy_source(host, "src-125", "a b/c?versionId=x", None),
            "src-125.cos.ap-guangzhou.myqcloud.com/a%20b/c%3FversionId%3Dx"
        );
        assert_eq!(
            Cos.copy_source(host, "src-125", "k", Some("MTg0+/=")),
            "src-125.cos.ap-guangzhou.myqcloud.com/k?versionId=MTg0%2B%2F%3D"
        );
    }
}
