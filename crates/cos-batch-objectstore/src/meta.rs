//! Attributes of an object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an object is stored as, by its name on the wire (`STANDARD`, `STANDARD_IA`, `ARCHIVE`, …).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StorageClass(pub String);

impl StorageClass {
    /// The class everything has unless told otherwise.
    pub const STANDARD: &'static str = "STANDARD";

    /// By name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// `STANDARD`?
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.0 == Self::STANDARD
    }

    /// Has to be restored before it can be read?
    #[must_use]
    pub fn is_archive(&self) -> bool {
        matches!(self.0.as_str(), "ARCHIVE" | "DEEP_ARCHIVE" | "MAZ_ARCHIVE")
    }
}

impl Default for StorageClass {
    fn default() -> Self {
        Self(Self::STANDARD.to_owned())
    }
}

/// Standard headers and user metadata of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metadata {
    /// `Cache-Control`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-Disposition`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Encoding`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Language`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Content-Type`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Expires`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// `x-cos-server-side-encryption`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_encryption: Option<String>,
    /// `x-cos-meta-*`, by the name after the prefix.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user: BTreeMap<String, String>,
}

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag {
    /// Name, unique in a set.
    pub key: String,
    /// Value.
    pub value: String,
}

/// One grant of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// Who: `qcs::cam::uin/<uin>:uin/<uin>`.
    pub grantee: String,
    /// What: `READ`, `WRITE`, `FULL_CONTROL`.
    pub permission: String,
}

/// An access control list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// Grants.
    pub grants: Vec<Grant>,
    /// Canned list, if one was set and the store still knows which.
    pub canned: Option<String>,
}

/// State of a restore of an archived object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreState {
    /// Not readable yet.
    pub ongoing: bool,
    /// Unix second at which the readable copy goes away.
    pub expires: i64,
}

/// Proof of which object was seen: opaque, comes from [`ObjectMeta::pin`], goes into
/// [`GetRequest::pin`](crate::GetRequest::pin).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pin(pub String);

/// Attributes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Size in bytes.
    pub size: u64,
    /// ETag without quotes. Listings of stores that would have to read the object leave it empty.
    pub etag: String,
    /// Time of the last change, Unix seconds.
    pub last_modified: i64,
    /// Version id where the bucket keeps versions.
    pub version_id: Option<String>,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Standard and user metadata. Empty in listings.
    pub metadata: Metadata,
    /// Grants. Empty in listings, and in stores behind HTTP ([`ObjectStore::get_acl`](crate::ObjectStore::get_acl)).
    pub grants: Vec<Grant>,
    /// Canned access control list, if one was set. None where the grants are empty.
    pub canned_acl: Option<String>,
    /// Restore state of an archived object. None in listings.
    pub restore: Option<RestoreState>,
    /// Pins later reads to this very content.
    pub pin: Pin,
}
