//! The contract once more, with a look at what is kept of each job after every change: it is what the database has.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_engine::{
    JobEvent, JobRecord, JobStore, ShardTally, UnixMillis,
    store::{
        BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
        JobLease, JobStatus, ListFilter, ListedFile, NewJob, ResultFile, Segment, Shard, ShardLease, StoreError,
        contract::Fixture,
    },
};
use cos_batch_jobstore::SqliteJobStore;
use cos_batch_model::ApiError;
use uuid::Uuid;

/// A store whose every change is followed by a look.
#[derive(Debug)]
struct Watched(SqliteJobStore);

/// All of a record but what is not shown.
#[expect(clippy::unnecessary_wraps, reason = "the form of a Render")]
fn all(job: &JobRecord) -> Result<Bytes, ApiError> {
    Ok(Bytes::from(format!("{:?}", JobRecord { shards: ShardTally::default(), ..job.clone() })))
}

impl Watched {
    /// What is kept before a change is what the change must drop.
    async fn change<T>(&self, job: Uuid, change: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.look(job).await;
        let answer = change.await;
        self.look(job).await;
        answer
    }

    async fn look(&self, job: Uuid) {
        let before = self.0.get(job).await.unwrap();
        let kept = self.0.rendition(job, all).await.unwrap();
        let after = self.0.get(job).await.unwrap();
        // Others may have changed it meanwhile; then nothing can be said.
        if before != after {
            return;
        }
        let expected = after.filter(|job| !job.deleted).map(|job| (job.tenant.clone(), all(&job)));
        let tenant = expected.as_ref().map_or("", |(tenant, _)| tenant.as_str());
        let shown = kept.as_ref().and_then(|kept| kept.shown_to(tenant));
        assert_eq!(shown, expected.as_ref().map(|(_, document)| document));
    }
}

/// What is handed on as it is.
macro_rules! handed_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $type),*) -> BoxFuture<'a, Result<$answer, StoreError>> {
            self.0.$name($($argument),*)
        })*
    };
}

/// What is handed on, with a look at the job before and after.
macro_rules! watched {
    ($($name:ident($first:ident: $type:ty => $job:expr $(, $argument:ident: $other:ty)*) -> $answer:ty;)*) => {
        $(fn $name<'a>(
            &'a self,
            $first: $type
            $(, $argument: $other)*
        ) -> BoxFuture<'a, Result<$answer, StoreError>> {
            let job = $job;
            Box::pin(self.change(job, self.0.$name($first $(, $argument)*)))
        })*
    };
}

impl JobStore for Watched {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }

    fn create<'a>(&'a self, job: NewJob) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        Box::pin(async move {
            let job = self.0.create(job).await?;
            self.look(job.id).await;
            Ok(job)
        })
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.0.reap(all)
    }

    handed_on! {
        get(id: Uuid) -> Option<JobRecord>;
        find_token(tenant: &'a str, token: &'a str) -> Option<Uuid>;
        retries(job: Uuid, limit: usize) -> Vec<Uuid>;
        list(filter: ListFilter<'a>) -> (Vec<JobRecord>, bool);
        tasks_of_others(tenant: &'a str, statuses: &'a [JobStatus], but: Uuid) -> u64;
        briefs(filter: BriefFilter<'a>) -> BriefPage;
        suspended(before: UnixMillis, limit: usize) -> Vec<Uuid>;
        files(job: Uuid, from: u32, limit: usize) -> Vec<FileState>;
        segments(job: Uuid, shard: u32) -> Vec<Segment>;
        job_segments(job: Uuid, failed_only: bool, after: Option<(u32, u32)>, limit: usize) -> Vec<Segment>;
        cut_off_shards(job: Uuid, after: Option<u32>, limit: usize) -> Vec<u32>;
        results(job: Uuid, after: Option<(u32, bool)>, limit: usize) -> Vec<ResultFile>;
        codes(job: Uuid) -> Vec<(String, u64)>;
        events(job: Uuid) -> Vec<JobEvent>;
        purgeable(before: UnixMillis, limit: usize) -> Vec<Uuid>;
    }

    watched! {
        transition(id: Uuid => id, version: u64, change: JobChange) -> JobRecord;
        lease_job(id: Uuid => id, ttl: Duration) -> Option<JobLease>;
        renew_job(lease: &'a JobLease => lease.job, ttl: Duration) -> ();
        release_job(lease: &'a JobLease => lease.job) -> ();
        clear_shards(lease: &'a JobLease => lease.job) -> ();
        add_shards(lease: &'a JobLease => lease.job, shards: Vec<Shard>) -> ();
        add_files(lease: &'a JobLease => lease.job, files: Vec<ListedFile>) -> ();
        claim_file(job: Uuid => job, ttl: Duration) -> Option<FileLease>;
        renew_file(lease: &'a FileLease => lease.job, ttl: Duration) -> ();
        finish_file(lease: &'a FileLease => lease.job, outcome: FileOutcome) -> ();
        release_file(lease: &'a FileLease => lease.job) -> ();
        claim_shard(job: Uuid => job, ttl: Duration) -> Option<ShardLease>;
        checkpoint(lease: &'a ShardLease => lease.job, step: Checkpoint, ttl: Duration) -> CheckpointAnswer;
        renew_shard(lease: &'a ShardLease => lease.job, ttl: Duration) -> CheckpointAnswer;
        finish_shard(lease: &'a ShardLease => lease.job, results: Vec<ResultFile>) -> u64;
        release_shard(lease: &'a ShardLease => lease.job) -> ();
        add_results(lease: &'a JobLease => lease.job, results: Vec<ResultFile>) -> ();
        purge(id: Uuid => id) -> ();
    }
}

async fn watched() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    Fixture::new(|clock| Arc::new(Watched(SqliteJobStore::open(path, clock).unwrap()))).keeping(folder)
}

cos_batch_engine::job_store_contract!(watched);
