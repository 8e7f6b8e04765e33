//! Uploads in parts: how objects beyond the size of one request are written and copied.

use std::ops::Range;

use bytes::Bytes;

use crate::{CopySource, Grant, Metadata, OperationId, StorageClass, Tag};

/// Highest number of a part (COS, Upload Part).
pub const MAX_PART_NUMBER: u16 = 10_000;

/// Beginning of an upload in parts.
#[derive(Clone, Debug)]
pub struct MultipartRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
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
    /// Makes a repeat recognizable: the version that completing makes has this operation's id.
    pub operation: Option<OperationId>,
}

/// Names an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadId<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// What [`create_multipart`](crate::ObjectStore::create_multipart) answered.
    pub id: &'a str,
}

/// One part, as bytes.
#[derive(Clone, Debug)]
pub struct PartRequest<'a> {
    /// The upload it belongs to.
    pub upload: UploadId<'a>,
    /// Its number, 1–[`MAX_PART_NUMBER`].
    pub number: u16,
    /// Its content.
    pub body: Bytes,
}

/// One part, from a range of an object.
#[derive(Clone, Debug)]
pub struct PartCopyRequest<'a> {
    /// The upload it belongs to.
    pub upload: UploadId<'a>,
    /// Its number, 1–[`MAX_PART_NUMBER`].
    pub number: u16,
    /// What it is copied from.
    pub source: CopySource<'a>,
    /// Bytes of the source, end exclusive; none: all.
    pub range: Option<Range<u64>>,
    /// Copy only if the source still has this ETag (without quotes), else `PreconditionFailed`.
    pub source_etag: Option<&'a str>,
}

/// Answer to a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartOutcome {
    /// ETag of the part, without quotes.
    pub etag: String,
}

/// A part that completing names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number.
    pub number: u16,
    /// Its ETag, without quotes.
    pub etag: String,
}

/// End of an upload.
#[derive(Clone, Debug)]
pub struct CompleteRequest<'a> {
    /// The upload.
    pub upload: UploadId<'a>,
    /// Its parts, by ascending number.
    pub parts: &'a [CompletedPart],
}

/// A part of an upload that is not complete yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub number: u16,
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was uploaded, Unix seconds.
    pub last_modified: i64,
}

/// One page of the uploads of a bucket.
#[derive(Clone, Debug)]
pub struct ListUploadsRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Only keys that begin with this.
    pub prefix: &'a str,
    /// Only uploads after this key and id (exclusive); an empty id: after all of this key.
    pub after: Option<(&'a str, &'a str)>,
    /// At most so many, 1–1000.
    pub limit: usize,
}

/// An upload that is neither complete nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Object key.
    pub key: String,
    /// Its id.
    pub id: String,
    /// When it began, Unix seconds.
    pub initiated: i64,
    /// Storage class the object will have.
    pub storage_class: StorageClass,
}

/// Uploads of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadPage {
    /// By key, then by id.
    pub uploads: Vec<Upload>,
    /// Where the next page begins (key and id), none on the last.
    pub next: Option<(String, String)>,
}
