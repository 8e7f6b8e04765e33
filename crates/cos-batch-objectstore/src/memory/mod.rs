//! A store in memory, for tests.

mod state;

use std::{
    fmt,
    future::ready,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use md5::{Digest, Md5};

use crate::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, Metadata, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest,
    StoreError, Tag, TagRequest, VersionSelector,
    attributes::{self, Attributes},
    clock::{Clock, wall_clock},
    fail::Fail,
    rules::{self, NULL_VERSION, Versioning},
};
use state::{Content, Found, State};

/// What [`MemoryStore::new`] holds at most: more than a test needs, less than what would harm the machine it runs on.
const DEFAULT_CAPACITY: u64 = 1024 * 1024 * 1024;

/// A store that keeps everything in memory, behind one lock. It is meant for tests: nothing survives the process, and
/// a put beyond the capacity (1 GiB of content unless told otherwise) is `InsufficientStorage`.
pub struct MemoryStore {
    state: Mutex<State>,
    clock: Clock,
    capacity: u64,
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
        Self { state: Mutex::default(), clock: wall_clock, capacity: DEFAULT_CAPACITY }
    }

    /// Holds at most so many bytes of content, all versions together.
    #[must_use]
    pub fn with_capacity(self, bytes: u64) -> Self {
        Self { capacity: bytes, ..self }
    }

    /// Takes the time (Unix seconds) from `clock`: times of change and the end of restores.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> i64) -> Self {
        Self { clock, ..self }
    }

    /// Makes a bucket; one that exists stays as it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that no bucket can have.
    pub fn create_bucket(&self, name: &str) -> Result<(), StoreError> {
        rules::check_new_bucket(name).map_err(|f| f.about_bucket(name))?;
        self.lock().buckets.entry(name.to_owned()).or_default();
        Ok(())
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
        // A panic elsewhere leaves no half change: each method changes the state in one step at its end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn put_now(&self, request: PutRequest<'_>) -> Result<PutOutcome, StoreError> {
        let (bucket, key) = (request.bucket, request.key);
        let mut state = self.lock();
        let versioning = state.bucket(bucket)?.versioning;
        let attributes =
            rules::check_key(key).and_then(|()| Attributes::of_put(&request)).map_err(|f| f.about(bucket, key))?;
        let etag = hex::encode(Md5::digest(&request.body));
        let content = Content { body: request.body, etag: etag.clone(), attributes };
        let id = state.add(bucket, key, Some(content), request.operation, (self.clock)(), self.capacity)?;
        Ok(PutOutcome { etag, version_id: (versioning == Versioning::Enabled).then_some(id) })
    }

    fn copy_now(&self, request: &CopyRequest<'_>) -> Result<CopyOutcome, StoreError> {
        let now = (self.clock)();
        let source = &request.source;
        let mut state = self.lock();
        let target = (request.target_bucket, request.target_key);
        let versioning = state.bucket(target.0)?.versioning;
        rules::check_key(target.1).map_err(|f| f.about(target.0, target.1))?;
        let from = state.bucket(source.bucket)?;
        let content = rules::check_key(source.key)
            .and_then(|()| from.find(source.key, source.version))
            .and_then(|found| {
                rules::check_conditions(request.conditions, found.version.last_modified)?;
                found.content.attributes.check_readable(now)?;
                let onto_itself = found.latest && (source.bucket, source.key) == target;
                if onto_itself && !attributes::changes_something(request) {
                    return Err(attributes::changes_nothing());
                }
                let attributes = found.content.attributes.of_copy(request)?;
                Ok(Content { attributes, ..found.content.clone() })
            })
            .map_err(|f| f.about(source.bucket, source.key))?;
        let id = state.add(target.0, target.1, Some(content), request.operation, now, self.capacity)?;
        Ok(CopyOutcome { version_id: (versioning == Versioning::Enabled).then_some(id) })
    }

    fn delete_now(&self, request: &DeleteRequest<'_>) -> Result<DeleteOutcome, StoreError> {
        let (bucket, key) = (request.bucket, request.key);
        let mut state = self.lock();
        let versioning = state.bucket(bucket)?.versioning;
        rules::check_key(key).map_err(|f| f.about(bucket, key))?;
        match request.version {
            VersionSelector::Id(id) => state.remove(bucket, key, id),
            VersionSelector::Latest if versioning == Versioning::Off => {
                state.remove(bucket, key, NULL_VERSION)?;
                Ok(DeleteOutcome::default())
            }
            VersionSelector::Latest => {
                let id = state.add(bucket, key, None, request.operation, (self.clock)(), self.capacity)?;
                Ok(DeleteOutcome { delete_marker: true, version_id: Some(id) })
            }
        }
    }

    fn list_now(&self, request: &ListRequest<'_>) -> Result<ListPage, StoreError> {
        let now = (self.clock)();
        let state = self.lock();
        let bucket = state.bucket(request.bucket)?;
        rules::check_limit(request.limit).map_err(|f| f.about_bucket(request.bucket))?;
        let start = match request.after {
            Some(after) if after >= request.prefix => Bound::Excluded(after),
            _ => Bound::Included(request.prefix),
        };
        let mut page = ListPage::default();
        let keys = bucket.objects.range::<str, _>((start, Bound::Unbounded)).map(|(key, _)| key);
        for key in keys.take_while(|key| key.starts_with(request.prefix)) {
            let Ok(found) = bucket.find(key, &VersionSelector::Latest) else { continue };
            if page.objects.len() == request.limit {
                page.next = page.objects.last().map(|(key, _)| key.clone());
                break;
            }
            let meta = found.meta(bucket.versioning, now);
            page.objects.push((key.clone(), listed(meta)));
        }
        Ok(page)
    }
}

/// Attributes as listings show them.
fn listed(meta: ObjectMeta) -> ObjectMeta {
    ObjectMeta { metadata: Metadata::default(), grants: Vec::new(), canned_acl: None, restore: None, ..meta }
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
        Capabilities { multipart: false, ..Capabilities::ALL }
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

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(self.lock().bucket(bucket).map(drop)))
    }
}
