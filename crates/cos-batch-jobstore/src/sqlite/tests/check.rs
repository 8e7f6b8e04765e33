//! Whether the store says that it does not work, and that it does again.

use std::{fs, sync::Arc};

use cos_batch_engine::{clock::ManualClock, store::contract::START};
use rusqlite::Connection;
use tokio::task::yield_now;

use crate::SqliteJobStore;

#[tokio::test]
async fn a_file_that_is_gone_or_another_one_is_told_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, aside) = (folder.path().join("jobs.sqlite"), folder.path().join("aside"));
    let store = SqliteJobStore::open(&path, Arc::new(ManualClock::new(START))).unwrap();
    let said = async || store.check().await.map_err(|error| error.to_string());
    assert_eq!(said().await, Ok(()));
    fs::rename(&path, &aside).unwrap();
    assert_eq!(said().await.unwrap_err(), "the job store failed: its file is gone");
    fs::copy(&aside, &path).unwrap();
    assert_eq!(said().await.unwrap_err(), "the job store failed: its file is another one than was opened");
    fs::rename(&aside, &path).unwrap();
    assert_eq!(said().await, Ok(()));
}

#[tokio::test]
async fn it_answers_when_whoever_holds_the_database_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let store = Arc::new(SqliteJobStore::open(&path, Arc::new(ManualClock::new(START))).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked = Arc::clone(&store);
    let check = tokio::spawn(async move { asked.check().await });
    while store.writer.waiting() != (1, 0) {
        yield_now().await;
    }
    assert!(!check.is_finished());
    other.execute_batch("ROLLBACK").unwrap();
    check.await.unwrap().unwrap();
}
