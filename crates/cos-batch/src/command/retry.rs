//! `cos-batch retry`

use std::io::{self, Write as _};

use clap::Args;
use cos_batch_engine::view::{ObjectName, RetryRequest};
use cos_batch_model::{ClientRequestToken, CreateJobResult, JobId, Priority, xml};

use super::{Client, Job, wait};
use crate::{
    exit::{Error, Exit},
    output::{self, Format, Terminal},
    remote::Remote,
    text::{clean, things},
};

/// Make a new job of all tasks of a job that failed.
///
/// The server lists the failed tasks in one manifest, beside the report of the old job or at --to, and makes a job with
/// the same operation, report and description over it. The old job must have ended: Complete, Failed or Cancelled.
/// Writes the new job's id.
///
/// Needs a server that is `cos-batch serve`.
#[derive(Args, Debug)]
pub(crate) struct Retry {
    #[command(flatten)]
    job: Job,
    /// Where the manifest of the failed tasks goes [default: beside the report of the old job]
    #[arg(long, value_name = "BUCKET/KEY", value_parser = place)]
    to: Option<Place>,
    /// How urgent the new job is [default: as the old one]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    priority: Option<Priority>,
    /// Let the new job wait for `cos-batch confirm` before it runs [default: as the old one]
    #[arg(long)]
    confirm_required: bool,
    /// Let the new job run without a confirmation
    #[arg(long, conflicts_with = "confirm_required")]
    no_confirm: bool,
    /// Token that keeps the same job from being made twice [default: a random one]
    #[arg(long, value_name = "TOKEN")]
    token: Option<ClientRequestToken>,
    /// Show what would be tried again, and make nothing
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Wait until the new job has ended
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    options: wait::Options,
    #[command(flatten)]
    pub(super) client: Client,
}

/// A bucket and a key.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: String,
}

/// Reads BUCKET/KEY.
pub(super) fn place(text: &str) -> Result<Place, String> {
    match text.split_once('/') {
        Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
            Ok(Place { bucket: bucket.to_owned(), key: key.to_owned() })
        }
        _ => Err("write BUCKET/KEY".to_owned()),
    }
}

impl Retry {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        self.client.output.for_people_if(self.dry_run, "--dry-run")?;
        let client = self.client.connection.client()?;
        let remote = Remote::new(&client, &self.client.connection, "retries");
        if self.dry_run {
            let details = remote.details(&self.job.id).await?;
            let failed = things(details.progress_summary.number_of_tasks_failed, "failed task", "failed tasks");
            terminal.line(&format!("{failed} of {}, which is {}", self.job.id, clean(&details.status)))?;
            for code in &details.errors {
                terminal.line(&clean(&format!("{}: {}", code.code, things(code.tasks, "task", "tasks"))))?;
            }
            return Ok(Exit::Ok);
        }
        let request = RetryRequest {
            client_request_token: match &self.token {
                Some(token) => token.to_string(),
                None => uuid::Uuid::new_v4().to_string(),
            },
            priority: self.priority.map(Priority::get),
            confirmation_required: match (self.confirm_required, self.no_confirm) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            manifest: self.to.map(|place| ObjectName { bucket: place.bucket, key: place.key }),
        };
        let made = remote.retry(&self.job.id, &request).await?;
        let id = JobId::new(made.job_id.as_str()).map_err(Error::other)?;
        let mut notes = io::stderr().lock();
        let tasks = things(made.rows, "failed task", "failed tasks");
        let place = clean(&format!("{}/{}", made.manifest.bucket, made.manifest.key)).into_owned();
        // With the error output gone there is nobody to be told.
        let _ = writeln!(notes, "{tasks} of {}, listed in\n  {place}", self.job.id);
        if self.wait {
            let _ = writeln!(notes, "{id}");
            drop(notes);
            let job = wait::until_ended(&client, &id, self.options, terminal.is_live()).await?;
            return wait::show(job, self.client.output, terminal);
        }
        let next = if made.confirmation_required { "confirm" } else { "wait" };
        let _ = writeln!(notes, "next: cos-batch {next} {id}");
        drop(notes);
        match self.client.output {
            Format::Table => terminal.line(&clean(id.as_str()))?,
            Format::Json => output::json(terminal, &made)?,
            Format::Xml => output::xml(terminal, &xml::to_bytes_declared(&CreateJobResult { job_id: id }))?,
        }
        Ok(Exit::Ok)
    }
}
