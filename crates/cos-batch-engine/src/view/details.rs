//! A job in full: what DescribeJob says, and what it has no place for.

use cos_batch_model::{ApiError, RequestContext};
use serde::{Deserialize, Serialize};

use super::rows::{TaskRow, lines};
use crate::{
    api::store_error,
    checks::Finding,
    clock::UnixMillis,
    engine::Engine,
    job::{JobEvent, JobRecord},
    report::{self, spool::Rows},
    store::JobStatus,
    wire,
};

/// Error codes that have examples: more than anybody reads.
const CODES_WITH_EXAMPLES: usize = 10;

/// Examples of an error code.
const EXAMPLES_PER_CODE: usize = 3;

/// Segments with failed rows that are looked into for examples, from the first on.
const EXAMPLE_SEGMENTS: usize = 32;

/// Bytes read of each, so that a look at a job costs at most 2 MiB.
const EXAMPLE_BYTES: u64 = 64 * 1024;

/// Jobs named that try this one's failed tasks again.
const RETRIES_MAX: usize = 20;

/// A job in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobDetails {
    /// Its id.
    pub job_id: String,
    /// Its status.
    pub status: String,
    /// What it does: `copy`, `restore`, `delete`, `tag`.
    pub operation: String,
    /// The bucket its objects are in, once the manifest is prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_bucket: Option<String>,
    /// The bucket its copies go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_bucket: Option<String>,
    /// Its manifest.
    pub manifest: ManifestView,
    /// The manifest of its completion report, there or to come; none: no report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ObjectName>,
    /// When it was made.
    pub creation_time: String,
    /// When it first became Active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_date: Option<String>,
    /// Counts of tasks.
    pub progress_summary: ProgressView,
    /// Tasks in a second, from the start until now or the end; pauses count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_per_second: Option<f64>,
    /// Failed tasks by error code, most frequent first.
    pub errors: Vec<CodeView>,
    /// What was found while it was prepared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Its statuses so far, oldest first.
    pub timeline: Vec<EventView>,
    /// The job whose failed tasks this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// Jobs that try this one's failed tasks again, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retried_by: Vec<String>,
}

/// An object by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectName {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManifestView {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Its ETag, without quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
    /// Its size in bytes, once it is prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Counts of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProgressView {
    /// All; 0 until the manifest is prepared.
    pub total_number_of_tasks: u64,
    /// Done.
    pub number_of_tasks_succeeded: u64,
    /// Failed.
    pub number_of_tasks_failed: u64,
}

/// An error code and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CodeView {
    /// The code.
    pub code: String,
    /// Tasks that failed with it.
    pub tasks: u64,
    /// Some of the first of them. They are looked for near the beginning of the job: a rare code may have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<TaskRow>,
}

/// A status that the job took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventView {
    /// When.
    pub time: String,
    /// Which.
    pub status: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Engine {
    /// A job in full.
    ///
    /// # Errors
    /// NoSuchJob; those of the stores.
    pub async fn details(&self, context: &RequestContext, id: &str) -> Result<JobDetails, ApiError> {
        let job = self.find(context, id).await?;
        let events = self.core.store.events(job.id).await.map_err(store_error)?;
        self.details_of(&job, events).await
    }

    /// The same of a job and its events that were read.
    pub(super) async fn details_of(&self, job: &JobRecord, events: Vec<JobEvent>) -> Result<JobDetails, ApiError> {
        let errors = self.errors(job).await?;
        let retried_by = self.core.store.retries(job.id, RETRIES_MAX).await.map_err(store_error)?;
        let started = events.iter().find(|event| event.status == JobStatus::Active).map(|event| event.at);
        let until = job.state.terminated_at.unwrap_or_else(|| self.core.store.now());
        let time = |at: UnixMillis| wire::timestamp(at).to_string();
        let spec = &job.spec;
        let pinned = job.state.manifest.as_ref();
        let target = spec.operation.copy().map(|copy| copy.target_bucket.clone());
        Ok(JobDetails {
            job_id: job.id.to_string(),
            status: job.state.status.to_string(),
            operation: spec.operation.name().to_owned(),
            source_bucket: pinned.map(|pinned| pinned.source_bucket.clone()).filter(|bucket| !bucket.is_empty()),
            target_bucket: target,
            manifest: ManifestView {
                bucket: spec.manifest.bucket.clone(),
                key: spec.manifest.key.clone(),
                version_id: spec.manifest.version.clone(),
                etag: spec.manifest.etag.clone(),
                bytes: pinned.map(|pinned| pinned.size),
            },
            report: spec
                .report
                .as_ref()
                .map(|to| ObjectName { bucket: to.bucket.clone(), key: report::manifest_key(to, job.id) }),
            creation_time: time(job.created_at),
            start_time: started.map(time),
            termination_date: job.state.terminated_at.map(time),
            progress_summary: ProgressView {
                total_number_of_tasks: job.progress.total,
                number_of_tasks_succeeded: job.progress.succeeded,
                number_of_tasks_failed: job.progress.failed,
            },
            tasks_per_second: started.and_then(|started| rate(job.progress.executed(), started, until)),
            errors,
            findings: job.state.findings.clone(),
            timeline: events.into_iter().map(event_view).collect(),
            retry_of: spec.retry_of.map(|id| id.to_string()),
            retried_by: retried_by.into_iter().map(|id| id.to_string()).collect(),
        })
    }

    async fn errors(&self, job: &JobRecord) -> Result<Vec<CodeView>, ApiError> {
        let codes = self.core.store.codes(job.id).await.map_err(store_error)?;
        let view = |(code, tasks)| CodeView { code, tasks, examples: Vec::new() };
        let mut errors: Vec<CodeView> = codes.into_iter().map(view).collect();
        if errors.is_empty() {
            return Ok(errors);
        }
        let segments = self.core.store.job_segments(job.id, true, None, EXAMPLE_SEGMENTS).await.map_err(store_error)?;
        for segment in &segments {
            let shown = errors.len().min(CODES_WITH_EXAMPLES);
            let enough = |view: &CodeView| view.examples.len() as u64 >= view.tasks.min(EXAMPLES_PER_CODE as u64);
            if errors[..shown].iter().all(enough) {
                break;
            }
            let body = self.segment(job.id, segment, Rows::Failed, EXAMPLE_BYTES).await?;
            for row in lines(&body) {
                let view = errors[..shown].iter_mut().find(|view| view.code == row.code);
                if let Some(view) = view.filter(|view| view.examples.len() < EXAMPLES_PER_CODE) {
                    view.examples.push(TaskRow::from(&row));
                }
            }
        }
        Ok(errors)
    }
}

fn event_view(event: JobEvent) -> EventView {
    let time = wire::timestamp(event.at).to_string();
    EventView { time, status: event.status.to_string(), reason: event.reason }
}

/// Tasks in a second, to a tenth; none where no time has gone by.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(tasks: u64, from: UnixMillis, until: UnixMillis) -> Option<f64> {
    let millis = until.saturating_sub(from);
    (millis > 0).then(|| (tasks as f64 * 10_000.0 / millis as f64).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(rate(10, 1000, 1000), None);
        assert_eq!(rate(10, 2000, 1000), None);
        assert_eq!(rate(10, 1000, 4000), Some(3.3));
        assert_eq!(rate(0, 0, 1), Some(0.0));
    }
}
