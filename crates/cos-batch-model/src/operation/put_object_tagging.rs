//! Tagging objects.

use serde::Serialize;

use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{DecodeError, Directive, Lenient, Tag};

/// Give each object tags (`COSPutObjectTagging`). Known from the official Go SDK; the
/// documentation does not mention it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutObjectTagging {
    /// Whether the tags replace those that an object has, or are added; replace if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tagging_directive: Option<Lenient<Directive>>,
    /// The tags; at most [`Tag::MAX_PER_OBJECT`].
    pub tag_set: Vec<Tag>,
}

impl XmlElement for PutObjectTagging {
    const ELEMENT: &'static str = "COSPutObjectTagging";
}

impl ToXml for PutObjectTagging {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .optional_choice(tags!("TaggingDirective"), self.tagging_directive.as_ref())
            .list("TagSet", &self.tag_set)
    }
}

impl FromXml for PutObjectTagging {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut tagging_directive = Slot::Absent;
        let mut tag_set = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "TaggingDirective" => {
                    decoder.choice(&mut tagging_directive, &child, "TaggingDirective")?;
                }
                "TagSet" => decoder.list(&mut tag_set, &child, "TagSet")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { tagging_directive: tagging_directive.optional(), tag_set: tag_set.required(decoder, "TagSet")? })
    }
}
