//! One job: everything that is known of it, and what can be done with it.

use askama::Template;
use cos_batch_engine::{
    JobRecord, checks, lifecycle,
    view::{CodeView, JobDetails, Pace, RetryRequest, WatchedJob},
    wire,
};
use cos_batch_model::{
    ApiError, BatchApi as _, DeleteJobRequest, DescribeJobResult, ErrorCode, Job, Priority, RequestedJobStatus,
    StatusUpdateReason, UpdateJobPriorityRequest, UpdateJobStatusRequest, xml,
};
use http::StatusCode;

use super::{
    bar::{Bar, is_over, moves, tone},
    facts::{Fact, facts},
    job_id,
    jobs::title,
    report::Report,
};
use crate::{
    answer::{Answer, page, see},
    chart::{Chart, draw},
    form::Fields,
    format::{indented, moment, number, rate, seconds_of, span, time_of},
    frame::Frame,
    inert::inert,
    visit::{Visit, random},
    words::Words,
};

/// A job that moves is asked for again after so many seconds.
const EVERY: u32 = 2;

/// Error codes on the page; all of them are in the rows.
const CODES: usize = 8;

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
    facts: Vec<Fact>,
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

/// What DescribeJob says of a job, and the document that says so; for one that it has no words for, why.
fn described(record: &JobRecord) -> Result<(Option<Job>, String), ApiError> {
    match wire::job(record) {
        Ok(job) => {
            let described = DescribeJobResult { job };
            let document = indented(&String::from_utf8_lossy(&xml::to_bytes(&described)));
            Ok((Some(described.job), document))
        }
        // It was made in the other dialect.
        Err(error) if error.code == ErrorCode::NotImplemented => Ok((None, inert(&error.message))),
        Err(error) => Err(error),
    }
}

/// The color of a finding.
pub(super) fn level(level: checks::Level) -> &'static str {
    match level {
        checks::Level::Ok => "good",
        checks::Level::Warning => "ask",
        checks::Level::Error => "bad",
    }
}

fn timeline(details: &JobDetails, w: &'static Words) -> Vec<Step> {
    let events = &details.timeline;
    let mut steps: Vec<Step> = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let until = events.get(index + 1).map(|next| next.time.as_str()).and_then(seconds_of);
        let lasted = match (seconds_of(&event.time), until) {
            // Less than a second is not worth a number.
            (Some(from), Some(until)) if until > from => span(until.abs_diff(from), w),
            _ => String::new(),
        };
        steps.push(Step {
            time: moment(&event.time),
            at: event.time.clone(),
            word: w.status(&event.status).to_owned(),
            tone: tone(&event.status),
            reason: event.reason.clone().filter(|reason| reason != lifecycle::JOB_COMPLETE).unwrap_or_default(),
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
        tile(w.total, count(progress.total_number_of_tasks), w.tasks(progress.total_number_of_tasks).to_owned(), ""),
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

impl Visit {
    pub(crate) async fn job(mut self, id: &str) -> Result<Answer, ApiError> {
        let WatchedJob { record, details, pace } = self.engine.watch(&self.context, id).await?;
        let (described, document) = described(&record)?;
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
        let now = self.engine.jobs().now().div_euclid(1000);
        let description = record.spec.description.clone();
        let waits = details.status == "Suspended";
        let template = JobPage {
            title: title(description.as_deref(), &details.operation, w),
            subtitle: description.map(|_| w.operation_name(&details.operation).to_owned()).unwrap_or_default(),
            word: w.status(&details.status).to_owned(),
            tone: tone(&details.status),
            over: is_over(&details.status),
            waits,
            // What it waits for is said in the reader's language, and what was found stands below.
            reason: record.state.reason.clone().filter(|reason| !waits && reason != lifecycle::JOB_COMPLETE),
            failures: record.state.failures.iter().map(|why| (why.code.clone(), why.reason.clone())).collect(),
            bar: Bar::new(&details.progress_summary, w),
            tiles: tiles(&details, &pace, now, w),
            chart: curve(&pace),
            timeline: timeline(&details, w),
            failed: details.progress_summary.number_of_tasks_failed,
            findings: details.findings.iter().map(|finding| (level(finding.level), finding.text.clone())).collect(),
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
