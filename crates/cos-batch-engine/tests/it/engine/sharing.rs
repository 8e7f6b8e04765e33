//! How jobs share the workers: pausing and coming back, and APPIDs that keep nobody waiting.

use std::sync::atomic::Ordering;

use cos_batch_engine::{Config, Engine};
use cos_batch_model::{
    BatchApi as _, CreateJobRequest, DescribeJobRequest, Job, JobId, JobStatus, ObjectArn, Priority, RequestContext,
    RequestedJobStatus, UpdateJobPriorityRequest,
};
use cos_batch_objectstore::Execution;

use super::{
    faulty::Faulty,
    stops::{Held, faulty_world},
    world::{self, SOURCE, World},
};

fn status(job: &Job) -> JobStatus {
    *job.status.known().unwrap()
}

/// A copy of so many rows, with a manifest of its own.
async fn request(world: &World, rows: usize, priority: u32) -> CreateJobRequest {
    let rows: String = (0..rows).map(|number| format!("{SOURCE},in/{}\n", number % 7)).collect();
    request_for(world, rows, priority).await
}

pub(super) async fn request_for(world: &World, rows: String, priority: u32) -> CreateJobRequest {
    let mut request = world.copy_request("").await;
    let key = format!("{}.csv", request.client_request_token);
    let etag = world.put(SOURCE, &key, rows).await;
    request.manifest.location.e_tag = etag.parse().unwrap();
    request.manifest.location.object_arn = ObjectArn::for_object("r", SOURCE, &key).unwrap();
    request.priority = Priority::new(priority).unwrap();
    request
}

/// One worker, no operation passes without a permit, and a job of 3,000 rows that has begun.
async fn one_at_work(execution: Execution) -> (World, Held, JobId) {
    let (world, faulty) = faulty_world(Config { workers: 1, ..world::config() }, execution).await;
    world.fill(7).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let low = world.create(request(&world, 3000, 1).await).await;
    until(&world, &faulty, &low, |job| job.progress_summary.number_of_tasks_succeeded > 0).await;
    (world, faulty, low)
}

/// Waits, and lets operations through one by one.
async fn until(world: &World, faulty: &Faulty, id: &JobId, wanted: impl Fn(&Job) -> bool) -> Job {
    world
        .until(id, |job| {
            faulty.gate.add_permits(1);
            wanted(job)
        })
        .await
}

async fn timeline(world: &World, id: &JobId) -> Vec<&'static str> {
    let events = world.jobs.events(uuid::Uuid::parse_str(id.as_str()).unwrap()).await.unwrap();
    events.iter().map(|event| event.status.as_str()).collect()
}

fn open(faulty: &Faulty) {
    faulty.gated.store(false, Ordering::SeqCst);
    faulty.gate.add_permits(100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_pauses_for_a_more_urgent_one_and_comes_back() {
    for execution in [Execution::Async, Execution::Blocking] {
        let (world, faulty, low) = one_at_work(execution).await;
        let high = world.create(request(&world, 3000, 2).await).await;
        let job = until(&world, &faulty, &low, |job| status(job) == JobStatus::Paused).await;
        let reason = job.status_update_reason.unwrap();
        assert_eq!(reason.as_str(), format!("makes room for job {high}, which has a higher priority"));
        until(&world, &faulty, &high, |job| job.progress_summary.number_of_tasks_succeeded > 0).await;
        let (before, now) = (job.progress_summary, world.describe(&low).await.progress_summary);
        assert_eq!(now, before, "who is paused does nothing");
        open(&faulty);
        let job = world.until_status(&low, JobStatus::Complete).await;
        assert_eq!(status(&world.describe(&high).await), JobStatus::Complete);
        assert_eq!(job.progress_summary.number_of_tasks_succeeded, 3000);
        assert_eq!(faulty.copies.load(Ordering::SeqCst), 6000, "nothing was done twice");
        assert_eq!(world.report(&low).await.len(), 3000);
        let life = ["New", "Preparing", "Ready", "Active", "Pausing", "Paused", "Active", "Completing", "Complete"];
        assert_eq!(timeline(&world, &low).await, life);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_comes_back_however_the_other_ends() {
    let (world, faulty, low) = one_at_work(Execution::Async).await;
    let paused = |job: &Job| status(job) == JobStatus::Paused;
    let active = |job: &Job| status(job) == JobStatus::Active;

    let cancelled = world.create(request(&world, 3000, 2).await).await;
    until(&world, &faulty, &low, paused).await;
    world.set_status(&cancelled, RequestedJobStatus::Cancelled).await.unwrap();
    until(&world, &faulty, &low, active).await;

    // Most of what it names is not there.
    let missing: String = (0..3000).map(|number| format!("{SOURCE},missing/{number}\n")).collect();
    let failed = world.create(request_for(&world, missing, 2).await).await;
    until(&world, &faulty, &low, paused).await;
    world
        .until(&low, |job| {
            faulty.gate.add_permits(50);
            active(job)
        })
        .await;
    world.until_status(&failed, JobStatus::Failed).await;

    let less_urgent = world.create(request(&world, 3000, 2).await).await;
    until(&world, &faulty, &low, paused).await;
    let update = UpdateJobPriorityRequest { job_id: less_urgent.clone(), priority: Priority::new(0).unwrap() };
    world.engine.update_job_priority(&world.context(), update).await.unwrap();
    until(&world, &faulty, &less_urgent, paused).await;
    until(&world, &faulty, &low, active).await;

    // One that waits for its confirmation keeps nobody from anything.
    let mut waits = request(&world, 10, 9).await;
    waits.confirmation_required = true;
    let waits = world.create(waits).await;
    world.until_status(&waits, JobStatus::Suspended).await;
    open(&faulty);
    world.until_status(&low, JobStatus::Complete).await;
    world.until_status(&less_urgent, JobStatus::Complete).await;
    assert_eq!(status(&world.describe(&waits).await), JobStatus::Suspended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_cancelled_while_it_pauses() {
    let (world, faulty, low) = one_at_work(Execution::Async).await;
    let high = world.create(request(&world, 3000, 2).await).await;
    // Its operations in flight wait at the gate, so it stays at this.
    world.until(&low, |job| status(job) == JobStatus::Pausing).await;
    world.set_status(&low, RequestedJobStatus::Cancelled).await.unwrap();
    let job = until(&world, &faulty, &low, |job| status(job) == JobStatus::Cancelled).await;
    assert_eq!(world.report(&low).await.len() as u64, job.progress_summary.number_of_tasks_succeeded);

    let third = world.create(request(&world, 3000, 3).await).await;
    until(&world, &faulty, &high, |job| status(job) == JobStatus::Paused).await;
    world.set_status(&high, RequestedJobStatus::Cancelled).await.unwrap();
    let job = until(&world, &faulty, &high, |job| status(job) == JobStatus::Cancelled).await;
    assert_eq!(world.report(&high).await.len() as u64, job.progress_summary.number_of_tasks_succeeded);
    open(&faulty);
    world.until_status(&third, JobStatus::Complete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_survives_a_restart() {
    let (mut world, faulty, low) = one_at_work(Execution::Async).await;
    let high = world.create(request(&world, 3000, 2).await).await;
    world.until(&low, |job| status(job) == JobStatus::Pausing).await;
    // Without a word: nobody of the old engine comes home any more.
    world.restart().await;
    until(&world, &faulty, &low, |job| status(job) == JobStatus::Paused).await;
    world.restart().await;
    open(&faulty);
    for id in [high, low] {
        let job = world.until_status(&id, JobStatus::Complete).await;
        assert_eq!(job.progress_summary.number_of_tasks_succeeded, 3000);
        assert_eq!(world.report(&id).await.len(), 3000);
    }
}

/// A job with more workers than the urgent one can use keeps the others, and stays Active.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_keeps_a_worker_does_not_pause() {
    let (world, faulty) = faulty_world(Config { workers: 2, ..world::config() }, Execution::Async).await;
    world.fill(7).await;
    faulty.gated.store(true, Ordering::SeqCst);
    // Three shards.
    let low = world.create(request(&world, 25_000, 1).await).await;
    until(&world, &faulty, &low, |job| job.progress_summary.number_of_tasks_succeeded > 0).await;
    let high = world.create(request(&world, 100, 2).await).await;
    until(&world, &faulty, &high, |job| status(job) == JobStatus::Complete).await;
    assert_eq!(status(&world.describe(&low).await), JobStatus::Active);
    let equal = world.create(request(&world, 100, 1).await).await;
    world.until_status(&equal, JobStatus::Ready).await;
    open(&faulty);
    world.until_status(&low, JobStatus::Complete).await;
    world.until_status(&equal, JobStatus::Complete).await;
    let life = ["New", "Preparing", "Ready", "Active", "Completing", "Complete"];
    assert_eq!(timeline(&world, &low).await, life);
}

/// A job that was made more urgent through another engine stands its ground here.
#[tokio::test(flavor = "multi_thread")]
async fn a_priority_that_was_set_elsewhere_counts() {
    let (world, faulty, first) = one_at_work(Execution::Async).await;
    let mut parts = world.parts();
    (parts.config.workers, parts.config.preparers) = (0, 0);
    let other = Engine::start(parts, false).await.unwrap();
    let update = UpdateJobPriorityRequest { job_id: first.clone(), priority: Priority::new(9).unwrap() };
    other.update_job_priority(&world.context(), update).await.unwrap();
    let second = world.create(request(&world, 7, 5).await).await;
    world.until_status(&second, JobStatus::Ready).await;
    // Some looks of the driver, which would ask the first to make room.
    tokio::time::sleep(world.config.poll * 5).await;
    assert_eq!(status(&world.describe(&first).await), JobStatus::Active);
    open(&faulty);
    world.until_status(&second, JobStatus::Complete).await;
    let life = ["New", "Preparing", "Ready", "Active", "Completing", "Complete"];
    world.until_status(&first, JobStatus::Complete).await;
    assert_eq!(timeline(&world, &first).await, life);
}

/// The jobs of another APPID: their context, and a request that copies one object.
pub(super) async fn another(world: &World) -> (RequestContext, CreateJobRequest) {
    let bucket = "their-7";
    world.memory.create_bucket(bucket).unwrap();
    let etag = world.put(bucket, "m.csv", format!("{bucket},m.csv\n")).await;
    let mut request = world.copy_request("x").await;
    request.manifest.location.e_tag = etag.parse().unwrap();
    request.manifest.location.object_arn = ObjectArn::for_object("r", bucket, "m.csv").unwrap();
    let target = cos_batch_model::BucketArn::for_bucket("r", bucket).unwrap();
    let mut copy = cos_batch_model::PutObjectCopy::to(target);
    copy.prefix_replace = true;
    copy.target_key_prefix = Some("copy/".parse().unwrap());
    request.operation = cos_batch_model::Operation::PutObjectCopy(Box::new(copy));
    request.report = cos_batch_model::Report::disabled();
    let mut context = world.context();
    context.appid = cos_batch_model::AppId::new("7").unwrap();
    (context, request)
}

/// However many urgent jobs of one APPID there are, and whatever they wait for: those of another one run.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_urgent_jobs_keep_nobody_else_waiting() {
    let (world, faulty) = faulty_world(Config { workers: 2, ..world::config() }, Execution::Async).await;
    world.fill(7).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let urgent = request(&world, 2, 9).await;
    for number in 0..1100 {
        let mut request = urgent.clone();
        request.client_request_token = format!("urgent-{number}").parse().unwrap();
        world.create(request).await;
    }
    let (context, request) = another(&world).await;
    let id = world.engine.create_job(&context, request).await.unwrap().job_id;
    for _ in 0..20_000 {
        let request = DescribeJobRequest { job_id: id.clone() };
        let job = world.engine.describe_job(&context, request).await.unwrap().job;
        if status(&job).is_final() {
            assert_eq!(job.progress_summary.number_of_tasks_succeeded, 1);
            open(&faulty);
            return;
        }
        // The others hardly get on.
        faulty.gate.add_permits(1);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("one APPID waits for another");
}
