//! The writing thread: groups, order, places, failures.

use std::{path::PathBuf, sync::Arc};

use cos_batch_engine::{
    JobStore as _,
    clock::ManualClock,
    store::{
        JobChange, JobStatus, StoreError,
        contract::{START, briefs, new_job, set_status},
    },
};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::{JoinSet, yield_now};

use crate::{
    SqliteJobStore, Statistics,
    fault::Fault,
    sqlite::writer::{API_WAITING_MAX, Lane},
};

const TENANT: &str = "1250000000";

struct Bench {
    store: Arc<SqliteJobStore>,
    path: PathBuf,
    _folder: TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let store = SqliteJobStore::open(&path, Arc::new(ManualClock::new(START))).unwrap();
    Bench { store: Arc::new(store), path, _folder: folder }
}

impl Bench {
    /// Keeps the writer from beginning a transaction until this is dropped.
    fn hold(&self) -> Connection {
        let connection = Connection::open(&self.path).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    async fn wait_for(&self, waiting: (usize, usize)) {
        while self.store.writer.waiting() != waiting {
            yield_now().await;
        }
    }

    /// Starts to create a job for each token; the answers come later.
    fn creates(&self, tokens: impl IntoIterator<Item = String>) -> JoinSet<Result<(), StoreError>> {
        let mut tasks = JoinSet::new();
        for token in tokens {
            let store = self.store.clone();
            tasks.spawn(async move { store.create(new_job(TENANT, &token)).await.map(drop) });
        }
        tasks
    }
}

#[tokio::test]
async fn all_that_waits_becomes_one_commit() {
    let bench = bench();
    let held = bench.hold();
    // Every token twice: one of each pair is refused, without harm to the others.
    let creates = bench.creates((0..40).map(|number| (number / 2).to_string()));
    bench.wait_for((40, 0)).await;
    assert_eq!(bench.store.statistics(), Statistics { commits: 0, changes: 0 });
    drop(held);
    let answers = creates.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
    assert_eq!(bench.store.statistics(), Statistics { commits: 1, changes: 40 });
    assert_eq!(briefs(&*bench.store, &[JobStatus::New], 100).await.len(), 20);
}

#[tokio::test]
async fn api_calls_go_before_the_work_of_workers() {
    let bench = bench();
    let id = bench.store.create(new_job(TENANT, "1")).await.unwrap().id;
    let version = set_status(&*bench.store, id, JobStatus::Failed).await.unwrap().version;
    let held = bench.hold();
    let store = bench.store.clone();
    let purge = tokio::spawn(async move { store.purge(id).await });
    bench.wait_for((0, 1)).await;
    let store = bench.store.clone();
    let change = JobChange { priority: Some(1), ..JobChange::default() };
    let transition = tokio::spawn(async move { store.transition(id, version, change).await });
    bench.wait_for((1, 1)).await;
    drop(held);
    // Had the purge gone first, there would be no job to change.
    transition.await.unwrap().unwrap();
    purge.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_full_queue_lets_callers_wait_and_serves_them_all() {
    let bench = bench();
    let held = bench.hold();
    let creates = bench.creates((0..API_WAITING_MAX * 2).map(|number| number.to_string()));
    bench.wait_for((API_WAITING_MAX, 0)).await;
    for _ in 0..1000 {
        yield_now().await;
    }
    assert_eq!(bench.store.writer.waiting(), (API_WAITING_MAX, 0));
    drop(held);
    assert!(creates.join_all().await.iter().all(Result::is_ok));
    assert_eq!(bench.store.statistics().changes, u64::try_from(API_WAITING_MAX * 2).unwrap());
}

#[tokio::test]
async fn a_full_disk_fails_the_group_and_nothing_is_changed() {
    let bench = bench();
    let store = bench.store.clone();
    let limit_pages = async |more: i64| {
        let set = store.writer.write(Lane::Work, move |session| {
            let pages: i64 = session.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let sql = format!("PRAGMA max_page_count = {}", pages + more);
            Ok(session.connection.query_row(&sql, [], |_| Ok(()))?)
        });
        set.await.unwrap();
    };
    limit_pages(2).await;
    let held = bench.hold();
    let creates = bench.creates((0..5).map(|number| number.to_string()));
    bench.wait_for((5, 0)).await;
    let mut large = new_job(TENANT, "large");
    large.spec.request = "x".repeat(100_000);
    let other = bench.store.clone();
    let large_create = tokio::spawn(async move { other.create(large).await.map(drop) });
    bench.wait_for((6, 0)).await;
    drop(held);
    let mut answers = creates.join_all().await;
    answers.push(large_create.await.unwrap());
    for answer in answers {
        let Err(StoreError::Failed(text)) = answer else { panic!("{answer:?}") };
        assert!(text.contains("the disk is full"), "{text}");
    }
    assert_eq!(briefs(&*bench.store, &[JobStatus::New], 10).await, []);

    limit_pages(1000).await;
    assert!(bench.creates((0..5).map(|number| number.to_string())).join_all().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn nobody_waits_for_a_thread_that_is_gone() {
    let bench = bench();
    let held = bench.hold();
    let store = bench.store.clone();
    let panics = tokio::spawn(async move {
        store.writer.write(Lane::Api, |_| -> Result<(), Fault> { panic!("this panic is part of a test") }).await
    });
    bench.wait_for((1, 0)).await;
    let creates = bench.creates((0..API_WAITING_MAX * 2).map(|number| number.to_string()));
    bench.wait_for((API_WAITING_MAX, 0)).await;
    drop(held);
    let mut answers = creates.join_all().await;
    answers.push(panics.await.unwrap());
    answers.push(bench.store.create(new_job(TENANT, "late")).await.map(drop));
    for answer in answers {
        let Err(StoreError::Failed(text)) = answer else { panic!("{answer:?}") };
        assert_eq!(text, "it has stopped");
    }
    assert_eq!(briefs(&*bench.store, &[JobStatus::New], 10).await, [], "reads go on");
}

#[tokio::test]
async fn what_was_asked_for_is_done_before_the_store_is_gone() {
    let bench = bench();
    let Bench { store, path, _folder } = bench;
    let mut future = store.create(new_job(TENANT, "1"));
    // Asked for, but nobody waits for the answer.
    assert!(futures_poll(&mut future).await.is_pending());
    drop(future);
    drop(store);
    let store = SqliteJobStore::open(&path, Arc::new(ManualClock::new(START))).unwrap();
    assert_eq!(briefs(&store, &[JobStatus::New], 10).await.len(), 1);
}

async fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context))).await
}
