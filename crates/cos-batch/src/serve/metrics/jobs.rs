//! The job store, with each call counted and timed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cos_batch_engine::{
    JobEvent, JobRecord, JobStore, UnixMillis,
    statistics::{Counted, Histogram},
    store::{
        BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
        JobLease, ListFilter, ListedFile, NewJob, Render, Rendition, ResultFile, Segment, Shard, ShardLease,
        StoreError,
    },
};
use cos_batch_model::JobStatus;
use uuid::Uuid;

use crate::serve::webhook::Notices;

/// A count.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, number: u64) {
        // Numbers for people who watch: nothing else is ordered by them.
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! calls {
    ($($call:ident $name:literal),* $(,)?) => {
        /// Calls of a job store that are told apart.
        #[derive(Clone, Copy, Debug)]
        enum Call { $($call),* }

        /// Their names, in the same order.
        const NAMES: &[&str] = &[$($name),*];
    };
}

calls! {
    Create "create", Read "read", List "list", Transition "transition", LeaseJob "lease_job", Claim "claim_shard",
    Renew "renew", Release "release", AddShards "add_shards", Checkpoint "checkpoint", Finish "finish_shard",
    Reap "reap", Purge "purge",
}

/// What became of calls of one kind.
#[derive(Debug, Default)]
struct OfCall {
    took: Histogram,
    failed: Count,
}

/// What this node did with the job store.
#[derive(Debug)]
pub(crate) struct Counts {
    calls: Vec<OfCall>,
    /// By place in [`JobStatus::ALL`].
    to_status: Vec<Count>,
    pub(super) job_leases: Count,
    pub(super) file_leases: Count,
    pub(super) shard_leases: Count,
    pub(super) takeovers: Count,
    pub(super) reaped: Count,
    pub(super) lost: Count,
    pub(super) checkpoints: Count,
    pub(super) succeeded: Count,
    pub(super) failed: Count,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            calls: NAMES.iter().map(|_| OfCall::default()).collect(),
            to_status: JobStatus::ALL.iter().map(|_| Count::default()).collect(),
            job_leases: Count::default(),
            file_leases: Count::default(),
            shard_leases: Count::default(),
            takeovers: Count::default(),
            reaped: Count::default(),
            lost: Count::default(),
            checkpoints: Count::default(),
            succeeded: Count::default(),
            failed: Count::default(),
        }
    }
}

impl Counts {
    /// How long calls took, and how many the store could not carry out, by name.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&'static str, Counted, u64)> {
        NAMES.iter().zip(&self.calls).map(|(name, call)| (*name, call.took.read(), call.failed.read()))
    }

    /// How often jobs took a status here.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&JobStatus, u64)> {
        JobStatus::ALL.iter().zip(&self.to_status).map(|(status, count)| (status, count.read()))
    }

    fn ended<T>(&self, call: Call, took: Duration, result: &Result<T, StoreError>) {
        let of_call = &self.calls[call as usize];
        of_call.took.observe(took);
        match result {
            Err(StoreError::Failed(_)) => of_call.failed.add(1),
            Err(StoreError::LeaseLost) => self.lost.add(1),
            _ => {}
        }
    }

    fn became(&self, status: &JobStatus) {
        if let Some(place) = JobStatus::ALL.iter().position(|known| known == status) {
            self.to_status[place].add(1);
        }
    }
}

/// A job store that counts what this node asks of it.
#[derive(Clone, Debug)]
pub(crate) struct CountingJobStore {
    inner: Arc<dyn JobStore>,
    counts: Arc<Counts>,
    notices: Option<Arc<Notices>>,
}

impl CountingJobStore {
    /// This store, counted here; `notices` are told of what changes.
    pub(crate) fn new(inner: Arc<dyn JobStore>, counts: Arc<Counts>, notices: Option<Arc<Notices>>) -> Self {
        Self { inner, counts, notices }
    }

    /// The status of a job has become this.
    fn became(&self, job: &JobRecord) {
        self.counts.became(&job.state.status);
        if let Some(notices) = &self.notices {
            notices.changed(job, self.inner.now());
        }
    }

    /// Makes a job, and tells of it.
    async fn create_and_tell(self, job: NewJob) -> Result<JobRecord, StoreError> {
        let result = self.timed(Call::Create, self.inner.create(job), nothing).await;
        if let Ok(job) = &result {
            self.became(job);
        }
        result
    }

    /// Changes a job, and tells of it if that gave it another status.
    async fn change_and_tell(self, id: Uuid, version: u64, change: JobChange) -> Result<JobRecord, StoreError> {
        // The version that is changed, or one with which nothing is changed.
        let before = match change.state {
            Some(_) => self.inner.get(id).await?.map(|job| job.state.status),
            None => None,
        };
        let result = self.timed(Call::Transition, self.inner.transition(id, version, change), nothing).await;
        if let (Some(before), Ok(job)) = (before, &result)
            && job.state.status != before
        {
            self.became(job);
        }
        result
    }

    fn timed<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: BoxFuture<'a, Result<T, StoreError>>,
        then: impl FnOnce(&Counts, &T) + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            let began = Instant::now();
            let result = work.await;
            self.counts.ended(call, began.elapsed(), &result);
            if let Ok(value) = &result {
                then(&self.counts, value);
            }
            result
        })
    }
}

/// Goes on also when whoever asked has left: what is changed by then is told as well.
fn to_the_end<'a, T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> BoxFuture<'a, T> {
    let task = tokio::spawn(work);
    Box::pin(async move {
        match task.await {
            Ok(value) => value,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody aborts the task; a runtime that shuts down drops this one as well.
                Err(_) => std::future::pending().await,
            },
        }
    })
}

/// Nothing more to count.
fn nothing<T>(_: &Counts, _: &T) {}

impl JobStore for CountingJobStore {
    fn now(&self) -> UnixMillis {
        self.inner.now()
    }

    fn changed<'a>(&'a self) -> BoxFuture<'a, ()> {
        self.inner.changed()
    }

    fn create<'a>(&'a self, job: NewJob) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        to_the_end(self.clone().create_and_tell(job))
    }

    fn get<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<Option<JobRecord>, StoreError>> {
        self.timed(Call::Read, self.inner.get(id), nothing)
    }

    /// Not timed: it is answered from memory for the most part, and looking at the clock would be much of what it takes.
    fn rendition<'a>(&'a self, id: Uuid, render: Render) -> BoxFuture<'a, Result<Option<Arc<Rendition>>, StoreError>> {
        self.inner.rendition(id, render)
    }

    fn find_token<'a>(&'a self, tenant: &'a str, token: &'a str) -> BoxFuture<'a, Result<Option<Uuid>, StoreError>> {
        self.timed(Call::Read, self.inner.find_token(tenant, token), nothing)
    }

    fn retries<'a>(&'a self, job: Uuid, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.timed(Call::Read, self.inner.retries(job, limit), nothing)
    }

    fn list<'a>(&'a self, filter: ListFilter<'a>) -> BoxFuture<'a, Result<(Vec<JobRecord>, bool), StoreError>> {
        self.timed(Call::List, self.inner.list(filter), nothing)
    }

    fn tasks_of_others<'a>(
        &'a self,
        tenant: &'a str,
        statuses: &'a [JobStatus],
        but: Uuid,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.timed(Call::List, self.inner.tasks_of_others(tenant, statuses, but), nothing)
    }

    fn transition<'a>(
        &'a self,
        id: Uuid,
        version: u64,
        change: JobChange,
    ) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        to_the_end(self.clone().change_and_tell(id, version, change))
    }

    fn briefs<'a>(&'a self, filter: BriefFilter<'a>) -> BoxFuture<'a, Result<BriefPage, StoreError>> {
        self.timed(Call::List, self.inner.briefs(filter), nothing)
    }

    fn suspended<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.timed(Call::List, self.inner.suspended(before, limit), nothing)
    }

    fn lease_job<'a>(&'a self, id: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<JobLease>, StoreError>> {
        self.timed(Call::LeaseJob, self.inner.lease_job(id, ttl), |counts, lease| {
            if lease.is_some() {
                counts.job_leases.add(1);
            }
        })
    }

    fn renew_job<'a>(&'a self, lease: &'a JobLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Renew, self.inner.renew_job(lease, ttl), nothing)
    }

    fn release_job<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Release, self.inner.release_job(lease), nothing)
    }

    fn clear_shards<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::AddShards, self.inner.clear_shards(lease), nothing)
    }

    fn add_shards<'a>(&'a self, lease: &'a JobLease, shards: Vec<Shard>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::AddShards, self.inner.add_shards(lease, shards), nothing)
    }

    fn add_files<'a>(&'a self, lease: &'a JobLease, files: Vec<ListedFile>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::AddShards, self.inner.add_files(lease, files), nothing)
    }

    fn claim_file<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<FileLease>, StoreError>> {
        self.timed(Call::Claim, self.inner.claim_file(job, ttl), |counts, lease| {
            counts.file_leases.add(u64::from(lease.is_some()));
        })
    }

    fn renew_file<'a>(&'a self, lease: &'a FileLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Renew, self.inner.renew_file(lease, ttl), nothing)
    }

    fn finish_file<'a>(&'a self, lease: &'a FileLease, outcome: FileOutcome) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Finish, self.inner.finish_file(lease, outcome), nothing)
    }

    fn release_file<'a>(&'a self, lease: &'a FileLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Release, self.inner.release_file(lease), nothing)
    }

    fn files<'a>(&'a self, job: Uuid, from: u32, limit: usize) -> BoxFuture<'a, Result<Vec<FileState>, StoreError>> {
        self.timed(Call::Read, self.inner.files(job, from, limit), nothing)
    }

    fn claim_shard<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<ShardLease>, StoreError>> {
        self.timed(Call::Claim, self.inner.claim_shard(job, ttl), |counts, lease| {
            if let Some(lease) = lease {
                counts.shard_leases.add(1);
                // The first lease of a shard has the epoch 1.
                counts.takeovers.add(u64::from(lease.epoch > 1));
            }
        })
    }

    fn checkpoint<'a>(
        &'a self,
        lease: &'a ShardLease,
        step: Checkpoint,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        let (succeeded, failed) = (step.succeeded, step.failed);
        self.timed(Call::Checkpoint, self.inner.checkpoint(lease, step, ttl), move |counts, _| {
            counts.checkpoints.add(1);
            counts.succeeded.add(succeeded);
            counts.failed.add(failed);
        })
    }

    fn renew_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        self.timed(Call::Renew, self.inner.renew_shard(lease, ttl), nothing)
    }

    fn finish_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.timed(Call::Finish, self.inner.finish_shard(lease, results), nothing)
    }

    fn release_shard<'a>(&'a self, lease: &'a ShardLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Release, self.inner.release_shard(lease), nothing)
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.timed(Call::Reap, self.inner.reap(all), |counts, ended| counts.reaped.add(*ended))
    }

    fn segments<'a>(&'a self, job: Uuid, shard: u32) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.timed(Call::Read, self.inner.segments(job, shard), nothing)
    }

    fn job_segments<'a>(
        &'a self,
        job: Uuid,
        failed_only: bool,
        after: Option<(u32, u32)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.timed(Call::Read, self.inner.job_segments(job, failed_only, after, limit), nothing)
    }

    fn cut_off_shards<'a>(
        &'a self,
        job: Uuid,
        after: Option<u32>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<u32>, StoreError>> {
        self.timed(Call::Read, self.inner.cut_off_shards(job, after, limit), nothing)
    }

    fn add_results<'a>(
        &'a self,
        lease: &'a JobLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Finish, self.inner.add_results(lease, results), nothing)
    }

    fn results<'a>(
        &'a self,
        job: Uuid,
        after: Option<(u32, bool)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ResultFile>, StoreError>> {
        self.timed(Call::Read, self.inner.results(job, after, limit), nothing)
    }

    fn codes<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<(String, u64)>, StoreError>> {
        self.timed(Call::Read, self.inner.codes(job), nothing)
    }

    fn events<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<JobEvent>, StoreError>> {
        self.timed(Call::Read, self.inner.events(job), nothing)
    }

    fn purgeable<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.timed(Call::List, self.inner.purgeable(before, limit), nothing)
    }

    fn purge<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        self.timed(Call::Purge, self.inner.purge(id), nothing)
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_engine::{MemoryJobStore, store::contract::Fixture};

    use super::*;

    /// A store that is counted is a store like any other: no call is lost on the way.
    mod contract {
        use super::*;

        struct Nothing;

        fn begin() -> Nothing {
            Nothing
        }

        async fn counted(_: Arc<Nothing>) -> Fixture {
            Fixture::new(|clock| {
                Arc::new(CountingJobStore::new(Arc::new(MemoryJobStore::new(clock)), Arc::new(Counts::default()), None))
            })
        }

        cos_batch_engine::job_store_contract!(together begin, counted);
    }

    #[test]
    fn calls_have_names_of_their_own() {
        assert_eq!(NAMES.len(), Call::Purge as usize + 1);
        assert_eq!(NAMES[Call::Checkpoint as usize], "checkpoint");
        assert_eq!(NAMES.iter().collect::<std::collections::BTreeSet<_>>().len(), NAMES.len());
    }

    #[test]
    fn what_failed_is_told_from_what_was_lost() {
        let counts = Counts::default();
        for result in
            [Ok(()), Err(StoreError::LeaseLost), Err(StoreError::Failed("x".to_owned())), Err(StoreError::Conflict)]
        {
            counts.ended(Call::Claim, Duration::from_millis(5), &result);
        }
        let claim = counts.calls().find(|(name, ..)| *name == "claim_shard").unwrap();
        assert_eq!((claim.1.counts.iter().sum::<u64>(), claim.2, counts.lost.read()), (4, 1, 1));
    }
}
