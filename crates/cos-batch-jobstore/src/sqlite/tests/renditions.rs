//! What is kept of jobs is never older than the last commit.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use cos_batch_engine::{
    JobRecord, JobStore as _,
    clock::ManualClock,
    store::{
        JobChange, Rendition, StoreError,
        contract::{START, new_job},
    },
};
use cos_batch_model::ApiError;
use tempfile::TempDir;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    SqliteJobStore,
    sqlite::{
        renditions::{KEPT_BYTES_MAX, Renditions},
        sql,
    },
};

const TENANT: &str = "1250000000";

#[expect(clippy::unnecessary_wraps, reason = "the form of a Render")]
fn priority(job: &JobRecord) -> Result<Bytes, ApiError> {
    Ok(Bytes::from(job.priority.to_string()))
}

async fn store(kept_bytes: u64) -> (TempDir, Arc<SqliteJobStore>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let store = SqliteJobStore::start(&path, Arc::new(ManualClock::new(START)), kept_bytes).unwrap();
    (folder, Arc::new(store))
}

async fn shown(store: &SqliteJobStore, id: Uuid) -> u32 {
    let rendition = store.rendition(id, priority).await.unwrap().unwrap();
    let document = rendition.shown_to(TENANT).unwrap().clone().unwrap();
    std::str::from_utf8(&document).unwrap().parse().unwrap()
}

async fn set(store: &SqliteJobStore, job: &JobRecord, priority: u32) -> JobRecord {
    let change = JobChange { priority: Some(priority), ..JobChange::default() };
    store.transition(job.id, job.version, change).await.unwrap()
}

/// A record as a reader may have read it.
async fn record() -> JobRecord {
    let (_folder, store) = store(KEPT_BYTES_MAX).await;
    store.create(new_job(TENANT, "t")).await.unwrap()
}

#[tokio::test]
async fn what_was_read_once_is_not_read_again_until_it_changes() {
    let (_folder, store) = store(KEPT_BYTES_MAX).await;
    let job = store.create(new_job(TENANT, "1")).await.unwrap();
    let first = store.rendition(job.id, priority).await.unwrap().unwrap();
    let again = store.rendition(job.id, priority).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &again), "it was kept");
    // Of another job: stays.
    store.create(new_job(TENANT, "2")).await.unwrap();
    assert!(Arc::ptr_eq(&first, &store.rendition(job.id, priority).await.unwrap().unwrap()));
    let job = set(&store, &job, 7).await;
    assert_eq!(shown(&store, job.id).await, 7);
    let change = JobChange { delete: true, ..JobChange::default() };
    store.transition(job.id, job.version, change).await.unwrap();
    assert_eq!(store.rendition(job.id, priority).await.unwrap().unwrap().shown_to(TENANT), None);
    assert_eq!(store.rendition(Uuid::nil(), priority).await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_kept_that_a_commit_overtook() {
    let job = record().await;
    let read = || Ok(Some(Rendition::new(&job, priority)));
    let renditions = Renditions::new(KEPT_BYTES_MAX);

    // A commit begins and ends while somebody reads.
    renditions
        .get(job.id, || {
            let old = read();
            renditions.begin([job.id].into_iter());
            renditions.end();
            old
        })
        .unwrap();
    assert_eq!(renditions.kept().0, 0);

    // It began before, and ends while he reads, or after.
    for ends_before_the_answer in [true, false] {
        renditions.begin([job.id].into_iter());
        renditions
            .get(job.id, || {
                let old = read();
                if ends_before_the_answer {
                    renditions.end();
                }
                old
            })
            .unwrap();
        assert_eq!(renditions.kept().0, 0, "{ends_before_the_answer}");
        renditions.end();
    }

    // It begins while he reads, and somebody else begins to read after it.
    renditions
        .get(job.id, || {
            let old = read();
            renditions.begin([job.id].into_iter());
            renditions.end();
            renditions.get(job.id, read).unwrap();
            assert_eq!(renditions.kept().0, 1, "the second one read what was committed");
            old
        })
        .unwrap();
    renditions.begin([job.id].into_iter());
    assert_eq!(renditions.kept().0, 0, "what is kept is gone before the commit");
    renditions.end();

    // A commit of another job is in nobody's way.
    renditions.begin([Uuid::nil()].into_iter());
    renditions.get(job.id, read).unwrap();
    assert_eq!(renditions.kept().0, 1);
    renditions.get(job.id, || panic!("it is kept")).unwrap();
}

#[tokio::test]
async fn two_who_read_at_once_both_read() {
    let job = record().await;
    let renditions = Renditions::new(KEPT_BYTES_MAX);
    let reads = Cell::new(0);
    let read = || {
        reads.set(reads.get() + 1);
        Ok(Some(Rendition::new(&job, priority)))
    };
    let outer = renditions.get(job.id, || {
        // As if from another thread: nobody waits for anybody.
        assert!(renditions.get(job.id, read)?.is_some());
        read()
    });
    assert!(outer.unwrap().is_some());
    assert_eq!((reads.get(), renditions.kept().0), (2, 1));
}

#[tokio::test]
async fn failures_and_what_is_not_there_are_not_kept() {
    let renditions = Renditions::new(KEPT_BYTES_MAX);
    let failed = renditions.get(Uuid::nil(), || Err(StoreError::Failed("no disk".to_owned())));
    assert!(failed.is_err());
    assert_eq!(renditions.get(Uuid::nil(), || Ok(None)).unwrap(), None);
    assert_eq!(renditions.kept().0, 0);
}

#[tokio::test]
async fn no_more_is_kept_than_there_is_room_for() {
    let mut job = record().await;
    let bytes = 1 << 20;
    let renditions = Renditions::new(bytes);
    for _ in 0..2000 {
        job.id = Uuid::new_v4();
        renditions.get(job.id, || Ok(Some(Rendition::new(&job, |_| Ok(Bytes::from(vec![0; 2700])))))).unwrap();
    }
    let (jobs, weight) = renditions.kept();
    assert!(weight <= bytes && jobs > 200, "{jobs} jobs, {weight} bytes");
    let huge = || Ok(Some(Rendition::new(&job, |_| Ok(Bytes::from(vec![0; 2 << 20])))));
    assert!(renditions.get(Uuid::nil(), huge).unwrap().is_some());
    assert!(renditions.kept().1 <= bytes);
}

/// Many change jobs, each its own, and many look at all of them; some jobs are kept, and some had to make room.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_looks_sees_what_was_acknowledged_before() {
    const JOBS: usize = 12;
    const CHANGES: u32 = 150;
    const LOOKERS: usize = 3;
    // Room for a few of the jobs, and for all.
    for kept_bytes in [1200, KEPT_BYTES_MAX] {
        let (_folder, store) = store(kept_bytes).await;
        let mut jobs = Vec::new();
        for number in 0..JOBS {
            jobs.push(store.create(new_job(TENANT, &number.to_string())).await.unwrap());
        }
        let ids: Arc<Vec<Uuid>> = Arc::new(jobs.iter().map(|job| job.id).collect());
        let acknowledged: Arc<Vec<AtomicU32>> = Arc::new((0..JOBS).map(|_| AtomicU32::new(0)).collect());
        let over = Arc::new(AtomicBool::new(false));
        let mut lookers = JoinSet::new();
        for looker in 0..LOOKERS {
            let (store, ids, acknowledged, over) = (store.clone(), ids.clone(), acknowledged.clone(), over.clone());
            lookers.spawn(async move {
                let mut seen = [0; JOBS];
                let mut looks = 0_u64;
                let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(looker as u64 + 1);
                while !over.load(Ordering::Acquire) {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let number = (random >> 33) as usize % JOBS;
                    let known = acknowledged[number].load(Ordering::Acquire);
                    let found = if random & 1 << 20 == 0 {
                        shown(&store, ids[number]).await
                    } else {
                        // The database itself: what is kept may not lag behind what somebody saw there.
                        store.get(ids[number]).await.unwrap().unwrap().priority
                    };
                    assert!(found >= known, "{found} was shown after {known} was acknowledged");
                    assert!(found >= seen[number], "{found} was shown after {} was", seen[number]);
                    seen[number] = found;
                    looks += 1;
                    tokio::task::yield_now().await;
                }
                looks
            });
        }
        let mut changers = JoinSet::new();
        for (number, mut job) in jobs.into_iter().enumerate() {
            let (store, acknowledged) = (store.clone(), acknowledged.clone());
            changers.spawn(async move {
                for change in 1..=CHANGES {
                    job = set(&store, &job, change).await;
                    acknowledged[number].store(change, Ordering::Release);
                    assert_eq!(shown(&store, job.id).await, change);
                }
            });
        }
        while let Some(ended) = changers.join_next().await {
            ended.unwrap();
        }
        over.store(true, Ordering::Release);
        let looks: u64 = lookers.join_all().await.into_iter().sum();
        assert!(looks > 0);
        for id in &*ids {
            assert_eq!(shown(&store, *id).await, CHANGES);
        }
    }
}

/// A change of what is shown that does not tell the writer so would be missed: these are all that there are.
#[test]
fn these_statements_change_what_is_shown() {
    // Not shown: how shards stand, leases, and how large the report is.
    let hidden = ["ready", "leased", "done", "lease_epoch", "lease_until", "report_bytes"];
    let mut found = Vec::new();
    for (name, text) in sql::ALL {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let changes = if let Some(rest) = text.strip_prefix("UPDATE job SET ") {
            let list = rest.split(" WHERE ").next().unwrap();
            list.split(',').any(|set| !hidden.contains(&set.split('=').next().unwrap().trim()))
        } else {
            [
                "INSERT INTO job ",
                "DELETE FROM job ",
                "INSERT INTO job_spec ",
                "UPDATE job_spec ",
                "DELETE FROM job_spec ",
            ]
            .iter()
            .any(|start| text.starts_with(start))
        };
        if changes {
            found.push(*name);
        }
    }
    // `jobs::create`, `jobs::create`, `jobs::transition`, `jobs::purge`, `work::checkpoint`: each names its job.
    assert_eq!(found, ["INSERT_JOB", "INSERT_SPEC", "UPDATE_JOB", "DELETE_JOB", "COUNT"]);
}
