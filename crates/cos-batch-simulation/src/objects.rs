//! The object stores as a process sees them.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_objectstore::{
    Acl, AclRequest, BoxFuture, BucketVersioning, Capabilities, CompleteRequest, CopyOutcome, CopyRequest,
    DeleteOutcome, DeleteRequest, Execution, GetRequest, LegalHoldRequest, ListPage, ListRequest, ListUploadsRequest,
    ListVersionsRequest, MemoryStore, MultipartRequest, ObjectLock, ObjectMeta, ObjectStore, ObjectWriter, Part,
    PartCopyRequest, PartOutcome, PartRequest, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest,
    RetentionRequest, StoreError, Tag, TagRequest, UploadId, UploadPage, VersionPage, VersionSelector,
};
use tokio::time::sleep;

use crate::{
    Fault, Sabotage,
    disk::Place,
    link::{Broken as _, Link, Point},
    power::{self, Wanted},
    world::{Plane, World},
};

/// After a cancel was answered, an operation may still begin for so long.
const CANCEL_HEARD_WITHIN: Duration = Duration::from_secs(1);

/// How long the spool takes to write what it has answered already, where that is the defect.
const WRITES_LATE_BY: Duration = Duration::from_millis(400);

/// What keeps a process from hearing of a cancel in time: it cannot be held to that.
const DEAF: [Fault; 7] = [
    Fault::Freeze,
    Fault::JobsRefused,
    Fault::JobsLost,
    Fault::JobsSlow,
    Fault::JobsOutage,
    Fault::PowerCut,
    Fault::SyncCut,
];

#[derive(Clone)]
pub(crate) struct LinkedObjects {
    link: Arc<Link>,
    plane: Plane,
}

impl fmt::Debug for LinkedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedObjects").field("process", &self.link.process()).field("plane", &self.plane).finish()
    }
}

/// Which row of which job a key is of, where it is one.
fn row_of(key: &str) -> Option<(usize, u32)> {
    let (job, row) = key.strip_prefix('j')?.split_once('/')?;
    Some((job.parse().ok()?, row.parse().ok()?))
}

impl LinkedObjects {
    pub(crate) fn new(link: Arc<Link>, plane: Plane) -> Self {
        Self { link, plane }
    }

    fn world(&self) -> &World {
        &self.link.world
    }

    fn inner(&self) -> &MemoryStore {
        match self.plane {
            Plane::Spool => &self.world().spool,
            Plane::Jobs | Plane::Objects => &self.world().objects,
        }
    }

    fn point(&self, name: &'static str, of: impl Into<String>, changes: bool) -> Point {
        let of = of.into();
        // Names that have chance in them tell nothing.
        let of = if row_of(&of).is_some() { of } else { String::new() };
        Point { plane: self.plane, name, of, changes }
    }

    async fn read<T, F>(&self, name: &'static str, key: &str, work: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.link.pass(&self.point(name, key, false), work).await
    }

    async fn change<T, F>(&self, name: &'static str, key: &str, work: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.link.pass(&self.point(name, key, true), work).await
    }

    /// What a task does to an object of this key.
    async fn operate<T, F>(
        &self,
        name: &'static str,
        (bucket, key): (&str, &str),
        work: impl Fn() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let world = self.world();
        let row = row_of(key);
        if let Some((job, row)) = row
            && !self.link.is_dead()
            && let Some(at) = world.witness.cancelled_at(job)
        {
            let now = world.clock.elapsed();
            if now > at + CANCEL_HEARD_WITHIN && !world.has_met(&DEAF) {
                world.violated(format!("job {job}: {name} of row {row} began at {now:?}, but was cancelled at {at:?}"));
            }
        }
        let done = async || {
            if let Some((job, row)) = row {
                world.witness.worked(job, row);
            }
            work().await
        };
        self.write(name, (bucket, key), false, done).await
    }

    /// What changes an object, and lasts when it is answered or at the next barrier.
    async fn write<T, F>(
        &self,
        name: &'static str,
        (bucket, key): (&str, &str),
        durable: bool,
        work: impl Fn() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let world = self.world();
        let place = Place { spool: self.plane == Plane::Spool, bucket: bucket.to_owned(), key: key.to_owned() };
        let durable = durable && !self.is_never_synced();
        let done = async || {
            let number = power::changes(world, self.link.process(), &place).await;
            let done = work().await?;
            if durable && !power::sync(world, Wanted::Place(&place, number)).await {
                return Err(StoreError::broken(Fault::SyncFailed));
            }
            Ok(done)
        };
        self.change(name, key, done).await
    }

    fn is_never_synced(&self) -> bool {
        match self.world().plan.sabotage {
            Some(Sabotage::SegmentNotSynced) => self.plane == Plane::Spool,
            Some(Sabotage::ReportNotSynced) => self.plane == Plane::Objects,
            _ => false,
        }
    }
}

/// Content in pieces.
struct LinkedWriter {
    store: LinkedObjects,
    inner: Box<dyn ObjectWriter>,
}

impl ObjectWriter for LinkedWriter {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.store.link.awake().await;
            self.inner.write(piece).await
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>> {
        let Self { store, inner } = *self;
        Box::pin(async move {
            let mut inner = Some(inner);
            let finish = || {
                let inner = inner.take();
                async move {
                    match inner {
                        Some(inner) => inner.finish().await,
                        // There is no way to finish the same twice.
                        None => Err(StoreError::broken(Fault::ObjectsTwice)),
                    }
                }
            };
            // It is no operation of a task, and happens once.
            let point = Point { plane: Plane::Spool, ..store.point("finish", "", true) };
            store.link.pass(&point, finish).await
        })
    }
}

impl ObjectStore for LinkedObjects {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.read("bucket_exists", bucket, || self.inner().bucket_exists(bucket)))
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(self.read("head", key, move || self.inner().head(bucket, key, version)))
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(self.read("get_range", request.key, move || self.inner().get_range(request.clone())))
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        if self.plane == Plane::Spool && self.world().plan.sabotage == Some(Sabotage::SegmentAfterCheckpoint) {
            return self.put_later(&request);
        }
        let (at, durable) = ((request.bucket, request.key), request.durable);
        Box::pin(self.write("put", at, durable, move || self.inner().put(request.clone())))
    }

    fn begin_put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        Box::pin(async move {
            self.link.awake().await;
            let inner = self.inner().begin_put(request).await?;
            Ok(Box::new(LinkedWriter { store: self.clone(), inner }) as Box<dyn ObjectWriter>)
        })
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        let at = (request.target_bucket, request.target_key);
        Box::pin(self.operate("copy", at, move || self.inner().copy(request.clone())))
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        let at = (request.bucket, request.key);
        if row_of(request.key).is_none() {
            return Box::pin(self.write("delete", at, false, move || self.inner().delete(request.clone())));
        }
        Box::pin(self.operate("delete", at, move || self.inner().delete(request.clone())))
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        let at = (request.bucket, request.key);
        Box::pin(self.operate("put_tags", at, move || self.inner().put_tags(request.clone())))
    }

    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        Box::pin(self.read("get_tags", key, move || self.inner().get_tags(bucket, key, version)))
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        let at = (request.bucket, request.key);
        Box::pin(self.operate("restore", at, move || self.inner().restore(request.clone())))
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        Box::pin(self.read("list", "", move || self.inner().list(request.clone())))
    }

    fn put_acl<'a>(&'a self, request: AclRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        let at = (request.bucket, request.key);
        Box::pin(self.operate("put_acl", at, move || self.inner().put_acl(request.clone())))
    }

    fn put_legal_hold<'a>(&'a self, request: LegalHoldRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        let at = (request.bucket, request.key);
        Box::pin(self.operate("put_legal_hold", at, move || self.inner().put_legal_hold(request.clone())))
    }

    fn put_retention<'a>(&'a self, request: RetentionRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        let at = (request.bucket, request.key);
        Box::pin(self.operate("put_retention", at, move || self.inner().put_retention(request.clone())))
    }

    fn get_lock<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectLock, StoreError>> {
        Box::pin(self.read("get_lock", key, move || self.inner().get_lock(bucket, key, version)))
    }

    fn get_acl<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Acl, StoreError>> {
        Box::pin(self.read("get_acl", key, move || self.inner().get_acl(bucket, key, version)))
    }

    fn list_versions<'a>(&'a self, request: ListVersionsRequest<'a>) -> BoxFuture<'a, Result<VersionPage, StoreError>> {
        Box::pin(self.read("list_versions", "", move || self.inner().list_versions(request.clone())))
    }

    fn create_multipart<'a>(&'a self, request: MultipartRequest<'a>) -> BoxFuture<'a, Result<String, StoreError>> {
        let point = Point { plane: Plane::Spool, ..self.point("create_multipart", "", true) };
        Box::pin(async move { self.link.pass(&point, || self.inner().create_multipart(request.clone())).await })
    }

    fn upload_part<'a>(&'a self, request: PartRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(self.change("upload_part", "", move || self.inner().upload_part(request.clone())))
    }

    fn begin_part<'a>(
        &'a self,
        upload: UploadId<'a>,
        number: u16,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        Box::pin(async move {
            self.link.awake().await;
            let inner = self.inner().begin_part(upload, number).await?;
            Ok(Box::new(LinkedWriter { store: self.clone(), inner }) as Box<dyn ObjectWriter>)
        })
    }

    fn upload_part_copy<'a>(&'a self, request: PartCopyRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(self.change("upload_part_copy", "", move || self.inner().upload_part_copy(request.clone())))
    }

    fn complete_multipart<'a>(&'a self, request: CompleteRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        let at = (request.upload.bucket, request.upload.key);
        Box::pin(self.write("complete_multipart", at, false, move || self.inner().complete_multipart(request.clone())))
    }

    fn abort_multipart<'a>(&'a self, upload: UploadId<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.change("abort_multipart", "", move || self.inner().abort_multipart(upload)))
    }

    fn list_parts<'a>(
        &'a self,
        upload: UploadId<'a>,
        after: u16,
        limit: usize,
    ) -> BoxFuture<'a, Result<(Vec<Part>, bool), StoreError>> {
        Box::pin(self.read("list_parts", "", move || self.inner().list_parts(upload, after, limit)))
    }

    fn list_uploads<'a>(&'a self, request: ListUploadsRequest<'a>) -> BoxFuture<'a, Result<UploadPage, StoreError>> {
        Box::pin(self.read("list_uploads", "", move || self.inner().list_uploads(request.clone())))
    }

    fn get_versioning<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<Option<BucketVersioning>, StoreError>> {
        Box::pin(self.read("get_versioning", "", move || self.inner().get_versioning(bucket)))
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let sync = async || {
            self.inner().barrier(bucket).await?;
            if self.world().plan.sabotage != Some(Sabotage::NoBarrier) {
                let wanted = Wanted::Bucket { process: self.link.process(), spool: self.plane == Plane::Spool, bucket };
                let forgets = self.world().plan.sabotage == Some(Sabotage::FailedSyncForgotten);
                if !power::sync(self.world(), wanted).await && !forgets {
                    return Err(StoreError::broken(Fault::SyncFailed));
                }
            }
            Ok(())
        };
        Box::pin(async move { self.change("barrier", "", sync).await })
    }
}

impl LinkedObjects {
    /// Answers, and writes later: by then the process may be dead.
    fn put_later<'a>(&'a self, request: &PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        let (link, bucket, key) = (Arc::clone(&self.link), request.bucket.to_owned(), request.key.to_owned());
        let body = request.body.clone();
        tokio::spawn(async move {
            sleep(WRITES_LATE_BY).await;
            if !link.is_dead() {
                let _ = link.world.spool.put(PutRequest::new(&bucket, &key, body)).await;
            }
        });
        Box::pin(async move { Ok(PutOutcome { etag: String::new(), version_id: None }) })
    }
}
