//! Forgetting a job leaves nothing behind.

use std::{sync::Arc, time::Duration};

use cos_batch_engine::{
    JobStore as _,
    clock::ManualClock,
    store::{
        Checkpoint, Cursor, JobStatus, ResultFile, Segment,
        contract::{START, new_job, set_status, shard},
    },
};
use rusqlite::Connection;

use crate::SqliteJobStore;

const TTL: Duration = Duration::from_secs(30);

#[tokio::test]
async fn no_row_of_a_forgotten_job_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let store = SqliteJobStore::open(&path, Arc::new(ManualClock::new(START))).unwrap();
    let id = store.create(new_job("1250000000", "1")).await.unwrap().id;
    let prepare = store.lease_job(id, TTL).await.unwrap().unwrap();
    store.add_shards(&prepare, vec![shard(0, 0, 1), shard(1, 1, 1)]).await.unwrap();
    set_status(&store, id, JobStatus::Active).await.unwrap();
    let lease = store.claim_shard(id, TTL).await.unwrap().unwrap();
    let step = Checkpoint {
        cursor: Cursor { rows: 1, offset: 10 },
        succeeded: 0,
        failed: 1,
        codes: [("NoSuchKey".to_owned(), 1)].into(),
        segment: Some(Segment { shard: 0, epoch: lease.epoch, number: 0, succeeded_rows: 0, failed_rows: 1 }),
        report_bytes: 0,
    };
    store.checkpoint(&lease, step, TTL).await.unwrap();
    let file = ResultFile { shard: 0, failed: true, key: "k".to_owned(), md5: "m".to_owned(), rows: 1 };
    store.finish_shard(&lease, vec![file]).await.unwrap();
    set_status(&store, id, JobStatus::Complete).await.unwrap();

    let connection = Connection::open(&path).unwrap();
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'store' ORDER BY name")
        .unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let with_rows = || {
        let has_rows = |table: &&String| -> bool {
            connection.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {table})"), [], |row| row.get(0)).unwrap()
        };
        tables.iter().filter(has_rows).cloned().collect::<Vec<_>>()
    };
    assert_eq!(with_rows(), ["code", "event", "job", "job_spec", "result", "segment", "shard"]);
    store.purge(id).await.unwrap();
    assert_eq!(with_rows(), [] as [&str; 0]);
}
