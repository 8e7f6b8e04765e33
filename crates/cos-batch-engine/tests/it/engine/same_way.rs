//! A job of somebody else, one that never was and one that was deleted are looked for in the same way.

use std::{cell::RefCell, sync::Arc, time::Duration};

use cos_batch_engine::{
    Config, Engine, JobEvent, JobRecord, JobStore, Parts, UnixMillis,
    lifecycle::FailureThreshold,
    store::{
        BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
        JobLease, ListFilter, ListedFile, NewJob, ResultFile, Segment, Shard, ShardLease, StoreError,
    },
    view::{RetryRequest, RowFilter},
};
use cos_batch_model::{
    ApiError, AppId, BatchApi as _, DeleteJobRequest, DescribeJobRequest, JobId, JobStatus, ListJobsRequest, Priority,
    RequestContext, RequestedJobStatus, UpdateJobPriorityRequest, UpdateJobStatusRequest,
};
use uuid::Uuid;

use super::world::World;

tokio::task_local! {
    /// What one task asks of the store; what the engine asks beside it, by itself, does not count.
    static ASKED: RefCell<Vec<&'static str>>;
}

/// A job store that writes down what a task asks of it.
#[derive(Debug)]
struct Recording(Arc<dyn JobStore>);

/// Methods that are written down and handed on.
macro_rules! handed_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $output:ty;)+) => {
        impl JobStore for Recording {
            fn now(&self) -> UnixMillis {
                self.0.now()
            }

            $(fn $name<'a>(&'a self $(, $argument: $type)*) -> BoxFuture<'a, Result<$output, StoreError>> {
                let _ = ASKED.try_with(|asked| asked.borrow_mut().push(stringify!($name)));
                self.0.$name($($argument),*)
            })+
        }
    };
}

handed_on! {
    create(job: NewJob) -> JobRecord;
    get(id: Uuid) -> Option<JobRecord>;
    find_token(tenant: &'a str, token: &'a str) -> Option<Uuid>;
    retries(job: Uuid, limit: usize) -> Vec<Uuid>;
    list(filter: ListFilter<'a>) -> (Vec<JobRecord>, bool);
    transition(id: Uuid, version: u64, change: JobChange) -> JobRecord;
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
    claim_shard(job: Uuid, ttl: Duration) -> Option<ShardLease>;
    checkpoint(lease: &'a ShardLease, step: Checkpoint, ttl: Duration) -> CheckpointAnswer;
    renew_shard(lease: &'a ShardLease, ttl: Duration) -> CheckpointAnswer;
    finish_shard(lease: &'a ShardLease, results: Vec<ResultFile>) -> u64;
    release_shard(lease: &'a ShardLease) -> ();
    reap(all: bool) -> u64;
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

/// What was answered and what was asked of the store on the way.
async fn watched<T>(call: impl Future<Output = Result<T, ApiError>>) -> (Option<String>, Vec<&'static str>) {
    let both = async {
        let answer = call.await.err().map(|error| format!("{error:?}"));
        (answer, ASKED.with(RefCell::take))
    };
    ASKED.scope(RefCell::default(), both).await
}

/// Each call that names a job, with its answer and its way.
async fn calls(engine: &Engine, context: &RequestContext, id: &JobId) -> Vec<(Option<String>, Vec<&'static str>)> {
    let (job_id, text) = (|| id.clone(), id.as_str());
    let priority = UpdateJobPriorityRequest { job_id: job_id(), priority: Priority::new(7).unwrap() };
    let status = |requested_job_status| UpdateJobStatusRequest {
        job_id: job_id(),
        requested_job_status,
        status_update_reason: None,
    };
    let retry = RetryRequest {
        client_request_token: "again".to_owned(),
        priority: None,
        confirmation_required: None,
        manifest: None,
    };
    vec![
        watched(engine.describe_job(context, DescribeJobRequest { job_id: job_id() })).await,
        watched(engine.describe_job_document(context, DescribeJobRequest { job_id: job_id() })).await,
        watched(engine.update_job_priority(context, priority)).await,
        watched(engine.update_job_status(context, status(RequestedJobStatus::Ready))).await,
        watched(engine.update_job_status(context, status(RequestedJobStatus::Cancelled))).await,
        watched(engine.details(context, text)).await,
        watched(engine.task_rows(context, text, &RowFilter::default(), None, 1)).await,
        watched(engine.retry(context, text, retry)).await,
        // Last, since it changes something where there is something.
        watched(engine.delete_job(context, DeleteJobRequest { job_id: job_id() })).await,
    ]
}

#[tokio::test]
async fn foreign_unknown_and_deleted_jobs_are_looked_for_in_the_same_way() {
    let world = World::new().await;
    let rows = world.fill(2).await;
    let (id, deleted) =
        (world.create(world.copy_request(&rows).await).await, world.create(world.copy_request(&rows).await).await);
    for id in [&id, &deleted] {
        world.until_status(id, JobStatus::Complete).await;
    }
    let jobs: Arc<dyn JobStore> = Arc::new(Recording(Arc::clone(&world.jobs)));
    let engine = Engine::start(Parts { jobs, ..world.parts() }, false).await.unwrap();
    let own = world.context();
    engine.delete_job(&own, DeleteJobRequest { job_id: deleted.clone() }).await.unwrap();

    let foreign = RequestContext::new(AppId::new("1251111111").unwrap(), "test");
    let unknown = JobId::new("00000000-0000-7000-8000-000000000000").unwrap();
    let no_uuid = JobId::new("job-1").unwrap();
    let expected = calls(&engine, &own, &unknown).await;
    for (answer, asked) in &expected {
        assert!(answer.as_ref().is_some_and(|answer| answer.contains("NoSuchJob")), "{answer:?}");
        assert_eq!(asked, &["get"]);
    }
    assert_eq!(calls(&engine, &foreign, &id).await, expected, "somebody else's");
    assert_eq!(calls(&engine, &own, &deleted).await, expected, "deleted");
    assert_eq!(calls(&engine, &own, &no_uuid).await, expected, "no id of ours");
    // Nor does a list tell more of it: the store is asked once, whoever asks.
    let listed = watched(engine.list_jobs(&foreign, ListJobsRequest::default())).await;
    assert_eq!(listed, (None, vec!["list"]));

    // The job is there all the time: its owner takes other ways.
    assert!(calls(&engine, &own, &id).await.iter().any(|(answer, asked)| answer.is_none() && asked.len() > 1));
}

#[test]
fn settings_are_the_published_ones_unless_said_otherwise() {
    let config = Config::default();
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    assert_eq!(config.confirmation_wait, days(30));
    assert_eq!(config.retention, days(90));
    assert_eq!(config.live_jobs_max, 10_000);
    let threshold = FailureThreshold { tasks_above: 1000, executed_min: 1000, failed_percent_above: 50 };
    assert_eq!(config.failure_threshold, Some(threshold));
    assert_eq!(config.drain, Duration::from_secs(10));
}
