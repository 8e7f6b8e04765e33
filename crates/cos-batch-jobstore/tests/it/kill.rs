//! A process that is killed loses nothing that it was told is done, and the books still add up.
//!
//! This checks the end of a process, not the loss of power: what the kernel was given is kept either way.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use cos_batch_engine::{
    JobStore, SystemClock,
    store::{
        Checkpoint, Cursor, JobStatus, Segment,
        contract::{briefs, new_job, set_status, shard},
    },
};
use cos_batch_jobstore::SqliteJobStore;
use uuid::Uuid;

use crate::{TENANT, open};

/// Tells the child where its store is.
const PATH_VARIABLE: &str = "JOB_STORE_OF_THE_KILLED_CHILD";

const TTL: Duration = Duration::from_secs(30);
const WORKERS: u64 = 4;
const SHARDS: u32 = 64;
const ROWS: u64 = 50;

/// Run by itself this is the parent; with the variable set, it is the child that the parent kills.
#[test]
fn a_killed_process_loses_nothing_it_was_told_is_done() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    match std::env::var_os(PATH_VARIABLE) {
        Some(path) => runtime.block_on(child(PathBuf::from(path))),
        None => runtime.block_on(parent()),
    }
}

async fn parent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    let id = prepare(&path).await;
    let mut done = 0;
    for lines in [3, 40, 200, 90] {
        let told = run_and_kill(&path, lines);
        let checkpoints = told.iter().filter(|line| *line == "checkpoint").count();
        let store = open(&path).unwrap();
        let job = store.get(id).await.unwrap().unwrap();
        let executed = job.progress.executed();
        let told_done = done + u64::try_from(checkpoints).unwrap();
        assert!(executed >= told_done, "{executed} rows are booked, {told_done} were told");
        // A step that was committed need not have been told: one for each worker.
        assert!(executed <= told_done + WORKERS, "{executed} rows are booked, {told_done} were told");
        done = executed;

        let mut in_segments = 0;
        for index in 0..SHARDS {
            let segments = store.segments(id, index).await.unwrap();
            let numbers: Vec<u32> = segments.iter().map(|segment| segment.number).collect();
            assert_eq!(numbers, (0..u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
            in_segments += segments.iter().map(|segment| segment.succeeded_rows + segment.failed_rows).sum::<u64>();
        }
        assert_eq!(in_segments, executed);
        let coded: u64 = store.codes(id).await.unwrap().iter().map(|(_, tasks)| tasks).sum();
        assert_eq!(coded, job.progress.failed);
        assert_eq!((job.shards.leased, job.shards.ready + job.shards.done), (0, u64::from(SHARDS)));

        for made in told.iter().filter_map(|line| line.strip_prefix("job ")) {
            let made: Uuid = made.parse().unwrap();
            assert!(store.get(made).await.unwrap().is_some(), "{made} was told to be made");
        }
    }
}

async fn prepare(path: &Path) -> Uuid {
    let store = open(path).unwrap();
    let id = store.create(new_job(TENANT, "work")).await.unwrap().id;
    let lease = store.lease_job(id, TTL).await.unwrap().unwrap();
    let shards = (0..SHARDS).map(|index| shard(index, u64::from(index) * ROWS, ROWS)).collect();
    store.add_shards(&lease, shards).await.unwrap();
    set_status(&store, id, JobStatus::Active).await.unwrap();
    id
}

/// Runs the child until it has told so many lines, kills it, and answers all it told.
fn run_and_kill(path: &Path, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::a_killed_process_loses_nothing_it_was_told_is_done", "--nocapture"])
        .env(PATH_VARIABLE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let known = |line: &String| line == "checkpoint" || line.starts_with("job ");
    let mut all: Vec<String> = told.by_ref().filter(known).take(lines).collect();
    assert_eq!(all.len(), lines, "the child ended too early");
    child.kill().unwrap();
    // A last line may be cut short; then it was not told.
    all.extend(told.filter(|line| line == "checkpoint" || line.len() == "job ".len() + 36).filter(known));
    child.wait().unwrap();
    all
}

/// Works and makes jobs until it is killed.
async fn child(path: PathBuf) {
    let store: Arc<SqliteJobStore> = Arc::new(SqliteJobStore::open(path, Arc::new(SystemClock)).unwrap());
    let job = briefs(&*store, &[JobStatus::Active], 1).await[0].id;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let store = store.clone();
        tasks.spawn(async move { work(&*store, job).await });
    }
    tasks.spawn(async move {
        loop {
            let made = store.create(new_job(TENANT, &Uuid::new_v4().to_string())).await.unwrap();
            tell(&format!("job {}", made.id));
        }
    });
    tasks.join_all().await;
}

/// Tells the parent.
#[expect(clippy::print_stdout, reason = "the pipe to the parent")]
fn tell(line: &str) {
    println!("{line}");
}

async fn work(store: &dyn JobStore, job: Uuid) {
    while let Some(lease) = store.claim_shard(job, TTL).await.unwrap() {
        let mut cursor = lease.cursor;
        let mut number = lease.next_segment;
        while cursor.rows < lease.shard.rows {
            cursor = Cursor { rows: cursor.rows + 1, offset: cursor.offset + 10 };
            let failed = cursor.rows % 2;
            let segment = Segment {
                shard: lease.shard.index,
                epoch: lease.epoch,
                number,
                succeeded_rows: 1 - failed,
                failed_rows: failed,
            };
            let step = Checkpoint {
                cursor,
                succeeded: 1 - failed,
                failed,
                codes: [("SlowDown".to_owned(), failed)].into(),
                segment: Some(segment),
                report_bytes: 0,
            };
            number += 1;
            store.checkpoint(&lease, step, TTL).await.unwrap();
            tell("checkpoint");
        }
        store.finish_shard(&lease, vec![]).await.unwrap();
    }
    std::future::pending::<()>().await;
}
