//! The list of jobs.

use askama::Template;
use cos_batch_engine::view::JobLine;
use cos_batch_model::{ApiError, JobStatus};
use http::StatusCode;

use super::bar::{Bar, moves, tone};
use crate::{
    answer::{Answer, encoded, page},
    format::{moment, rate, seconds_of, span},
    frame::Frame,
    visit::Visit,
    words::Words,
};

/// Jobs on a page.
const JOBS: usize = 25;

/// A list in which something changes asks again after so many seconds.
const EVERY: u32 = 2;

/// A choice of statuses, by the word in the address.
const FILTERS: [(&str, &[JobStatus]); 6] = [
    ("", &[]),
    (
        "running",
        &[
            JobStatus::New,
            JobStatus::Preparing,
            JobStatus::Ready,
            JobStatus::Active,
            JobStatus::Pausing,
            JobStatus::Paused,
            JobStatus::Completing,
            JobStatus::Cancelling,
            JobStatus::Failing,
        ],
    ),
    ("waiting", &[JobStatus::Suspended]),
    ("complete", &[JobStatus::Complete]),
    ("failed", &[JobStatus::Failed]),
    ("cancelled", &[JobStatus::Cancelled]),
];

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage<'a> {
    f: Frame,
    show: &'a str,
    filters: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
    /// Where the next page is.
    next: Option<String>,
    /// This is not the first page.
    later: bool,
}

/// A job in the list.
struct Row {
    id: String,
    title: String,
    place: String,
    status: String,
    word: String,
    tone: &'static str,
    bar: Bar,
    of: String,
    failed: String,
    speed: String,
    left: String,
    created: String,
    created_at: String,
    priority: u32,
    waits: bool,
}

/// What a job is called: by its description, or by what it does.
pub(super) fn title(description: Option<&str>, operation: &str, words: &'static Words) -> String {
    description.map_or_else(|| words.operation_name(operation).to_owned(), str::to_owned)
}

impl Row {
    fn new(job: JobLine, w: &'static Words) -> Self {
        let progress = &job.progress_summary;
        let total = progress.total_number_of_tasks;
        let took = match (seconds_of(&job.creation_time), job.termination_date.as_deref().and_then(seconds_of)) {
            (Some(from), Some(until)) => Some(u64::try_from(until - from).unwrap_or(0)),
            _ => None,
        };
        let place = match &job.target_bucket {
            Some(target) => format!("{} \u{2192} {target}", job.source_bucket),
            None => job.source_bucket.clone(),
        };
        let operation = w.operation_name(&job.operation);
        Self {
            title: title(job.description.as_deref(), &job.operation, w),
            place: if job.description.is_some() { format!("{operation} \u{b7} {place}") } else { place },
            word: w.status(&job.status).to_owned(),
            tone: tone(&job.status),
            bar: Bar::new(progress, w),
            of: if total == 0 { String::new() } else { w.of(total) },
            failed: match progress.number_of_tasks_failed {
                0 => String::new(),
                failed => w.so_many_failed(failed),
            },
            speed: job.tasks_per_second.map(|speed| format!("{}{}", rate(speed), w.per_second)).unwrap_or_default(),
            left: match (job.seconds_left, took) {
                (Some(left), _) => w.left(&span(left, w)),
                (None, Some(took)) => w.took(&span(took, w)),
                (None, None) => String::new(),
            },
            created: moment(&job.creation_time),
            created_at: job.creation_time,
            priority: job.priority,
            waits: job.status == "Suspended",
            status: job.status,
            id: job.job_id,
        }
    }
}

impl Visit {
    pub(crate) async fn jobs(mut self) -> Result<Answer, ApiError> {
        let show = self.query.text("show");
        let (show, statuses) = FILTERS.into_iter().find(|(name, _)| *name == show).unwrap_or(FILTERS[0]);
        let after = self.query.given("after");
        let found = self.engine.jobs_page(&self.context, statuses, after, JOBS).await?;
        let w = self.frame.w;
        let words = [w.all, w.running, w.waiting, w.complete, w.failed, w.cancelled];
        let next = found.next.map(|after| format!("/console/jobs?show={show}&after={}", encoded(&after)));
        let rows: Vec<Row> = found.jobs.into_iter().map(|job| Row::new(job, w)).collect();
        self.frame.nav = "jobs";
        // Where nothing moves, new jobs may still come.
        self.frame.every = if rows.iter().any(|row| moves(&row.status)) { EVERY } else { 2 * EVERY };
        let later = after.is_some();
        let filters = FILTERS.iter().zip(words).map(|((name, _), word)| (*name, word)).collect();
        page(&JobsPage { f: self.frame, show, filters, rows, next, later }, StatusCode::OK)
    }
}
