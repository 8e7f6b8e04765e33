//! Many at once.

use std::{collections::BTreeSet, sync::Arc};

use cos_batch_model::JobStatus;
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    kit::{Fixture, TTL, active, create, file, get, listed, new_job, recorded, step},
    shared::preparing,
};
use crate::{
    job::{Progress, ShardTally},
    store::{JobChange, JobStore, StoreError},
};

const TENANT: &str = "1250000000";

/// How many ask at the same time.
const CROWD: usize = 16;

/// Runs a task for each of the crowd, all let loose together.
async fn crowd<T, F>(store: &Arc<dyn JobStore>, task: impl Fn(usize, Arc<dyn JobStore>) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let gate = Arc::new(Barrier::new(CROWD));
    let mut tasks = JoinSet::new();
    for number in 0..CROWD {
        let (task, gate) = (task(number, store.clone()), gate.clone());
        tasks.spawn(async move {
            gate.wait().await;
            task.await
        });
    }
    tasks.join_all().await
}

/// However often a request is repeated at the same time, one job comes of it, and all learn which.
pub async fn one_token_makes_one_job_at_once(fixture: Fixture) {
    let answers = crowd(&fixture.store, |_, store| async move { store.create(new_job(TENANT, "same")).await }).await;
    let made: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).map(|job| job.id).collect();
    assert_eq!(made.len(), 1);
    for answer in answers {
        match answer {
            Ok(job) => assert_eq!(job.id, made[0]),
            Err(StoreError::TokenUsed { job }) => assert_eq!(job, made[0]),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(listed(&*fixture.store, TENANT).await, made);
}

/// A tenant cannot get past its limit by asking many times at once.
pub async fn the_limit_of_jobs_holds_at_once(fixture: Fixture) {
    let answers = crowd(&fixture.store, |number, store| async move {
        let mut job = new_job(TENANT, &number.to_string());
        job.live_jobs_max = 5;
        store.create(job).await
    })
    .await;
    let made: BTreeSet<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).map(|job| job.id).collect();
    assert_eq!(made.len(), 5);
    let refused = answers.iter().filter(|answer| matches!(answer, Err(StoreError::TooManyJobs { limit: 5 }))).count();
    assert_eq!(refused, CROWD - 5);
    assert_eq!(listed(&*fixture.store, TENANT).await, made.into_iter().collect::<Vec<_>>());
}

/// Of many changes worked out from the same version one is made.
pub async fn one_version_is_changed_once(fixture: Fixture) {
    let job = create(&*fixture.store, TENANT, "1").await;
    let answers = crowd(&fixture.store, |number, store| async move {
        let priority = u32::try_from(number).ok();
        store.transition(job.id, 0, JobChange { priority, ..JobChange::default() }).await
    })
    .await;
    let made: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(made.len(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Conflict))));
    assert_eq!(&get(&*fixture.store, job.id).await, made[0]);
}

/// Of many who want a job one gets it.
pub async fn a_job_is_leased_once(fixture: Fixture) {
    let id = create(&*fixture.store, TENANT, "1").await.id;
    let answers = crowd(&fixture.store, |_, store| async move { store.lease_job(id, TTL).await.unwrap() }).await;
    assert_eq!(answers.iter().flatten().count(), 1);
}

/// Nobody gets a shard that somebody else has, and none is left over.
pub async fn a_shard_is_claimed_once(fixture: Fixture) {
    let (id, _) = active(&*fixture.store, "1", &[1; 50]).await;
    let claimed = crowd(&fixture.store, |_, store| async move {
        let mut mine = Vec::new();
        while let Some(lease) = store.claim_shard(id, TTL).await.unwrap() {
            mine.push(lease.shard.index);
        }
        mine
    })
    .await;
    let mut all: Vec<u32> = claimed.into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (0..50).collect::<Vec<_>>());
}

/// Nobody reads a file that somebody else reads, and none is left over.
pub async fn a_file_is_claimed_once(fixture: Fixture) {
    let (id, _) = preparing(&*fixture.store, "1", 50).await;
    let claimed = crowd(&fixture.store, |_, store| async move {
        let mut mine = Vec::new();
        while let Some(lease) = store.claim_file(id, TTL).await.unwrap() {
            mine.push(lease.file.number);
        }
        mine
    })
    .await;
    let mut all: Vec<u32> = claimed.into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (0..50).collect::<Vec<_>>());
}

/// Counts of many holders add up, exactly one learns that its shard was the last, and it then changes the status.
pub async fn counts_add_up_from_many_holders(fixture: Fixture) {
    const ROWS: u64 = 6;
    const SHARDS: u64 = 24;
    let (id, _) = active(&*fixture.store, "1", &[ROWS; 24]).await;
    let last = crowd(&fixture.store, |_, store| async move {
        let mut last = 0;
        while let Some(lease) = store.claim_shard(id, TTL).await.unwrap() {
            let mut cursor = lease.cursor;
            for number in 0..3 {
                let step = recorded(&lease, number, step(cursor, 1, 1));
                cursor = step.cursor;
                let answer = store.checkpoint(&lease, step, TTL).await.unwrap();
                assert!(answer.progress.executed() >= cursor.rows);
            }
            if store.finish_shard(&lease, vec![file(lease.shard.index, true, 3)]).await.unwrap() == 0 {
                last += 1;
                super::set_status(&*store, id, JobStatus::Completing).await.unwrap();
            }
        }
        last
    })
    .await;
    assert_eq!(last.iter().sum::<u32>(), 1);
    let job = get(&*fixture.store, id).await;
    assert_eq!(job.progress, Progress { total: 0, succeeded: SHARDS * ROWS / 2, failed: SHARDS * ROWS / 2 });
    assert_eq!(job.shards, ShardTally { ready: 0, leased: 0, done: SHARDS });
    assert_eq!(job.state.status, JobStatus::Completing);
    assert_eq!(fixture.store.results(id, None, 100).await.unwrap().len(), 24);
    assert_eq!(fixture.store.codes(id).await.unwrap(), [("AccessDenied".to_owned(), SHARDS * ROWS / 2)]);
}
