//! Headers that say what an object is, read and written.

use std::collections::BTreeMap;

use cos_batch_objectstore::{Grant, Metadata, ObjectMeta, StorageClass, Tag};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::percent_decode_str;

use crate::{
    error::{Code, Failure},
    time,
};

const USER_METADATA: &str = "x-cos-meta-";
/// What objects can be stored as (COS, storage classes).
const STORAGE_CLASSES: [&str; 9] = [
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ARCHIVE",
    "DEEP_ARCHIVE",
    "MAZ_STANDARD",
    "MAZ_STANDARD_IA",
    "MAZ_INTELLIGENT_TIERING",
    "MAZ_ARCHIVE",
];
/// What `x-cos-acl` of an object may be; `default` is what there is without one.
const CANNED_ACLS: [&str; 5] =
    ["private", "public-read", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control"];
/// Headers that grant, and what.
const GRANTS: [(&str, &str); 4] = [
    ("x-cos-grant-read", "READ"),
    ("x-cos-grant-read-acp", "READ_ACP"),
    ("x-cos-grant-write-acp", "WRITE_ACP"),
    ("x-cos-grant-full-control", "FULL_CONTROL"),
];
/// What `x-cos-traffic-limit` may be, bits in a second (COS, PUT Object).
const TRAFFIC_LIMITS: std::ops::RangeInclusive<u64> = 819_200..=838_860_800;

/// Who may do what, as headers say it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AccessList {
    pub(crate) canned: Option<String>,
    pub(crate) grants: Vec<Grant>,
    /// Some header said something.
    pub(crate) given: bool,
}

/// Value of a header that is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Failure> {
    let value = headers.get(name).map(|value| std::str::from_utf8(value.as_bytes()));
    value.transpose().map_err(|_| Failure::new(Code::InvalidArgument, format!("the header {name} is not UTF-8")))
}

/// Standard and user metadata. Encryption with a key of the client's is refused: objects are kept as they are.
pub(crate) fn metadata(headers: &HeaderMap) -> Result<Metadata, Failure> {
    if let Some(name) = headers.keys().find(|name| name.as_str().contains("-encryption-customer-")) {
        let message = format!("{name}: encryption with keys of the client is not implemented");
        return Err(Failure::new(Code::NotImplemented, message));
    }
    let owned = |name: &str| text(headers, name).map(|value| value.map(str::to_owned));
    let server_side_encryption = owned("x-cos-server-side-encryption")?;
    if server_side_encryption.as_deref().is_some_and(|name| !matches!(name, "AES256" | "cos/kms")) {
        return Err(Failure::new(Code::InvalidArgument, "x-cos-server-side-encryption must be AES256 or cos/kms"));
    }
    if let Some(limit) = text(headers, "x-cos-traffic-limit")?
        && !limit.parse().is_ok_and(|limit| TRAFFIC_LIMITS.contains(&limit))
    {
        return Err(Failure::new(
            Code::InvalidArgument,
            "x-cos-traffic-limit must be 819200 to 838860800 bits per second",
        ));
    }
    let mut user = BTreeMap::new();
    for name in headers.keys() {
        if let Some(short) = name.as_str().strip_prefix(USER_METADATA).filter(|short| !short.is_empty()) {
            let value = text(headers, name.as_str())?.unwrap_or_default();
            user.insert(short.to_owned(), value.to_owned());
        }
    }
    Ok(Metadata {
        cache_control: owned("cache-control")?,
        content_disposition: owned("content-disposition")?,
        content_encoding: owned("content-encoding")?,
        content_language: owned("content-language")?,
        content_type: owned("content-type")?,
        expires: owned("expires")?,
        server_side_encryption,
        user,
    })
}

/// `x-cos-storage-class`, if it is given.
pub(crate) fn storage_class(headers: &HeaderMap) -> Result<Option<StorageClass>, Failure> {
    let Some(name) = text(headers, "x-cos-storage-class")? else { return Ok(None) };
    if STORAGE_CLASSES.contains(&name) {
        return Ok(Some(StorageClass::new(name)));
    }
    let message = format!("x-cos-storage-class must be one of {}, not {name:?}", STORAGE_CLASSES.join(", "));
    Err(Failure::new(Code::NotSupportedStorageClass, message))
}

/// `x-cos-tagging`, if it is given: `name=value` joined by `&`, each side percent-encoded.
pub(crate) fn tags(headers: &HeaderMap) -> Result<Option<Vec<Tag>>, Failure> {
    let Some(pairs) = text(headers, "x-cos-tagging")? else { return Ok(None) };
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        let bytes: Vec<u8> = percent_decode_str(&spaced).collect();
        String::from_utf8(bytes).map_err(|_| Failure::new(Code::InvalidArgument, "x-cos-tagging is not UTF-8"))
    };
    let pairs = pairs.split('&').filter(|pair| !pair.is_empty());
    let tag = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok(Tag { key: decode(key)?, value: decode(value)? })
    };
    pairs.map(tag).collect::<Result<_, _>>().map(Some)
}

/// `x-cos-acl` and the grants.
pub(crate) fn access_list(headers: &HeaderMap) -> Result<AccessList, Failure> {
    let mut list = AccessList::default();
    if let Some(name) = text(headers, "x-cos-acl")? {
        list.given = true;
        if name != "default" {
            if !CANNED_ACLS.contains(&name) {
                let message = format!("x-cos-acl must be default, {}, not {name:?}", CANNED_ACLS.join(", "));
                return Err(Failure::new(Code::InvalidArgument, message));
            }
            list.canned = Some(name.to_owned());
        }
    }
    for (header, permission) in GRANTS {
        let Some(value) = text(headers, header)? else { continue };
        list.given = true;
        for grantee in value.split(',').map(str::trim).filter(|grantee| !grantee.is_empty()) {
            let id = grantee.strip_prefix("id=").map(|id| id.trim_matches('"')).filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| {
                Failure::new(
                    Code::InvalidArgument,
                    format!("{header} must be id=\"…\", or several with commas between"),
                )
            })?;
            list.grants.push(Grant { grantee: grantee_of(id), permission: permission.to_owned() });
        }
    }
    Ok(list)
}

/// The long form of an account's id.
pub(crate) fn grantee_of(id: &str) -> String {
    if id.bytes().all(|b| b.is_ascii_digit()) { format!("qcs::cam::uin/{id}:uin/{id}") } else { id.to_owned() }
}

/// What a GET or HEAD tells of an object.
pub(crate) fn describe(meta: &ObjectMeta, headers: &mut HeaderMap) {
    let metadata = &meta.metadata;
    for (name, value) in [
        (header::CACHE_CONTROL, &metadata.cache_control),
        (header::CONTENT_DISPOSITION, &metadata.content_disposition),
        (header::CONTENT_ENCODING, &metadata.content_encoding),
        (header::CONTENT_LANGUAGE, &metadata.content_language),
        (header::EXPIRES, &metadata.expires),
        (HeaderName::from_static("x-cos-server-side-encryption"), &metadata.server_side_encryption),
        (HeaderName::from_static("x-cos-version-id"), &meta.version_id),
    ] {
        if let Some(value) = value {
            put(headers, name, value);
        }
    }
    put(headers, header::CONTENT_TYPE, metadata.content_type.as_deref().unwrap_or("application/octet-stream"));
    for (name, value) in &metadata.user {
        if let Ok(name) = HeaderName::try_from(format!("{USER_METADATA}{name}")) {
            put(headers, name, value);
        }
    }
    put(headers, header::ETAG, &quoted(&meta.etag));
    put(headers, header::LAST_MODIFIED, &time::http(meta.last_modified));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if !meta.storage_class.is_standard() {
        put(headers, HeaderName::from_static("x-cos-storage-class"), &meta.storage_class.0);
    }
    if meta.storage_class.0.ends_with("INTELLIGENT_TIERING") {
        headers.insert("x-cos-storage-tier", HeaderValue::from_static("FREQUENT"));
    }
    if let Some(restore) = meta.restore {
        let text = if restore.ongoing {
            "ongoing-request=\"true\"".to_owned()
        } else {
            format!("ongoing-request=\"false\", expiry-date=\"{}\"", time::http(restore.expires))
        };
        put(headers, HeaderName::from_static("x-cos-restore"), &text);
    }
}

/// Says how what was written is encrypted.
pub(crate) fn tell_encryption(headers: &mut HeaderMap, metadata: &Metadata) {
    if let Some(name) = &metadata.server_side_encryption {
        put(headers, HeaderName::from_static("x-cos-server-side-encryption"), name);
    }
}

/// Sets a header; what cannot stand in one, by hand in a file's sidecar, is left out.
pub(crate) fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

pub(crate) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn metadata_comes_and_goes() {
        let given = headers(&[("content-type", "a/b"), ("x-cos-meta-one", "1"), ("expires", "x"), ("x-other", "y")]);
        let metadata = metadata(&given).unwrap();
        assert_eq!((metadata.content_type.as_deref(), metadata.user["one"].as_str()), (Some("a/b"), "1"));
        let meta = ObjectMeta {
            size: 1,
            etag: "e".into(),
            last_modified: 784_111_777,
            version_id: None,
            storage_class: StorageClass::new("ARCHIVE"),
            metadata,
            grants: Vec::new(),
            canned_acl: None,
            restore: Some(cos_batch_objectstore::RestoreState { ongoing: false, expires: 784_111_777 }),
            pin: cos_batch_objectstore::Pin(String::new()),
        };
        let mut told = HeaderMap::new();
        describe(&meta, &mut told);
        for (name, value) in [
            ("content-type", "a/b"),
            ("x-cos-meta-one", "1"),
            ("etag", "\"e\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("x-cos-storage-class", "ARCHIVE"),
            ("x-cos-restore", "ongoing-request=\"false\", expiry-date=\"Sun, 06 Nov 1994 08:49:37 GMT\""),
        ] {
            assert_eq!(told[name], value);
        }
        assert!(!told.contains_key("x-other"));
    }

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        for (pairs, code) in [
            (vec![("x-cos-server-side-encryption-customer-key", "k")], "NotImplemented"),
            (vec![("x-cos-server-side-encryption", "rot13")], "InvalidArgument"),
            (vec![("x-cos-traffic-limit", "819199")], "InvalidArgument"),
        ] {
            assert_eq!(metadata(&headers(&pairs)).unwrap_err().code, code);
        }
        assert!(metadata(&headers(&[("x-cos-traffic-limit", "819200")])).is_ok());
        assert_eq!(
            storage_class(&headers(&[("x-cos-storage-class", "COLD")])).unwrap_err().code,
            "NotSupportedStorageClass"
        );
        assert_eq!(access_list(&headers(&[("x-cos-acl", "public-read-write")])).unwrap_err().code, "InvalidArgument");
        assert!(access_list(&headers(&[("x-cos-grant-read", "uin=\"1\"")])).is_err());
    }

    #[test]
    fn tags_and_grants() {
        let tags = tags(&headers(&[("x-cos-tagging", "a%20b=c%26d&e=&f")])).unwrap().unwrap();
        let pairs: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        assert_eq!(pairs, [("a b", "c&d"), ("e", ""), ("f", "")]);
        let list = access_list(&headers(&[("x-cos-grant-read", "id=\"100\", id=\"qcs::cam::uin/1:uin/2\"")])).unwrap();
        let ids: Vec<_> = list.grants.iter().map(|grant| grant.grantee.as_str()).collect();
        assert_eq!(ids, ["qcs::cam::uin/100:uin/100", "qcs::cam::uin/1:uin/2"]);
        assert!(list.given && list.canned.is_none());
        let default = access_list(&headers(&[("x-cos-acl", "default")])).unwrap();
        assert_eq!(default, AccessList { given: true, ..AccessList::default() });
    }
}
