//! GetJobTagging, PutJobTagging, DeleteJobTagging: `/v20180820/jobs/{id}/tagging`. The tags that are put are a
//! [body](crate::request::PutJobTaggingRequest).

use cos_batch_model::xml::{Encoder, ToXml, XmlElement};
use cos_batch_objectstore::Tag;

/// The answer to GetJobTagging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetJobTaggingResult<'a>(pub &'a [Tag]);

impl XmlElement for GetJobTaggingResult<'_> {
    const ELEMENT: &'static str = "GetJobTaggingResult";
}

impl ToXml for GetJobTaggingResult<'_> {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.element("Tags", |encoder| {
            encoder.each(self.0, |encoder, tag| {
                encoder.element("member", |encoder| encoder.text("Key", &tag.key).text("Value", &tag.value))
            })
        })
    }
}

/// The answer to PutJobTagging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutJobTaggingResult;

impl XmlElement for PutJobTaggingResult {
    const ELEMENT: &'static str = "PutJobTaggingResult";
}

impl ToXml for PutJobTaggingResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
    }
}

/// The answer to DeleteJobTagging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteJobTaggingResult;

impl XmlElement for DeleteJobTaggingResult {
    const ELEMENT: &'static str = "DeleteJobTaggingResult";
}

impl ToXml for DeleteJobTaggingResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
    }
}
