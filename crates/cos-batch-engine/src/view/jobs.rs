//! Jobs as somebody watches them: a page of them with what changes, and the curve of one.

use cos_batch_model::{ApiError, ErrorCode, JobStatus, RequestContext};
use serde::{Deserialize, Serialize};

use super::details::{JobDetails, ProgressView};
use crate::{
    api::store_error,
    clock::UnixMillis,
    engine::Engine,
    job::{JobEvent, JobRecord},
    store::ListFilter,
    wire,
};

/// Most jobs of a page: more than anybody looks through.
pub const JOBS_LIMIT_MAX: usize = 200;

/// A job in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobLine {
    /// Its id.
    pub job_id: String,
    /// Its status.
    pub status: String,
    /// A person's words about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it does, by [`TaskOperation::name`](crate::spec::TaskOperation::name).
    pub operation: String,
    /// The bucket its objects are in, once the manifest is prepared; before, the manifest's.
    pub source_bucket: String,
    /// The bucket its copies go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_bucket: Option<String>,
    /// Its priority.
    pub priority: u32,
    /// When it was made.
    pub creation_time: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_date: Option<String>,
    /// Counts of tasks.
    pub progress_summary: ProgressView,
    /// Tasks in a second just now, as far as this server knows; none unless it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_per_second: Option<f64>,
    /// Seconds until its end, if it goes on like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

/// A page of jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobPage {
    /// The jobs, newest first.
    pub jobs: Vec<JobLine>,
    /// Where the next page begins; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How far a job had come at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PacePoint {
    /// When, Unix milliseconds.
    pub at: UnixMillis,
    /// Tasks that had succeeded.
    pub succeeded: u64,
    /// Tasks that had failed.
    pub failed: u64,
}

/// How fast a job went, and goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Pace {
    /// Points of its curve, oldest first. Between two of them may lie a time that this server knows nothing of.
    pub points: Vec<PacePoint>,
    /// Tasks in a second just now; none unless it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_per_second: Option<f64>,
    /// Seconds until its end, if it goes on like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

/// A job with everything that is told of it.
#[derive(Clone, Debug)]
pub struct WatchedJob {
    /// The job as it is in the books.
    pub record: JobRecord,
    /// What it is and what became of it.
    pub details: JobDetails,
    /// How fast it went, and goes.
    pub pace: Pace,
}

impl Engine {
    /// A page of the tenant's jobs in these statuses (none: in any), newest first, after a place that an earlier page
    /// named, at most `limit` (up to [`JOBS_LIMIT_MAX`]).
    ///
    /// # Errors
    /// InvalidArgument for a place that no page named; those of the job store.
    pub async fn jobs_page(
        &self,
        context: &RequestContext,
        statuses: &[JobStatus],
        after: Option<&str>,
        limit: usize,
    ) -> Result<JobPage, ApiError> {
        let wrong = || ApiError::new(ErrorCode::InvalidArgument, "after is not a place that this server gave out");
        let after = after.map(|text| wire::uuid(text).ok_or_else(wrong)).transpose()?;
        let limit = limit.clamp(1, JOBS_LIMIT_MAX);
        let filter = ListFilter { tenant: context.appid.as_str(), statuses, after, limit, newest_first: true };
        let (jobs, more) = self.core.store.list(filter).await.map_err(store_error)?;
        let next = jobs.last().filter(|_| more).map(|job| job.id.to_string());
        Ok(JobPage { jobs: jobs.iter().map(|job| self.line(job)).collect(), next })
    }

    /// How fast a job went, and goes. The curve is that of this server's memory: from its start on, of the latest jobs.
    ///
    /// # Errors
    /// NoSuchJob; those of the job store.
    pub async fn pace(&self, context: &RequestContext, id: &str) -> Result<Pace, ApiError> {
        let job = self.find(context, id).await?;
        let events = self.core.store.events(job.id).await.map_err(store_error)?;
        Ok(self.pace_of(&job, &events))
    }

    /// A job with everything that is told of it, of one read of its books: nothing in it contradicts the rest, and whoever
    /// looks every few seconds costs the job store no more than that.
    ///
    /// # Errors
    /// NoSuchJob; those of the stores.
    pub async fn watch(&self, context: &RequestContext, id: &str) -> Result<WatchedJob, ApiError> {
        let record = self.find(context, id).await?;
        let events = self.core.store.events(record.id).await.map_err(store_error)?;
        let pace = self.pace_of(&record, &events);
        let details = self.details_of(&record, events).await?;
        Ok(WatchedJob { record, details, pace })
    }

    fn pace_of(&self, job: &JobRecord, events: &[JobEvent]) -> Pace {
        let (tasks_per_second, seconds_left) = self.speed(job);
        let start = events.iter().find(|event| event.status == JobStatus::Active).map(|event| event.at);
        let end = job.state.terminated_at;
        let known = self.core.pulses.points(job.id);
        let mut points: Vec<PacePoint> = Vec::with_capacity(known.len() + 2);
        points.extend(start.map(|at| PacePoint { at, succeeded: 0, failed: 0 }));
        for point in known {
            if points.last().is_none_or(|last| last.at < point.at) {
                points.push(PacePoint { at: point.at, succeeded: point.succeeded, failed: point.failed });
            }
        }
        let last = end.map(|at| PacePoint { at, succeeded: job.progress.succeeded, failed: job.progress.failed });
        if let Some(last) = last.filter(|last| start.is_some() && points.last().is_some_and(|p| p.at < last.at)) {
            points.push(last);
        }
        Pace { points, tasks_per_second, seconds_left }
    }

    fn line(&self, job: &JobRecord) -> JobLine {
        let (tasks_per_second, seconds_left) = self.speed(job);
        let spec = &job.spec;
        let pinned = job.state.manifest.as_ref().map(|manifest| manifest.source_bucket.clone());
        JobLine {
            job_id: job.id.to_string(),
            status: job.state.status.to_string(),
            description: spec.description.clone(),
            operation: spec.operation.name().to_owned(),
            source_bucket: pinned.filter(|name| !name.is_empty()).unwrap_or_else(|| spec.manifest.bucket.clone()),
            target_bucket: spec.operation.copy().map(|copy| copy.target_bucket.clone()),
            priority: job.priority,
            creation_time: wire::timestamp(job.created_at).to_string(),
            termination_date: job.state.terminated_at.map(|at| wire::timestamp(at).to_string()),
            progress_summary: ProgressView {
                total_number_of_tasks: job.progress.total,
                number_of_tasks_succeeded: job.progress.succeeded,
                number_of_tasks_failed: job.progress.failed,
            },
            tasks_per_second,
            seconds_left,
        }
    }

    /// Tasks in a second just now, and seconds left. Whoever looks adds to what is known: other nodes work too.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a guess for people")]
    #[expect(clippy::cast_sign_loss, reason = "neither rates nor times are negative")]
    fn speed(&self, job: &JobRecord) -> (Option<f64>, Option<u64>) {
        if job.state.status != JobStatus::Active {
            return (None, None);
        }
        self.core.pulses.note(job.id, self.core.store.now(), job.progress);
        let Some(rate) = self.core.pulses.rate(job.id) else { return (None, None) };
        let left = job.progress.total.saturating_sub(job.progress.executed());
        (Some((rate * 10.0).round() / 10.0), (rate > 0.0).then(|| (left as f64 / rate).ceil() as u64))
    }
}
