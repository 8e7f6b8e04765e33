//! Some hands that make, look at, change and delete jobs at a steady pace, and see that each job ends as it should.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cos_batch_client::{Client, Credentials, Endpoint, Error, JobBuilder};
use cos_batch_model::{ErrorCode, Job, JobId, JobStatus, ListJobsRequest, Priority};
use cos_batch_nullstore::NullStore;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::MissedTickBehavior,
};
use uuid::Uuid;

use crate::{
    dice::Dice,
    support::{Server, etag_of},
};

const FROM: &str = "soak-1250000000";
const TO: &str = "soak-copies-1250000000";
/// Buckets of the store.
pub(super) const BUCKETS: [&str; 2] = [FROM, TO];

/// How many act at the same time, and how often each does: eighty requests in a second. That is far from what a server can
/// do; what it takes then depends on what it keeps, and not on what waits.
const HANDS: u64 = 8;
const PACE: Duration = Duration::from_millis(100);

/// Jobs that a hand has before it deletes its oldest, and with which it makes no further one.
const KEPT: usize = 4;
const KEPT_MAX: usize = 20;

/// Longest that a job may take to its end, once nothing new is asked for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Rows of the jobs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sizes {
    Short,
    Long,
}

impl Sizes {
    fn rows(self) -> [u64; 3] {
        match self {
            Self::Short => [1, 10, 50],
            Self::Long => [1, 50, 500],
        }
    }
}

/// What was done in a window.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// From each request to its answer.
    pub(super) times: Vec<Duration>,
    /// Jobs that were seen to have ended as they should, and were deleted.
    pub(super) jobs: u64,
}

/// The hands of a run.
pub(super) struct Traffic {
    client: Client,
    manifests: Vec<Manifest>,
    done: Mutex<Done>,
    over: AtomicBool,
}

struct Manifest {
    address: String,
    etag: String,
    rows: u64,
}

/// A job of a hand.
struct Held {
    id: JobId,
    rows: u64,
    /// Nobody has confirmed it yet.
    waits: bool,
    cancelled: bool,
}

impl Held {
    /// It ended, and as it should: with all of its rows, unless it was cancelled.
    fn is_over(&self, job: &Job) -> bool {
        let status = *job.status.known().unwrap();
        let progress = &job.progress_summary;
        assert_eq!(progress.number_of_tasks_failed, 0, "{job:?}");
        match status {
            JobStatus::Complete => assert_eq!(progress.number_of_tasks_succeeded, self.rows, "{job:?}"),
            JobStatus::Cancelled => assert!(self.cancelled, "{job:?}"),
            other => assert!(!other.is_final(), "{job:?}"),
        }
        status.is_final()
    }
}

impl Traffic {
    pub(super) fn new(server: &Server, store: &NullStore, sizes: Sizes) -> Self {
        let (id, secret) = server.key();
        let client = Client::builder().endpoint(Endpoint::url(&server.endpoint).unwrap());
        let client = client.appid("1250000000".parse().unwrap()).credentials(Credentials::new(id, secret));
        let manifest = |rows: u64| {
            let text = (0..rows).fold(String::new(), |mut text, row| {
                writeln!(text, "{FROM},in/{row}").unwrap();
                text
            });
            let (key, etag) = (format!("lists/{rows}.csv"), etag_of(&text));
            store.keep(FROM, &key, text.into());
            Manifest { address: format!("{FROM}/{key}"), etag, rows }
        };
        Self {
            client: client.build().unwrap(),
            manifests: sizes.rows().map(manifest).into(),
            done: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    /// Lets the hands begin; gives how many jobs they made, once they were stopped and all of these have ended.
    pub(super) fn begin(self: Arc<Self>) -> JoinHandle<u64> {
        tokio::spawn(async move {
            let mut hands = JoinSet::new();
            for number in 0..HANDS {
                hands.spawn(Arc::clone(&self).hand(Dice(number)));
            }
            let made: u64 = hands.join_all().await.into_iter().sum();
            let left = self.client.list_jobs(ListJobsRequest::default()).await.unwrap();
            assert!(left.jobs.is_empty(), "all were deleted: {left:?}");
            made
        })
    }

    /// What was done since this was asked for last.
    pub(super) fn take(&self) -> Done {
        std::mem::take(&mut self.done.lock().unwrap())
    }

    pub(super) fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    async fn hand(self: Arc<Self>, mut dice: Dice) -> u64 {
        let mut held = VecDeque::new();
        let mut made = 0;
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.over.load(Ordering::SeqCst) {
            pace.tick().await;
            made += u64::from(self.one(&mut dice, &mut held).await);
        }
        for mut job in held {
            if job.waits {
                job.waits = false;
                self.client.confirm(&job.id, None).await.unwrap();
            }
            let ended = tokio::time::timeout(PATIENCE, self.client.wait(&job.id)).await;
            assert!(job.is_over(&ended.expect("a job ends").unwrap()));
            self.client.delete_job(&job.id).await.unwrap();
        }
        made
    }

    /// Does one thing; whether it made a job.
    async fn one(&self, dice: &mut Dice, held: &mut VecDeque<Held>) -> bool {
        if held.is_empty() {
            self.create(dice, held).await;
            return true;
        }
        let place = usize::try_from(dice.below(held.len() as u64)).unwrap();
        match dice.below(60) {
            0..3 if held.len() < KEPT_MAX => {
                self.create(dice, held).await;
                return true;
            }
            0..6 if held.len() > KEPT => self.forget(held).await,
            6..12 => {
                if let Some(job) = held.iter_mut().find(|job| job.waits) {
                    job.waits = false;
                    self.timed(self.client.confirm(&job.id, None)).await.unwrap();
                }
            }
            12..15 => {
                let priority = Priority::new(u32::try_from(dice.below(100)).unwrap()).unwrap();
                allowed(self.timed(self.client.update_job_priority(&held[place].id, priority)).await);
            }
            15 => {
                let job = &mut held[place];
                // Also if it is refused: the answer may be that of another try, after one that was lost.
                (job.cancelled, job.waits) = (true, false);
                allowed(self.timed(self.client.cancel(&job.id, None)).await);
            }
            16..26 => {
                let listed = self.timed(self.client.list_jobs(ListJobsRequest::default())).await.unwrap();
                assert!(!listed.jobs.is_empty());
            }
            _ => {
                let job = &held[place];
                let seen = self.timed(self.client.describe_job(&job.id)).await.unwrap();
                job.is_over(&seen);
            }
        }
        false
    }

    async fn create(&self, dice: &mut Dice, held: &mut VecDeque<Held>) {
        let manifest = &self.manifests[usize::try_from(dice.below(self.manifests.len() as u64)).unwrap()];
        let mut job = JobBuilder::new("local", &manifest.address, &manifest.etag);
        job = match dice.below(3) {
            0 => job.copy_to(TO),
            1 => job.retag([("kept", "no")]),
            _ => job.delete(),
        };
        if dice.below(4) == 0 {
            job = job.report_to(TO, "reports");
        }
        let waits = dice.below(4) == 0;
        if waits {
            job = job.confirm_first();
        }
        let request = job.role("qcs::cam::uin/1:roleName/r").build(&Uuid::new_v4().to_string()).unwrap();
        let id = self.timed(self.client.create_job(request)).await.unwrap().job_id;
        held.push_back(Held { id, rows: manifest.rows, waits, cancelled: false });
    }

    /// Deletes the oldest job that has ended.
    async fn forget(&self, held: &mut VecDeque<Held>) {
        for place in 0..held.len() {
            let seen = self.timed(self.client.describe_job(&held[place].id)).await.unwrap();
            if held[place].is_over(&seen) {
                self.timed(self.client.delete_job(&held[place].id)).await.unwrap();
                held.remove(place);
                self.done.lock().unwrap().jobs += 1;
                return;
            }
        }
    }

    async fn timed<T>(&self, call: impl Future<Output = T>) -> T {
        let begin = Instant::now();
        let answer = call.await;
        self.done.lock().unwrap().times.push(begin.elapsed());
        answer
    }
}

/// What the status of a job does not allow is refused, and says so; a job that has ended has no priority.
#[track_caller]
fn allowed<T>(answered: Result<T, Error>) {
    if let Err(error) = answered {
        let code = error.api().map(|error| &error.code);
        assert!(matches!(code, Some(ErrorCode::InvalidRequest | ErrorCode::NoSuchJob)), "{error}");
    }
}
