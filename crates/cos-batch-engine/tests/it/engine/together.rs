//! Two engines on one job store prepare an inventory together.

use std::{sync::atomic::Ordering, time::Duration};

use cos_batch_engine::{Config, Engine, Statistics};
use cos_batch_model::{Job, JobStatus};
use cos_batch_objectstore::Execution;

use super::{
    compressed::of_many_files,
    stops::faulty_world,
    world::{self, GUARD},
};

/// Waits until an engine is as it is wanted.
async fn until(engine: &Engine, wanted: impl Fn(Statistics) -> bool) {
    let watch = async {
        while !wanted(engine.statistics()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(GUARD, watch).await.unwrap();
}

/// Who helps with a large inventory lets go of it between two files when a job waits for somebody who prepares it.
#[tokio::test]
async fn who_helps_makes_room_for_a_job_that_waits() {
    let (world, faulty) = faulty_world(Config { preparers: 1, ..world::config() }, Execution::Async).await;
    let rows = world.fill(600).await;
    *faulty.gated_begin.lock().unwrap() = "inv/data/";
    faulty.reads_gated.store(true, Ordering::SeqCst);
    let large = world.create(of_many_files(&world, None).await).await;
    until(&world.engine, |statistics| statistics.preparing == 1).await;
    // Both have files under way, and wait for the first byte of each.
    let reads = || faulty.reads.load(Ordering::SeqCst);
    let before = reads();
    let other = Engine::start(world.parts(), false).await.unwrap();
    until(&other, |statistics| statistics.preparing == 1 && reads() > before).await;

    let half: String = rows.split_inclusive('\n').take(300).collect();
    let small = world.create(world.copy_request(&half).await).await;
    // Two reads for each of 300 files, one let through at a time: long before all are, what both have begun is over.
    let is_complete = |job: &Job| {
        faulty.read_gate.add_permits(1);
        *job.status.known().unwrap() == JobStatus::Complete
    };
    world.until(&small, is_complete).await;
    let job = world.describe(&large).await;
    assert_eq!(*job.status.known().unwrap(), JobStatus::Preparing);
    faulty.read_gate.close();
    world.until_status(&large, JobStatus::Complete).await;
    assert_eq!(world.report(&large).await.len(), 600);
    other.shutdown().await;
}
