//! New metadata for a copied object.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::{HeaderText, Lenient, MetadataKey, MetadataValue};

wire_enum! {
    /// How the store encrypts an object (COS Batch API, common elements).
    pub enum SseAlgorithm in "SSEAlgorithm" {
        /// AES-256 with keys that COS keeps.
        Aes256 = "AES256",
    }
}

/// New metadata for each copied object (COS Batch API, common elements, `NewObjectMetadata`).
///
/// With everything left out it is as good as absent, and is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewObjectMetadata {
    /// Cache-Control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<HeaderText>,
    /// Content-Disposition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<HeaderText>,
    /// Content-Encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<HeaderText>,
    /// Content-Type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<HeaderText>,
    /// Expires. A timestamp in the documentation's outline, a string in its table and in
    /// clients; kept as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_expires_date: Option<HeaderText>,
    /// How the copy is encrypted.
    #[serde(rename = "SSEAlgorithm", skip_serializing_if = "Option::is_none")]
    pub sse_algorithm: Option<Lenient<SseAlgorithm>>,
    /// The `x-cos-meta-*` headers; at most [`Self::MAX_USER_METADATA_BYTES`] together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_metadata: Vec<UserMetadata>,
}

impl NewObjectMetadata {
    /// Most bytes of all user metadata together, names and values (COS, PUT Object: 2 KB).
    pub const MAX_USER_METADATA_BYTES: usize = 2048;

    /// Whether anything is set that a `MetadataDirective` rules: everything but encryption.
    pub(crate) fn has_headers(&self) -> bool {
        self.cache_control.is_some()
            || self.content_disposition.is_some()
            || self.content_encoding.is_some()
            || self.content_type.is_some()
            || self.http_expires_date.is_some()
            || !self.user_metadata.is_empty()
    }
}

/// One `x-cos-meta-*` header (`member` of `UserMetadata`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserMetadata {
    /// The header's name without `x-cos-meta-`.
    pub key: MetadataKey,
    /// The header's value.
    pub value: MetadataValue,
}
