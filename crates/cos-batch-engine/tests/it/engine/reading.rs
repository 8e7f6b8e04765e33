//! A task that reads for long, and a job that somebody cancels meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use cos_batch_engine::{
    Config,
    spec::{ChecksumAlgorithm, TaskOperation},
    store::JobStatus,
};
use cos_batch_model::{JobId, RequestedJobStatus};
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, Execution, GetRequest, ListPage,
    ListRequest, MemoryStore, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest,
    StoreError, Tag, TagRequest, VersionSelector,
};
use tokio::sync::Notify;

use super::{
    kinds::{spec, until},
    world::{SOURCE, World},
};

/// A store in which the second piece of the object `endless` never comes, and that of `short` is empty when it is first asked for.
#[derive(Debug)]
struct Endless {
    inner: Arc<MemoryStore>,
    asked: Arc<Notify>,
    /// Second pieces of `short` that were asked for.
    short: Arc<AtomicU64>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl ObjectStore for Endless {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> Answer<'a, bool> {
        self.inner.bucket_exists(bucket)
    }

    fn head<'a>(&'a self, bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Answer<'a, ObjectMeta> {
        self.inner.head(bucket, key, version)
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> Answer<'a, Bytes> {
        if request.key == "endless" && request.range.start > 0 {
            self.asked.notify_one();
            return Box::pin(std::future::pending());
        }
        if request.key == "short" && request.range.start > 0 && self.short.fetch_add(1, Ordering::SeqCst) == 0 {
            return Box::pin(std::future::ready(Ok(Bytes::new())));
        }
        self.inner.get_range(request)
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> Answer<'a, PutOutcome> {
        self.inner.put(request)
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> Answer<'a, CopyOutcome> {
        self.inner.copy(request)
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> Answer<'a, DeleteOutcome> {
        self.inner.delete(request)
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> Answer<'a, ()> {
        self.inner.put_tags(request)
    }

    fn get_tags<'a>(&'a self, bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Answer<'a, Vec<Tag>> {
        self.inner.get_tags(bucket, key, version)
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> Answer<'a, RestoreOutcome> {
        self.inner.restore(request)
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> Answer<'a, ListPage> {
        self.inner.list(request)
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> Answer<'a, ()> {
        self.inner.barrier(bucket)
    }
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_an_object_to_be_read() {
    let asked = Arc::new(Notify::new());
    let notify = Arc::clone(&asked);
    let world = World::of(
        Config::default(),
        |inner| Arc::new(Endless { inner, asked: notify, short: Arc::default() }),
        |jobs| jobs,
    )
    .await;
    world.put(SOURCE, "endless", vec![0; 1024 * 1024 + 1]).await;
    let operation = TaskOperation::Checksum { algorithm: ChecksumAlgorithm::Crc32c };
    let spec = spec(&world, &format!("{SOURCE},endless\n"), operation).await;
    let job = world.engine.create(&world.context(), "endless".to_owned(), 1, spec).await.unwrap().unwrap();
    let id = JobId::new(job.id.to_string()).unwrap();
    asked.notified().await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    until(&world, &world.engine, &id, JobStatus::Cancelled).await;
    let job = world.engine.job(&world.context(), id.as_str()).await.unwrap();
    assert_eq!((job.progress.succeeded, job.progress.failed), (0, 0));
}

#[tokio::test]
async fn a_part_of_an_object_has_no_checksum() {
    let short = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&short);
    let make = |inner| Arc::new(Endless { inner, asked: Arc::default(), short: counted }) as Arc<dyn ObjectStore>;
    let world = World::of(Config::default(), make, |jobs| jobs).await;
    world.put(SOURCE, "short", vec![0; 1024 * 1024 + 1]).await;
    let operation = TaskOperation::Checksum { algorithm: ChecksumAlgorithm::Crc32c };
    let spec = spec(&world, &format!("{SOURCE},short\n"), operation).await;
    let job = world.engine.create(&world.context(), "short".to_owned(), 1, spec).await.unwrap().unwrap();
    let id = JobId::new(job.id.to_string()).unwrap();
    until(&world, &world.engine, &id, JobStatus::Complete).await;
    let job = world.engine.job(&world.context(), id.as_str()).await.unwrap();
    assert_eq!((job.progress.succeeded, job.progress.failed), (1, 0));
    assert_eq!(short.load(Ordering::SeqCst), 2, "it is read again");
}
