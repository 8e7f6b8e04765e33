//! The n-th call to a disk or a database fails, for every n of a job of a hundred rows.
//!
//! The job is right all the same: each row that it counts as done is done, each row is reported once, the counters are those
//! of the report. Or it says that it failed, and why.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cos_batch_engine::{
    Access, Buckets, Clock, Config, Engine, JobStore, MemoryJobStore, Parts, Spool, UnixMillis, store::contract::START,
};
use cos_batch_model::{BatchApi as _, CreateJobRequest, DescribeJobRequest, Job, JobStatus};
use cos_batch_objectstore::{ListRequest, MemoryStore};
use tokio::time::Instant;

use super::{
    counted::{Calls, CountedJobs, CountedObjects, Failing},
    world::{SOURCE, TARGET, World},
};

const ROWS: u32 = 100;

/// Every so many-th row names an object that is not there.
const MISSING_EVERY: u32 = 10;

/// More than a job of these rows makes.
const CALLS_MAX: u64 = 1000;

/// Longest that a job may take, in the time of the test, which passes when nobody has anything to do.
const PATIENCE: Duration = Duration::from_secs(3600);

/// It goes with the time of the test.
#[derive(Debug)]
struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        START + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

/// A world whose `n`-th call fails, with a job that is made in it as somebody who asks again after an error would.
async fn run(n: u64, how: Failing) -> (Arc<Calls>, Option<Job>) {
    let calls = Calls::failing(n, how);
    let world = world(&calls).await;
    let mut rows = world.fill(ROWS).await;
    for number in (0..ROWS).step_by(usize::try_from(MISSING_EVERY).unwrap()) {
        rows = rows.replace(&format!("{SOURCE},in/{number}\n"), &format!("{SOURCE},gone/{number}\n"));
    }
    let request = world.copy_request(&rows).await;
    let Some(id) = create(&world.engine, &world, request).await else { return (calls, None) };
    let ended = async {
        loop {
            let request = DescribeJobRequest { job_id: id.clone() };
            let job = world.engine.describe_job(&world.context(), request).await.unwrap().job;
            if job.status.known().unwrap().is_final() {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let job = tokio::time::timeout(PATIENCE, ended).await.expect("every job ends");
    assert_right(&world, &job, &calls).await;
    (calls, Some(job))
}

/// The same with every call counted that the engine makes after its start.
async fn world(calls: &Arc<Calls>) -> World {
    let mut world = World::new().await;
    let objects = CountedObjects { inner: Arc::clone(&world.objects), calls: Arc::clone(calls), plane: "objects" };
    let spool = MemoryStore::new();
    spool.create_bucket("segments").unwrap();
    let spool = CountedObjects { inner: Arc::new(spool), calls: Arc::clone(calls), plane: "spool" };
    let jobs: Arc<dyn JobStore> = Arc::new(MemoryJobStore::new(Arc::new(TestClock(Instant::now()))));
    let parts = Parts {
        jobs: Arc::new(CountedJobs { inner: jobs, calls: Arc::clone(calls) }),
        buckets: Buckets::new(Arc::new(objects)),
        access: Access::new(),
        spool: Spool::new(Arc::new(spool), "segments"),
        // Some checkpoints, and rows enough behind each other that the order of calls hardly changes.
        config: Config { checkpoint_rows: 20, workers: 1, async_slots: 4, ..Config::default() },
    };
    world.engine = Engine::start(parts, true).await.unwrap();
    world
}

/// Asks once more after an error; none: the second answer was one too, and the first job may be there.
async fn create(engine: &Engine, world: &World, request: CreateJobRequest) -> Option<cos_batch_model::JobId> {
    match engine.create_job(&world.context(), request.clone()).await {
        Ok(made) => Some(made.job_id),
        // The token keeps it from being made twice.
        Err(_) => engine.create_job(&world.context(), request).await.ok().map(|made| made.job_id),
    }
}

async fn assert_right(world: &World, job: &Job, calls: &Calls) {
    let what = format!("{:?}, {:?}: {job:?}", calls, job.status);
    let progress = &job.progress_summary;
    let (done, failed) = (progress.number_of_tasks_succeeded, progress.number_of_tasks_failed);
    if *job.status.known().unwrap() == JobStatus::Failed {
        assert!(!job.failure_reasons.is_empty(), "a job that failed says why: {what}");
        // It has counted what was done, and no more.
        let list = ListRequest { bucket: TARGET, prefix: "in/", after: None, limit: 1000 };
        let copies = world.objects.list(list).await.unwrap().objects.len() as u64;
        assert!(done <= copies && failed <= u64::from(ROWS / MISSING_EVERY), "{copies} copies: {what}");
        assert!(done + failed <= progress.total_number_of_tasks, "{what}");
        return;
    }
    assert_eq!(*job.status.known().unwrap(), JobStatus::Complete, "{what}");
    assert_eq!((done + failed, progress.total_number_of_tasks), (u64::from(ROWS), u64::from(ROWS)), "{what}");
    let report = world.report(&job.job_id).await;
    let keys: BTreeSet<&String> = report.iter().map(|(key, ..)| key).collect();
    assert_eq!((report.len(), keys.len()), (100, 100), "one row for each task: {what}");
    assert_eq!(report.iter().filter(|(_, succeeded, _)| *succeeded).count() as u64, done, "{what}");
    for (key, succeeded, code) in &report {
        let copy = world.get(TARGET, key).await;
        if *succeeded {
            assert_eq!(copy, world.get(SOURCE, key).await, "{key}: {what}");
        }
        assert_eq!(*succeeded, code.is_empty(), "{key}: {what}");
        assert_eq!(key.starts_with("gone/"), !succeeded, "an error that passes fails no row, {key}: {what}");
    }
}

/// Every n up to the first that no call has.
async fn every(how: Failing) {
    let mut met = BTreeSet::new();
    let mut complete = 0;
    for n in 0..CALLS_MAX {
        let (calls, job) = run(n, how).await;
        let Some(failed) = calls.failed.lock().unwrap().clone() else {
            assert!(n > u64::from(ROWS), "{n} calls");
            assert!(complete + 5 > n, "{complete} of {n} jobs ended well");
            for name in ["objects: copy", "objects: barrier", "objects: put", "spool: put", "jobs: checkpoint"] {
                assert!(met.contains(name), "{name} never failed: {met:?}");
            }
            return;
        };
        complete += u64::from(job.is_some_and(|job| *job.status.known().unwrap() == JobStatus::Complete));
        met.insert(failed);
    }
    panic!("more than {CALLS_MAX} calls");
}

#[tokio::test(start_paused = true)]
async fn whichever_call_is_refused() {
    every(Failing::Refused).await;
}

#[tokio::test(start_paused = true)]
async fn whichever_call_finds_no_room() {
    every(Failing::Full).await;
}

#[tokio::test(start_paused = true)]
async fn whichever_answer_is_lost() {
    every(Failing::Lost).await;
}
