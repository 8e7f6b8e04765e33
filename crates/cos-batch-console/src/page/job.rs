//! One job: everything that is known of it, and what can be done with it.

use askama::Template;
use cos_batch_engine::{
    JobRecord,
    view::{CodeView, JobDetails, Pace, READ_BYTES_MAX, RetryRequest},
};
use cos_batch_model::{
    ApiError, BatchApi as _, DeleteJobRequest, DescribeJobRequest, ErrorCode, Job, Operation, Priority,
    RequestedJobStatus, StatusUpdateReason, UpdateJobPriorityRequest, UpdateJobStatusRequest, xml,
};
use http::StatusCode;
use serde_json::Value;

use super::{
    bar::{Bar, is_over, moves, tone},
    job_id,
    jobs::title,
};
use crate::{
    answer::{Answer, encoded, page, see},
    chart::{Chart, draw},
    form::Fields,
    format::{bytes, indented, moment, number, rate, seconds_of, span, time_of},
    frame::Frame,
    visit::{Visit, random},
    words::Words,
};

/// A job that moves is asked for again after so many seconds.
const EVERY: u32 = 2;

/// Error codes on the page; all of them are in the rows.
const CODES: usize = 8;

/// Files of a report on the page; all of them are in its manifest.
const FILES: usize = 12;

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    f: Frame,
    id: String,
    title: String,
    /// What it does, where its title is a person's words.
    subtitle: String,
    word: String,
    tone: &'static str,
    over: bool,
    waits: bool,
    reason: Option<String>,
    failures: Vec<(String, String)>,
    bar: Bar,
    tiles: Vec<Tile>,
    chart: Option<Curve>,
    timeline: Vec<Step>,
    errors: Vec<CodeView>,
    failed: u64,
    findings: Vec<(&'static str, String)>,
    report: Report,
    facts: Vec<(&'static str, String)>,
    priority: u32,
    /// So that a form that is sent twice makes one job.
    token: String,
    retry_of: Option<String>,
    retried_by: Vec<String>,
    xml: String,
}

/// A number that is seen at a glance.
struct Tile {
    name: &'static str,
    value: String,
    note: String,
    tone: &'static str,
}

/// The curve, with what stands at its edges.
struct Curve {
    drawing: Chart,
    top: String,
    peak: String,
    mean: String,
    from: String,
    until: String,
}

/// A status that the job took.
struct Step {
    time: String,
    at: String,
    word: String,
    tone: &'static str,
    reason: String,
    lasted: String,
}

enum Report {
    /// None was asked for.
    None,
    /// It is written when the job ends.
    Later { place: String },
    /// It is there.
    There { place: String, manifest: String, files: Vec<File> },
    /// It should be there, and cannot be read.
    Missing { place: String, why: String },
}

/// A file of a report.
struct File {
    name: String,
    kind: String,
    rows: String,
    link: String,
}

fn curve(pace: &Pace) -> Option<Curve> {
    let drawing = draw(&pace.points)?;
    let time = |seconds: i64| moment(&time_of(seconds));
    Some(Curve {
        top: rate(drawing.top),
        peak: rate(drawing.peak),
        mean: rate(drawing.mean),
        from: time(drawing.from),
        until: time(drawing.until),
        drawing,
    })
}

fn timeline(details: &JobDetails, w: &'static Words) -> Vec<Step> {
    let events = &details.timeline;
    let mut steps: Vec<Step> = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let until = events.get(index + 1).map(|next| next.time.as_str()).and_then(seconds_of);
        let lasted = match (seconds_of(&event.time), until) {
            (Some(from), Some(until)) => span(u64::try_from(until - from).unwrap_or(0), w),
            _ => String::new(),
        };
        steps.push(Step {
            time: moment(&event.time),
            at: event.time.clone(),
            word: w.status(&event.status).to_owned(),
            tone: tone(&event.status),
            reason: event.reason.clone().unwrap_or_default(),
            lasted,
        });
    }
    steps
}

fn tiles(details: &JobDetails, pace: &Pace, now: i64, w: &'static Words) -> Vec<Tile> {
    let progress = &details.progress_summary;
    let tile = |name, value: String, note: String, tone| Tile { name, value, note, tone };
    let none = || w.none_symbol.to_owned();
    let start = details.start_time.as_deref().and_then(seconds_of);
    let end = details.termination_date.as_deref().and_then(seconds_of).unwrap_or(now);
    let elapsed = start.map(|start| span(u64::try_from(end - start).unwrap_or(0), w));
    let speed = match (pace.tasks_per_second, details.tasks_per_second) {
        (Some(now), mean) => {
            let note = mean.map(|mean| format!("{} {}{}", w.mean, rate(mean), w.per_second)).unwrap_or_default();
            tile(w.speed, format!("{}{}", rate(now), w.per_second), note, "")
        }
        (None, Some(mean)) => tile(w.speed, format!("{}{}", rate(mean), w.per_second), w.mean.to_owned(), ""),
        (None, None) => tile(w.speed, none(), w.no_speed.to_owned(), ""),
    };
    let count = |count| if progress.total_number_of_tasks == 0 { none() } else { number(count) };
    let failed = progress.number_of_tasks_failed;
    let mut tiles = vec![
        tile(w.total, count(progress.total_number_of_tasks), w.tasks.to_owned(), ""),
        tile(w.succeeded, count(progress.number_of_tasks_succeeded), String::new(), "good"),
        tile(w.failed, count(failed), String::new(), if failed > 0 { "bad" } else { "" }),
        speed,
    ];
    if let Some(left) = pace.seconds_left {
        tiles.push(tile(w.time_left, span(left, w), w.estimate_tip.to_owned(), ""));
    }
    tiles.push(tile(w.elapsed, elapsed.unwrap_or_else(none), String::new(), ""));
    tiles
}

/// What is known of a job, a line for each. One that was made in the words of another dialect, which DescribeJob does not have,
/// has fewer.
fn facts(
    record: &JobRecord,
    job: Option<&Job>,
    details: &JobDetails,
    w: &'static Words,
) -> Vec<(&'static str, String)> {
    let mut facts = vec![(w.operation, w.operation_name(&details.operation).to_owned())];
    facts.extend(details.source_bucket.clone().map(|name| (w.source, name)));
    if let Some(Operation::PutObjectCopy(copy)) = job.map(|job| &job.operation) {
        let mut target = copy.target_resource.bucket().to_owned();
        if copy.prefix_replace {
            let text = |prefix: &Option<cos_batch_model::KeyPrefix>| {
                prefix.as_ref().map(|prefix| prefix.as_str().to_owned()).unwrap_or_default()
            };
            target += &format!(" ({:?} \u{2192} {:?})", text(&copy.resources_prefix), text(&copy.target_key_prefix));
        }
        facts.push((w.target, target));
        facts.extend(copy.storage_class.as_ref().map(|class| (w.storage_class, class.as_str().to_owned())));
    }
    let manifest = &details.manifest;
    let size = manifest.bytes.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
    facts.push((w.manifest, format!("{}/{}{size}", manifest.bucket, manifest.key)));
    facts.push(("ETag", manifest.etag.clone()));
    if let Some(spec) = job.map(|job| &job.manifest.spec) {
        let columns: Vec<&str> = spec.fields.iter().map(cos_batch_model::Lenient::as_str).collect();
        facts.push((w.format, format!("{} {}", spec.format.as_str(), columns.join(","))));
    }
    facts.push((w.priority, record.priority.to_string()));
    facts.push((w.created, moment(&details.creation_time)));
    facts.extend(details.start_time.as_deref().map(|time| (w.started, moment(time))));
    facts.extend(details.termination_date.as_deref().map(|time| (w.ended, moment(time))));
    facts.push((w.role, record.spec.role_arn.clone()));
    facts.push((w.job_token, record.token.clone()));
    facts
}

fn download(bucket: &str, key: &str) -> String {
    format!("/console/buckets/{}/download?key={}", encoded(bucket), encoded(key))
}

/// The files that a report's manifest names.
fn files(manifest: &Value) -> Vec<File> {
    let results = manifest["Results"].as_array().map_or(&[][..], Vec::as_slice);
    let file = |result: &Value| {
        let text = |name: &str| result[name].as_str().unwrap_or_default();
        let key = text("Key");
        File {
            name: key.rsplit('/').next().unwrap_or_default().to_owned(),
            kind: text("TaskExecutionStatus").to_owned(),
            rows: result["Rows"].as_u64().map(number).unwrap_or_default(),
            link: download(text("Bucket"), key),
        }
    };
    results.iter().take(FILES).map(file).collect()
}

impl Visit {
    pub(crate) async fn job(mut self, id: &str) -> Result<Answer, ApiError> {
        let engine = &self.engine;
        let record = engine.job(&self.context, id).await?;
        let described = engine.describe_job(&self.context, DescribeJobRequest { job_id: job_id(id)? }).await;
        let (described, document) = match described {
            Ok(described) => {
                let document = String::from_utf8_lossy(&xml::to_bytes(&described)).into_owned();
                (Some(described.job), indented(&document))
            }
            // It was made in the other dialect, and this one has no words for it.
            Err(error) if error.code == ErrorCode::NotImplemented => (None, error.message),
            Err(error) => return Err(error),
        };
        let details = engine.details(&self.context, id).await?;
        let pace = engine.pace(&self.context, id).await?;
        let report = self.report(&details).await;
        let token = random::<16>().map_err(|_| ApiError::new(ErrorCode::InternalError, "no random numbers"))?;
        let w = self.frame.w;
        self.frame.nav = "jobs";
        // One that waits may be confirmed by somebody else; one that has ended stays as it is.
        self.frame.every = match details.status.as_str() {
            status if moves(status) => EVERY,
            status if is_over(status) => 0,
            _ => 2 * EVERY,
        };
        let now = engine.jobs().now().div_euclid(1000);
        let description = record.spec.description.clone();
        let level = |finding: &cos_batch_engine::checks::Finding| match finding.level {
            cos_batch_engine::checks::Level::Ok => "good",
            cos_batch_engine::checks::Level::Warning => "ask",
            cos_batch_engine::checks::Level::Error => "bad",
        };
        let cause = record.state.suspended_cause.clone().filter(|_| details.status == "Suspended");
        let template = JobPage {
            title: title(description.as_deref(), &details.operation, w),
            subtitle: description.map(|_| w.operation_name(&details.operation).to_owned()).unwrap_or_default(),
            word: w.status(&details.status).to_owned(),
            tone: tone(&details.status),
            over: is_over(&details.status),
            waits: details.status == "Suspended",
            reason: cause.or_else(|| record.state.reason.clone()),
            failures: record.state.failures.iter().map(|why| (why.code.clone(), why.reason.clone())).collect(),
            bar: Bar::new(&details.progress_summary, w),
            tiles: tiles(&details, &pace, now, w),
            chart: curve(&pace),
            timeline: timeline(&details, w),
            failed: details.progress_summary.number_of_tasks_failed,
            findings: details.findings.iter().map(|finding| (level(finding), finding.text.clone())).collect(),
            facts: facts(&record, described.as_ref(), &details, w),
            priority: record.priority,
            token,
            report,
            xml: document,
            errors: details.errors.into_iter().take(CODES).collect(),
            retry_of: details.retry_of,
            retried_by: details.retried_by,
            id: details.job_id,
            f: self.frame,
        };
        page(&template, StatusCode::OK)
    }

    async fn report(&self, details: &JobDetails) -> Report {
        let Some(at) = &details.report else { return Report::None };
        let place = format!("{}/{}", at.bucket, at.key);
        if !is_over(&details.status) {
            return Report::Later { place };
        }
        let read = self.engine.read_object(&self.context, &at.bucket, &at.key, None, 0..READ_BYTES_MAX, None);
        match read.await {
            Err(error) => Report::Missing { place, why: error.message },
            // One that is longer than what is read at once has its files in itself alone.
            Ok(text) => {
                let manifest: Value = serde_json::from_slice(&text).unwrap_or_default();
                Report::There { place, manifest: download(&at.bucket, &at.key), files: files(&manifest) }
            }
        }
    }

    async fn status(
        &self,
        id: &str,
        wanted: RequestedJobStatus,
        reason: Option<StatusUpdateReason>,
    ) -> Result<(), ApiError> {
        let request =
            UpdateJobStatusRequest { job_id: job_id(id)?, requested_job_status: wanted, status_update_reason: reason };
        self.engine.update_job_status(&self.context, request).await.map(drop)
    }

    pub(crate) async fn confirm(self, id: &str) -> Result<Answer, ApiError> {
        self.status(id, RequestedJobStatus::Ready, None).await?;
        see(&format!("/console/jobs/{id}?done=confirmed"))
    }

    pub(crate) async fn cancel(self, id: &str, fields: &Fields) -> Result<Answer, ApiError> {
        let reason = Some(fields.text("reason")).filter(|text| !text.is_empty());
        let reason = reason.map(StatusUpdateReason::new).transpose()?;
        self.status(id, RequestedJobStatus::Cancelled, reason).await?;
        see(&format!("/console/jobs/{id}?done=cancelled"))
    }

    pub(crate) async fn delete(self, id: &str) -> Result<Answer, ApiError> {
        self.engine.delete_job(&self.context, DeleteJobRequest { job_id: job_id(id)? }).await?;
        see("/console/jobs?done=deleted")
    }

    pub(crate) async fn priority(self, id: &str, fields: &Fields) -> Result<Answer, ApiError> {
        let priority = priority(fields.text("priority"))?;
        let request = UpdateJobPriorityRequest { job_id: job_id(id)?, priority };
        self.engine.update_job_priority(&self.context, request).await?;
        see(&format!("/console/jobs/{id}?done=priority"))
    }

    pub(crate) async fn retry(self, id: &str, fields: &Fields) -> Result<Answer, ApiError> {
        let request = RetryRequest {
            client_request_token: fields.text("token").to_owned(),
            priority: None,
            confirmation_required: Some(true),
            manifest: None,
        };
        let made = self.engine.retry(&self.context, id, request).await?;
        see(&format!("/console/jobs/{}/confirm?done=retry", made.job_id))
    }
}

/// A priority as it was typed.
pub(super) fn priority(text: &str) -> Result<Priority, ApiError> {
    text.parse().map_err(ApiError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_report_are_bounded_and_a_broken_one_has_none() {
        let result =
            serde_json::json!({"TaskExecutionStatus": "failed", "Bucket": "b-1", "Key": "r/ä&.csv", "Rows": 1234});
        let manifest = serde_json::json!({ "Results": vec![result; 100] });
        let files = files(&manifest);
        assert_eq!(files.len(), FILES);
        assert_eq!((files[0].name.as_str(), files[0].rows.as_str()), ("ä&.csv", "1,234"));
        assert_eq!(files[0].link, "/console/buckets/b-1/download?key=r/%C3%A4%26.csv");
        assert!(super::files(&Value::Null).is_empty());
    }
}
