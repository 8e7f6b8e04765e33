//! A job store in memory.

mod books;
mod files;
mod jobs;
mod links;
mod work;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use uuid::Uuid;

use self::books::Books;
use super::{
    BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
    JobLease, JobStatus, JobStore, ListFilter, ListedFile, NewJob, ResultFile, Segment, Shard, ShardLease, StoreError,
};
use crate::{
    clock::{Clock, UnixMillis},
    job::{JobEvent, JobRecord},
};

/// A [`JobStore`] in memory: for tests, for simulation, and for servers that may forget.
///
/// ```
/// use std::sync::Arc;
/// use cos_batch_engine::{JobStore, MemoryJobStore, SystemClock, store::ListFilter};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let store = MemoryJobStore::new(Arc::new(SystemClock));
/// let filter = ListFilter { tenant: "1250000000", statuses: &[], after: None, limit: 10, newest_first: false };
/// let (jobs, more) = store.list(filter).await.unwrap();
/// assert!(jobs.is_empty() && !more);
/// # }
/// ```
pub struct MemoryJobStore {
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
}

impl MemoryJobStore {
    /// An empty store that takes its time from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, books: Mutex::new(Books::default()) }
    }

    /// Carries out one transaction, when the future is first polled.
    fn with<'a, T: Send + 'a>(
        &'a self,
        transaction: impl FnOnce(&mut Books, UnixMillis) -> Result<T, StoreError> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            let mut books =
                self.books.lock().map_err(|_| StoreError::Failed("an earlier change broke off half way".to_owned()))?;
            transaction(&mut books, self.clock.now())
        })
    }
}

impl fmt::Debug for MemoryJobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJobStore").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl JobStore for MemoryJobStore {
    fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    fn create<'a>(&'a self, job: NewJob) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        self.with(|books, now| books.create(job, now))
    }

    fn get<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<Option<JobRecord>, StoreError>> {
        self.with(move |books, _| Ok(books.get(id)))
    }

    fn find_token<'a>(&'a self, tenant: &'a str, token: &'a str) -> BoxFuture<'a, Result<Option<Uuid>, StoreError>> {
        self.with(move |books, _| Ok(books.find_token(tenant, token)))
    }

    fn retries<'a>(&'a self, job: Uuid, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.with(move |books, _| Ok(books.retries(job, limit)))
    }

    fn list<'a>(&'a self, filter: ListFilter<'a>) -> BoxFuture<'a, Result<(Vec<JobRecord>, bool), StoreError>> {
        self.with(move |books, _| Ok(books.list(&filter)))
    }

    fn tasks_of_others<'a>(
        &'a self,
        tenant: &'a str,
        statuses: &'a [JobStatus],
        but: Uuid,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.with(move |books, _| Ok(books.tasks_of_others(tenant, statuses, but)))
    }

    fn transition<'a>(
        &'a self,
        id: Uuid,
        version: u64,
        change: JobChange,
    ) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        self.with(move |books, now| books.transition(id, version, change, now))
    }

    fn briefs<'a>(&'a self, filter: BriefFilter<'a>) -> BoxFuture<'a, Result<BriefPage, StoreError>> {
        self.with(move |books, _| Ok(books.briefs(&filter)))
    }

    fn suspended<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.with(move |books, _| Ok(books.suspended(before, limit)))
    }

    fn lease_job<'a>(&'a self, id: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<JobLease>, StoreError>> {
        self.with(move |books, now| books.lease_job(id, ttl, now))
    }

    fn renew_job<'a>(&'a self, lease: &'a JobLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, now| books.renew_job(lease, ttl, now))
    }

    fn release_job<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| {
            books.release_job(lease);
            Ok(())
        })
    }

    fn clear_shards<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| books.clear_shards(lease))
    }

    fn add_shards<'a>(&'a self, lease: &'a JobLease, shards: Vec<Shard>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| books.add_shards(lease, shards))
    }

    fn add_files<'a>(&'a self, lease: &'a JobLease, files: Vec<ListedFile>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| books.add_files(lease, files))
    }

    fn claim_file<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<FileLease>, StoreError>> {
        self.with(move |books, now| Ok(books.claim_file(job, ttl, now)))
    }

    fn renew_file<'a>(&'a self, lease: &'a FileLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, now| books.renew_file(lease, ttl, now))
    }

    fn finish_file<'a>(&'a self, lease: &'a FileLease, outcome: FileOutcome) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| books.finish_file(lease, outcome))
    }

    fn release_file<'a>(&'a self, lease: &'a FileLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| {
            books.release_file(lease);
            Ok(())
        })
    }

    fn files<'a>(&'a self, job: Uuid, from: u32, limit: usize) -> BoxFuture<'a, Result<Vec<FileState>, StoreError>> {
        self.with(move |books, _| Ok(books.files(job, from, limit)))
    }

    fn claim_shard<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<ShardLease>, StoreError>> {
        self.with(move |books, now| Ok(books.claim_shard(job, ttl, now)))
    }

    fn checkpoint<'a>(
        &'a self,
        lease: &'a ShardLease,
        step: Checkpoint,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        self.with(move |books, now| books.checkpoint(lease, step, ttl, now))
    }

    fn renew_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        self.with(move |books, now| books.renew_shard(lease, ttl, now))
    }

    fn finish_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.with(move |books, _| books.finish_shard(lease, results))
    }

    fn release_shard<'a>(&'a self, lease: &'a ShardLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| {
            books.release_shard(lease);
            Ok(())
        })
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.with(move |books, now| Ok(books.reap(if all { UnixMillis::MAX } else { now })))
    }

    fn segments<'a>(&'a self, job: Uuid, shard: u32) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.with(move |books, _| Ok(books.segments(job, shard)))
    }

    fn job_segments<'a>(
        &'a self,
        job: Uuid,
        failed_only: bool,
        after: Option<(u32, u32)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.with(move |books, _| Ok(books.job_segments(job, failed_only, after, limit)))
    }

    fn cut_off_shards<'a>(
        &'a self,
        job: Uuid,
        after: Option<u32>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<u32>, StoreError>> {
        self.with(move |books, _| Ok(books.cut_off_shards(job, after, limit)))
    }

    fn add_results<'a>(
        &'a self,
        lease: &'a JobLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| books.add_results(lease, results))
    }

    fn results<'a>(
        &'a self,
        job: Uuid,
        after: Option<(u32, bool)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ResultFile>, StoreError>> {
        self.with(move |books, _| Ok(books.results(job, after, limit)))
    }

    fn codes<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<(String, u64)>, StoreError>> {
        self.with(move |books, _| Ok(books.codes(job)))
    }

    fn events<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<JobEvent>, StoreError>> {
        self.with(move |books, _| Ok(books.events(job)))
    }

    fn purgeable<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.with(move |books, _| Ok(books.purgeable(before, limit)))
    }

    fn purge<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(move |books, _| books.purge(id))
    }
}
