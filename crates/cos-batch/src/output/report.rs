//! What became of a job's tasks, for people.

use cos_batch_engine::view::{CodeView, JobDetails, TaskRow};
use cos_batch_model::JobStatus;
use unicode_width::UnicodeWidthStr as _;

use super::table::fields;
use crate::text::{clean, count, things, wrap};

/// Space before what belongs to the line above.
const INDENT: usize = 4;

/// A job in numbers, its error codes and their first examples.
pub(crate) fn summary(details: &JobDetails, published: Option<&str>, columns: usize) -> String {
    let progress = details.progress_summary;
    let total = progress.total_number_of_tasks;
    let done = progress.number_of_tasks_succeeded + progress.number_of_tasks_failed;
    let mut rows = vec![("Job", details.job_id.clone()), ("Status", details.status.clone())];
    // Of a job that failed as a whole there is nothing else to report.
    let why = details.timeline.iter().rev().find_map(|event| event.reason.clone());
    if let Some(reason) = why.filter(|_| details.status == JobStatus::Failed.as_str()) {
        rows.push(("  failure", reason));
    }
    rows.push((
        "Operation",
        match (&details.source_bucket, &details.target_bucket) {
            (Some(source), Some(target)) => format!("{} from {source} to {target}", details.operation),
            (Some(source), None) => format!("{} in {source}", details.operation),
            (None, _) => details.operation.clone(),
        },
    ));
    rows.push((
        "Tasks",
        match total {
            0 => "none counted".to_owned(),
            total => format!(
                "{} of {} succeeded, {} failed",
                count(progress.number_of_tasks_succeeded),
                count(total),
                count(progress.number_of_tasks_failed)
            ),
        },
    ));
    if details.termination_date.is_some() && done < total {
        rows.push(("", format!("{} never begun", things(total - done, "task was", "tasks were"))));
    }
    if let Some(started) = &details.start_time {
        rows.push(("Started", started.clone()));
    }
    if let Some(ended) = &details.termination_date {
        rows.push(("Ended", ended.clone()));
    }
    if let Some(rate) = details.tasks_per_second {
        rows.push(("Rate", format!("{rate} tasks a second")));
    }
    if let Some(old) = &details.retry_of {
        rows.push(("Retry of", old.clone()));
    }
    for (index, new) in details.retried_by.iter().enumerate() {
        rows.push((if index == 0 { "Retried by" } else { "" }, new.clone()));
    }
    match &details.report {
        None => rows.push(("Report", "none".to_owned())),
        Some(place) => {
            let what = published.unwrap_or("not published");
            rows.push(("Report", format!("{what}, in bucket {}", place.bucket)));
            rows.push(("  key", place.key.clone()));
        }
    }
    let mut text = fields(&rows, columns);
    if !details.errors.is_empty() {
        text.push_str("\n\n");
        text.push_str(&errors(&details.errors, columns));
    }
    text
}

/// Error codes, how often each came, and some of the first tasks that failed so.
fn errors(errors: &[CodeView], columns: usize) -> String {
    let width = errors.iter().map(|error| count(error.tasks).width()).max().unwrap_or(0).max("FAILED".len());
    let mut lines = vec![format!("{:>width$}  CODE", "FAILED")];
    for error in errors {
        lines.push(format!("{:>width$}  {}", count(error.tasks), clean(&error.code)));
        for example in &error.examples {
            lines.extend(task(example, columns, width + 2));
        }
    }
    lines.join("\n")
}

/// Tasks, one below the other.
pub(crate) fn tasks(rows: &[TaskRow], columns: usize) -> String {
    rows.iter().flat_map(|row| task(row, columns, 0)).collect::<Vec<_>>().join("\n")
}

/// Status, code and object of a task in the first line, then its message.
fn task(row: &TaskRow, columns: usize, indent: usize) -> Vec<String> {
    let code = match (&row.error_code, indent) {
        // Its code stands above.
        (_, 1..) => String::new(),
        (Some(code), 0) => format!("{code} "),
        (None, 0) => format!("{} ", row.task_status),
    };
    let version = row.version_id.as_ref().map_or_else(String::new, |version| format!(" (version {version})"));
    let head = format!("{} {code}{}/{}{version}", row.http_status_code, row.bucket, row.key);
    let message = row.result_message.as_deref().unwrap_or_default();
    let mut lines = indented(&head, columns, indent);
    if !message.is_empty() {
        lines.extend(indented(message, columns, indent + INDENT));
    }
    lines
}

fn indented(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let lines = wrap(&clean(text), columns.saturating_sub(indent).max(1));
    lines.into_iter().map(|line| format!("{:indent$}{line}", "").trim_end().to_owned()).collect()
}
