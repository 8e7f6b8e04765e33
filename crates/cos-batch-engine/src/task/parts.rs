//! Copying an object that one request cannot copy: into which parts, and with which attributes. Pure.

use std::ops::Range;

use cos_batch_objectstore::{Acl, Grant, MAX_PART_NUMBER, Metadata, ObjectMeta, StorageClass, Tag};

use crate::spec::{Change, CopySpec};

/// Usual size of a part, in bytes. A store copies it within seconds, so that a part that has to be copied again costs
/// little; and 10,000 of them are more than a terabyte.
pub const PART_BYTES: u64 = 128 * 1024 * 1024;

/// Largest part, in bytes: what one request copies (COS: 5 GB; S3: 5 GiB).
pub const PART_BYTES_MAX: u64 = 5_000_000_000;

/// Sizes of parts beyond the usual one are whole multiples of this many bytes.
const PART_BYTES_STEP: u64 = 1024 * 1024;

/// Which part has which bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    size: u64,
    part: u64,
}

/// No number of parts is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the object has {size} bytes, more than {MAX_PART_NUMBER} parts of {PART_BYTES_MAX} bytes, which is as much as can be \
     copied"
)]
pub struct TooLarge {
    size: u64,
}

impl Plan {
    /// For an object of `size` bytes in parts of `usual` bytes, or larger ones if it would be too many.
    ///
    /// # Errors
    /// More than 10,000 parts of 5 GB would be needed.
    pub fn new(size: u64, usual: u64) -> Result<Self, TooLarge> {
        let least = size.div_ceil(u64::from(MAX_PART_NUMBER));
        let usual = usual.clamp(1, PART_BYTES_MAX);
        let part =
            if least <= usual { usual } else { least.next_multiple_of(PART_BYTES_STEP).clamp(usual, PART_BYTES_MAX) };
        if least > part { Err(TooLarge { size }) } else { Ok(Self { size, part }) }
    }

    /// How many parts.
    #[must_use]
    pub fn parts(self) -> u16 {
        // Bounded when it was made.
        u16::try_from(self.size.div_ceil(self.part)).unwrap_or(MAX_PART_NUMBER)
    }

    /// The bytes of a part, by number from 1.
    #[must_use]
    pub fn range(self, number: u16) -> Range<u64> {
        let start = u64::from(number.saturating_sub(1)) * self.part;
        start..(start + self.part).min(self.size)
    }
}

/// Everything but the bytes of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Standard and user metadata.
    pub metadata: Metadata,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Grants.
    pub grants: Vec<Grant>,
    /// Canned access control list.
    pub canned_acl: Option<String>,
    /// Storage class.
    pub storage_class: StorageClass,
}

impl Attributes {
    /// Must the tags of the source be known?
    #[must_use]
    pub fn need_tags(copy: &CopySpec) -> bool {
        !matches!(copy.tags, Change::Replace(_))
    }

    /// What a copy in one request would give its target, which an upload in parts has to be told: class, access and
    /// encryption are reset unless they are asked for (COS, PUT Object - Copy).
    #[must_use]
    pub fn new(copy: &CopySpec, source: &ObjectMeta, tags: &[Tag], acl: &Acl) -> Self {
        let source_metadata = Metadata { server_side_encryption: None, ..source.metadata.clone() };
        Self {
            metadata: match &copy.metadata {
                Change::Copy => source_metadata,
                Change::Replace(new) => new.clone(),
                Change::Add(new) => merged(source_metadata, new),
            },
            tags: match &copy.tags {
                Change::Copy => tags.to_vec(),
                Change::Replace(new) => new.clone(),
                Change::Add(new) => {
                    let kept = tags.iter().filter(|tag| !new.iter().any(|other| other.key == tag.key));
                    kept.chain(new).cloned().collect()
                }
            },
            grants: match &copy.grants {
                Change::Copy => acl.grants.clone(),
                Change::Replace(new) => new.clone(),
                Change::Add(new) => {
                    let added = new.iter().filter(|grant| !acl.grants.contains(grant));
                    acl.grants.iter().chain(added).cloned().collect()
                }
            },
            canned_acl: match &copy.grants {
                Change::Replace(_) => copy.canned_acl.clone(),
                _ => copy.canned_acl.clone().or_else(|| acl.canned.clone()),
            },
            storage_class: copy.storage_class.clone().unwrap_or_default(),
        }
    }
}

/// `new` on top of `old`.
fn merged(mut old: Metadata, new: &Metadata) -> Metadata {
    old.user.extend(new.user.iter().map(|(name, value)| (name.clone(), value.clone())));
    let pick = |new: &Option<String>, old: Option<String>| new.clone().or(old);
    Metadata {
        cache_control: pick(&new.cache_control, old.cache_control),
        content_disposition: pick(&new.content_disposition, old.content_disposition),
        content_encoding: pick(&new.content_encoding, old.content_encoding),
        content_language: pick(&new.content_language, old.content_language),
        content_type: pick(&new.content_type, old.content_type),
        expires: pick(&new.expires, old.expires),
        server_side_encryption: new.server_side_encryption.clone(),
        user: old.user,
    }
}

/// Does an object that changed last at this Unix second meet the conditions of a copy?
#[must_use]
pub fn meets_conditions(copy: &CopySpec, last_modified: i64) -> bool {
    copy.modified_since.is_none_or(|since| last_modified > since)
        && copy.unmodified_since.is_none_or(|since| last_modified <= since)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_grow_when_there_would_be_too_many() {
        let most = u64::from(MAX_PART_NUMBER);
        let plan = |size| Plan::new(size, PART_BYTES).unwrap();
        assert_eq!((plan(1).parts(), plan(1).range(1)), (1, 0..1));
        assert_eq!(plan(PART_BYTES * most).parts(), MAX_PART_NUMBER);
        let more = plan(PART_BYTES * most + 1);
        assert_eq!(more.range(1), 0..PART_BYTES + PART_BYTES_STEP);
        assert!(more.parts() < MAX_PART_NUMBER);
        assert_eq!(plan(PART_BYTES_MAX * most).parts(), MAX_PART_NUMBER);
        let error = Plan::new(PART_BYTES_MAX * most + 1, PART_BYTES).unwrap_err();
        assert!(error.to_string().starts_with("the object has 50000000000001 bytes, more than 10000 parts"), "{error}");
    }

    proptest! {
        #[test]
        fn parts_cover_the_object_once(size in 1..=50_000_000_000_000_u64, usual in 1_000_000..=PART_BYTES_MAX) {
            let plan = Plan::new(size, usual).unwrap();
            let mut next = 0;
            for number in 1..=plan.parts() {
                let range = plan.range(number);
                prop_assert_eq!(range.start, next);
                prop_assert!(range.end > range.start && range.end - range.start <= PART_BYTES_MAX);
                next = range.end;
            }
            prop_assert_eq!(next, size);
        }
    }
}
