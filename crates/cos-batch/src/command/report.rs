//! `cos-batch report`

mod published;

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};
use cos_batch_engine::{
    report::row::{self, ReportRow},
    view::{JobDetails, TaskRow},
};
use serde::Serialize;

use self::published::Published;
use super::Job;
use crate::{
    connection::Connection,
    exit::{Error, Exit},
    number::whole,
    output::{self, Terminal, report},
    remote::Remote,
    text::{count, things},
};

/// Rows shown where no limit is given.
const LIMIT_DEFAULT: u64 = 1000;

/// Most rows of a table or a JSON document: they are laid out in memory. CSV has no such limit.
const LIMIT_MAX: u64 = 100_000;

/// Rows asked for at once.
const PAGE: u64 = 1000;

/// Show what became of a job's tasks, while it runs and afterwards.
///
/// Without flags: counts, and each error code with its first tasks. With --rows or --failed: the tasks themselves, from
/// the published report if there is one, whose MD5s are checked, else from what the server keeps.
///
/// Needs a server that is `cos-batch serve`.
#[derive(Args, Debug)]
pub(crate) struct Report {
    #[command(flatten)]
    job: Job,
    /// Show tasks
    #[arg(long)]
    rows: bool,
    /// Show tasks that failed
    #[arg(long)]
    failed: bool,
    /// Show tasks that failed with this code
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Read the whole published report and check its MD5s
    #[arg(long, conflicts_with_all = ["rows", "failed", "code"])]
    verify: bool,
    /// Most tasks to show [default: 1000; all as CSV]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = whole(1..=u64::MAX))]
    limit: Option<u64>,
    /// How the result is written
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Result")]
    output: Format,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// Rows as the report has them, without a header: Bucket, Key, VersionId, TaskStatus, HTTPStatusCode, ErrorCode, ResultMessage
    Csv,
    /// One JSON document
    Json,
}

/// Tasks as one document.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    job_id: &'a str,
    /// `Report` or `Spool`.
    source: &'a str,
    rows: &'a [TaskRow],
    is_truncated: bool,
}

impl Report {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let shows_tasks = self.rows || self.failed || self.code.is_some();
        if self.output == Format::Csv && !shows_tasks {
            return Err(Error::usage("--output csv goes with --rows, --failed or --code"));
        }
        let client = self.connection.client()?;
        let remote = Remote::new(&client, &self.connection, "reports");
        let details = remote.details(&self.job.id).await?;
        let published = match &details.report {
            Some(place) => Published::find(&remote, place).await?,
            None => None,
        };
        if shows_tasks {
            return self.tasks(&remote, &details, published, terminal).await;
        }
        let checked = match &published {
            Some(report) if self.verify => {
                let files = report.verify(&remote).await?;
                Some(format!("{}, all MD5s are right", things(files, "file", "files")))
            }
            Some(report) => Some(things(report.files(), "file", "files")),
            None if self.verify => return Err(Error::other("the job has no published report to verify")),
            None => None,
        };
        match self.output {
            Format::Json => output::json(terminal, &details)?,
            // Refused before anything was asked.
            Format::Csv => {}
            Format::Table => {
                terminal.line(&report::summary(&details, checked.as_deref(), terminal.columns()))?;
                if details.progress_summary.number_of_tasks_failed > 0 {
                    let ended = details.termination_date.is_some();
                    suggest(details.job_id.as_str(), ended);
                }
            }
        }
        Ok(Exit::Ok)
    }

    async fn tasks(
        &self,
        remote: &Remote<'_>,
        details: &JobDetails,
        published: Option<Published>,
        terminal: &mut Terminal,
    ) -> Result<Exit, Error> {
        let limit = match (self.output, self.limit) {
            (Format::Csv, limit) => limit.unwrap_or(u64::MAX),
            (_, limit) => limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX),
        };
        let mut sink = Sink { output: self.output, limit, written: 0, rows: Vec::new(), terminal };
        let failed_only = self.failed || self.code.is_some();
        let (source, more, note) = if let Some(report) = published {
            let (more, files) = report.tasks(remote, failed_only, self.code.as_deref(), &mut sink).await?;
            let files = things(files, "file", "files");
            ("Report", more, format!("from the published report; the MD5s of {files} are right"))
        } else {
            let more = self.spooled(remote, failed_only, &mut sink).await?;
            let text = match details.termination_date {
                Some(_) => "from what the server keeps: there is no published report, so only failed tasks are known",
                None => "from what the server keeps: the job has not ended, and this is what is in its books",
            };
            ("Spool", more, text.to_owned())
        };
        let Sink { rows, written, terminal, .. } = sink;
        match self.output {
            Format::Csv => {}
            Format::Json => {
                let document = Document { job_id: &details.job_id, source, rows: &rows, is_truncated: more };
                output::json(terminal, &document)?;
            }
            Format::Table if rows.is_empty() => terminal.line("no such tasks")?,
            Format::Table => terminal.line(&report::tasks(&rows, terminal.columns()))?,
        }
        let mut notes = io::stderr().lock();
        // Said beside the result, so that the result stays what it is.
        let _ = writeln!(notes, "{}, {note}", things(written, "task", "tasks"));
        if more {
            let _ = writeln!(notes, "there are more tasks than {}; see --limit", count(limit));
        }
        Ok(Exit::Ok)
    }

    /// Whether there are more tasks than were asked for.
    async fn spooled(&self, remote: &Remote<'_>, failed_only: bool, sink: &mut Sink<'_>) -> Result<bool, Error> {
        let mut after: Option<String> = None;
        loop {
            let page = remote.tasks(&self.job.id, !failed_only, self.code.as_deref(), after.as_deref(), PAGE).await?;
            for row in page.rows {
                if !sink.take(row)? {
                    return Ok(true);
                }
            }
            match page.next {
                // A server that stands still is not followed for ever.
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => return Ok(false),
            }
        }
    }
}

/// Where tasks go: to the output at once, or into a document.
pub(super) struct Sink<'a> {
    output: Format,
    limit: u64,
    written: u64,
    rows: Vec<TaskRow>,
    terminal: &'a mut Terminal,
}

impl Sink<'_> {
    /// Takes a task; false: there is no room for it.
    fn take(&mut self, task: TaskRow) -> Result<bool, Error> {
        if self.written == self.limit {
            return Ok(false);
        }
        self.written += 1;
        if self.output == Format::Csv {
            let mut line = Vec::new();
            let key = row::encode_key(&task.key);
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let again = ReportRow {
                bucket: task.bucket.into(),
                key: key.into(),
                version: text(&task.version_id).into(),
                task_status: task.task_status.into(),
                status: task.http_status_code,
                code: text(&task.error_code).into(),
                message: text(&task.result_message).into(),
            };
            row::write_again(&mut line, &again);
            self.terminal.bytes(&line)?;
        } else {
            self.rows.push(task);
        }
        Ok(true)
    }
}

fn suggest(job: &str, ended: bool) {
    let mut notes = io::stderr().lock();
    // With the error output gone there is nobody to be told.
    let _ = writeln!(notes, "all failed tasks: cos-batch report {job} --failed");
    if ended {
        let _ = writeln!(notes, "try them again:   cos-batch retry {job}");
    }
}
