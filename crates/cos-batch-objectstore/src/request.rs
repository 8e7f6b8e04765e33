//! What the methods of [`ObjectStore`](crate::ObjectStore) take and give: plain structs.

use std::ops::Range;

use bytes::Bytes;

use crate::{Grant, Metadata, ObjectMeta, Pin, StorageClass, Tag};

/// Which version of an object is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VersionSelector {
    /// The newest one at the time of the call.
    #[default]
    Latest,
    /// The one with this id; `null` names the version written while versioning was off or suspended.
    Id(String),
}

/// Names one operation for ever: a store that keeps versions derives the version's id from it, so that doing the same
/// operation again leaves no second version. The one there is gets what was written last, for of what was written before a sync may
/// have failed; what was set on it since, such as tags, stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationId {
    /// The batch job's id as a number.
    pub job: u128,
    /// The row of the job's manifest, from 0; what else a job writes has numbers from the other end.
    pub row: u64,
}

/// Ranged read.
#[derive(Clone, Debug)]
pub struct GetRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
    /// Byte range, end exclusive.
    pub range: Range<u64>,
    /// Refuse to read anything but the object this pin was taken from.
    pub pin: Option<&'a Pin>,
}

/// Whole-object write.
#[derive(Clone, Debug)]
pub struct PutRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Content.
    pub body: Bytes,
    /// Standard and user metadata.
    pub metadata: Metadata,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Grants.
    pub grants: Vec<Grant>,
    /// Canned access control list.
    pub canned_acl: Option<&'a str>,
    /// Survive a loss of power when the call returns.
    pub durable: bool,
    /// Makes a repeat recognizable.
    pub operation: Option<OperationId>,
}

impl<'a> PutRequest<'a> {
    /// A write of `body` with everything else at its default.
    #[must_use]
    pub fn new(bucket: &'a str, key: &'a str, body: Bytes) -> Self {
        Self {
            bucket,
            key,
            body,
            metadata: Metadata::default(),
            tags: Vec::new(),
            storage_class: StorageClass::default(),
            grants: Vec::new(),
            canned_acl: None,
            durable: false,
            operation: None,
        }
    }
}

/// Answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOutcome {
    /// ETag without quotes.
    pub etag: String,
    /// Id of the new version where the bucket keeps versions.
    pub version_id: Option<String>,
}

/// Source of a copy.
#[derive(Clone, Debug)]
pub struct CopySource<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
}

/// What a copy does with a part of the source's attributes (`x-cos-metadata-directive` and its siblings).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Directive<T> {
    /// Take them over from the source.
    #[default]
    Copy,
    /// Set these instead.
    Replace(T),
    /// Take them over and set these on top; equal names take the new value.
    Add(T),
}

/// Conditions on the source; unmet: `PreconditionFailed` (412).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Act only if the source changed after this Unix second.
    pub modified_since: Option<i64>,
    /// Act only if the source did not change after this Unix second.
    pub unmodified_since: Option<i64>,
}

/// Server-side copy of one object.
#[derive(Clone, Debug)]
pub struct CopyRequest<'a> {
    /// What is copied.
    pub source: CopySource<'a>,
    /// Bucket it is copied to.
    pub target_bucket: &'a str,
    /// Key it gets.
    pub target_key: &'a str,
    /// Standard and user metadata.
    pub metadata: Directive<&'a Metadata>,
    /// Tags.
    pub tags: Directive<&'a [Tag]>,
    /// Grants; a plain copy resets them to the target bucket's default (`Replace` of nothing), whatever the source has.
    pub grants: Directive<&'a [Grant]>,
    /// Canned access control list (`private`, `public-read`), when one is asked for.
    pub canned_acl: Option<&'a str>,
    /// Storage class of the target; `None` is STANDARD, whatever the source has (COS resets it).
    pub storage_class: Option<StorageClass>,
    /// Conditions on the source's time of change.
    pub conditions: Conditions,
    /// Makes a repeat recognizable.
    pub operation: Option<OperationId>,
}

/// Answer to a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyOutcome {
    /// Id of the new version where the target bucket keeps versions.
    pub version_id: Option<String>,
}

/// Delete of an object or one of its versions.
#[derive(Clone, Debug)]
pub struct DeleteRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// `Latest` adds a delete marker where the bucket keeps versions; an id removes that version for good.
    pub version: &'a VersionSelector,
    /// Makes a repeat recognizable.
    pub operation: Option<OperationId>,
}

/// Answer to a delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOutcome {
    /// A delete marker was made, or removed.
    pub delete_marker: bool,
    /// The version that was made or removed.
    pub version_id: Option<String>,
}

/// Change of an object's tags.
#[derive(Clone, Debug)]
pub struct TagRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
    /// `Replace` the whole set or `Add` to it (`Copy` keeps the set as it is).
    pub tags: Directive<&'a [Tag]>,
}

/// How fast an archived object is to be made readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreTier {
    /// Cheapest and slowest.
    Bulk,
    /// Hours.
    Standard,
}

/// Restore of an archived object.
#[derive(Clone, Debug)]
pub struct RestoreRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
    /// How many days the copy stays readable, 1–365.
    pub days: u16,
    /// How fast.
    pub tier: RestoreTier,
}

/// Answer to a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// Accepted (202).
    Started,
    /// Was restored already: its time was extended (200).
    Extended,
}

/// One page of a listing.
#[derive(Clone, Debug)]
pub struct ListRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Only keys that begin with this.
    pub prefix: &'a str,
    /// Only keys after this one (exclusive).
    pub after: Option<&'a str>,
    /// At most so many, 1–1000.
    pub limit: usize,
}

/// Keys of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// Keys with their attributes, ascending by bytes. Attributes that a listing does not know cheaply are at their
    /// default (see [`ObjectMeta`]).
    pub objects: Vec<(String, ObjectMeta)>,
    /// Where the next page begins, none on the last.
    pub next: Option<String>,
}

/// Change of an object's access control list.
#[derive(Clone, Debug)]
pub struct AclRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
    /// Grants; replace all that were there.
    pub grants: &'a [Grant],
    /// Canned access control list; none: only the grants count.
    pub canned_acl: Option<&'a str>,
}

/// One page of a listing of versions.
#[derive(Clone, Debug)]
pub struct ListVersionsRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Only keys that begin with this.
    pub prefix: &'a str,
    /// Only what comes after this key and version (exclusive); an empty version: after all versions of this key.
    pub after: Option<(&'a str, &'a str)>,
    /// At most so many, 1–1000.
    pub limit: usize,
}

/// A version of an object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// Object key.
    pub key: String,
    /// Its id, `null` for a version written while versioning was off or suspended.
    pub version_id: String,
    /// The newest of its key.
    pub is_latest: bool,
    /// When it was made, Unix seconds.
    pub last_modified: i64,
    /// What it is.
    pub kind: VersionKind,
}

/// What a version is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionKind {
    /// An object; attributes that a listing does not know cheaply are at their default.
    Object {
        /// Size in bytes.
        size: u64,
        /// ETag without quotes; may be empty as in [`ListPage`].
        etag: String,
        /// Storage class.
        storage_class: StorageClass,
    },
    /// A delete marker.
    Marker,
}

/// Versions of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionPage {
    /// By key, then from the newest to the oldest.
    pub versions: Vec<ObjectVersion>,
    /// Where the next page begins (key and version), none on the last.
    pub next: Option<(String, String)>,
}

/// A bucket, as a listing of all shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketInfo {
    /// Its name, with the appid suffix.
    pub name: String,
    /// When it was made, Unix seconds; as well as the store can tell.
    pub created: i64,
}

/// Whether a bucket keeps versions. One that never did has no state at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketVersioning {
    /// Each write makes a version.
    Enabled,
    /// Kept versions once; what it has is kept.
    Suspended,
}
