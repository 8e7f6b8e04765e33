//! A store in memory, for tests.

mod list;
mod objects;
mod state;
mod uploads;
mod writer;

use std::{
    collections::btree_map::Entry,
    fmt,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::{
    AclRequest, BoxFuture, BucketInfo, BucketVersioning, Capabilities, CompleteRequest, CopyOutcome, CopyRequest,
    DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest, LegalHoldRequest, ListPage, ListRequest,
    ListUploadsRequest, ListVersionsRequest, MultipartRequest, ObjectLock, ObjectMeta, ObjectStore, ObjectWriter, Part,
    PartCopyRequest, PartOutcome, PartRequest, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest,
    RetentionRequest, StoreError, Tag, TagRequest, UploadId, UploadPage, VersionPage, VersionSelector,
    attributes::Attributes,
    clock::{Clock, wall_clock},
    fail::Fail,
    rules::{self, Sizes, Versioning},
};
use state::{Bucket, Found, State};

/// What [`MemoryStore::new`] holds at most: more than a test needs, less than what would harm the machine it runs on.
const DEFAULT_CAPACITY: u64 = 1024 * 1024 * 1024;

/// A store that keeps everything in memory, behind one lock. It is meant for tests: nothing survives the process, and
/// a put beyond the capacity (1 GiB of content unless told otherwise) is `InsufficientStorage`.
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    clock: Clock,
    capacity: u64,
    sizes: Sizes,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store of 1 GiB.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::default(), clock: wall_clock, capacity: DEFAULT_CAPACITY, sizes: Sizes::default() }
    }

    /// Holds at most so many bytes of content, all versions together.
    #[must_use]
    pub fn with_capacity(self, bytes: u64) -> Self {
        Self { capacity: bytes, ..self }
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

    /// Takes the time (Unix seconds) from `clock`: times of change and the ends of restores and retentions.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> i64) -> Self {
        Self { clock, ..self }
    }

    /// Makes a bucket; one that exists stays as it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that no bucket can have.
    pub fn create_bucket(&self, name: &str) -> Result<(), StoreError> {
        self.make_bucket(name).map(drop)
    }

    fn make_bucket(&self, name: &str) -> Result<bool, StoreError> {
        rules::check_new_bucket(name).map_err(|f| f.about_bucket(name))?;
        let created = (self.clock)();
        match self.lock().buckets.entry(name.to_owned()) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(free) => {
                free.insert(Bucket { created, ..Bucket::default() });
                Ok(true)
            }
        }
    }

    /// Names of all buckets, ascending.
    #[must_use]
    pub fn buckets(&self) -> Vec<String> {
        self.lock().buckets.keys().cloned().collect()
    }

    /// Switches the keeping of versions on, or suspends it.
    ///
    /// # Errors
    /// `NoSuchBucket`
    pub fn set_versioning(&self, bucket: &str, on: bool) -> Result<(), StoreError> {
        let mut state = self.lock();
        let bucket = state.bucket_mut(bucket)?;
        bucket.versioning = bucket.versioning.switched(on);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Runs `read` on an object.
    fn with_object<T>(
        &self,
        bucket: &str,
        key: &str,
        version: &VersionSelector,
        read: impl FnOnce(Found<'_>, Versioning) -> Result<T, Fail>,
    ) -> Result<T, StoreError> {
        let state = self.lock();
        let kept = state.bucket(bucket)?;
        rules::check_key(key)
            .and_then(|()| kept.find(key, version))
            .and_then(|found| read(found, kept.versioning))
            .map_err(|f| f.about(bucket, key))
    }

    /// Changes the attributes of an object.
    fn change<T>(
        &self,
        bucket: &str,
        key: &str,
        version: &VersionSelector,
        change: impl FnOnce(&mut Attributes) -> Result<T, Fail>,
    ) -> Result<T, StoreError> {
        let mut state = self.lock();
        let kept = state.bucket_mut(bucket)?;
        rules::check_key(key)
            .and_then(|()| kept.attributes_mut(key, version))
            .and_then(change)
            .map_err(|f| f.about(bucket, key))
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic elsewhere leaves no half change: each method changes the state in one step at its end.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("buckets", &self.buckets()).finish_non_exhaustive()
    }
}

impl ObjectStore for MemoryStore {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.lock().buckets.contains_key(bucket)) })
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(async move {
            let now = (self.clock)();
            self.with_object(bucket, key, version, |found, versioning| Ok(found.meta(versioning, now)))
        })
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move {
            self.with_object(request.bucket, request.key, request.version, |found, _| {
                if request.pin.is_some_and(|pin| *pin != found.pin()) {
                    return Err(Fail::new(ErrorKind::PreconditionFailed, "the object has changed"));
                }
                found.content.attributes.check_readable((self.clock)())?;
                let body = &found.content.body;
                let range = rules::clip(&request.range, body.len() as u64)?;
                let index = |at: u64| usize::try_from(at).unwrap_or(body.len());
                Ok(body.slice(index(range.start)..index(range.end)))
            })
        })
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(async move { self.put_now(request) })
    }

    fn begin_put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        Box::pin(async move { self.object_writer(&request) })
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        Box::pin(async move { self.copy_now(&request) })
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        Box::pin(async move { self.delete_now(&request) })
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.change(request.bucket, request.key, request.version, |attributes| {
                attributes.tags = attributes.changed_tags(&request.tags)?;
                Ok(())
            })
        })
    }

    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        Box::pin(
            async move { self.with_object(bucket, key, version, |found, _| Ok(found.content.attributes.tags.clone())) },
        )
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        Box::pin(async move {
            let now = (self.clock)();
            self.change(request.bucket, request.key, request.version, |attributes| attributes.restored(&request, now))
        })
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        Box::pin(async move { self.list_now(&request) })
    }

    fn put_acl<'a>(&'a self, request: AclRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.change(request.bucket, request.key, request.version, |attributes| attributes.set_access(&request))
        })
    }

    fn put_legal_hold<'a>(&'a self, request: LegalHoldRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.change(request.bucket, request.key, request.version, |attributes| {
                attributes.lock.legal_hold = request.on;
                Ok(())
            })
        })
    }

    fn put_retention<'a>(&'a self, request: RetentionRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let now = (self.clock)();
            self.change(request.bucket, request.key, request.version, |attributes| {
                attributes.lock.set_retention(&request, now)
            })
        })
    }

    fn get_lock<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectLock, StoreError>> {
        Box::pin(async move { self.with_object(bucket, key, version, |found, _| Ok(found.content.attributes.lock)) })
    }

    fn list_versions<'a>(&'a self, request: ListVersionsRequest<'a>) -> BoxFuture<'a, Result<VersionPage, StoreError>> {
        Box::pin(async move { self.list_versions_now(&request) })
    }

    fn create_multipart<'a>(&'a self, request: MultipartRequest<'a>) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(async move { self.begin_upload(&request) })
    }

    fn upload_part<'a>(&'a self, request: PartRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(async move { self.add_part(request.upload, request.number, request.body) })
    }

    fn begin_part<'a>(
        &'a self,
        upload: UploadId<'a>,
        number: u16,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        Box::pin(async move { self.part_writer(upload, number) })
    }

    fn upload_part_copy<'a>(&'a self, request: PartCopyRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(async move { self.copy_part(&request) })
    }

    fn complete_multipart<'a>(&'a self, request: CompleteRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(async move { self.complete_upload(&request) })
    }

    fn abort_multipart<'a>(&'a self, upload: UploadId<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.abort_upload(upload) })
    }

    fn list_parts<'a>(
        &'a self,
        upload: UploadId<'a>,
        after: u16,
        limit: usize,
    ) -> BoxFuture<'a, Result<(Vec<Part>, bool), StoreError>> {
        Box::pin(async move { self.list_parts_now(upload, after, limit) })
    }

    fn list_uploads<'a>(&'a self, request: ListUploadsRequest<'a>) -> BoxFuture<'a, Result<UploadPage, StoreError>> {
        Box::pin(async move { self.list_uploads_now(&request) })
    }

    fn list_buckets<'a>(&'a self) -> BoxFuture<'a, Result<Vec<BucketInfo>, StoreError>> {
        Box::pin(async move {
            let info = |(name, bucket): (&String, &Bucket)| BucketInfo { name: name.clone(), created: bucket.created };
            Ok(self.lock().buckets.iter().map(info).collect())
        })
    }

    fn put_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move { self.make_bucket(bucket) })
    }

    fn delete_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.lock().remove_bucket(bucket) })
    }

    fn get_versioning<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<Option<BucketVersioning>, StoreError>> {
        Box::pin(async move { Ok(self.lock().bucket(bucket)?.versioning.shown()) })
    }

    fn put_versioning<'a>(&'a self, bucket: &'a str, state: BucketVersioning) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.set_versioning(bucket, state == BucketVersioning::Enabled) })
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(self.lock().bucket(bucket).map(drop)))
    }
}
