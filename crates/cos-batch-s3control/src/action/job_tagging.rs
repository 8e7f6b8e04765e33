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
    fn write(&self, encoder: &mut Encoder) {
        encoder.element("Tags", |encoder| {
            for tag in self.0 {
                encoder.element("member", |encoder| {
                    encoder.text("Key", &tag.key);
                    encoder.text("Value", &tag.value);
                });
            }
        });
    }

    fn size_hint(&self) -> usize {
        64 + self.0.len() * 128
    }
}

/// The answer to PutJobTagging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutJobTaggingResult;

impl XmlElement for PutJobTaggingResult {
    const ELEMENT: &'static str = "PutJobTaggingResult";
}

impl ToXml for PutJobTaggingResult {
    fn write(&self, _: &mut Encoder) {}

    fn size_hint(&self) -> usize {
        0
    }
}

/// The answer to DeleteJobTagging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteJobTaggingResult;

impl XmlElement for DeleteJobTaggingResult {
    const ELEMENT: &'static str = "DeleteJobTaggingResult";
}

impl ToXml for DeleteJobTaggingResult {
    fn write(&self, _: &mut Encoder) {}

    fn size_hint(&self) -> usize {
        0
    }
}
