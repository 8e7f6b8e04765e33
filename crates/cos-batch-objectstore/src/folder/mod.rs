//! A store in a local folder.

mod ahead;
mod at;
mod bucket;
mod buckets;
mod completing;
mod etags;
mod find;
mod in_use;
mod incoming;
mod kept;
mod list;
mod list_hidden;
mod location;
mod names;
mod parts;
mod read;
mod remove;
mod sidecar;
mod temp;
mod uploads;
mod versions;
mod write;
mod writer;

use std::{
    collections::BTreeMap,
    fmt, io,
    path::Path,
    sync::{Arc, OnceLock, RwLock},
};

use bytes::Bytes;
use cap_std::{ambient_authority, fs::Dir};

use crate::{
    AclRequest, BoxFuture, BucketInfo, BucketVersioning, Capabilities, CompleteRequest, CopyOutcome, CopyRequest,
    DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest, LegalHoldRequest, ListPage, ListRequest,
    ListUploadsRequest, ListVersionsRequest, MultipartRequest, ObjectLock, ObjectMeta, ObjectStore, ObjectWriter, Part,
    PartCopyRequest, PartOutcome, PartRequest, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest,
    RetentionRequest, StoreError, Tag, TagRequest, UploadId, UploadPage, VersionPage, VersionSelector,
    clock::{Clock, wall_clock},
    fail::Fail,
    rules::{self, Sizes},
};
use bucket::Bucket;
use in_use::InUse;
use uploads::Upload;
use writer::{Becomes, Writer};

/// Temporary files this much older than the first store of the process are swept. File systems stamp files with a
/// clock that runs behind by some milliseconds; this is more.
const SWEEP_SLACK_SECONDS: i64 = 2;

/// When this process opened its first store: what is older was left behind by another one.
static STARTED: OnceLock<i64> = OnceLock::new();

/// A store in a local folder: the object `a/b.jpg` of the bucket `photos-1250001111` is the file
/// `photos-1250001111/a/b.jpg` in it, which any program may read, replace, add or remove.
///
/// ```
/// use bytes::Bytes;
/// use cos_batch_objectstore::{FolderStore, ObjectStore, PutRequest, StoreError, VersionSelector};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let store = FolderStore::open(folder.path())?;
/// store.create_bucket("photos-1250001111")?;
/// store.put(PutRequest::new("photos-1250001111", "in/a.jpg", Bytes::from_static(b"hello"))).await?;
/// assert_eq!(std::fs::read(folder.path().join("photos-1250001111/in/a.jpg"))?, b"hello");
/// std::fs::write(folder.path().join("photos-1250001111/by hand"), "hi")?;
/// assert_eq!(store.head("photos-1250001111", "by hand", &VersionSelector::Latest).await?.size, 2);
/// # Ok(())
/// # }
/// ```
///
/// # What is where
/// All the store itself needs to know lies in `.cos-batch` in each bucket's folder, and only where there is something
/// to know:
/// - `bucket.json`: whether the bucket keeps versions;
/// - `tmp`: files being written, where the file system has no files without a name, and those about to replace
///   another. The link or rename to its own path is what commits an object. What a crash leaves here is removed when a
///   later process opens the store;
/// - `kept`: an empty file, where an object was ever put under a legal hold or a retention;
/// - `meta`: metadata, tags, storage class, access, restore state and what keeps them, of objects that have other than the defaults. Each
///   such sidecar names inode, size and time of change of the file it is about. After a change by hand it is ignored:
///   the object has its defaults again. The same is so after the folder was copied elsewhere: only a copy of the whole
///   file system keeps sidecars valid;
/// - `odd`: objects whose key cannot be a path (`a//b`, `a/`, `../a`, a segment over 255 bytes, a key below
///   `.cos-batch`) or is in conflict with another one (`a` beside `a/b`). Every key of 1–850 bytes can be stored;
/// - `versions`: older versions and delete markers;
/// - `uploads`: the parts of uploads that are not complete.
///
/// # What to know
/// - No symbolic link is followed, in no part of a key; where one (or a pipe, a device) stands, calls answer
///   `AccessDenied`, and lists pass over it. Lists also pass over names that are not UTF-8 and, of course, `.cos-batch`.
/// - An object under a legal hold or a retention is neither deleted nor replaced through the store, in any bucket; where the
///   bucket keeps versions, it may get newer ones and delete markers. What is done by hand is not held up, and a file that is
///   changed by hand is kept by nothing any more. Nor does a server that reads the folder's files as its own know of this.
/// - Removing the current file of an object by hand in a bucket that keeps versions deletes the object; older versions
///   stay and can be named.
/// - The file system has to tell upper from lower case, and to keep inode numbers (not all network file systems do).
/// - Several processes may use one folder: each sees what the others wrote. While one has it open, the others leave temporary
///   files alone, whoever left them. Changes of tags and versions of one object,
///   and of what keeps it, are safe against each other within one process only.
/// - Without [`durable`](PutRequest::durable), a loss of power may undo what was answered since the last
///   [`barrier`](ObjectStore::barrier), down to an object without its sidecar. The content of a part that is copied
///   ([`upload_part_copy`](ObjectStore::upload_part_copy)) is durable when that is answered.
/// - `last_modified` is the file's time of change; a copy's is the time of the copy. The ETag of an
///   object is that of its put; a file that came by hand, or before this process, is read by [`head`](ObjectStore::head)
///   to compute it. Listings read nothing, and leave such an ETag out.
/// - Deleting a bucket while others write to it may lose what they write.
pub struct FolderStore {
    root: Dir,
    /// Held as long as the store is open.
    in_use: InUse,
    clock: Clock,
    open: RwLock<BTreeMap<String, Arc<Bucket>>>,
    sizes: Sizes,
}

impl FolderStore {
    /// The store in an existing folder. Temporary files that earlier processes left in its buckets are removed, unless another
    /// store has the folder open, which may be writing them.
    ///
    /// # Errors
    /// Of the system, when the folder cannot be opened or read.
    pub fn open(root: impl AsRef<Path>) -> io::Result<Self> {
        let in_use = InUse::new(root.as_ref())?;
        let alone = in_use.alone;
        let root = Dir::open_ambient_dir(root, ambient_authority())?;
        let store = Self { root, in_use, clock: wall_clock, open: RwLock::default(), sizes: Sizes::default() };
        if alone {
            store.sweep()?;
            store.in_use.share()?;
        }
        Ok(store)
    }

    fn sweep(&self) -> io::Result<()> {
        let before = *STARTED.get_or_init(wall_clock) - SWEEP_SLACK_SECONDS;
        for name in self.names()? {
            // A bucket that cannot be opened now says so when it is used.
            let Ok(bucket) = self.bucket(&name) else { continue };
            match bucket.sweep(before) {
                Ok(0) => {}
                Ok(swept) => tracing::info!(bucket = name, swept, "removed temporary files of an earlier process"),
                Err(error) => tracing::warn!(bucket = name, %error, "temporary files could not be removed"),
            }
        }
        Ok(())
    }

    /// Takes the time for the end of restores and retentions (Unix seconds) from `clock`.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> i64) -> Self {
        Self { clock, ..self }
    }

    fn on<T>(&self, bucket: &str, key: &str, call: impl FnOnce(&Bucket) -> Result<T, Fail>) -> Result<T, StoreError> {
        self.bucket(bucket).and_then(|b| call(&b)).map_err(|fail| fail.about(bucket, key))
    }

    fn on_bucket<T>(&self, bucket: &str, call: impl FnOnce(&Bucket) -> Result<T, Fail>) -> Result<T, StoreError> {
        self.bucket(bucket).and_then(|b| call(&b)).map_err(|fail| fail.about_bucket(bucket))
    }

    /// Demands so many bytes of every part but the last, instead of [`MIN_PART_BYTES`](crate::MIN_PART_BYTES).
    #[must_use]
    pub fn with_min_part_bytes(mut self, bytes: u64) -> Self {
        self.sizes.min_part = bytes;
        self
    }

    /// Copies so many bytes by one request at most, instead of [`MAX_COPY_BYTES`](crate::MAX_COPY_BYTES).
    #[must_use]
    pub fn with_max_copy_bytes(mut self, bytes: u64) -> Self {
        self.sizes.max_copy = bytes;
        self
    }

    fn copy_now(&self, request: &CopyRequest<'_>) -> Result<CopyOutcome, StoreError> {
        let source = &request.source;
        let found = self
            .on(source.bucket, source.key, |bucket| write::copy_source(bucket, request, self.sizes, (self.clock)()))?;
        let now = (self.clock)();
        let version_id = self
            .on(request.target_bucket, request.target_key, |bucket| write::copy_target(bucket, request, found, now))?;
        Ok(CopyOutcome { version_id })
    }

    fn copy_part_now(&self, request: &PartCopyRequest<'_>) -> Result<PartOutcome, StoreError> {
        let (source, id) = (&request.source, request.upload);
        let (sizes, now) = (self.sizes, (self.clock)());
        self.on(id.bucket, id.key, |bucket| Upload::find(bucket, id).map(drop))?;
        let found = self.on(source.bucket, source.key, |bucket| parts::source(bucket, request, sizes, now))?;
        self.on(id.bucket, id.key, |bucket| parts::copy(bucket, request, &found))
    }

    /// A writer of what `begin` opens and says that it will be.
    fn writer(
        &self,
        bucket: &str,
        key: &str,
        begin: impl FnOnce(&Bucket) -> Result<(Becomes, incoming::Incoming), Fail>,
    ) -> Result<Box<dyn ObjectWriter>, StoreError> {
        let open = || {
            let bucket = self.bucket(bucket)?;
            let (becomes, incoming) = begin(&bucket)?;
            Ok((bucket, becomes, incoming))
        };
        let (open, becomes, incoming) = open().map_err(|fail: Fail| fail.about(bucket, key))?;
        let (bucket_name, key) = (bucket.to_owned(), key.to_owned());
        Ok(Box::new(Writer { bucket: open, bucket_name, key, incoming, becomes, clock: self.clock }))
    }
}

impl fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderStore").finish_non_exhaustive()
    }
}

impl ObjectStore for FolderStore {
    fn execution(&self) -> Execution {
        Execution::Blocking
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            match self.bucket(bucket) {
                Ok(_) => Ok(true),
                Err(fail) if fail.kind == ErrorKind::NoSuchBucket => Ok(false),
                Err(fail) => Err(fail.about_bucket(bucket)),
            }
        })
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(async move { self.on(bucket, key, |b| read::head(b, key, version, (self.clock)())) })
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move { self.on(request.bucket, request.key, |b| read::get_range(b, &request, (self.clock)())) })
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(async move { self.on(request.bucket, request.key, |b| write::put(b, &request, (self.clock)())) })
    }

    fn begin_put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        Box::pin(async move {
            self.writer(request.bucket, request.key, |b| {
                write::begin(b, &request).map(|(put, incoming)| (Becomes::Object(Box::new(put)), incoming))
            })
        })
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        Box::pin(async move { self.copy_now(&request) })
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        Box::pin(async move { self.on(request.bucket, request.key, |b| remove::delete(b, &request, (self.clock)())) })
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.on(request.bucket, request.key, |b| {
                write::change(b, request.key, request.version, |attributes| {
                    attributes.tags = attributes.changed_tags(&request.tags)?;
                    Ok(())
                })
            })
        })
    }

    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        Box::pin(async move {
            self.on(bucket, key, |b| {
                rules::check_key(key)?;
                Ok(find::locate(b, key, version, at::LOOK)?.attributes().tags)
            })
        })
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        Box::pin(async move {
            let now = (self.clock)();
            self.on(request.bucket, request.key, |b| {
                write::change(b, request.key, request.version, |attributes| attributes.restored(&request, now))
            })
        })
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        Box::pin(async move { self.on_bucket(request.bucket, |b| list::list(b, &request, (self.clock)())) })
    }

    fn put_acl<'a>(&'a self, request: AclRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.on(request.bucket, request.key, |b| {
                write::change(b, request.key, request.version, |attributes| attributes.set_access(&request))
            })
        })
    }

    fn put_legal_hold<'a>(&'a self, request: LegalHoldRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.on(request.bucket, request.key, |b| {
                kept::change(b, request.key, request.version, |lock| {
                    lock.legal_hold = request.on;
                    Ok(())
                })
            })
        })
    }

    fn put_retention<'a>(&'a self, request: RetentionRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let now = (self.clock)();
            self.on(request.bucket, request.key, |b| {
                kept::change(b, request.key, request.version, |lock| lock.set_retention(&request, now))
            })
        })
    }

    fn get_lock<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectLock, StoreError>> {
        Box::pin(async move { self.on(bucket, key, |b| kept::get(b, key, version)) })
    }

    fn list_versions<'a>(&'a self, request: ListVersionsRequest<'a>) -> BoxFuture<'a, Result<VersionPage, StoreError>> {
        Box::pin(
            async move { self.on_bucket(request.bucket, |b| list_hidden::list_versions(b, &request, (self.clock)())) },
        )
    }

    fn create_multipart<'a>(&'a self, request: MultipartRequest<'a>) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(async move { self.on(request.bucket, request.key, |b| uploads::begin(b, &request, (self.clock)())) })
    }

    fn upload_part<'a>(&'a self, request: PartRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(async move {
            let (id, number) = (request.upload, request.number);
            self.on(id.bucket, id.key, |b| {
                let mut incoming = parts::begin(b, id, number)?;
                incoming.write(&request.body)?;
                parts::end(b, id, number, incoming)
            })
        })
    }

    fn begin_part<'a>(
        &'a self,
        id: UploadId<'a>,
        number: u16,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        Box::pin(async move {
            self.writer(id.bucket, id.key, |b| {
                let incoming = parts::begin(b, id, number)?;
                Ok((Becomes::Part { id: id.id.to_owned(), number }, incoming))
            })
        })
    }

    fn upload_part_copy<'a>(&'a self, request: PartCopyRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(async move { self.copy_part_now(&request) })
    }

    fn complete_multipart<'a>(&'a self, request: CompleteRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(async move {
            let id = request.upload;
            self.on(id.bucket, id.key, |b| parts::complete(b, &request, self.sizes, (self.clock)()))
        })
    }

    fn abort_multipart<'a>(&'a self, id: UploadId<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.on(id.bucket, id.key, |b| Upload::abort(b, id)) })
    }

    fn list_parts<'a>(
        &'a self,
        id: UploadId<'a>,
        after: u16,
        limit: usize,
    ) -> BoxFuture<'a, Result<(Vec<Part>, bool), StoreError>> {
        Box::pin(async move { self.on(id.bucket, id.key, |b| Upload::find(b, id)?.parts(after, limit)) })
    }

    fn list_uploads<'a>(&'a self, request: ListUploadsRequest<'a>) -> BoxFuture<'a, Result<UploadPage, StoreError>> {
        Box::pin(
            async move { self.on_bucket(request.bucket, |b| list_hidden::list_uploads(b, &request, (self.clock)())) },
        )
    }

    fn list_buckets<'a>(&'a self) -> BoxFuture<'a, Result<Vec<BucketInfo>, StoreError>> {
        Box::pin(async move { self.bucket_infos() })
    }

    fn put_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { self.make_bucket(bucket) })
    }

    fn delete_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.remove_bucket(bucket).map_err(|fail| fail.about_bucket(bucket)) })
    }

    fn get_versioning<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<Option<BucketVersioning>, StoreError>> {
        Box::pin(async move { self.on_bucket(bucket, |b| Ok(b.versioning()?.shown())) })
    }

    fn put_versioning<'a>(&'a self, bucket: &'a str, state: BucketVersioning) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.set_versioning(bucket, state == BucketVersioning::Enabled) })
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.on_bucket(bucket, |b| Ok(b.barrier()?)) })
    }
}
