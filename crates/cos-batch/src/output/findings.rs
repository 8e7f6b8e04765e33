//! What was found before a job runs, for people.

use cos_batch_engine::{
    checks::{Finding, Level},
    view::Validation,
};
use unicode_width::UnicodeWidthStr as _;

use crate::text::{clean, count, size, things, wrap};

/// Space between columns.
const GAP: usize = 2;

/// All of it, and what the job would do.
pub(crate) fn validation(validation: &Validation, columns: usize) -> String {
    let mut text = list(&validation.findings, columns);
    text.push_str("\n\n");
    text.push_str(&wrap(&clean(&intention(validation)), columns).join("\n"));
    text
}

/// Findings, one below the other.
pub(crate) fn list(findings: &[Finding], columns: usize) -> String {
    let width = findings.iter().map(|finding| finding.check.width()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for finding in findings {
        let level = word(finding.level);
        let check = clean(&finding.check);
        let head = format!("{level:<8}{check:<width$}{:GAP$}", "");
        let room = columns.saturating_sub(head.width()).max(1);
        for (index, line) in wrap(&clean(&finding.text), room).iter().enumerate() {
            let head = if index == 0 { head.clone() } else { " ".repeat(head.width()) };
            lines.push(format!("{head}{line}").trim_end().to_owned());
        }
    }
    lines.join("\n")
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Error => "ERROR",
    }
}

fn intention(validation: &Validation) -> String {
    let Some(rows) = validation.rows else {
        return format!("Nothing is known of what it would {}.", validation.operation);
    };
    let about = if validation.rows_are_exact { "" } else { "about " };
    let objects = things(rows, "object", "objects");
    let place = match (&validation.source_bucket, &validation.target_bucket) {
        (Some(source), Some(target)) => format!(" from {source} to {target}"),
        (Some(source), None) => format!(" in {source}"),
        (None, _) => String::new(),
    };
    let bytes = validation.object_bytes.map_or_else(String::new, |bytes| format!(", about {} in all", size(bytes)));
    let requests = validation.requests.map_or_else(String::new, |requests| {
        format!(
            ", with {about}{} to the object store",
            if requests == 1 { "1 request".to_owned() } else { format!("{} requests", count(requests)) }
        )
    });
    format!("It would {} {about}{objects}{place}{bytes}{requests}.", validation.operation)
}
