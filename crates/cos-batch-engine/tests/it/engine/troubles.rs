//! Troubles that pass, and troubles that do not: of the store of jobs, of manifests, of reports.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use cos_batch_engine::Config;
use cos_batch_model::{Job, JobStatus, RequestedJobStatus};
use cos_batch_objectstore::{ErrorKind, Execution, ObjectStore, Tag};
use tokio::time::Instant;

use super::{
    faulty::Faulty,
    flaky::Flaky,
    stops::faulty_world,
    world::{self, SOURCE, World},
};

fn executed(job: &Job) -> u64 {
    job.progress_summary.number_of_tasks_failed + job.progress_summary.number_of_tasks_succeeded
}

async fn flaky_world(config: Config) -> (World, Arc<Faulty>, Arc<Flaky>) {
    let (objects, jobs) = (Mutex::new(None), Mutex::new(None));
    let world = World::of(
        config,
        |memory| {
            let faulty = Arc::new(Faulty::new(memory as Arc<dyn ObjectStore>, Execution::Async));
            *objects.lock().unwrap() = Some(Arc::clone(&faulty));
            faulty
        },
        |inner| {
            let flaky = Arc::new(Flaky::new(inner));
            *jobs.lock().unwrap() = Some(Arc::clone(&flaky));
            flaky
        },
    )
    .await;
    (world, objects.into_inner().unwrap().unwrap(), jobs.into_inner().unwrap().unwrap())
}

/// For longer than a lease lasts nothing is answered: what was done meanwhile gets into the books all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_jobs_that_is_down_for_a_while_loses_nothing() {
    let lease = Duration::from_millis(200);
    let (world, faulty, flaky) = flaky_world(Config { lease, ..world::config() }).await;
    flaky.keep_leases.store(true, Ordering::SeqCst);
    faulty.gated.store(true, Ordering::SeqCst);
    let rows = world.fill(2000).await;
    let id = world.create(world.copy_request(&rows).await).await;
    faulty.gate.add_permits(300);
    world.until(&id, |job| executed(job) > 0).await;
    flaky.down.store(true, Ordering::SeqCst);
    let down = Instant::now();
    while down.elapsed() < lease * 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(flaky.refused.load(Ordering::SeqCst) > 3);
    faulty.gate.add_permits(5000);
    tokio::time::sleep(lease / 4).await;
    let begun = faulty.copies.load(Ordering::SeqCst);
    let in_flight = world.config.async_slots as u64;
    assert!(begun <= 300 + in_flight, "the lease could have run out: nothing new begins, {begun}");
    flaky.down.store(false, Ordering::SeqCst);
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(executed(&job), 2000);
    assert_eq!(faulty.copies.load(Ordering::SeqCst), 2000, "nothing was done twice");
    assert_eq!(world.report(&id).await.len(), 2000);
}

/// The same while a manifest is read: nobody begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_was_half_read_is_read_to_its_end() {
    let lease = Duration::from_millis(200);
    let (world, faulty, flaky) = flaky_world(Config { lease, ..world::config() }).await;
    flaky.keep_leases.store(true, Ordering::SeqCst);
    faulty.reads_gated.store(true, Ordering::SeqCst);
    let rows = world.fill(10).await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.until(&id, |_| faulty.reads.load(Ordering::SeqCst) == 1).await;
    flaky.down.store(true, Ordering::SeqCst);
    let down = Instant::now();
    while down.elapsed() < lease * 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    flaky.down.store(false, Ordering::SeqCst);
    faulty.read_gate.close();
    world.until_status(&id, JobStatus::Complete).await;
    // Those of the target, the report and the source.
    assert_eq!(faulty.exists.load(Ordering::SeqCst), 3);
}

/// The lease of a shard began when it was asked for. Where the answer comes when it is over, nothing begins before a renewal.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_answered_late_is_no_longer_a_lease() {
    let lease = Duration::from_secs(1);
    let (world, faulty, flaky) = flaky_world(Config { lease, ..world::config() }).await;
    flaky.slow_claims.store(1_100, Ordering::SeqCst);
    flaky.no_renewals.store(true, Ordering::SeqCst);
    let rows = world.fill(20).await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.until(&id, |_| flaky.claims.load(Ordering::SeqCst) > 0).await;
    flaky.slow_claims.store(0, Ordering::SeqCst);
    tokio::time::sleep(lease / 6).await;
    assert_eq!(faulty.copies.load(Ordering::SeqCst), 0, "somebody else may have the shard by now");
    flaky.no_renewals.store(false, Ordering::SeqCst);
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!((executed(&job), faulty.copies.load(Ordering::SeqCst)), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_checkpoint_repeats_nothing() {
    let (world, faulty, flaky) = flaky_world(world::config()).await;
    let rows = world.fill(500).await;
    flaky.lose_answers.store(1, Ordering::SeqCst);
    let id = world.create(world.copy_request(&rows).await).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!((executed(&job), faulty.copies.load(Ordering::SeqCst)), (500, 500));
    assert_eq!(world.report(&id).await.len(), 500);
}

/// Three shards and one worker: the first cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_in_trouble_keeps_no_other_from_its_worker() {
    let config = Config { workers: 1, failure_threshold: None, ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Async).await;
    let rows: String = (0..25_000).map(|number| format!("{SOURCE},gone/{}\n", number % 7)).collect();
    let mut request = world.copy_request(&rows).await;
    request.operation = cos_batch_model::Operation::DeleteObject;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    faulty.refuse_reads_before.store(1, Ordering::SeqCst);
    world.set_status(&id, RequestedJobStatus::Ready).await.unwrap();
    world.until(&id, |job| executed(job) == 15_000).await;
    // A new key.
    faulty.refuse_reads_before.store(0, Ordering::SeqCst);
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(executed(&job), 25_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_gets_better_ends_the_job_by_name() {
    let config = Config { trouble_time: Duration::ZERO, ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Async).await;
    let rows = world.fill(3).await;
    let mut request = world.copy_request(&rows).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    faulty.refuse_reads_before.store(1, Ordering::SeqCst);
    world.set_status(&id, RequestedJobStatus::Ready).await.unwrap();
    // While it runs, and while it is prepared.
    let unprepared = world.create(world.copy_request(&rows).await).await;
    for id in [id, unprepared] {
        let job = world.until_status(&id, JobStatus::Failed).await;
        let failure = &job.failure_reasons[0];
        assert_eq!(failure.failure_code.as_str(), "ManifestAccessDenied");
        assert!(failure.failure_reason.as_str().contains("without any progress"), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_waits_for_its_store() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    *faulty.refuse_puts.lock().unwrap() = Some("manifest.json");
    *faulty.refuse_puts_so.lock().unwrap() = ErrorKind::InternalError;
    let rows = world.fill(3).await;
    let id = world.create(world.copy_request(&rows).await).await;
    // One for the shard's file, and many for the manifest.
    world.until(&id, |_| faulty.puts.load(Ordering::SeqCst) > 6).await;
    assert_eq!(*world.describe(&id).await.status.known().unwrap(), JobStatus::Completing);
    *faulty.refuse_puts.lock().unwrap() = None;
    world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(world.report(&id).await.len(), 3);
}

/// A store whose operations block: whoever is asked to make room begins with no further row.
#[tokio::test(flavor = "multi_thread")]
async fn threads_that_are_asked_to_make_room_begin_nothing_new() {
    let (world, faulty) = faulty_world(world::config(), Execution::Blocking).await;
    *faulty.copies_take.lock().unwrap() = Duration::from_millis(10);
    world.fill(1).await;
    let id = world.create(world.copy_request(&format!("{SOURCE},in/0\n").repeat(9000)).await).await;
    world.until(&id, |_| faulty.copies.load(Ordering::SeqCst) > 20).await;
    let before = faulty.copies.load(Ordering::SeqCst);
    world.engine.shutdown().await;
    let after = faulty.copies.load(Ordering::SeqCst);
    // Those that ran, and those that began before the word was passed on.
    let most = 4 * world.config.blocking_slots as u64;
    assert!(after - before <= most, "{} more copies", after - before);
    assert_eq!(executed(&world.describe(&id).await), after, "and all of them are in the books");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_has_no_more_under_way_than_it_can() {
    let faulty: Mutex<Option<Arc<Faulty>>> = Mutex::new(None);
    let world = World::with(world::config(), |objects| {
        let store = Arc::new(Faulty::of_most(objects, 3));
        *faulty.lock().unwrap() = Some(Arc::clone(&store));
        store
    })
    .await;
    let rows = world.fill(200).await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    let faulty = faulty.into_inner().unwrap().unwrap();
    assert_eq!(faulty.most_under_way.load(Ordering::SeqCst), 3);
}

/// For longer than a row is tried nobody answers: no row fails for that.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_gone_for_minutes_fails_no_row() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    let rows = world.fill(2000).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let id = world.create(world.copy_request(&rows).await).await;
    faulty.gate.add_permits(300);
    world.until(&id, |job| executed(job) > 0).await;
    faulty.unreachable.store(true, Ordering::SeqCst);
    *faulty.refuse_exists.lock().unwrap() = Some(ErrorKind::Unreachable);
    faulty.gate.close();
    let gone = Instant::now();
    while gone.elapsed() < Duration::from_secs(300) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(world.describe(&id).await.progress_summary.number_of_tasks_failed, 0);
    faulty.unreachable.store(false, Ordering::SeqCst);
    let job = loop {
        let job = world.describe(&id).await;
        if job.status.known().unwrap().is_final() {
            break job;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let progress = job.progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (2000, 0));
}

/// A store without room fails no row: the job waits, and goes on where it was once there is some.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_full_fails_no_row() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    let rows = world.fill(2000).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let id = world.create(world.copy_request(&rows).await).await;
    faulty.gate.add_permits(300);
    world.until(&id, |job| executed(job) > 0).await;
    faulty.full.store(true, Ordering::SeqCst);
    faulty.gate.close();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let before = faulty.copies.load(Ordering::SeqCst);
    let job = world.describe(&id).await;
    assert_eq!((*job.status.known().unwrap(), job.progress_summary.number_of_tasks_failed), (JobStatus::Active, 0));
    faulty.full.store(false, Ordering::SeqCst);
    let room = Instant::now();
    let job = loop {
        let job = world.describe(&id).await;
        if job.status.known().unwrap().is_final() {
            break job;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let waited = room.elapsed();
    assert!(waited <= Duration::from_secs(12), "{waited:?} after there was room");
    let progress = job.progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (2000, 0));
    // One of each shard about every ten seconds, after those that were under way when there was no room any more.
    assert!(before < 1000, "{before} copies: a store without room is asked again and again");
}

/// Tags are no status: whoever is told of each change of status is not told of theirs.
#[tokio::test]
async fn tags_are_replaced_without_a_change_of_state() {
    let (world, _, flaky) = flaky_world(world::config()).await;
    let rows = world.fill(1).await;
    let mut request = world.copy_request(&rows).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    let written = flaky.states.load(Ordering::SeqCst);
    let tags = vec![Tag { key: "team".to_owned(), value: "photos".to_owned() }];
    world.engine.set_job_tags(&world.context(), id.as_str(), tags.clone()).await.unwrap();
    assert_eq!(world.engine.job(&world.context(), id.as_str()).await.unwrap().tags(), tags);
    assert_eq!(flaky.states.load(Ordering::SeqCst), written);
}
