//! The jobs that have not ended, counted when somebody asks.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cos_batch_engine::{
    JobStore, UnixMillis,
    store::{BriefFilter, JobBrief, StoreError},
};
use cos_batch_model::JobStatus;
use tokio::sync::Mutex;
use uuid::Uuid;

/// Statuses of jobs that have not ended.
pub(super) const LIVE: [JobStatus; 10] = [
    JobStatus::New,
    JobStatus::Preparing,
    JobStatus::Suspended,
    JobStatus::Ready,
    JobStatus::Active,
    JobStatus::Pausing,
    JobStatus::Paused,
    JobStatus::Completing,
    JobStatus::Cancelling,
    JobStatus::Failing,
];

/// APPIDs looked at in one question to the job store: a question is answered in one go, and others wait meanwhile.
const TENANTS: usize = 4;

/// Jobs of each APPID in each status that are looked at: each is some hundred bytes.
const JOBS_OF_EACH: usize = 1_000;

/// Questions at most: what lies beyond is told as cut off.
const PAGES_MAX: usize = 256;

/// What was found is told again for so long: whoever scrapes must not burden the job store.
const FRESH: Duration = Duration::from_secs(5);

/// How long the job store may take before a scrape goes without it.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// The jobs of a store, as they were a moment ago.
#[derive(Debug)]
pub(super) struct Queue {
    jobs: Arc<dyn JobStore>,
    /// When somebody looked, and what was found; nothing if the job store did not answer.
    last: Mutex<Option<(Instant, Option<Found>)>>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// How many, by place in [`LIVE`].
    pub(super) by_status: [u64; LIVE.len()],
    /// Age of the oldest that nobody works on yet.
    pub(super) age: Duration,
    /// There are more.
    pub(super) cut_off: bool,
}

impl Queue {
    pub(super) fn new(jobs: Arc<dyn JobStore>) -> Self {
        Self { jobs, last: Mutex::default() }
    }

    /// None if the job store does not answer.
    pub(super) async fn look(&self) -> Option<Found> {
        // Whoever asks meanwhile waits for the same answer.
        let mut last = self.last.lock().await;
        if let Some((_, found)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return found.clone();
        }
        let found = match tokio::time::timeout(ANSWER_WAIT, self.count()).await {
            Ok(Ok(found)) => Some(found),
            Ok(Err(error)) => {
                tracing::warn!(%error, "jobs cannot be counted now");
                None
            }
            Err(_) => {
                tracing::warn!(seconds = ANSWER_WAIT.as_secs(), "jobs cannot be counted now: no answer in time");
                None
            }
        };
        *last = Some((Instant::now(), found.clone()));
        found
    }

    async fn count(&self) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let statuses = &LIVE;
            let filter = BriefFilter { statuses, after: after.as_deref(), tenants: TENANTS, each: JOBS_OF_EACH };
            let page = self.jobs.briefs(filter).await?;
            found.add(&page.jobs, self.jobs.now());
            // A job store in memory answers at once, again and again.
            tokio::task::yield_now().await;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
        found.cut_off = true;
        Ok(found)
    }
}

impl Found {
    fn add(&mut self, jobs: &[JobBrief], now: UnixMillis) {
        let mut of_tenant: BTreeMap<(&str, usize), usize> = BTreeMap::new();
        for job in jobs {
            let Some(place) = LIVE.iter().position(|status| *status == job.status) else { continue };
            self.by_status[place] += 1;
            let count = of_tenant.entry((&job.tenant, place)).or_default();
            *count += 1;
            self.cut_off |= *count >= JOBS_OF_EACH;
            let waits = match job.status {
                JobStatus::New => !job.job_leased,
                JobStatus::Ready => job.shards.leased == 0,
                _ => false,
            };
            if waits && !job.deleted {
                self.age = self.age.max(age(job.id, now));
            }
        }
    }
}

/// Ids tell when they were made.
fn age(id: Uuid, now: UnixMillis) -> Duration {
    let made = (id.as_u128() >> 80) as u64;
    Duration::from_millis(u64::try_from(now).unwrap_or(0).saturating_sub(made))
}

#[cfg(test)]
mod tests {
    use cos_batch_engine::{ShardTally, store::ids::JobIds};

    use super::*;

    #[test]
    fn the_oldest_that_nobody_works_on_counts() {
        let mut ids = JobIds::after(None);
        let mut brief = |made: i64, status, leased, deleted| JobBrief {
            id: ids.next(made),
            tenant: "125".to_owned(),
            status,
            priority: 1,
            shards: ShardTally { ready: 1, leased, done: 0 },
            job_leased: leased > 0,
            deleted,
        };
        let jobs = [
            brief(1_000, JobStatus::Active, 0, false),
            brief(2_000, JobStatus::New, 1, false),
            brief(3_000, JobStatus::Ready, 1, false),
            brief(4_000, JobStatus::New, 0, true),
            brief(5_000, JobStatus::Ready, 0, false),
            brief(6_000, JobStatus::New, 0, false),
        ];
        let mut found = Found::default();
        found.add(&jobs, 15_000);
        assert_eq!(found.age, Duration::from_secs(10));
        assert_eq!((found.by_status[0], found.by_status[3], found.by_status[4]), (3, 2, 1));
        assert!(!found.cut_off);
        let many: Vec<_> = (0..1_000).map(|made| brief(made, JobStatus::Suspended, 0, false)).collect();
        found.add(&many, 15_000);
        assert!(found.cut_off);
    }
}
