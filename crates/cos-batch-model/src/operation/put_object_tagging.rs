//! Tagging objects.

use serde::Serialize;

use crate::{Directive, Lenient, Tag};

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
