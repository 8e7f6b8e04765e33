//! Cancels, shutdowns, faults: what was done is in the books, and nothing is done twice without need.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use cos_batch_engine::{Config, config::WINDOW_ROWS};
use cos_batch_model::{BatchApi as _, DeleteJobRequest, DescribeJobRequest, ErrorCode, JobStatus, RequestedJobStatus};
use cos_batch_objectstore::{Execution, ObjectStore};
use tokio::time::Instant;

use super::{
    faulty::Faulty,
    sharing::another,
    world::{self, SOURCE, TARGET, World},
};

/// Lets everything through when the test ends, however it ends: an operation that waits on a blocking thread would
/// keep the test's runtime from ending.
pub(super) struct Held(Arc<Faulty>);

impl std::ops::Deref for Held {
    type Target = Faulty;

    fn deref(&self) -> &Faulty {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.gate.close();
        self.0.read_gate.close();
    }
}

pub(super) async fn faulty_world(config: Config, execution: Execution) -> (World, Held) {
    let slot: Mutex<Option<Arc<Faulty>>> = Mutex::new(None);
    let world = World::with(config, |objects| {
        let wrapped = Arc::new(Faulty::new(objects, execution));
        *slot.lock().unwrap() = Some(Arc::clone(&wrapped));
        wrapped as Arc<dyn ObjectStore>
    })
    .await;
    (world, Held(slot.into_inner().unwrap().unwrap()))
}

async fn copied(world: &World, count: u32) -> u64 {
    let mut copied = 0;
    for number in 0..count {
        copied += u64::from(world.get(TARGET, &format!("in/{number}")).await.is_some());
    }
    copied
}

async fn cancel_in_the_middle(execution: Execution) {
    let (world, faulty) = faulty_world(world::config(), execution).await;
    faulty.gated.store(true, Ordering::SeqCst);
    faulty.gate.add_permits(700);
    let rows = world.fill(3000).await;
    let id = world.create(world.copy_request(&rows).await).await;
    // One by one: which rows of the window get the permits is open, and only a beginning without gaps counts.
    let far_enough = |job: &cos_batch_model::Job| {
        faulty.gate.add_permits(1);
        job.progress_summary.number_of_tasks_succeeded >= 200
    };
    world.until(&id, far_enough).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    let answered = Instant::now();
    // What waits at the gate was begun before the answer.
    faulty.gate.add_permits(5000);
    let job = world.until_status(&id, JobStatus::Cancelled).await;
    let last = faulty.last_copy.lock().unwrap().unwrap();
    assert!(last < answered + Duration::from_secs(1), "an operation began long after the cancel");
    let succeeded = job.progress_summary.number_of_tasks_succeeded;
    assert!((200..3000).contains(&succeeded), "{succeeded}");
    assert_eq!(job.progress_summary.number_of_tasks_failed, 0);
    assert_eq!(world.report(&id).await.len() as u64, succeeded, "one row for each task that was done");
    assert_eq!(copied(&world, 3000).await, succeeded, "the books say what was done, no more and no less");
    assert_eq!(faulty.copies.load(Ordering::SeqCst), succeeded, "nothing was done twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_stops_at_once_and_reports_exactly_what_was_done() {
    cancel_in_the_middle(Execution::Async).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_a_store_that_blocks() {
    cancel_in_the_middle(Execution::Blocking).await;
}

#[tokio::test]
async fn a_job_can_be_cancelled_at_any_time_before_its_end() {
    let world = World::new().await;
    let rows = world.fill(5).await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    let job = world.until_status(&id, JobStatus::Cancelled).await;
    assert_eq!(world.report(&id).await.len() as u64, job.progress_summary.number_of_tasks_succeeded);
    let mut request = world.copy_request(&rows).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    let job = world.until_status(&id, JobStatus::Cancelled).await;
    assert!(job.suspended_cause.is_none() && job.termination_date.is_some());
    assert_eq!(world.report(&id).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_job_stops_and_is_gone_from_the_answer_on() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    faulty.gated.store(true, Ordering::SeqCst);
    faulty.gate.add_permits(50);
    let rows = world.fill(1000).await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.until(&id, |job| job.progress_summary.number_of_tasks_succeeded >= 10).await;
    world.engine.delete_job(&world.context(), DeleteJobRequest { job_id: id.clone() }).await.unwrap();
    let request = DescribeJobRequest { job_id: id };
    let error = world.engine.describe_job(&world.context(), request).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NoSuchJob);
    faulty.gate.add_permits(5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_loses_nothing_and_repeats_nothing() {
    for execution in [Execution::Async, Execution::Blocking] {
        let (mut world, faulty) = faulty_world(world::config(), execution).await;
        faulty.gated.store(true, Ordering::SeqCst);
        let rows = world.fill(2000).await;
        let id = world.create(world.copy_request(&rows).await).await;
        for _ in 0..3 {
            let before = world.describe(&id).await.progress_summary.number_of_tasks_succeeded;
            faulty.gate.add_permits(400);
            world.until(&id, |job| job.progress_summary.number_of_tasks_succeeded > before).await;
            let (engine, gate) = (&world.engine, &faulty.gate);
            // What has begun may end.
            tokio::join!(engine.shutdown(), async { gate.add_permits(600) });
            let begun = faulty.copies.load(Ordering::SeqCst);
            faulty.gate.forget_permits(10_000);
            let job = world.describe(&id).await;
            assert_eq!(job.progress_summary.number_of_tasks_succeeded, begun, "all that was done is in the books");
            world.restart().await;
            if begun == 2000 {
                break;
            }
        }
        faulty.gated.store(false, Ordering::SeqCst);
        faulty.gate.add_permits(10_000);
        let job = world.until_status(&id, JobStatus::Complete).await;
        assert_eq!(job.progress_summary.number_of_tasks_succeeded, 2000);
        assert_eq!(faulty.copies.load(Ordering::SeqCst), 2000, "nothing was done twice");
        assert_eq!(world.report(&id).await.len(), 2000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_dropped_in_the_middle_leaves_exact_books() {
    let (mut world, faulty) = faulty_world(world::config(), Execution::Async).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let rows = world.fill(2000).await;
    let id = world.create(world.copy_request(&rows).await).await;
    for _ in 0..4 {
        let before = world.describe(&id).await.progress_summary.number_of_tasks_succeeded;
        faulty.gate.add_permits(300);
        world.until(&id, |job| job.progress_summary.number_of_tasks_succeeded > before).await;
        world.restart().await;
    }
    faulty.gated.store(false, Ordering::SeqCst);
    faulty.gate.add_permits(10_000);
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 2000);
    let report = world.report(&id).await;
    assert_eq!(report.len(), 2000);
    let mut keys: Vec<_> = report.into_iter().map(|row| row.0).collect();
    keys.dedup();
    assert_eq!(keys.len(), 2000, "one row for each task");
}

/// However slow the books are and however fast the store: after a kill at most a window of rows is done again.
#[tokio::test]
async fn no_more_than_a_window_of_rows_runs_ahead_of_the_books() {
    let config = Config { checkpoint_interval: Duration::from_secs(3600), ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Async).await;
    *faulty.barrier_takes.lock().unwrap() = Duration::from_millis(200);
    let rows: String = (0..10_000).map(|number| format!("{SOURCE},in/{}\n", number % 7)).collect();
    world.fill(7).await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    let segments = world.jobs.segments(uuid::Uuid::parse_str(id.as_str()).unwrap(), 0).await.unwrap();
    let begun = faulty.copies_at_barriers.lock().unwrap().clone();
    assert_eq!(segments.len(), begun.len());
    let mut committed = 0;
    for (segment, begun) in segments.iter().zip(begun) {
        assert!(begun - committed <= WINDOW_ROWS, "{begun} rows were begun with {committed} in the books");
        committed += segment.succeeded_rows;
    }
    assert_eq!(committed, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_passing_fail_no_task() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    faulty.failing.store(40, Ordering::SeqCst);
    let rows = world.fill(200).await;
    let id = world.create(world.copy_request(&rows).await).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 200);
    assert_eq!(faulty.copies.load(Ordering::SeqCst), 240);
    assert!(faulty.barriers.load(Ordering::SeqCst) > 0, "what was done is made durable before it counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_panics_fails_tasks_and_nothing_else() {
    for execution in [Execution::Async, Execution::Blocking] {
        let (world, faulty) = faulty_world(world::config(), execution).await;
        faulty.panics.store(true, Ordering::SeqCst);
        let rows = world.fill(20).await;
        let id = world.create(world.copy_request(&rows).await).await;
        let job = world.until_status(&id, JobStatus::Complete).await;
        assert_eq!(job.progress_summary.number_of_tasks_failed, 20);
        assert!(world.report(&id).await.iter().all(|row| row.2 == "InternalError"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_small_job_need_not_wait_for_a_large_one() {
    let config = Config { workers: 2, ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Async).await;
    faulty.gated.store(true, Ordering::SeqCst);
    faulty.gate.add_permits(1000);
    // Three shards for two workers.
    let rows: String = (0..25_000).map(|_| format!("{SOURCE},in/0\n")).collect();
    world.fill(1).await;
    let large = world.create(world.copy_request(&rows).await).await;
    world.until(&large, |job| job.progress_summary.number_of_tasks_succeeded > 0).await;
    let (context, request) = another(&world).await;
    let small = world.engine.create_job(&context, request).await.unwrap().job_id;
    // The large job goes on only as fast as permits come; the small one must not need its end.
    for _ in 0..20_000 {
        let request = DescribeJobRequest { job_id: small.clone() };
        let job = world.engine.describe_job(&context, request).await.unwrap().job;
        if job.status.known().unwrap().is_final() {
            assert_eq!(job.progress_summary.number_of_tasks_succeeded, 1);
            assert!(!world.describe(&large).await.status.known().unwrap().is_final());
            faulty.gated.store(false, Ordering::SeqCst);
            faulty.gate.add_permits(100_000);
            return;
        }
        faulty.gate.add_permits(1);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the small job waits for the large one");
}

/// Whether a copy without an answer was done is asked; the word that it was not comes after the cancel.
/// The clock stands still where nobody waits for it: no wait of a moment gives the cancel time to be noticed.
#[tokio::test(start_paused = true)]
async fn a_late_word_about_a_row_begins_nothing_after_a_cancel() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    faulty.unreachable.store(true, Ordering::SeqCst);
    let rows = world.fill(20).await;
    let id = world.create(world.copy_request(&rows).await).await;
    *faulty.heads_gated.lock().unwrap() = Some(TARGET);
    world.until(&id, |_| faulty.heads.load(Ordering::SeqCst) >= 1).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    // So long after its answer an operation may still begin.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = faulty.copies.load(Ordering::SeqCst);
    faulty.read_gate.close();
    world.until_status(&id, JobStatus::Cancelled).await;
    assert_eq!(faulty.copies.load(Ordering::SeqCst), begun, "an operation began after the cancel");
}
