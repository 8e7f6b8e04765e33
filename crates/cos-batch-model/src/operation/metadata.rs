//! New metadata for a copied object.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{DecodeError, HeaderText, Lenient, MetadataKey, MetadataValue};

wire_enum! {
    /// How the store encrypts an object (COS Batch API, common elements).
    #[non_exhaustive]
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

    /// Whether everything is left out.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_headers() && self.sse_algorithm.is_none()
    }

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
///
/// Source: COS Batch API, common elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserMetadata {
    /// The header's name without `x-cos-meta-`.
    pub key: MetadataKey,
    /// The header's value.
    pub value: MetadataValue,
}

impl XmlElement for NewObjectMetadata {
    const ELEMENT: &'static str = "NewObjectMetadata";
}

impl ToXml for NewObjectMetadata {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .optional_scalar(tags!("CacheControl"), self.cache_control.as_ref())
            .optional_scalar(tags!("ContentDisposition"), self.content_disposition.as_ref())
            .optional_scalar(tags!("ContentEncoding"), self.content_encoding.as_ref())
            .optional_scalar(tags!("ContentType"), self.content_type.as_ref())
            .optional_scalar(tags!("HttpExpiresDate"), self.http_expires_date.as_ref())
            .optional_choice(tags!("SSEAlgorithm"), self.sse_algorithm.as_ref())
            .optional_list(tags!("UserMetadata"), tags!("member"), &self.user_metadata)
    }
}

impl FromXml for NewObjectMetadata {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut cache_control = Slot::Absent;
        let mut content_disposition = Slot::Absent;
        let mut content_encoding = Slot::Absent;
        let mut content_type = Slot::Absent;
        let mut http_expires_date = Slot::Absent;
        let mut sse_algorithm = Slot::Absent;
        let mut user_metadata = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "CacheControl" => decoder.text_of(&mut cache_control, &child, "CacheControl")?,
                "ContentDisposition" => decoder.text_of(&mut content_disposition, &child, "ContentDisposition")?,
                "ContentEncoding" => decoder.text_of(&mut content_encoding, &child, "ContentEncoding")?,
                "ContentType" => decoder.text_of(&mut content_type, &child, "ContentType")?,
                "HttpExpiresDate" => decoder.text_of(&mut http_expires_date, &child, "HttpExpiresDate")?,
                "SSEAlgorithm" => decoder.choice(&mut sse_algorithm, &child, "SSEAlgorithm")?,
                "UserMetadata" => decoder.list(&mut user_metadata, &child, "UserMetadata")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            cache_control: cache_control.optional_text(),
            content_disposition: content_disposition.optional_text(),
            content_encoding: content_encoding.optional_text(),
            content_type: content_type.optional_text(),
            http_expires_date: http_expires_date.optional_text(),
            sse_algorithm: sse_algorithm.optional(),
            user_metadata: user_metadata.optional().unwrap_or_default(),
        })
    }
}

impl XmlElement for UserMetadata {
    const ELEMENT: &'static str = "member";
}

impl ToXml for UserMetadata {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.scalar(tags!("Key"), &self.key).scalar(tags!("Value"), &self.value)
    }
}

impl FromXml for UserMetadata {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut key = Slot::Absent;
        let mut value = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Key" => decoder.text(&mut key, &child)?,
                "Value" => decoder.text(&mut value, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { key: key.required(decoder, "Key")?, value: value.required(decoder, "Value")? })
    }
}
