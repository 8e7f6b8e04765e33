//! Jobs for people: one in full, or many in a list.

use std::time::Duration;

use cos_batch_engine::{report, spec::ReportSpec, view::JobDetails, wire};
use cos_batch_model::{
    Job, JobListMember, JobStatus, Lenient, ManifestFormat, Operation, OperationKind, ProgressSummary, ReportScope,
    Timestamp,
};
use unicode_width::UnicodeWidthStr as _;

use crate::text::{clean, count, cut, percent, short_count, span, things, wrap};

/// Space between columns.
const GAP: usize = 2;

/// From so many columns on, lists say when a job was made and how urgent it is.
const COLUMNS_FOR_TIMES: usize = 112;

/// From so many columns on, lists have room for descriptions.
const COLUMNS_FOR_DESCRIPTIONS: usize = 140;

/// Names and values below each other, values broken into lines.
pub(super) fn fields(rows: &[(&str, String)], columns: usize) -> String {
    let label = rows.iter().map(|(name, _)| name.width()).max().unwrap_or(0) + GAP;
    let mut lines = Vec::new();
    for (name, value) in rows {
        for (index, line) in wrap(&clean(value), columns.saturating_sub(label).max(1)).iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            lines.push(format!("{name:label$}{line}").trim_end().to_owned());
        }
    }
    lines.join("\n")
}

/// Error codes shown with a job; `cos-batch report` has all.
const CODES_SHOWN: usize = 5;

/// Everything about a job.
pub(crate) fn job(job: &Job, details: Option<&JobDetails>, columns: usize) -> String {
    let mut rows = outcome(job);
    if let Some(details) = details {
        rows.extend(beyond_the_api(details));
    }
    let spec = &job.manifest.spec;
    rows.push(("Priority", job.priority.to_string()));
    if let Some(description) = &job.description {
        rows.push(("Description", description.to_string()));
    }
    rows.push(("Created", job.creation_time.to_string()));
    if let Some(ended) = job.termination_date {
        rows.push(("Ended", format!("{ended}, after {}", between(job.creation_time, ended))));
    }
    if let Some(token) = &job.client_request_token {
        rows.push(("Token", token.to_string()));
    }
    rows.push(("Role", job.role_arn.to_string()));
    let arn = &job.manifest.location.object_arn;
    rows.push(("Manifest", format!("{}/{}", arn.bucket(), arn.key())));
    if let Some(version) = &job.manifest.location.object_version_id {
        rows.push(("  version", version.to_string()));
    }
    rows.push(("  ETag", job.manifest.location.e_tag.unquoted().to_owned()));
    let names: Vec<&str> = spec.fields.iter().map(Lenient::as_str).collect();
    let format = match spec.format.known() {
        Some(ManifestFormat::BatchOperationsCsv) => format!("CSV with {}", names.join(", ")),
        Some(ManifestFormat::InventoryReportCsv) => "inventory".to_owned(),
        _ => spec.format.to_string(),
    };
    rows.push(("  format", format));
    fields(&rows, columns)
}

/// What the API has no place for.
fn beyond_the_api(details: &JobDetails) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    for (index, error) in details.errors.iter().take(CODES_SHOWN).enumerate() {
        let label = if index == 0 { "Errors" } else { "" };
        rows.push((label, format!("{}: {}", error.code, things(error.tasks, "task", "tasks"))));
        if let Some(first) = error.examples.first() {
            rows.push(("  such as", first.key.clone()));
        }
    }
    let more = details.errors.len().saturating_sub(CODES_SHOWN);
    if more > 0 {
        rows.push(("", format!("and {}", things(more as u64, "more code", "more codes"))));
    }
    if details.progress_summary.number_of_tasks_failed > 0 {
        rows.push(("  all", format!("cos-batch report {} --failed", details.job_id)));
    }
    if let Some(old) = &details.retry_of {
        rows.push(("Retry of", old.clone()));
    }
    for (index, new) in details.retried_by.iter().enumerate() {
        rows.push((if index == 0 { "Retried by" } else { "" }, new.clone()));
    }
    rows
}

/// How a job stands or ended, in short.
pub(crate) fn summary(job: &Job, columns: usize) -> String {
    fields(&outcome(job), columns)
}

fn outcome(job: &Job) -> Vec<(&'static str, String)> {
    let mut rows = vec![("Job", job.job_id.to_string()), ("Status", job.status.to_string())];
    if let Some(reason) = job.status_update_reason.as_ref().map(|reason| reason.as_str())
        && !reason.is_empty()
        // That of a failed job is its failure once more.
        && !job.failure_reasons.iter().any(|failure| failure.failure_reason.as_str() == reason)
    {
        rows.push(("  reason", reason.to_owned()));
    }
    if let Some(cause) = &job.suspended_cause {
        rows.push(("  cause", cause.to_string()));
    }
    if let Some(date) = job.suspended_date {
        rows.push(("  since", date.to_string()));
    }
    for failure in &job.failure_reasons {
        rows.push(("  failure", format!("{}: {}", failure.failure_code, failure.failure_reason)));
    }
    rows.push(("Operation", operation(&job.operation)));
    rows.push(("Tasks", tasks(job)));
    match job.report.bucket.as_ref().filter(|_| job.report.enabled) {
        None => rows.push(("Report", "none".to_owned())),
        Some(bucket) => {
            let all_tasks = job.report.report_scope.as_ref().is_some_and(|scope| *scope == ReportScope::AllTasks);
            let scope = if all_tasks { "all tasks" } else { "failed tasks" };
            rows.push(("Report", format!("{scope}, in bucket {}", bucket.bucket())));
            rows.push(("  key", report_key(job, bucket.bucket(), all_tasks)));
        }
    }
    rows
}

fn tasks(job: &Job) -> String {
    let ProgressSummary { number_of_tasks_failed: failed, number_of_tasks_succeeded: succeeded, .. } =
        job.progress_summary;
    match (job.progress_summary.total_number_of_tasks, job.status.known()) {
        (0, Some(JobStatus::Complete)) => "none".to_owned(),
        (0, Some(status)) if status.is_final() => "not counted".to_owned(),
        (0, _) => "not counted yet".to_owned(),
        (total, _) => format!("{} of {} succeeded, {} failed", count(succeeded), count(total), count(failed)),
    }
}

fn operation(operation: &Operation) -> String {
    match operation {
        Operation::PutObjectCopy(copy) => {
            let class = copy.storage_class.as_ref().map_or_else(String::new, |class| format!(", as {class}"));
            let prefix = |prefix: &Option<_>| format!("{:?}", prefix.as_ref().map_or("", AsRef::<str>::as_ref));
            let prefixes = if copy.prefix_replace {
                format!(", {} becomes {}", prefix(&copy.resources_prefix), prefix(&copy.target_key_prefix))
            } else {
                String::new()
            };
            format!("copy to {}{class}{prefixes}", copy.target_resource.bucket())
        }
        Operation::InitiateRestoreObject(restore) => {
            format!("restore for {} days, {}", restore.expiration_in_days.get(), restore.job_tier)
        }
        Operation::DeleteObject => "delete".to_owned(),
        Operation::PutObjectTagging(tagging) => {
            let tags: Vec<String> = tagging.tag_set.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect();
            format!("tag with {}", tags.join(", "))
        }
        other => other.kind().to_string(),
    }
}

/// Where the report is, or will be.
fn report_key(job: &Job, bucket: &str, all_tasks: bool) -> String {
    let prefix = job.report.prefix.as_ref().map_or("", AsRef::<str>::as_ref).to_owned();
    match wire::uuid(job.job_id.as_str()) {
        Some(id) => report::manifest_key(&ReportSpec { bucket: bucket.to_owned(), prefix, all_tasks }, id),
        // Another server's job: its layout is not ours to know.
        None => prefix,
    }
}

fn between(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.unix_seconds().saturating_sub(from.unix_seconds());
    span(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// The word for a kind of operation.
pub(super) fn kind(kind: &Lenient<OperationKind>) -> &str {
    match kind {
        Lenient::Known(OperationKind::PutObjectCopy) => "copy",
        Lenient::Known(OperationKind::InitiateRestoreObject) => "restore",
        Lenient::Known(OperationKind::DeleteObject) => "delete",
        Lenient::Known(OperationKind::PutObjectTagging) => "tag",
        Lenient::Unknown(name) => name.as_str(),
    }
}

/// Many jobs, one in a line. With `times` it is shown when each was made, also where there is little room.
pub(crate) fn list(jobs: &[JobListMember], columns: usize, times: bool) -> String {
    let mut shown = vec![JOB_ID, STATUS, KIND, TASKS, DONE, FAILED];
    if columns >= COLUMNS_FOR_TIMES {
        shown.extend([PRIORITY, CREATED]);
    } else if times {
        // What there is room for on a narrow terminal.
        shown = vec![JOB_ID, STATUS, DONE, CREATED];
    }
    if columns >= COLUMNS_FOR_DESCRIPTIONS {
        shown.push(DESCRIPTION);
    }
    let header: Vec<String> = shown.iter().map(|column| column.name.to_owned()).collect();
    let rows = jobs.iter().map(|job| shown.iter().map(|column| clean(&(column.value)(job)).into_owned()).collect());
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let width = |index: usize| rows.iter().map(|row| row[index].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..shown.len()).map(width).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&shown).zip(&widths).map(|((cell, column), width)| {
                let space = " ".repeat(width - cell.width());
                if column.is_number { format!("{space}{cell}") } else { format!("{cell}{space}") }
            });
            let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
            // Only a description, or a word of a newer server, can be too long; the other formats have it whole.
            cut(line.trim_end(), columns).to_owned()
        })
        .collect();
    lines.join("\n")
}

/// A column of a list.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    is_number: bool,
    value: fn(&JobListMember) -> String,
}

const JOB_ID: Column = Column { name: "JOB ID", is_number: false, value: |job| job.job_id.to_string() };
const STATUS: Column = Column { name: "STATUS", is_number: false, value: |job| job.status.to_string() };
const KIND: Column = Column { name: "KIND", is_number: false, value: |job| kind(&job.operation).to_owned() };
const TASKS: Column =
    Column { name: "TASKS", is_number: true, value: |job| short_count(job.progress_summary.total_number_of_tasks) };
const DONE: Column = Column {
    name: "DONE",
    is_number: true,
    value: |job| {
        let progress = job.progress_summary;
        let done = progress.number_of_tasks_succeeded.saturating_add(progress.number_of_tasks_failed);
        format!("{}%", percent(done, progress.total_number_of_tasks))
    },
};
const FAILED: Column =
    Column { name: "FAILED", is_number: true, value: |job| short_count(job.progress_summary.number_of_tasks_failed) };
const PRIORITY: Column = Column { name: "PRIORITY", is_number: true, value: |job| job.priority.to_string() };
const CREATED: Column = Column { name: "CREATED", is_number: false, value: |job| job.creation_time.to_string() };
const DESCRIPTION: Column = Column {
    name: "DESCRIPTION",
    is_number: false,
    value: |job| job.description.as_ref().map_or_else(String::new, ToString::to_string),
};
