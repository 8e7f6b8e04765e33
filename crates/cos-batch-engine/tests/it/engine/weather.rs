//! A store as stores are on a bad day: some requests fail in passing, some are carried out and their answers lost.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use cos_batch_engine::Config;
use cos_batch_model::{Days, InitiateRestoreObject, JobStatus, JobTier, Operation, PutObjectTagging};
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, ListVersionsRequest, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome,
    RestoreRequest, StorageClass, StoreError, Tag, TagRequest, VersionPage, VersionSelector,
};

use super::world::{self, SOURCE, TARGET, World};

#[derive(Debug)]
struct Weather {
    inner: Arc<dyn ObjectStore>,
    /// Operations and questions that arrived.
    requests: AtomicU64,
}

/// What happens to a request.
enum Fate {
    Fine,
    Refused(ErrorKind),
    /// It does not arrive.
    Lost,
    /// It is carried out, and its answer does not arrive.
    AnswerLost,
}

fn no_answer() -> StoreError {
    StoreError::new(ErrorKind::Unreachable, "the connection broke")
}

impl Weather {
    /// Of a hundred requests, five meet an internal error, two are too many, one is lost, and the answer of one is.
    fn fate(&self) -> Fate {
        let mut z = self.requests.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        match (z >> 33) % 100 {
            0..5 => Fate::Refused(ErrorKind::InternalError),
            5..7 => Fate::Refused(ErrorKind::SlowDown),
            7 => Fate::Lost,
            8 => Fate::AnswerLost,
            _ => Fate::Fine,
        }
    }

    async fn meet<T>(&self, request: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match self.fate() {
            Fate::Fine => request.await,
            Fate::Refused(kind) => Err(StoreError::new(kind, "in passing")),
            Fate::Lost => Err(no_answer()),
            Fate::AnswerLost => {
                // Whatever it would have been.
                let _ = request.await;
                Err(no_answer())
            }
        }
    }
}

impl ObjectStore for Weather {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(self.meet(self.inner.head(bucket, key, version)))
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(self.meet(self.inner.get_range(request)))
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(self.meet(self.inner.put(request)))
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        // A remote store does not know which operation this is, and makes a version each time.
        let request = CopyRequest { operation: None, ..request };
        Box::pin(self.meet(self.inner.copy(request)))
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        let request = DeleteRequest { operation: None, ..request };
        Box::pin(self.meet(self.inner.delete(request)))
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.meet(self.inner.put_tags(request)))
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        Box::pin(self.meet(self.inner.restore(request)))
    }

    passes_on! {
        bucket_exists(bucket: &'a str) -> bool;
        get_tags(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Vec<Tag>;
        list(request: ListRequest<'a>) -> ListPage;
        list_versions(request: ListVersionsRequest<'a>) -> VersionPage;
        barrier(bucket: &'a str) -> ();
    }
}

const ROWS: u32 = 4000;

async fn bad_day() -> (World, Arc<Weather>) {
    let slot = Mutex::new(None);
    let world = World::with(Config { failure_threshold: None, ..world::config() }, |inner| {
        let weather = Arc::new(Weather { inner, requests: AtomicU64::new(0) });
        *slot.lock().unwrap() = Some(Arc::clone(&weather));
        weather as Arc<dyn ObjectStore>
    })
    .await;
    for bucket in [SOURCE, TARGET] {
        world.memory.set_versioning(bucket, true).unwrap();
    }
    (world, slot.into_inner().unwrap().unwrap())
}

/// Runs the operation on all objects: none fails, and few requests more than objects were needed.
async fn all_is_done(world: &World, weather: &Weather, operation: Option<Operation>) {
    let rows = (0..ROWS).map(|number| format!("{SOURCE},in/{number}\n")).collect::<String>();
    let mut request = world.copy_request(&rows).await;
    if let Some(operation) = operation {
        request.operation = operation;
    }
    let before = weather.requests.load(Ordering::SeqCst);
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    let failed: Vec<_> = world.report(&id).await.into_iter().filter(|row| !row.1).collect();
    assert_eq!(failed, []);
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, u64::from(ROWS));
    let requests = weather.requests.load(Ordering::SeqCst) - before;
    let per_task = requests as f64 / f64::from(ROWS);
    assert!(per_task <= 1.15, "{per_task} requests for each task");
    assert!(per_task > 1.05, "the weather is not as bad as it should be: {per_task}");
}

/// How many versions each key below `in/` has, delete markers included: (fewest, most) of all keys.
async fn versions(world: &World, bucket: &str) -> (usize, usize) {
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let marker = after.as_ref().map(|(key, version)| (key.as_str(), version.as_str()));
        let request = ListVersionsRequest { bucket, prefix: "in/", after: marker, limit: 1000 };
        let page = world.memory.list_versions(request).await.unwrap();
        for version in page.versions {
            *counts.entry(version.key).or_default() += 1;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(counts.len(), ROWS as usize);
    (*counts.values().min().unwrap(), *counts.values().max().unwrap())
}

#[tokio::test(start_paused = true)]
async fn copies_are_done_and_done_once() {
    let (world, weather) = bad_day().await;
    world.fill(ROWS).await;
    all_is_done(&world, &weather, None).await;
    assert_eq!(versions(&world, TARGET).await, (1, 1), "who is in doubt asks first");
}

#[tokio::test(start_paused = true)]
async fn deletes_are_done_and_done_once() {
    let (world, weather) = bad_day().await;
    world.fill(ROWS).await;
    all_is_done(&world, &weather, Some(Operation::DeleteObject)).await;
    assert_eq!(versions(&world, SOURCE).await, (2, 2), "the object, and one delete marker");
}

#[tokio::test(start_paused = true)]
async fn tags_are_set() {
    let (world, weather) = bad_day().await;
    world.fill(ROWS).await;
    let tag = Tag { key: "tier".to_owned(), value: "cold".to_owned() };
    let tag_set = vec![cos_batch_model::Tag { key: tag.key.parse().unwrap(), value: tag.value.parse().unwrap() }];
    let operation = PutObjectTagging { tagging_directive: None, tag_set };
    all_is_done(&world, &weather, Some(Operation::PutObjectTagging(operation))).await;
    for number in 0..ROWS {
        let key = format!("in/{number}");
        let tags = world.memory.get_tags(SOURCE, &key, &VersionSelector::Latest).await.unwrap();
        assert_eq!(tags, std::slice::from_ref(&tag), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn restores_are_done() {
    let (world, weather) = bad_day().await;
    for number in 0..ROWS {
        let key = format!("in/{number}");
        let storage_class = StorageClass::new("ARCHIVE");
        let request = PutRequest { storage_class, ..PutRequest::new(SOURCE, &key, "cold".into()) };
        world.memory.put(request).await.unwrap();
    }
    let restore = InitiateRestoreObject { expiration_in_days: Days::new(3).unwrap(), job_tier: JobTier::Bulk.into() };
    all_is_done(&world, &weather, Some(Operation::InitiateRestoreObject(restore))).await;
}
