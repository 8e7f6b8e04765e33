//! Files that are not what they should be: said in words, never a panic, and left alone.

use std::{fs, path::PathBuf, time::Duration};

use cos_batch_engine::{
    JobStore as _,
    store::{
        JobChange, JobStatus, ListFilter, StoreError,
        contract::{new_job, set_status, shard},
    },
};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{TENANT, open};

const TTL: Duration = Duration::from_secs(30);

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    (folder, path)
}

#[track_caller]
fn text<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Failed(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_of_a_newer_release_is_refused_and_left_alone() {
    let (_folder, path) = place();
    drop(open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let said = text(open(&path));
    assert!(said.contains(path.to_str().unwrap()) && said.contains("has schema 1000"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let (_folder, path) = place();
    let garbage = b"not a database at all, but long enough to look like one".repeat(100);
    fs::write(&path, &garbage).unwrap();
    let said = text(open(&path));
    assert!(said.contains("not a database"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), garbage);

    let said = text(open(&path.join("below/a/file.sqlite")));
    assert!(said.contains("cannot be opened"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_read_names_its_job() {
    for (damage, what) in [
        ("UPDATE job SET state = '{'", "state"),
        ("UPDATE job SET state = '{\"status\": \"Nowhere\"}'", "state"),
        ("UPDATE job_spec SET spec = '[]'", "spec"),
        ("UPDATE job_spec SET spec = CAST(x'ff' AS TEXT)", "spec"),
    ] {
        let (_folder, path) = place();
        let store = open(&path).unwrap();
        let id = store.create(new_job(TENANT, "1")).await.unwrap().id;
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let filter = ListFilter { tenant: TENANT, statuses: &[], after: None, limit: 9, newest_first: false };
        for said in [
            text(store.get(id).await),
            text(store.list(filter).await),
            text(store.transition(id, 0, JobChange::default()).await),
        ] {
            assert!(said.contains(&format!("the stored {what} of job {id} cannot be read")), "{damage}: {said}");
        }
        // The others are served.
        store.create(new_job(TENANT, "2")).await.unwrap();
    }
}

#[tokio::test]
async fn other_columns_that_cannot_be_read_name_their_job() {
    let (_folder, path) = place();
    let store = open(&path).unwrap();
    let id: Uuid = store.create(new_job(TENANT, "1")).await.unwrap().id;
    let prepare = store.lease_job(id, TTL).await.unwrap().unwrap();
    store.add_shards(&prepare, vec![shard(0, 0, 2), shard(1, 2, 2)]).await.unwrap();
    set_status(&store, id, JobStatus::Active).await.unwrap();
    let lease = store.claim_shard(id, TTL).await.unwrap().unwrap();
    let damage = "UPDATE shard SET source = '{}'; UPDATE event SET status = 'Nowhere'";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    for said in [
        text(store.claim_shard(id, TTL).await),
        text(store.renew_shard(&lease, TTL).await),
        text(store.events(id).await),
    ] {
        assert!(said.contains(&id.to_string()), "{said}");
    }
    assert_eq!(store.get(id).await.unwrap().unwrap().shards.ready, 1, "a claim that fails takes nothing");
    Connection::open(&path).unwrap().execute_batch("UPDATE job SET status = 'Nowhere'").unwrap();
    assert!(text(store.purge(id).await).contains(&id.to_string()));
}
