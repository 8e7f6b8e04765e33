//! The trait every backend implements.

use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;

use crate::{
    CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, GetRequest, ListPage, ListRequest, ObjectMeta, PutOutcome,
    PutRequest, RestoreOutcome, RestoreRequest, StoreError, Tag, TagRequest, VersionSelector,
};

/// A boxed future, so that the trait can be used as `dyn ObjectStore`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How the futures of a store want to be polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// The futures wait for a network: poll many of them on one thread.
    Async,
    /// The futures do blocking work and never wait: poll each on a thread that may block.
    Blocking,
}

/// What a backend can do. A job whose operation needs more fails while it is prepared, with the missing ability's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Copies keep, replace or add tags; tagging operations work.
    pub tagging: bool,
    /// Archive classes can be restored.
    pub restore: bool,
    /// Access control lists and grants are kept.
    pub acl: bool,
    /// Object versions can be named as source or be deleted.
    pub versions: bool,
}

impl Capabilities {
    /// Everything.
    pub const ALL: Self = Self { tagging: true, restore: true, acl: true, versions: true };
}

/// Where objects live.
///
/// Every method names its bucket: one store serves many buckets. Errors are [`StoreError`]s in the codes of the COS
/// object API. All methods may be called concurrently; each change of one object is atomic (a reader sees the old
/// object or the new one, never a part).
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// How this store's futures want to be polled.
    fn execution(&self) -> Execution;

    /// What this store can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether the bucket exists.
    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Attributes of an object.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; a delete marker is `NoSuchKey`.
    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>>;

    /// Bytes of an object, from `range.start` up to at most `range.end` (exclusive; an end past the object's end is cut).
    ///
    /// # Errors
    /// As [`head`](Self::head); `PreconditionFailed` when the request is pinned and the object has changed since;
    /// `InvalidRange` when the start is past the end of the object (a start equal to the size gives no bytes).
    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>>;

    /// Writes a whole object.
    ///
    /// With `durable`, the object survives a loss of power once this returns; otherwise once the next
    /// [`barrier`](Self::barrier) returns.
    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>>;

    /// Copies one object inside this store, replacing what is at the target.
    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>>;

    /// Deletes an object or one version of it. Deleting what does not exist succeeds, as in COS.
    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>>;

    /// Replaces, or adds to, the tags of an object.
    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The tags of an object, ordered by key.
    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>>;

    /// Asks for an archived object to be made readable for some days.
    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>>;

    /// One page of the keys of a bucket, in the order of their UTF-8 bytes.
    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>>;

    /// Returns once everything this store has answered so far for `bucket` survives a loss of power.
    /// Stores that answer only when data is durable return at once.
    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}
