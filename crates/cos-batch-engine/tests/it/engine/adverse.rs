//! What goes wrong around a job in the middle of it: its manifest, its stores, its leases.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use cos_batch_engine::{Config, Engine, Parts, Spool};
use cos_batch_model::{BatchApi as _, Job, JobId, JobStatus, Operation, RequestedJobStatus, UpdateJobStatusRequest};
use cos_batch_objectstore::{ErrorKind, Execution, MemoryStore, ObjectStore as _, PutRequest};

use super::{
    faulty::Faulty,
    stops::faulty_world,
    world::{self, SOURCE, World},
};

/// One shard, which takes more than one read of its manifest. No object is there, so each task fails at once.
fn long_rows() -> String {
    (0..10_000).map(|number| format!("{SOURCE},missing/of/a/rather/long/name/{number}\n")).collect()
}

fn executed(job: &Job) -> u64 {
    job.progress_summary.number_of_tasks_failed + job.progress_summary.number_of_tasks_succeeded
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_changes_in_the_middle_leaves_exact_books() {
    for execution in [Execution::Async, Execution::Blocking] {
        let config = Config { failure_threshold: None, ..world::config() };
        let (world, faulty) = faulty_world(config, execution).await;
        faulty.gated.store(true, Ordering::SeqCst);
        let id = world.create(world.copy_request(&long_rows()).await).await;
        faulty.gate.add_permits(300);
        world.until(&id, |job| executed(job) > 0).await;
        world.put(SOURCE, "manifest.csv", "something else").await;
        faulty.gate.add_permits(20_000);
        let job = world.until_status(&id, JobStatus::Failed).await;
        assert_eq!(job.failure_reasons[0].failure_code.as_str(), "ManifestChanged");
        assert_eq!(faulty.copies.load(Ordering::SeqCst), executed(&job), "all that was done is in the books");
        assert_eq!(world.report(&id).await.len() as u64, executed(&job));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_read_for_a_moment_repeats_nothing() {
    let config = Config { failure_threshold: None, ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Async).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let id = world.create(world.copy_request(&long_rows()).await).await;
    faulty.gate.add_permits(300);
    world.until(&id, |job| executed(job) > 0).await;
    faulty.failing_reads.store(1, Ordering::SeqCst);
    faulty.gate.add_permits(20_000);
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(executed(&job), 10_000);
    assert_eq!(faulty.copies.load(Ordering::SeqCst), 10_000, "nothing was done twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_a_lease_does_not_lose_it() {
    let config = Config { lease: Duration::from_millis(600), ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Async).await;
    *faulty.barrier_takes.lock().unwrap() = Duration::from_millis(900);
    *faulty.puts_take.lock().unwrap() = Duration::from_millis(900);
    let rows = world.fill(20).await;
    let id = world.create(world.copy_request(&rows).await).await;
    let job = world.until(&id, |job| executed(job) == 20 || faulty.copies.load(Ordering::SeqCst) > 20).await;
    assert_eq!((executed(&job), faulty.copies.load(Ordering::SeqCst)), (20, 20), "nothing was done twice");
    world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(world.report(&id).await.len(), 20);

    // The same where a cancel leaves the report to the finisher.
    faulty.gated.store(true, Ordering::SeqCst);
    faulty.gate.add_permits(10);
    let id = world.create(world.copy_request(&rows).await).await;
    world.until(&id, |job| executed(job) > 0).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    faulty.gate.add_permits(20);
    let job = world.until_status(&id, JobStatus::Cancelled).await;
    assert_eq!(world.report(&id).await.len() as u64, executed(&job));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_whose_lease_ran_out_is_not_worked_on_twice_at_once() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let rows = world.fill(2000).await;
    let id = world.create(world.copy_request(&rows).await).await;
    faulty.gate.add_permits(50);
    world.until(&id, |job| executed(job) > 0).await;
    // As after the machine slept. The old holder is told only when it commits; nobody else may begin before it ends.
    world.jobs.reap(true).await.unwrap();
    let steps = |job: &Job| {
        faulty.gate.add_permits(20);
        executed(job) >= 800
    };
    world.until(&id, steps).await;
    let (engine, gate) = (&world.engine, &faulty.gate);
    tokio::join!(engine.shutdown(), async { gate.add_permits(600) });
    let job = world.jobs.get(uuid::Uuid::parse_str(id.as_str()).unwrap()).await.unwrap().unwrap();
    assert_eq!(job.shards.leased, 0, "after a shutdown nobody works");
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_nothing_can_be_told_about_fail_the_job() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    *faulty.refuse_exists.lock().unwrap() = Some(ErrorKind::AccessDenied);
    let rows = world.fill(1).await;
    let id = world.create(world.copy_request(&rows).await).await;
    let job = world.until_status(&id, JobStatus::Failed).await;
    assert_eq!(job.failure_reasons[0].failure_code.as_str(), "TargetBucketNotReadable");
    assert_eq!(faulty.exists.load(Ordering::SeqCst), 1);
    // What may pass is waited for.
    *faulty.refuse_exists.lock().unwrap() = Some(ErrorKind::InternalError);
    let id = world.create(world.copy_request(&rows).await).await;
    world.until(&id, |_| faulty.exists.load(Ordering::SeqCst) > 4).await;
    *faulty.refuse_exists.lock().unwrap() = None;
    world.until_status(&id, JobStatus::Complete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_does_not_wait_for_a_manifest_to_be_read() {
    // No lease runs out in this test.
    let config = Config { lease: Duration::from_secs(3600), ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Async).await;
    // Another engine on the same jobs, which may be the one that is asked.
    let other = Engine::start(world.parts(), false).await.unwrap();
    faulty.reads_gated.store(true, Ordering::SeqCst);
    for engine in [&world.engine, &other] {
        let before = faulty.reads.load(Ordering::SeqCst);
        let id = world.create(world.copy_request(&long_rows()).await).await;
        world.until(&id, |_| faulty.reads.load(Ordering::SeqCst) > before).await;
        let request = UpdateJobStatusRequest {
            job_id: id.clone(),
            requested_job_status: RequestedJobStatus::Cancelled,
            status_update_reason: None,
        };
        engine.update_job_status(&world.context(), request).await.unwrap();
        world.until_status(&id, JobStatus::Cancelled).await;
    }
}

#[tokio::test]
async fn a_foreign_first_row_does_not_choose_the_store() {
    let world = World::new().await;
    let two = world.copy_request(&format!("theirs-999,a\n{SOURCE},a\nsecond-1250000000,b\n")).await;
    let id = world.create(two).await;
    let job = world.until_status(&id, JobStatus::Failed).await;
    assert_eq!(job.failure_reasons[0].failure_code.as_str(), "ManifestMalformed");

    // The tenant's bucket is in a store of its own.
    let far = "far-1250000000";
    let store = Arc::new(MemoryStore::new());
    store.create_bucket(far).unwrap();
    store.put(PutRequest::new(far, "a", "x".into())).await.unwrap();
    let mut parts = world.parts();
    parts.buckets = parts.buckets.with(far, store);
    world.engine.shutdown().await;
    let engine = Engine::start(parts, true).await.unwrap();
    let mut request = world.copy_request(&format!("theirs-999,a\n{far},a\ntheirs-999,b\n{far},a\n")).await;
    request.operation = Operation::DeleteObject;
    let id = engine.create_job(&world.context(), request).await.unwrap().job_id;
    let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (2, 2));
}

/// A world with `count` jobs that have ended, an engine that has stopped, and parts that want to forget the jobs
/// through a spool that can be made to fail.
async fn to_be_forgotten(count: u32) -> (World, Parts, Arc<Faulty>, Vec<JobId>) {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..count {
        let rows = world.fill(1).await;
        let id = world.create(world.copy_request(&rows).await).await;
        world.until_status(&id, JobStatus::Complete).await;
        ids.push(id);
    }
    world.engine.shutdown().await;
    // The last of them ended before now, and not in this very millisecond.
    let ended = world.jobs.now();
    while world.jobs.now() == ended {
        tokio::task::yield_now().await;
    }
    let faulty = Arc::new(Faulty::new(Arc::clone(world.spool.store()), Execution::Async));
    let mut parts = world.parts();
    parts.spool = Spool::new(faulty.clone(), "segments");
    parts.config.retention = Duration::ZERO;
    (world, parts, faulty, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_forgotten_keeps_no_other() {
    let (world, parts, faulty, ids) = to_be_forgotten(3).await;
    *faulty.refuse_lists.lock().unwrap() = Some(ids[0].to_string());
    let _engine = Engine::start(parts, true).await.unwrap();
    let last = uuid::Uuid::parse_str(ids[2].as_str()).unwrap();
    world.until(&ids[0], |_| faulty.lists.load(Ordering::SeqCst) >= 5).await;
    let gone = async {
        while world.jobs.get(last).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_jobs_holds_up_neither_others_nor_a_shutdown() {
    let (world, parts, faulty, _) = to_be_forgotten(1).await;
    // Longer than any test may take.
    *faulty.lists_take.lock().unwrap() = Duration::from_secs(3600);
    let engine = Engine::start(parts, true).await.unwrap();
    let rows = world.fill(1).await;
    let id = engine.create_job(&world.context(), world.copy_request(&rows).await).await.unwrap().job_id;
    world.until_status(&id, JobStatus::Complete).await;
    tokio::time::timeout(Duration::from_secs(30), engine.shutdown()).await.unwrap();
}

/// However many more urgent jobs there are: one that is cancelled ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_does_not_wait_behind_a_thousand_urgent_ones() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    faulty.reads_gated.store(true, Ordering::SeqCst);
    let rows = world.fill(1).await;
    for _ in 0..1001 {
        let mut request = world.copy_request(&rows).await;
        request.priority = cos_batch_model::Priority::new(9).unwrap();
        world.create(request).await;
    }
    let id = world.create(world.copy_request(&rows).await).await;
    world.set_status(&id, cos_batch_model::RequestedJobStatus::Cancelled).await.unwrap();
    world.until_status(&id, JobStatus::Cancelled).await;
}
