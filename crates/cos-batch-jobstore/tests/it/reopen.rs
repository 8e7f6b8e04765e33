//! What is left when a store is closed and opened again.

use std::{sync::Arc, time::Duration};

use cos_batch_engine::{
    JobEvent, JobStore, Progress, ShardTally,
    clock::ManualClock,
    store::{
        Checkpoint, Cursor, JobStatus, ListFilter, ResultFile, Segment, ShardLease, StoreError,
        contract::{START, new_job, set_status, shard},
    },
};
use cos_batch_jobstore::SqliteJobStore;
use rusqlite::Connection;
use uuid::Uuid;

use crate::{TENANT, open};

const TTL: Duration = Duration::from_secs(30);

fn half(lease: &ShardLease) -> Checkpoint {
    let segment =
        Segment { shard: lease.shard.index, epoch: lease.epoch, number: 0, succeeded_rows: 1, failed_rows: 1 };
    Checkpoint {
        cursor: Cursor { rows: 2, offset: 20 },
        succeeded: 1,
        failed: 1,
        codes: [("NoSuchKey".to_owned(), 1)].into(),
        segment: Some(segment),
        report_bytes: 0,
    }
}

async fn books(store: &dyn JobStore, id: Uuid) -> (Vec<Segment>, Vec<ResultFile>, Vec<(String, u64)>, Vec<JobEvent>) {
    (
        store.segments(id, 0).await.unwrap(),
        store.results(id, None, 10).await.unwrap(),
        store.codes(id).await.unwrap(),
        store.events(id).await.unwrap(),
    )
}

#[tokio::test]
async fn everything_but_leases_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let store = open(&path).unwrap();
    let id = store.create(new_job(TENANT, "1")).await.unwrap().id;
    let prepare = store.lease_job(id, TTL).await.unwrap().unwrap();
    store.add_shards(&prepare, vec![shard(0, 0, 2), shard(1, 2, 4), shard(2, 6, 4)]).await.unwrap();
    set_status(&store, id, JobStatus::Active).await.unwrap();
    let first = store.claim_shard(id, TTL).await.unwrap().unwrap();
    store.checkpoint(&first, half(&first), TTL).await.unwrap();
    let file = ResultFile { shard: 0, failed: true, key: "k".to_owned(), md5: "m".to_owned(), rows: 1 };
    store.finish_shard(&first, vec![file]).await.unwrap();
    let second = store.claim_shard(id, TTL).await.unwrap().unwrap();
    store.checkpoint(&second, half(&second), TTL).await.unwrap();
    let mut job = store.get(id).await.unwrap().unwrap();
    let before = books(&store, id).await;
    drop(store);

    let store = open(&path).unwrap();
    assert_eq!(job.shards, ShardTally { ready: 1, leased: 1, done: 1 });
    job.shards = ShardTally { ready: 2, leased: 0, done: 1 };
    assert_eq!(store.get(id).await.unwrap(), Some(job.clone()));
    assert_eq!(books(&store, id).await, before);
    assert_refused(&store.renew_job(&prepare, TTL).await);
    assert_refused(&store.renew_shard(&second, TTL).await.map(drop));
    let again = store.claim_shard(id, TTL).await.unwrap().unwrap();
    assert_eq!((again.shard.index, again.cursor, again.next_segment), (1, Cursor { rows: 2, offset: 20 }, 1));
    assert!(again.epoch > second.epoch);
    assert_eq!(job.progress, Progress { total: 0, succeeded: 2, failed: 2 });
    let filter =
        ListFilter { tenant: TENANT, statuses: &[JobStatus::Active], after: None, limit: 9, newest_first: false };
    assert_eq!(store.list(filter).await.unwrap().0.len(), 1);
}

/// The newest schema.
const NEWEST: u32 = 5;

/// How each step of the schema is taken back, the newest first: what a store had before it.
const BACK: [&str; NEWEST as usize - 1] = [
    "DROP TABLE file",
    "ALTER TABLE job DROP COLUMN report_bytes",
    "DROP INDEX segment_failed; DROP INDEX job_retry; ALTER TABLE job DROP COLUMN retry_of",
    "DROP INDEX job_suspended; DROP INDEX job_brief; CREATE INDEX job_brief ON job (status, priority DESC, id)",
];

#[tokio::test]
async fn a_store_of_each_older_schema_opens_with_all_that_it_had() {
    for steps in 1..=BACK.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        let store = open(&path).unwrap();
        let id = store.create(new_job(TENANT, "1")).await.unwrap().id;
        let prepare = store.lease_job(id, TTL).await.unwrap().unwrap();
        store.add_shards(&prepare, vec![shard(0, 0, 2), shard(1, 2, 2)]).await.unwrap();
        set_status(&store, id, JobStatus::Active).await.unwrap();
        let lease = store.claim_shard(id, TTL).await.unwrap().unwrap();
        store.checkpoint(&lease, half(&lease), TTL).await.unwrap();
        store.finish_shard(&lease, Vec::new()).await.unwrap();
        let job = store.get(id).await.unwrap().unwrap();
        let before = books(&store, id).await;
        drop(store);

        let connection = Connection::open(&path).unwrap();
        let version = |connection: &Connection| {
            connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).unwrap()
        };
        assert_eq!(version(&connection), NEWEST, "a new step has to be taken back here as well");
        for back in &BACK[..steps] {
            connection.execute_batch(back).unwrap();
        }
        connection.pragma_update(None, "user_version", NEWEST - u32::try_from(steps).unwrap()).unwrap();
        drop(connection);

        let store = open(&path).unwrap();
        assert_eq!(store.get(id).await.unwrap(), Some(job), "{steps} steps back");
        assert_eq!(books(&store, id).await, before, "{steps} steps back");
        // It goes on as well.
        let lease = store.claim_shard(id, TTL).await.unwrap().unwrap();
        assert_eq!(lease.shard.index, 1);
        store.checkpoint(&lease, half(&lease), TTL).await.unwrap();
        store.finish_shard(&lease, Vec::new()).await.unwrap();
        let ended = store.get(id).await.unwrap().unwrap();
        assert_eq!(ended.shards, ShardTally { ready: 0, leased: 0, done: 2 }, "{steps} steps back");
        drop(store);
        assert_eq!(version(&Connection::open(&path).unwrap()), NEWEST);
    }
}

#[track_caller]
fn assert_refused(answer: &Result<(), StoreError>) {
    assert!(matches!(answer, Err(StoreError::LeaseLost)), "{answer:?}");
}

#[tokio::test]
async fn ids_go_up_and_tokens_are_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let store = open(&path).unwrap();
    let kept = store.create(new_job(TENANT, "kept")).await.unwrap().id;
    let forgotten = store.create(new_job(TENANT, "forgotten")).await.unwrap().id;
    set_status(&store, forgotten, JobStatus::Complete).await.unwrap();
    store.purge(forgotten).await.unwrap();
    drop(store);

    let yesterday = Arc::new(ManualClock::new(START - 86_400_000));
    let store = SqliteJobStore::open(&path, yesterday).unwrap();
    let next = store.create(new_job(TENANT, "forgotten")).await.unwrap();
    assert!(next.id > forgotten, "ids go up although the clock went back and the newest job is gone");
    assert_eq!(next.created_at, START - 86_400_000);
    let used = store.create(new_job(TENANT, "kept")).await;
    assert!(matches!(used, Err(StoreError::TokenUsed { job }) if job == kept), "{used:?}");
    let mut third = new_job(TENANT, "third");
    third.live_jobs_max = 2;
    let refused = store.create(third).await;
    assert!(matches!(refused, Err(StoreError::TooManyJobs { limit: 2 })), "{refused:?}");
}
