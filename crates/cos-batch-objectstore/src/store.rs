//! The trait every backend implements.

use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;

use crate::{
    Acl, AclRequest, BucketInfo, BucketVersioning, CompleteRequest, CopyOutcome, CopyRequest, DeleteOutcome,
    DeleteRequest, ErrorKind, GetRequest, LegalHoldRequest, ListPage, ListRequest, ListUploadsRequest,
    ListVersionsRequest, MultipartRequest, ObjectLock, ObjectMeta, Part, PartCopyRequest, PartOutcome, PartRequest,
    PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, RetentionRequest, StoreError, Tag, TagRequest, UploadId,
    UploadPage, VersionPage, VersionSelector,
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
    /// Access control lists are kept, canned ones at least.
    pub acl: bool,
    /// Grants to accounts of COS are kept. Of no meaning without `acl`.
    pub grants: bool,
    /// Storage classes of archives are kept as such.
    pub archive: bool,
    /// Copies under the condition that the source was, or was not, modified since.
    pub conditions: bool,
    /// Objects are encrypted by the store where a request asks for it.
    pub encryption: bool,
    /// Object versions can be named as source or be deleted.
    pub versions: bool,
    /// Objects can be put together from parts.
    pub multipart: bool,
    /// Objects can be held and retained, and are not removed then.
    pub lock: bool,
}

impl Capabilities {
    /// Everything.
    pub const ALL: Self = Self {
        tagging: true,
        restore: true,
        acl: true,
        grants: true,
        archive: true,
        conditions: true,
        encryption: true,
        versions: true,
        multipart: true,
        lock: true,
    };
}

fn not_implemented<'a, T: Send + 'a>(method: &str) -> BoxFuture<'a, Result<T, StoreError>> {
    let error = StoreError::new(ErrorKind::NotImplemented, format!("this object store cannot {method}"));
    Box::pin(std::future::ready(Err(error)))
}

/// Content on its way into a store, piece by piece. Dropped before it is finished, it leaves nothing.
pub trait ObjectWriter: Send {
    /// Adds to the content.
    ///
    /// # Errors
    /// `EntityTooLarge` above the size that one request can write, and what the store says. The writer is of no use
    /// after an error.
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ends the content, which becomes an object, or a part, in one step. A part has no version.
    ///
    /// # Errors
    /// As [`ObjectStore::put`] and [`ObjectStore::upload_part`].
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>>;
}

/// Where objects live.
///
/// Every method names its bucket: one store serves many buckets. Errors are [`StoreError`]s in the codes of the COS
/// object API. All methods may be called concurrently; each change of one object is atomic (a reader sees the old
/// object or the new one, never a part).
///
/// A method with a body here may be left out by a store that cannot do it: it then answers `NotImplemented`, and
/// [`capabilities`](Self::capabilities) says so beforehand. A store that wraps another one has to pass every method on.
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// How this store's futures want to be polled.
    fn execution(&self) -> Execution;

    /// What this store can do.
    fn capabilities(&self) -> Capabilities;

    /// How many of a job's operations (copies, deletes, tags, restores, parts that are copied) this store can have under way
    /// at the same time. More would only wait for each other, and in the end be told
    /// [`NoFreeConnection`](ErrorKind::NoFreeConnection). None: the store sets no bound of its own.
    fn operations_max(&self) -> Option<usize> {
        None
    }

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

    /// Begins to write a whole object whose content comes in pieces: the request's body, then what the writer is given.
    /// What [`put`](Self::put) says holds once it is finished; that the bucket is missing may be said as late as that.
    fn begin_put<'a>(&'a self, _request: PutRequest<'a>) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        not_implemented("begin_put")
    }

    /// Copies one object inside this store, replacing what is at the target.
    ///
    /// # Errors
    /// `AccessDenied` where what would be replaced for good is kept ([`ObjectLock`]), as for every other write;
    /// `EntityTooLarge` above the size that one request can copy (5 GB in COS and S3): such an object is copied in parts
    /// ([`create_multipart`](Self::create_multipart), [`upload_part_copy`](Self::upload_part_copy)).
    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>>;

    /// Deletes an object or one version of it. Deleting what does not exist succeeds, as in COS.
    ///
    /// # Errors
    /// `AccessDenied` where what would be gone for good is kept ([`ObjectLock`]).
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

    /// Sets the access control list of an object: a canned one, grants, or both. What was set before is gone.
    fn put_acl<'a>(&'a self, _request: AclRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        not_implemented("put_acl")
    }

    /// The access control list of an object.
    ///
    /// # Errors
    /// As [`head`](Self::head), whose answer has it in stores where it costs nothing more.
    fn get_acl<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Acl, StoreError>> {
        Box::pin(async move {
            let meta = self.head(bucket, key, version).await?;
            Ok(Acl { grants: meta.grants, canned: meta.canned_acl })
        })
    }

    /// Lays a legal hold on an object, or takes it off. Done twice it is the same.
    ///
    /// # Errors
    /// As [`head`](Self::head); `InvalidRequest` in a bucket that does not allow it (S3).
    fn put_legal_hold<'a>(&'a self, _request: LegalHoldRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        not_implemented("put_legal_hold")
    }

    /// Sets, changes or ends the time for which an object is kept. Done twice it is the same.
    ///
    /// # Errors
    /// As [`head`](Self::head); `AccessDenied` where the retention there is may not be made weaker; `InvalidArgument` for a
    /// moment that is over; `InvalidRequest` in a bucket that does not allow it (S3).
    fn put_retention<'a>(&'a self, _request: RetentionRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        not_implemented("put_retention")
    }

    /// What keeps an object from being removed, also a retention that is over.
    ///
    /// # Errors
    /// As [`head`](Self::head).
    fn get_lock<'a>(
        &'a self,
        _bucket: &'a str,
        _key: &'a str,
        _version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectLock, StoreError>> {
        not_implemented("get_lock")
    }

    /// One page of all versions of the keys of a bucket, delete markers included: keys in the order of their UTF-8
    /// bytes, the versions of a key from the newest to the oldest.
    fn list_versions<'a>(
        &'a self,
        _request: ListVersionsRequest<'a>,
    ) -> BoxFuture<'a, Result<VersionPage, StoreError>> {
        not_implemented("list_versions")
    }

    /// Begins an upload in parts and gives its id. Attributes of the object are set here and only here.
    fn create_multipart<'a>(&'a self, _request: MultipartRequest<'a>) -> BoxFuture<'a, Result<String, StoreError>> {
        not_implemented("create_multipart")
    }

    /// Uploads one part. The same number again replaces it.
    ///
    /// # Errors
    /// `NoSuchUpload`; `InvalidArgument` for a number out of range.
    fn upload_part<'a>(&'a self, _request: PartRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        not_implemented("upload_part")
    }

    /// Begins to upload one part whose content comes in pieces.
    ///
    /// # Errors
    /// As [`upload_part`](Self::upload_part); that there is no such upload may be said as late as at the end.
    fn begin_part<'a>(
        &'a self,
        _upload: UploadId<'a>,
        _number: u16,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        not_implemented("begin_part")
    }

    /// The same for a part whose size is known, which a store need not keep until it is whole. Content of another size is an
    /// error, at the latest at its end, in a store that makes use of it.
    ///
    /// # Errors
    /// As [`upload_part`](Self::upload_part).
    fn begin_sized_part<'a>(
        &'a self,
        upload: UploadId<'a>,
        number: u16,
        _size: u64,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        self.begin_part(upload, number)
    }

    /// Makes one part from a range of an object.
    ///
    /// # Errors
    /// As [`upload_part`](Self::upload_part) and [`copy`](Self::copy); `InvalidRange` for bytes that are not there.
    fn upload_part_copy<'a>(&'a self, _request: PartCopyRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        not_implemented("upload_part_copy")
    }

    /// Puts the object together from its parts, which replaces what is at the key.
    ///
    /// # Errors
    /// `NoSuchUpload`; `InvalidPart` for a part that is not there or has another ETag; `InvalidPartOrder` for numbers
    /// that do not ascend; `EntityTooSmall` for a part below the least size that is not the last.
    fn complete_multipart<'a>(
        &'a self,
        _request: CompleteRequest<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        not_implemented("complete_multipart")
    }

    /// Ends an upload and drops its parts.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    fn abort_multipart<'a>(&'a self, _upload: UploadId<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        not_implemented("abort_multipart")
    }

    /// The parts of an upload by number, above `after`, at most `limit` (1–1000), and whether there are more.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    fn list_parts<'a>(
        &'a self,
        _upload: UploadId<'a>,
        _after: u16,
        _limit: usize,
    ) -> BoxFuture<'a, Result<(Vec<Part>, bool), StoreError>> {
        not_implemented("list_parts")
    }

    /// Uploads that were begun and neither completed nor aborted: by key, then by id.
    fn list_uploads<'a>(&'a self, _request: ListUploadsRequest<'a>) -> BoxFuture<'a, Result<UploadPage, StoreError>> {
        not_implemented("list_uploads")
    }

    /// All buckets, by name.
    fn list_buckets<'a>(&'a self) -> BoxFuture<'a, Result<Vec<BucketInfo>, StoreError>> {
        not_implemented("list_buckets")
    }

    /// Makes a bucket; false if it was there, which changes nothing.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that no bucket can have.
    fn put_bucket<'a>(&'a self, _bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        not_implemented("put_bucket")
    }

    /// Deletes an empty bucket.
    ///
    /// # Errors
    /// `NoSuchBucket`; `BucketNotEmpty` if it has an object, a version or an upload in parts.
    fn delete_bucket<'a>(&'a self, _bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        not_implemented("delete_bucket")
    }

    /// Whether the bucket keeps versions; none if it never did.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    fn get_versioning<'a>(&'a self, _bucket: &'a str) -> BoxFuture<'a, Result<Option<BucketVersioning>, StoreError>> {
        not_implemented("get_versioning")
    }

    /// Switches the keeping of versions on, or suspends it. A bucket that never kept any stays so when it is suspended.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    fn put_versioning<'a>(
        &'a self,
        _bucket: &'a str,
        _state: BucketVersioning,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        not_implemented("put_versioning")
    }

    /// Returns once everything this store has answered so far for `bucket` survives a loss of power.
    /// Stores that answer only when data is durable return at once.
    ///
    /// # Errors
    /// `NoSuchBucket`; any other says that what was answered so far may be lost. It has to be done again: a later barrier may
    /// return, and knows nothing of it.
    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}
