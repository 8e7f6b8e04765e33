//! Object tags.

use serde::Serialize;

use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{DecodeError, TagKey, TagValue};

/// One tag (`COSTag`).
///
/// Source: COS Batch API, common elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key; no two tags of an object share one.
    pub key: TagKey,
    /// Its value.
    pub value: TagValue,
}

impl Tag {
    /// Most tags of one object (COS, PUT Object tagging).
    pub const MAX_PER_OBJECT: usize = 10;
}

impl XmlElement for Tag {
    const ELEMENT: &'static str = "COSTag";
}

impl ToXml for Tag {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.scalar(tags!("Key"), &self.key).scalar(tags!("Value"), &self.value)
    }
}

impl FromXml for Tag {
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
