//! Limits and rules that hold in every store, each checked at one place.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    BucketVersioning, Conditions, ErrorKind, Grant, Metadata, OperationId, RestoreRequest, StorageClass, Tag,
    fail::Fail,
};

/// Bytes of a key at most (COS Object API: 1–850 bytes of UTF-8).
pub const MAX_KEY_BYTES: usize = 850;
/// Tags of an object at most (COS Object API, PUT Object tagging).
pub const MAX_TAGS: usize = 10;
/// Bytes of a tag's key at most (COS Object API, PUT Object tagging).
pub const MAX_TAG_KEY_BYTES: usize = 128;
/// Bytes of a tag's value at most (COS Object API, PUT Object tagging).
pub const MAX_TAG_VALUE_BYTES: usize = 256;
/// Bytes of all user metadata of an object at most, names and values (COS Object API: `x-cos-meta-*`, 2 KB).
pub const MAX_USER_METADATA_BYTES: usize = 2048;
/// Bytes of all standard headers of an object at most: what common HTTP servers accept as headers of one request.
pub const MAX_HEADER_BYTES: usize = 8192;
/// Grants of an object at most (COS Object API, PUT Object acl).
pub const MAX_GRANTS: usize = 100;
/// Bytes of a grantee, of a permission and of a canned access control list's name at most; real ones are far shorter.
pub const MAX_GRANT_BYTES: usize = 256;
/// Days a restored object stays readable at most (COS Batch API, COSInitiateRestoreObject).
pub const MAX_RESTORE_DAYS: u16 = 365;
/// Keys of one page of a listing at most (COS Object API, GET Bucket).
pub const MAX_LIST_LIMIT: usize = 1000;
/// Bytes that one [`get_range`](crate::ObjectStore::get_range) of this crate's own stores gives at most; the answer is
/// one buffer, so a larger object is read piece by piece.
pub const MAX_RANGE_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of a part that is not the last at least, unless a store is told otherwise (COS Object API, Complete Multipart
/// Upload: 1 MB).
pub const MIN_PART_BYTES: u64 = 1024 * 1024;
/// Bytes of what one request writes at most: an object, or a part (COS Object API, PUT Object and Upload Part: 5 GB).
pub const MAX_PUT_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes of what one request copies at most, unless a store is told otherwise: an object, or a part (COS Object API, PUT
/// Object - Copy: 5 GB).
pub const MAX_COPY_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes of a bucket's name at most (COS Object API: the host name is at most 60 bytes; S3 allows 63).
pub const MAX_BUCKET_NAME_BYTES: usize = 63;

/// Id of the version that was written while a bucket kept no versions.
pub(crate) const NULL_VERSION: &str = "null";
const SECONDS_PER_DAY: i64 = 86_400;

/// What a store can be told to demand, so that a test of large objects needs none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) min_part: u64,
    pub(crate) max_copy: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { min_part: MIN_PART_BYTES, max_copy: MAX_COPY_BYTES }
    }
}

impl Sizes {
    /// Refuses to copy more than one request may.
    pub(crate) fn check_copy(&self, size: u64) -> Result<(), Fail> {
        if size <= self.max_copy {
            return Ok(());
        }
        let reason =
            format!("one request copies at most {} bytes, and these are {size}: copy them in parts", self.max_copy);
        Err(Fail::new(ErrorKind::EntityTooLarge, reason))
    }
}

/// Refuses more bytes than one request may write.
pub(crate) fn check_put_size(size: u64) -> Result<(), Fail> {
    if size <= MAX_PUT_BYTES {
        return Ok(());
    }
    let reason = format!("one request writes at most {MAX_PUT_BYTES} bytes, and these are at least {size}");
    Err(Fail::new(ErrorKind::EntityTooLarge, reason))
}

/// What a bucket does with what it replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// Never kept versions.
    #[default]
    Off,
    /// Each write makes a version.
    Enabled,
    /// Kept versions once; a write makes the `null` version.
    Suspended,
}

impl Versioning {
    /// After switching on or off; a bucket that kept versions once never goes back to `Off`.
    pub(crate) fn switched(self, on: bool) -> Self {
        match (self, on) {
            (_, true) => Self::Enabled,
            (Self::Off, false) => Self::Off,
            (_, false) => Self::Suspended,
        }
    }

    /// As callers see it.
    pub(crate) fn shown(self) -> Option<BucketVersioning> {
        match self {
            Self::Off => None,
            Self::Enabled => Some(BucketVersioning::Enabled),
            Self::Suspended => Some(BucketVersioning::Suspended),
        }
    }

    /// What an object's version id is reported as.
    pub(crate) fn reported(self, id: &str) -> Option<String> {
        (self != Self::Off).then(|| id.to_owned())
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), Fail> {
    if (1..=MAX_KEY_BYTES).contains(&key.len()) {
        return Ok(());
    }
    let reason = format!("a key has 1–{MAX_KEY_BYTES} bytes, this one has {}", key.len());
    Err(Fail::new(ErrorKind::InvalidObjectName, reason))
}

/// Lower-case letters, digits, hyphens and dots inside: what COS and S3 allow.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=MAX_BUCKET_NAME_BYTES).contains(&bytes.len())
        && bytes.iter().all(|&b| edge(b) || b == b'-' || b == b'.')
        && bytes.first().copied().is_some_and(edge)
        && bytes.last().copied().is_some_and(edge)
        // Labels of a host: each begins and ends with a letter or digit too.
        && !["..", ".-", "-."].iter().any(|pair| name.contains(pair))
}

pub(crate) fn check_new_bucket(name: &str) -> Result<(), Fail> {
    if is_bucket_name(name) {
        return Ok(());
    }
    let reason = format!(
        "a bucket's name has 1–{MAX_BUCKET_NAME_BYTES} bytes of a–z, 0–9, hyphen and dot, with a letter or digit at each end and on both sides of a dot"
    );
    Err(Fail::new(ErrorKind::InvalidArgument, reason))
}

/// Checks a set of tags and orders it by key.
pub(crate) fn checked_tags(tags: &[Tag]) -> Result<Vec<Tag>, Fail> {
    let refuse = |reason: String| Err(Fail::new(ErrorKind::InvalidTag, reason));
    if tags.len() > MAX_TAGS {
        return refuse(format!("an object has at most {MAX_TAGS} tags, these are {}", tags.len()));
    }
    let mut keys = BTreeSet::new();
    for tag in tags {
        if !(1..=MAX_TAG_KEY_BYTES).contains(&tag.key.len()) {
            return refuse(format!("a tag's key has 1–{MAX_TAG_KEY_BYTES} bytes, this one has {}", tag.key.len()));
        }
        if tag.value.len() > MAX_TAG_VALUE_BYTES {
            return refuse(format!(
                "a tag's value has at most {MAX_TAG_VALUE_BYTES} bytes, this one has {}",
                tag.value.len()
            ));
        }
        if !keys.insert(tag.key.as_str()) {
            return refuse(format!("the tag key {:?} occurs twice", tag.key));
        }
    }
    let mut tags = tags.to_vec();
    tags.sort();
    Ok(tags)
}

pub(crate) fn check_metadata(metadata: &Metadata) -> Result<(), Fail> {
    let user: usize = metadata.user.iter().map(|(name, value)| name.len() + value.len()).sum();
    let standard = [
        &metadata.cache_control,
        &metadata.content_disposition,
        &metadata.content_encoding,
        &metadata.content_language,
        &metadata.content_type,
        &metadata.expires,
        &metadata.server_side_encryption,
    ];
    let standard: usize = standard.into_iter().flatten().map(String::len).sum();
    for (what, size, max) in
        [("user metadata", user, MAX_USER_METADATA_BYTES), ("standard headers", standard, MAX_HEADER_BYTES)]
    {
        if size > max {
            return Err(Fail::new(
                ErrorKind::InvalidArgument,
                format!("{what} have at most {max} bytes, these have {size}"),
            ));
        }
    }
    Ok(())
}

pub(crate) fn check_grants(grants: &[Grant], canned: Option<&str>) -> Result<(), Fail> {
    let too_long = |s: &str| s.len() > MAX_GRANT_BYTES;
    if grants.len() > MAX_GRANTS {
        let reason = format!("an object has at most {MAX_GRANTS} grants, these are {}", grants.len());
        return Err(Fail::new(ErrorKind::InvalidArgument, reason));
    }
    if grants.iter().any(|g| too_long(&g.grantee) || too_long(&g.permission)) || canned.is_some_and(too_long) {
        let reason = format!("a grantee, a permission and a canned list have at most {MAX_GRANT_BYTES} bytes each");
        return Err(Fail::new(ErrorKind::InvalidArgument, reason));
    }
    Ok(())
}

/// Any name in the shape of a storage class; which classes exist differs between COS and S3.
pub(crate) fn check_class(class: &StorageClass) -> Result<(), Fail> {
    let name = class.0.as_bytes();
    if (1..=64).contains(&name.len()) && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
    {
        return Ok(());
    }
    let reason = format!("a storage class has 1–64 bytes of A–Z, 0–9 and underscore, this one is {:?}", class.0);
    Err(Fail::new(ErrorKind::InvalidArgument, reason))
}

/// Unix second until which a restore asked for now keeps the object readable.
pub(crate) fn restored_until(request: &RestoreRequest<'_>, now: i64) -> Result<i64, Fail> {
    if (1..=MAX_RESTORE_DAYS).contains(&request.days) {
        return Ok(now.saturating_add(i64::from(request.days) * SECONDS_PER_DAY));
    }
    let reason = format!("a restore lasts 1–{MAX_RESTORE_DAYS} days, not {}", request.days);
    Err(Fail::new(ErrorKind::InvalidArgument, reason))
}

pub(crate) fn check_limit(limit: usize) -> Result<(), Fail> {
    if (1..=MAX_LIST_LIMIT).contains(&limit) {
        return Ok(());
    }
    Err(Fail::new(ErrorKind::InvalidArgument, format!("a page has 1–{MAX_LIST_LIMIT} keys, not {limit}")))
}

pub(crate) fn check_conditions(conditions: Conditions, last_modified: i64) -> Result<(), Fail> {
    if conditions.modified_since.is_some_and(|t| last_modified <= t) {
        return Err(Fail::new(ErrorKind::PreconditionFailed, "the source did not change after the time asked for"));
    }
    if conditions.unmodified_since.is_some_and(|t| last_modified > t) {
        return Err(Fail::new(ErrorKind::PreconditionFailed, "the source changed after the time asked for"));
    }
    Ok(())
}

/// A range of `size` bytes that has to be there whole; none is all.
pub(crate) fn whole_range(range: Option<&Range<u64>>, size: u64) -> Result<Range<u64>, Fail> {
    let Some(range) = range else { return Ok(0..size) };
    if range.start >= range.end || range.end > size {
        let reason = format!("bytes {} to {} are not a range of {size} bytes", range.start, range.end);
        return Err(Fail::new(ErrorKind::InvalidRange, reason));
    }
    Ok(range.clone())
}

/// The part of `range` that an object of `size` bytes has.
pub(crate) fn clip(range: &Range<u64>, size: u64) -> Result<Range<u64>, Fail> {
    if range.start > size || range.start > range.end {
        let reason = format!("bytes {} to {} are not a range of {size} bytes", range.start, range.end);
        return Err(Fail::new(ErrorKind::InvalidRange, reason));
    }
    let clipped = range.start..range.end.min(size);
    if clipped.end - clipped.start > MAX_RANGE_BYTES {
        let reason =
            format!("one read gives at most {MAX_RANGE_BYTES} bytes, {} are asked for", clipped.end - clipped.start);
        return Err(Fail::new(ErrorKind::InvalidArgument, reason));
    }
    Ok(clipped)
}

/// The version id an operation makes: the same one each time it is done.
pub(crate) fn operation_version(operation: OperationId) -> String {
    format!("{:032x}-{:016x}", operation.job, operation.row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.into(), value: value.into() }
    }

    #[test]
    fn key_limits() {
        for (len, ok) in [(0, false), (1, true), (849, true), (850, true), (851, false)] {
            assert_eq!(check_key(&"k".repeat(len)).is_ok(), ok, "{len}");
        }
        assert!(check_key(&"é".repeat(426)).is_err(), "counted in bytes");
    }

    #[test]
    fn bucket_names() {
        for good in ["a", "b-125", "photos.2020-1", &"x".repeat(63)] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in
            ["", ".", "..", "-a", "a-", "A", "a/b", "a_b", ".cos-batch", "a\0", "a..b", "a.-b", "a-.b", &"x".repeat(64)]
        {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }

    #[test]
    fn tag_limits() {
        assert_eq!(checked_tags(&[tag("b", ""), tag("a", "1")]).unwrap(), [tag("a", "1"), tag("b", "")]);
        let many: Vec<_> = (0..11).map(|i| tag(&i.to_string(), "")).collect();
        assert!(checked_tags(&many[..10]).is_ok());
        assert!(checked_tags(&many).is_err());
        for (key, value, ok) in [(0, 0, false), (1, 0, true), (128, 256, true), (129, 0, false), (1, 257, false)] {
            assert_eq!(checked_tags(&[tag(&"k".repeat(key), &"v".repeat(value))]).is_ok(), ok, "{key} {value}");
        }
        assert_eq!(checked_tags(&[tag("a", "1"), tag("a", "2")]).unwrap_err().kind, ErrorKind::InvalidTag);
    }

    #[test]
    fn ranges() {
        assert_eq!(clip(&(0..u64::MAX), 3), Ok(0..3));
        assert_eq!(clip(&(3..9), 3), Ok(3..3));
        assert_eq!(clip(&(0..0), 0), Ok(0..0));
        assert_eq!(clip(&(4..9), 3).unwrap_err().kind, ErrorKind::InvalidRange);
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
        let reversed = 2..1;
        assert_eq!(clip(&reversed, 3).unwrap_err().kind, ErrorKind::InvalidRange);
        assert!(clip(&(0..u64::MAX), MAX_RANGE_BYTES).is_ok());
        assert_eq!(clip(&(0..u64::MAX), MAX_RANGE_BYTES + 1).unwrap_err().kind, ErrorKind::InvalidArgument);
    }

    #[test]
    fn metadata_limits() {
        let user = |n: usize| Metadata { user: [("k".to_owned(), "v".repeat(n - 1))].into(), ..Metadata::default() };
        assert!(check_metadata(&user(MAX_USER_METADATA_BYTES)).is_ok());
        assert!(check_metadata(&user(MAX_USER_METADATA_BYTES + 1)).is_err());
        let header = |n| Metadata { expires: Some("v".repeat(n)), ..Metadata::default() };
        assert!(check_metadata(&header(MAX_HEADER_BYTES)).is_ok());
        assert!(check_metadata(&header(MAX_HEADER_BYTES + 1)).is_err());
    }

    #[test]
    fn versioning_never_goes_back_to_off() {
        assert_eq!(Versioning::Off.switched(false), Versioning::Off);
        assert_eq!(Versioning::Off.switched(true).switched(false), Versioning::Suspended);
        assert_eq!(Versioning::Suspended.switched(false), Versioning::Suspended);
    }
}
