//! Object tags.

use serde::Serialize;

use crate::{TagKey, TagValue};

/// One tag (`COSTag`).
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
