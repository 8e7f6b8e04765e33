//! How soon an order is obeyed, and how many operations begin in a second: from the store's own log of what began.

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use cos_batch_engine::{Config, Engine, Spool};
use cos_batch_model::{
    BatchApi as _, CreateJobRequest, DescribeJobRequest, JobId, JobStatus, Priority, RequestedJobStatus,
    UpdateJobPriorityRequest, UpdateJobStatusRequest,
};
use cos_batch_objectstore::{Execution, MemoryStore};
use tokio::time::Instant;

use super::{
    faulty::Faulty,
    sharing::{another, request_for},
    stops::{Held, faulty_world},
    world::{self, SOURCE, World},
};

/// An order is obeyed within this: no operation begins later.
const OBEYED: Duration = Duration::from_secs(1);

/// Rows that all name objects in this folder.
fn rows(folder: &str, count: usize) -> String {
    (0..count).map(|number| format!("{SOURCE},{folder}/{number}\n")).collect()
}

async fn slow_world(config: Config, execution: Execution, takes: Duration) -> (World, Held) {
    let (world, faulty) = faulty_world(config, execution).await;
    *faulty.copies_take.lock().unwrap() = takes;
    (world, faulty)
}

async fn begun(faulty: &Faulty, count: usize) {
    while faulty.begun.lock().unwrap().len() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn none_began_after(faulty: &Faulty, folder: &str, last: Instant) {
    for (at, key) in &*faulty.begun.lock().unwrap() {
        assert!(!key.starts_with(folder) || *at <= last, "{key} began {:?} too late", *at - last);
    }
}

/// Operations that take three seconds each: what is in flight comes home, nothing begins after it.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_cancel_nothing_begins() {
    for execution in [Execution::Async, Execution::Blocking] {
        let config = Config { failure_threshold: None, ..world::config() };
        let (world, faulty) = slow_world(config, execution, Duration::from_secs(3)).await;
        let id = world.create(world.copy_request(&rows("in", 10_000)).await).await;
        begun(&faulty, 8).await;
        world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
        let answered = Instant::now();
        let job = world.until_status(&id, JobStatus::Cancelled).await;
        none_began_after(&faulty, "in", answered + OBEYED);
        let executed = job.progress_summary.number_of_tasks_failed + job.progress_summary.number_of_tasks_succeeded;
        assert_eq!(executed, faulty.copies.load(Ordering::SeqCst), "all that was done is in the books");
        assert_eq!(world.report(&id).await.len() as u64, executed);
    }
}

/// The same where the cancel is asked of another engine on the same jobs.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_cancel_asked_elsewhere_nothing_begins() {
    let config = Config { poll: Duration::from_millis(500), failure_threshold: None, ..world::config() };
    let (world, faulty) = slow_world(config, Execution::Async, Duration::from_millis(200)).await;
    let id = world.create(world.copy_request(&rows("in", 10_000)).await).await;
    begun(&faulty, 8).await;
    let other = Engine::start(world.parts(), false).await.unwrap();
    let request = UpdateJobStatusRequest {
        job_id: id.clone(),
        requested_job_status: RequestedJobStatus::Cancelled,
        status_update_reason: None,
    };
    other.update_job_status(&world.context(), request).await.unwrap();
    let answered = Instant::now();
    world.until_status(&id, JobStatus::Cancelled).await;
    none_began_after(&faulty, "in", answered + OBEYED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_priority_is_obeyed() {
    let config = Config { workers: 1, failure_threshold: None, ..world::config() };
    let (world, faulty) = slow_world(config, Execution::Async, Duration::from_millis(500)).await;
    let first = world.create(request_for(&world, rows("first", 10_000), 1).await).await;
    begun(&faulty, 8).await;
    let second = world.create(request_for(&world, rows("second", 5), 0).await).await;
    world.until_status(&second, JobStatus::Ready).await;
    let update = UpdateJobPriorityRequest { job_id: second.clone(), priority: Priority::new(2).unwrap() };
    world.engine.update_job_priority(&world.context(), update).await.unwrap();
    let answered = Instant::now();
    world.until(&first, |job| *job.status.known().unwrap() == JobStatus::Paused).await;
    none_began_after(&faulty, "first", answered + OBEYED);
    world.until_status(&second, JobStatus::Complete).await;
    let log = faulty.begun.lock().unwrap();
    let began = log.iter().find(|(_, key)| key.starts_with("second")).unwrap().0;
    // What was in flight had to come home first.
    assert!(began <= answered + OBEYED + Duration::from_millis(500) * 2, "after {:?}", began - answered);
}

/// A small job of another APPID does not wait for a large one to end, nor for its operations.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_one_row_beside_a_large_one_ends_soon() {
    let config = Config { failure_threshold: None, ..world::config() };
    let (world, faulty) = slow_world(config, Execution::Async, Duration::from_millis(20)).await;
    let large = world.create(world.copy_request(&rows("in", 300_000)).await).await;
    // All workers are at it.
    begun(&faulty, 1000).await;
    let (context, request) = another(&world).await;
    let asked = Instant::now();
    let id = world.engine.create_job(&context, request).await.unwrap().job_id;
    loop {
        let describe = DescribeJobRequest { job_id: id.clone() };
        let job = world.engine.describe_job(&context, describe).await.unwrap().job;
        if job.status.known().unwrap().is_final() {
            assert_eq!(job.progress_summary.number_of_tasks_succeeded, 1);
            break;
        }
        // Two seconds is what is wanted; the rest is for machines that are busy with other tests.
        assert!(asked.elapsed() < Duration::from_secs(10), "it waits: {:?}", job.status);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!world.describe(&large).await.status.known().unwrap().is_final());
}

fn cap(per_second: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(per_second)
}

#[tokio::test(start_paused = true)]
async fn caps_hold_for_every_operation() {
    for (config, per_second) in [
        (Config { operations_per_second: cap(100), ..world::config() }, 100),
        (Config { job_operations_per_second: cap(50), ..world::config() }, 50),
        (
            Config {
                job_operations_per_second: cap(1),
                job_operations_per_second_of: [(world::APPID.to_owned(), cap(50).unwrap())].into(),
                ..world::config()
            },
            50,
        ),
    ] {
        let (world, faulty) = faulty_world(config, Execution::Async).await;
        keeps_its_cap(&world, &faulty, per_second, 200).await;
    }
}

/// Paused time does not pass for threads that block.
#[tokio::test(flavor = "multi_thread")]
async fn caps_hold_on_threads_that_block() {
    let config = Config { operations_per_second: cap(100), ..world::config() };
    let (world, faulty) = faulty_world(config, Execution::Blocking).await;
    keeps_its_cap(&world, &faulty, 100, 60).await;
}

async fn keeps_its_cap(world: &World, faulty: &Faulty, per_second: u32, rows: u32) {
    faulty.failing.store(40, Ordering::SeqCst);
    let operations = rows + 40;
    let rows = world.fill(rows).await;
    let began = Instant::now();
    let id = world.create(world.copy_request(&rows).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    assert!(world.report(&id).await.iter().all(|row| row.1));
    assert_eq!(faulty.copies.load(Ordering::SeqCst), u64::from(operations));
    let log = faulty.begun.lock().unwrap();
    let times: Vec<_> = log.iter().map(|(at, _)| *at).collect();
    // In any second no more begin than the cap and its burst, repeats included.
    let most = per_second + per_second / 10 + 1;
    for (first, from) in times.iter().enumerate() {
        let within = times[first..].partition_point(|at| *at < *from + Duration::from_secs(1));
        // The log is written a moment after the turn was given.
        assert!(within <= (most + most / 10) as usize, "{within} in a second");
    }
    let least = Duration::from_secs_f64(f64::from(operations) / f64::from(per_second)) - Duration::from_millis(200);
    assert!(began.elapsed() >= least, "{:?} for {operations} operations", began.elapsed());
}

/// An engine on the stores of this world whose spool can be made to fail.
async fn with_spool(world: &World) -> (Engine, Arc<Faulty>) {
    world.engine.shutdown().await;
    let memory = MemoryStore::new();
    memory.create_bucket("segments").unwrap();
    let faulty = Arc::new(Faulty::new(Arc::new(memory), Execution::Async));
    let mut parts = world.parts();
    parts.spool = Spool::new(faulty.clone(), "segments");
    (Engine::start(parts, true).await.unwrap(), faulty)
}

async fn create(engine: &Engine, world: &World, request: CreateJobRequest) -> JobId {
    engine.create_job(&world.context(), request).await.unwrap().job_id
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_cannot_be_written_for_a_while_repeat_nothing() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    let (engine, spool) = with_spool(&world).await;
    *spool.refuse_puts.lock().unwrap() = Some("");
    let rows = world.fill(500).await;
    let id = create(&engine, &world, world.copy_request(&rows).await).await;
    world.until(&id, |_| spool.puts.load(Ordering::SeqCst) >= 4).await;
    begun(&faulty, 500).await;
    assert_eq!(world.describe(&id).await.progress_summary.number_of_tasks_succeeded, 0);
    *spool.refuse_puts.lock().unwrap() = None;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 500);
    assert_eq!(faulty.copies.load(Ordering::SeqCst), 500, "nothing was done twice");
    assert_eq!(world.report(&id).await.len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_while_books_cannot_be_written_still_reports_what_was_done() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    let (engine, spool) = with_spool(&world).await;
    *spool.refuse_puts.lock().unwrap() = Some("");
    faulty.gated.store(true, Ordering::SeqCst);
    faulty.gate.add_permits(300);
    let rows = world.fill(2000).await;
    let id = create(&engine, &world, world.copy_request(&rows).await).await;
    begun(&faulty, 300).await;
    world.until(&id, |_| spool.puts.load(Ordering::SeqCst) >= 2).await;
    let cancel = UpdateJobStatusRequest {
        job_id: id.clone(),
        requested_job_status: RequestedJobStatus::Cancelled,
        status_update_reason: None,
    };
    engine.update_job_status(&world.context(), cancel).await.unwrap();
    faulty.gate.add_permits(5000);
    let tried = spool.puts.load(Ordering::SeqCst);
    world.until(&id, |_| spool.puts.load(Ordering::SeqCst) > tried).await;
    *spool.refuse_puts.lock().unwrap() = None;
    let job = world.until_status(&id, JobStatus::Cancelled).await;
    let done = faulty.copies.load(Ordering::SeqCst);
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, done);
    assert_eq!(world.report(&id).await.len() as u64, done);
}
