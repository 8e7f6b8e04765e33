//! Stores whose calls are counted together, and of which one call fails.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cos_batch_engine::{
    JobEvent, JobRecord, JobStore, UnixMillis,
    store::{
        BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange, JobLease,
        ListFilter, ListedFile, NewJob, ResultFile, Segment, Shard, ShardLease, StoreError as JobError,
    },
};
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest,
    StoreError as ObjectError, Tag, TagRequest, VersionSelector,
};
use uuid::Uuid;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// Nothing is done (EIO, say).
    Refused,
    /// Nothing is done, for there is no room (ENOSPC).
    Full,
    /// It is done, and the answer says that it failed (an error of fsync, a connection that was cut).
    Lost,
}

/// Counts calls, and says which one fails.
#[derive(Debug)]
pub(super) struct Calls {
    made: AtomicU64,
    fails: u64,
    how: Failing,
    /// What failed.
    pub(super) failed: Mutex<Option<String>>,
}

impl Calls {
    /// The call with this number fails; the first is 0.
    pub(super) fn failing(fails: u64, how: Failing) -> Arc<Self> {
        Arc::new(Self { made: AtomicU64::new(0), fails, how, failed: Mutex::default() })
    }

    /// Whether this call, which is named so, is to fail.
    fn count(&self, name: &str) -> Option<Failing> {
        let fails = self.made.fetch_add(1, Ordering::SeqCst) == self.fails;
        if fails {
            *self.failed.lock().unwrap() = Some(name.to_owned());
        }
        fails.then_some(self.how)
    }
}

fn no_object(how: Failing) -> ObjectError {
    match how {
        Failing::Full => ObjectError::new(ErrorKind::InsufficientStorage, "no room left"),
        Failing::Refused | Failing::Lost => ObjectError::new(ErrorKind::InternalError, "an error of the disk"),
    }
}

/// A store of objects.
#[derive(Debug)]
pub(super) struct CountedObjects {
    pub(super) inner: Arc<dyn ObjectStore>,
    pub(super) calls: Arc<Calls>,
    /// Goes before the names of calls.
    pub(super) plane: &'static str,
}

macro_rules! objects {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $kind),*) -> BoxFuture<'a, Result<$answer, ObjectError>> {
            Box::pin(async move {
                let failing = self.calls.count(&format!("{}: {}", self.plane, stringify!($name)));
                match failing {
                    None => self.inner.$name($($argument),*).await,
                    Some(Failing::Lost) => self.inner.$name($($argument),*).await.and(Err(no_object(Failing::Lost))),
                    Some(how) => Err(no_object(how)),
                }
            })
        })*
    };
}

impl ObjectStore for CountedObjects {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    objects! {
        bucket_exists(bucket: &'a str) -> bool;
        head(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> ObjectMeta;
        get_range(request: GetRequest<'a>) -> Bytes;
        put(request: PutRequest<'a>) -> PutOutcome;
        copy(request: CopyRequest<'a>) -> CopyOutcome;
        delete(request: DeleteRequest<'a>) -> DeleteOutcome;
        put_tags(request: TagRequest<'a>) -> ();
        get_tags(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Vec<Tag>;
        restore(request: RestoreRequest<'a>) -> RestoreOutcome;
        list(request: ListRequest<'a>) -> ListPage;
        barrier(bucket: &'a str) -> ();
    }
}

/// A store of jobs.
#[derive(Debug)]
pub(super) struct CountedJobs {
    pub(super) inner: Arc<dyn JobStore>,
    pub(super) calls: Arc<Calls>,
}

macro_rules! jobs {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $kind),*) -> BoxFuture<'a, Result<$answer, JobError>> {
            Box::pin(async move {
                let no = || Err(JobError::Failed("an error of the disk".to_owned()));
                match self.calls.count(concat!("jobs: ", stringify!($name))) {
                    None => self.inner.$name($($argument),*).await,
                    Some(Failing::Lost) => self.inner.$name($($argument),*).await.and(no()),
                    Some(Failing::Refused | Failing::Full) => no(),
                }
            })
        })*
    };
}

impl JobStore for CountedJobs {
    fn now(&self) -> UnixMillis {
        self.inner.now()
    }

    // What tests read is not counted, nor is what is looked at again and again.
    fn get<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<Option<JobRecord>, JobError>> {
        self.inner.get(id)
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, JobError>> {
        self.inner.reap(all)
    }

    fn briefs<'a>(&'a self, filter: BriefFilter<'a>) -> BoxFuture<'a, Result<BriefPage, JobError>> {
        self.inner.briefs(filter)
    }

    fn suspended<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, JobError>> {
        self.inner.suspended(before, limit)
    }

    fn purgeable<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, JobError>> {
        self.inner.purgeable(before, limit)
    }

    jobs! {
        create(job: NewJob) -> JobRecord;
        find_token(tenant: &'a str, token: &'a str) -> Option<Uuid>;
        retries(job: Uuid, limit: usize) -> Vec<Uuid>;
        list(filter: ListFilter<'a>) -> (Vec<JobRecord>, bool);
        transition(id: Uuid, version: u64, change: JobChange) -> JobRecord;
        lease_job(id: Uuid, ttl: Duration) -> Option<JobLease>;
        renew_job(lease: &'a JobLease, ttl: Duration) -> ();
        release_job(lease: &'a JobLease) -> ();
        clear_shards(lease: &'a JobLease) -> ();
        add_shards(lease: &'a JobLease, shards: Vec<Shard>) -> ();
        add_files(lease: &'a JobLease, files: Vec<ListedFile>) -> ();
        claim_file(job: Uuid, ttl: Duration) -> Option<FileLease>;
        renew_file(lease: &'a FileLease, ttl: Duration) -> ();
        finish_file(lease: &'a FileLease, outcome: FileOutcome) -> ();
        release_file(lease: &'a FileLease) -> ();
        files(job: Uuid, from: u32, limit: usize) -> Vec<FileState>;
        claim_shard(job: Uuid, ttl: Duration) -> Option<ShardLease>;
        checkpoint(lease: &'a ShardLease, step: Checkpoint, ttl: Duration) -> CheckpointAnswer;
        renew_shard(lease: &'a ShardLease, ttl: Duration) -> CheckpointAnswer;
        finish_shard(lease: &'a ShardLease, results: Vec<ResultFile>) -> u64;
        release_shard(lease: &'a ShardLease) -> ();
        segments(job: Uuid, shard: u32) -> Vec<Segment>;
        job_segments(job: Uuid, failed_only: bool, after: Option<(u32, u32)>, limit: usize) -> Vec<Segment>;
        cut_off_shards(job: Uuid, after: Option<u32>, limit: usize) -> Vec<u32>;
        add_results(lease: &'a JobLease, results: Vec<ResultFile>) -> ();
        results(job: Uuid, after: Option<(u32, bool)>, limit: usize) -> Vec<ResultFile>;
        codes(job: Uuid) -> Vec<(String, u64)>;
        events(job: Uuid) -> Vec<JobEvent>;
        purge(id: Uuid) -> ();
    }
}
