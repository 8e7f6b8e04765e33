//! What the process does whose writes are noted, and what it was answered.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use cos_batch_engine::{
    JobRecord, JobStore, SystemClock,
    store::{
        Checkpoint, Cursor, JobChange, JobStatus, NewJob, Segment, StoreError,
        contract::{new_job, set_status, shard},
    },
};
use cos_batch_jobstore::SqliteJobStore;
use uuid::Uuid;

use super::journal::{Change, STORE};
use crate::TENANT;

/// Tells the process where its store is.
pub(super) const FOLDER_VARIABLE: &str = "JOB_STORE_THAT_LOSES_POWER";
/// Tells it to do little.
pub(super) const LITTLE_VARIABLE: &str = "JOB_STORE_THAT_HAS_LITTLE_TO_DO";

/// Where it says what it was answered: a file of the folder, so that its place among the writes of the store is noted.
const ANSWERS: &str = "answers";

const TTL: Duration = Duration::from_secs(30);

/// Those who ask at the same time; so changes meet in one commit.
const ASKERS: u32 = 4;

/// How much is done.
#[derive(Clone, Copy)]
struct Amount {
    /// Jobs of each asker, and changes of each job.
    jobs: u32,
    changes: u32,
    /// Rows that are counted one by one.
    rows: u64,
}

/// Enough that the log is written back into the database a few times.
const MUCH: Amount = Amount { jobs: 12, changes: 16, rows: 400 };
const LITTLE: Amount = Amount { jobs: 2, changes: 8, rows: 20 };

/// What a job was last said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) status: String,
    pub(super) priority: u32,
}

/// Everything that was answered up to some point.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By job and version.
    pub(super) jobs: BTreeMap<Uuid, BTreeMap<u64, State>>,
    /// Rows that were counted.
    pub(super) counted: BTreeMap<Uuid, u64>,
}

/// The folder to work in, in the process that is told to.
pub(super) fn wanted() -> Option<PathBuf> {
    env::var_os(FOLDER_VARIABLE).map(PathBuf::from)
}

/// Reads what was answered in these changes.
pub(super) fn told(changes: &[Change]) -> Told {
    let mut told = Told::default();
    for change in changes {
        let Change::Written { name, bytes, .. } = change else { continue };
        if name != ANSWERS {
            continue;
        }
        let line = std::str::from_utf8(bytes).unwrap().trim_end();
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["job", job, version, status, priority] => {
                let state = State { status: status.to_owned(), priority: priority.parse().unwrap() };
                let job = told.jobs.entry(job.parse().unwrap()).or_default();
                job.insert(version.parse().unwrap(), state);
            }
            ["counted", job, rows] => {
                told.counted.insert(job.parse().unwrap(), rows.parse().unwrap());
            }
            _ => panic!("not an answer: {line}"),
        }
    }
    told
}

/// Makes and changes jobs, and counts rows; each answer is written down before the next thing is asked.
pub(super) fn work(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let amount = if env::var_os(LITTLE_VARIABLE).is_some() { LITTLE } else { MUCH };
    let answers = Arc::new(Mutex::new(File::create(folder.join(ANSWERS)).unwrap()));
    let open = || SqliteJobStore::open(folder.join(STORE), Arc::new(SystemClock));
    // One call fails at most.
    let store = Arc::new(open().or_else(|_| open()).unwrap());
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for asker in 0..ASKERS {
            let (store, answers) = (Arc::clone(&store), Arc::clone(&answers));
            tasks.spawn(async move { ask(&*store, asker, amount, &answers).await });
        }
        let (store, answers) = (Arc::clone(&store), Arc::clone(&answers));
        tasks.spawn(async move { count(&*store, amount.rows, &answers).await });
        tasks.join_all().await;
    });
    // As a kill: nothing is put in order at the end.
    std::mem::forget(store);
}

/// One line is one write.
fn say(answers: &Mutex<File>, line: &str) {
    answers.lock().unwrap().write_all(line.as_bytes()).unwrap();
}

fn say_job(answers: &Mutex<File>, job: &JobRecord) {
    let (id, version, status, priority) = (job.id, job.version, job.state.status, job.priority);
    say(answers, &format!("job {id} {version} {status} {priority}\n"));
}

/// Asks again after an error: one call fails at most, but all that are in a commit fail with it. Nobody is told how an
/// error left things, so it is looked at.
async fn change(store: &dyn JobStore, job: &JobRecord, wanted: &JobChange) -> JobRecord {
    match store.transition(job.id, job.version, wanted.clone()).await {
        Ok(job) => job,
        Err(StoreError::Failed(_)) => {
            let now = store.get(job.id).await.unwrap().expect("a job that was answered is there");
            if now.version > job.version {
                return now;
            }
            store.transition(job.id, job.version, wanted.clone()).await.unwrap()
        }
        Err(other) => panic!("{other}"),
    }
}

/// The same for a new job.
async fn create(store: &dyn JobStore, job: NewJob) -> JobRecord {
    let token = job.token.clone();
    match store.create(job.clone()).await {
        Ok(job) => job,
        Err(StoreError::Failed(_)) => match store.find_token(TENANT, &token).await.unwrap() {
            Some(id) => store.get(id).await.unwrap().unwrap(),
            None => store.create(job).await.unwrap(),
        },
        Err(other) => panic!("{other}"),
    }
}

async fn ask(store: &dyn JobStore, asker: u32, amount: Amount, answers: &Mutex<File>) {
    for number in 0..amount.jobs {
        let mut job = new_job(TENANT, &format!("{asker}-{number}"));
        // As long as a request is.
        job.spec.request = "x".repeat(2_000);
        let mut job = create(store, job).await;
        say_job(answers, &job);
        for turn in 0..amount.changes {
            let wanted = if turn % 2 == 0 {
                JobChange { priority: Some(turn * 100 + number), ..JobChange::default() }
            } else {
                let mut state = job.state.clone();
                let statuses = [JobStatus::Preparing, JobStatus::Suspended, JobStatus::Ready, JobStatus::Active];
                state.status = statuses[usize::try_from(turn / 2).unwrap() % statuses.len()];
                JobChange { state: Some(state), ..JobChange::default() }
            };
            job = change(store, &job, &wanted).await;
            say_job(answers, &job);
        }
    }
}

/// Once more, if it fails.
async fn twice<T, F: Future<Output = Result<T, StoreError>>>(mut call: impl FnMut() -> F) -> T {
    match call().await {
        Ok(value) => value,
        Err(_) => call().await.unwrap(),
    }
}

async fn count(store: &dyn JobStore, rows: u64, answers: &Mutex<File>) {
    let id = create(store, new_job(TENANT, "rows")).await.id;
    let lease = twice(|| store.lease_job(id, TTL)).await.unwrap();
    twice(|| store.add_shards(&lease, vec![shard(0, 0, rows)])).await;
    twice(|| set_status(store, id, JobStatus::Active)).await;
    let lease = twice(|| store.claim_shard(id, TTL)).await.unwrap();
    for row in 0..rows {
        let number = u32::try_from(row).unwrap();
        let segment = Segment { shard: 0, epoch: lease.epoch, number, succeeded_rows: 1, failed_rows: 0 };
        let step = Checkpoint {
            cursor: Cursor { rows: row + 1, offset: (row + 1) * 10 },
            succeeded: 1,
            failed: 0,
            codes: BTreeMap::new(),
            segment: Some(segment),
            report_bytes: 0,
        };
        if store.checkpoint(&lease, step.clone(), TTL).await.is_err()
            && store.get(id).await.unwrap().unwrap().progress.executed() == row
        {
            store.checkpoint(&lease, step, TTL).await.unwrap();
        }
        say(answers, &format!("counted {id} {}\n", row + 1));
    }
}
