//! The job of the process whose disk fails.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cos_batch_engine::{Access, Buckets, Config, Engine, Parts, Spool, SystemClock};
use cos_batch_jobstore::SqliteJobStore;
use cos_batch_model::{AppId, BatchApi as _, DescribeJobRequest, JobStatus, ListJobsRequest, RequestContext};
use cos_batch_objectstore::{FolderStore, ObjectStore as _, PutRequest};
use serde::{Deserialize, Serialize};

use super::super::world::{APPID, SOURCE, TARGET, World};

/// Tells the process where its objects and its spool are.
pub(super) const FOLDER_VARIABLE: &str = "ENGINE_WHOSE_DISK_FAILS";
/// Tells it where to say what it was told, which is on no disk that fails.
pub(super) const TOLD_VARIABLE: &str = "ENGINE_WHOSE_DISK_FAILS_SAYS";
/// Beside that the id of the job, once it was answered.
pub(super) const MADE: &str = "made";

pub(super) const BUCKETS: [&str; 2] = [SOURCE, TARGET];
const SPOOL: &str = "segments";

/// Rows of the job, in place of those of the test.
const ROWS_VARIABLE: &str = "COS_BATCH_DISK_ROWS";
/// A few checkpoints.
const ROWS: u32 = 12;
const CHECKPOINT_ROWS: u64 = 4;
/// These rows name objects that are not there.
const MISSING: [u32; 2] = [3, 9];
/// These name objects that one request does not copy, where there are such.
const LARGE: [u32; 2] = [1, 6];
const LARGE_BYTES: usize = 250;
const COPY_BYTES_MAX: u64 = 100;
const PART_BYTES: u64 = 90;

/// How often it is looked for work: nobody is to wait for that.
const POLL: Duration = Duration::from_millis(20);

/// Where the database takes a lease and does not say so, it has to run out.
const LEASE: Duration = Duration::from_secs(3);

/// Longest that a job may take: a guard against hanging. What fails in passing is tried again within some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often somebody asks for the job again after an error.
const ASKED: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ended {
    /// No folder could be opened, or no job made.
    NotMade,
    Failed,
    Complete,
}

/// What somebody was told who asked for the job.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) ended: Ended,
    pub(super) id: String,
    pub(super) total: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    /// Errors, and reasons of a job that failed.
    why: Vec<String>,
}

impl Told {
    fn not_made(why: Vec<String>) -> Self {
        Self { ended: Ended::NotMade, id: String::new(), total: 0, succeeded: 0, failed: 0, why }
    }

    pub(super) fn says_why(&self) -> bool {
        self.why.iter().any(|why| !why.is_empty())
    }
}

pub(super) fn row_count() -> u32 {
    env::var(ROWS_VARIABLE).map_or(ROWS, |rows| rows.parse().unwrap())
}

pub(super) fn is_missing(key: &str) -> bool {
    MISSING.iter().any(|row| key == format!("gone/{row}"))
}

/// How often a job syncs at least by this call: data alone for each part.
pub(super) fn syncs_min(call: &str) -> u64 {
    let parts = (LARGE_BYTES as u64).div_ceil(PART_BYTES) * LARGE.len() as u64;
    if call == "fdatasync" { parts } else { 1 }
}

/// The folder to work in, in the process that is told to.
pub(super) fn wanted() -> Option<PathBuf> {
    env::var_os(FOLDER_VARIABLE).map(PathBuf::from)
}

/// What a run is of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    /// The buckets keep versions.
    pub(super) versions: bool,
    /// Some objects are copied in parts.
    pub(super) parts: bool,
}

/// Says that there are large objects; asking for it is none of the calls that fail.
const PARTS: &str = "parts";

/// Objects in memory, and the rows that name them.
async fn objects(parts: bool) -> (World, String) {
    let world = World::new().await;
    let mut rows = world.fill(row_count()).await;
    for row in LARGE.into_iter().filter(|_| parts) {
        world.put(SOURCE, &format!("in/{row}"), vec![b'x'; LARGE_BYTES]).await;
    }
    for row in MISSING {
        rows = rows.replace(&format!("{SOURCE},in/{row}\n"), &format!("{SOURCE},gone/{row}\n"));
    }
    (world, rows)
}

/// Makes the folders, with the objects of the job.
pub(super) async fn prepare(folder: &Path, Kind { versions, parts }: Kind) {
    for name in ["objects", "spool"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    FolderStore::open(folder.join("spool")).unwrap().create_bucket(SPOOL).unwrap();
    let store = FolderStore::open(folder.join("objects")).unwrap();
    for bucket in BUCKETS {
        store.create_bucket(bucket).unwrap();
        store.set_versioning(bucket, versions).unwrap();
    }
    if parts {
        fs::create_dir(folder.join(PARTS)).unwrap();
    }
    let (world, rows) = objects(parts).await;
    world.copy_request(&rows).await;
    let keys = (0..row_count()).map(|row| format!("in/{row}")).chain(["manifest.csv".to_owned()]);
    for key in keys {
        let body = world.get(SOURCE, &key).await.unwrap();
        store.put(PutRequest::new(SOURCE, &key, body)).await.unwrap();
    }
}

/// Runs the job, or goes on with it, and says what came of it.
pub(super) fn work(folder: &Path) {
    let says = PathBuf::from(env::var_os(TOLD_VARIABLE).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = runtime.block_on(job(folder, &says)).unwrap_or_else(Told::not_made);
    fs::write(says, serde_json::to_vec(&told).unwrap()).unwrap();
}

async fn job(folder: &Path, says: &Path) -> Result<Told, Vec<String>> {
    let open = |name| FolderStore::open(folder.join(name)).map_err(|error| vec![error.to_string()]);
    let (objects_store, spool) = (open("objects")?, open("spool")?);
    let objects_store = objects_store.with_max_copy_bytes(COPY_BYTES_MAX).with_min_part_bytes(1);
    let (world, rows) = objects(folder.join(PARTS).exists()).await;
    let request = world.copy_request(&rows).await;
    let jobs = SqliteJobStore::open(folder.join("jobs.sqlite"), Arc::new(SystemClock));
    let parts = Parts {
        jobs: Arc::new(jobs.map_err(|error| vec![error.to_string()])?),
        buckets: Buckets::new(Arc::new(objects_store)),
        access: Access::new(),
        spool: Spool::new(Arc::new(spool), SPOOL),
        config: Config {
            checkpoint_rows: CHECKPOINT_ROWS,
            copy_part_bytes: PART_BYTES,
            workers: 1,
            poll: POLL,
            lease: LEASE,
            ..Config::default()
        },
    };
    let engine = Engine::start(parts, true).await.map_err(|error| vec![error.to_string()])?;
    let context = RequestContext::new(AppId::new(APPID).unwrap(), "disk");
    // What an earlier process was asked for, if it got so far.
    let list = ListJobsRequest::default();
    let mut errors = Vec::new();
    let mut id = None;
    while id.is_none() && errors.len() < ASKED {
        let made = match engine.list_jobs(&context, list.clone()).await {
            Ok(listed) if !listed.jobs.is_empty() => Ok(listed.jobs[0].job_id.clone()),
            Ok(_) => engine.create_job(&context, request.clone()).await.map(|made| made.job_id),
            Err(error) => Err(error),
        };
        match made {
            Ok(made) => id = Some(made),
            Err(error) => errors.push(error.to_string()),
        }
    }
    let id = id.ok_or(errors)?;
    fs::write(says.with_file_name(MADE), id.to_string()).unwrap();
    let ended = async {
        loop {
            let request = DescribeJobRequest { job_id: id.clone() };
            // The database may be on a bad disk, too.
            if let Ok(described) = engine.describe_job(&context, request).await
                && described.job.status.known().unwrap().is_final()
            {
                return described.job;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let job = tokio::time::timeout(PATIENCE, ended).await.expect("every job ends");
    let (status, progress) = (*job.status.known().unwrap(), &job.progress_summary);
    Ok(Told {
        ended: if status == JobStatus::Complete { Ended::Complete } else { Ended::Failed },
        id: job.job_id.to_string(),
        total: progress.total_number_of_tasks,
        succeeded: progress.number_of_tasks_succeeded,
        failed: progress.number_of_tasks_failed,
        why: job.failure_reasons.iter().map(|failure| format!("{failure:?}")).collect(),
    })
}
