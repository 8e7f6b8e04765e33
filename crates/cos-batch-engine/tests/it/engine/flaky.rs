//! A store of jobs that can be made to fail, and to lose its answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use cos_batch_engine::{
    JobEvent, JobRecord, JobStore, UnixMillis,
    store::{
        BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
        JobLease, ListFilter, ListedFile, NewJob, ResultFile, Segment, Shard, ShardLease, StoreError,
    },
};
use uuid::Uuid;

#[derive(Debug)]
pub(super) struct Flaky {
    inner: Arc<dyn JobStore>,
    /// Nothing is answered, and nothing done.
    pub(super) down: AtomicBool,
    /// What was refused while it was down.
    pub(super) refused: AtomicU64,
    /// Leases never run out.
    pub(super) keep_leases: AtomicBool,
    /// The answers to the next so many checkpoints are lost.
    pub(super) lose_answers: AtomicU64,
    /// The answer to a claim takes so many milliseconds.
    pub(super) slow_claims: AtomicU64,
    /// Claims that were answered.
    pub(super) claims: AtomicU64,
    /// Leases of shards cannot be renewed.
    pub(super) no_renewals: AtomicBool,
    /// Changes of jobs that wrote a state.
    pub(super) states: AtomicU64,
}

impl Flaky {
    pub(super) fn new(inner: Arc<dyn JobStore>) -> Self {
        Self {
            inner,
            down: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            keep_leases: AtomicBool::new(false),
            lose_answers: AtomicU64::new(0),
            slow_claims: AtomicU64::new(0),
            claims: AtomicU64::new(0),
            no_renewals: AtomicBool::new(false),
            states: AtomicU64::new(0),
        }
    }

    fn up(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Failed("down".to_owned()));
        }
        Ok(())
    }
}

/// Methods that fail while the store is down, and are passed on otherwise.
macro_rules! pass_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $kind),*) -> BoxFuture<'a, Result<$answer, StoreError>> {
            Box::pin(async move {
                self.up()?;
                self.inner.$name($($argument),*).await
            })
        })*
    };
}

impl JobStore for Flaky {
    fn now(&self) -> UnixMillis {
        self.inner.now()
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            self.up()?;
            if self.keep_leases.load(Ordering::SeqCst) {
                return Ok(0);
            }
            self.inner.reap(all).await
        })
    }

    fn checkpoint<'a>(
        &'a self,
        lease: &'a ShardLease,
        step: Checkpoint,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        Box::pin(async move {
            self.up()?;
            let answer = self.inner.checkpoint(lease, step, ttl).await;
            let lost = self.lose_answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if lost.is_ok() { Err(StoreError::Failed("lost".to_owned())) } else { answer }
        })
    }

    fn claim_shard<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<ShardLease>, StoreError>> {
        Box::pin(async move {
            self.up()?;
            let answer = self.inner.claim_shard(job, ttl).await;
            tokio::time::sleep(Duration::from_millis(self.slow_claims.load(Ordering::SeqCst))).await;
            self.claims.fetch_add(1, Ordering::SeqCst);
            answer
        })
    }

    fn renew_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        Box::pin(async move {
            self.up()?;
            if self.no_renewals.load(Ordering::SeqCst) {
                return Err(StoreError::Failed("not now".to_owned()));
            }
            self.inner.renew_shard(lease, ttl).await
        })
    }

    fn transition<'a>(
        &'a self,
        id: Uuid,
        version: u64,
        change: JobChange,
    ) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        Box::pin(async move {
            self.up()?;
            self.states.fetch_add(u64::from(change.state.is_some()), Ordering::SeqCst);
            self.inner.transition(id, version, change).await
        })
    }

    pass_on! {
        create(job: NewJob) -> JobRecord;
        get(id: Uuid) -> Option<JobRecord>;
        find_token(tenant: &'a str, token: &'a str) -> Option<Uuid>;
        retries(job: Uuid, limit: usize) -> Vec<Uuid>;
        list(filter: ListFilter<'a>) -> (Vec<JobRecord>, bool);
        briefs(filter: BriefFilter<'a>) -> BriefPage;
        suspended(before: UnixMillis, limit: usize) -> Vec<Uuid>;
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
        finish_shard(lease: &'a ShardLease, results: Vec<ResultFile>) -> u64;
        release_shard(lease: &'a ShardLease) -> ();
        segments(job: Uuid, shard: u32) -> Vec<Segment>;
        job_segments(job: Uuid, failed_only: bool, after: Option<(u32, u32)>, limit: usize) -> Vec<Segment>;
        cut_off_shards(job: Uuid, after: Option<u32>, limit: usize) -> Vec<u32>;
        add_results(lease: &'a JobLease, results: Vec<ResultFile>) -> ();
        results(job: Uuid, after: Option<(u32, bool)>, limit: usize) -> Vec<ResultFile>;
        codes(job: Uuid) -> Vec<(String, u64)>;
        events(job: Uuid) -> Vec<JobEvent>;
        purgeable(before: UnixMillis, limit: usize) -> Vec<Uuid>;
        purge(id: Uuid) -> ();
    }
}
