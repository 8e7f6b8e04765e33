//! Commands that change a job: its priority, its status, its being there.

use clap::Args;
use cos_batch_client::Client as ApiClient;
use cos_batch_model::{Job as ApiJob, JobStatus, Priority, StatusUpdateReason, UpdateJobStatusResult, xml};
use serde::Serialize;

use super::{Client, Job};
use crate::{
    exit::{Error, Exit},
    output::{self, Format, Terminal, ask},
    text::{clean, wrap},
};

/// `cos-batch priority`
#[derive(Args, Debug)]
pub(crate) struct SetPriority {
    #[command(flatten)]
    job: Job,
    /// The new priority, 0 to 2147483647; higher goes first
    #[arg(value_name = "PRIORITY", allow_negative_numbers = true)]
    priority: Priority,
    #[command(flatten)]
    pub(super) client: Client,
}

/// `cos-batch confirm`
#[derive(Args, Debug)]
pub(crate) struct Confirm {
    #[command(flatten)]
    job: Job,
    /// Why, at most 256 bytes; shown with the job
    #[arg(long, value_name = "TEXT")]
    reason: Option<StatusUpdateReason>,
    /// Show what the job will do, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask; without a terminal nobody is asked
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    pub(super) client: Client,
}

/// `cos-batch cancel`
#[derive(Args, Debug)]
pub(crate) struct Cancel {
    #[command(flatten)]
    job: Job,
    /// Why, at most 256 bytes; shown with the job
    #[arg(long, value_name = "TEXT")]
    reason: Option<StatusUpdateReason>,
    /// Do not ask; without a terminal nobody is asked
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    pub(super) client: Client,
}

/// `cos-batch delete`
#[derive(Args, Debug)]
pub(crate) struct Delete {
    #[command(flatten)]
    job: Job,
    /// Do not ask; without a terminal nobody is asked
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    pub(super) client: Client,
}

/// What is told of a job that is no more.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted<'a> {
    job_id: &'a str,
}

impl SetPriority {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let result = self.client.connection.client()?.update_job_priority(&self.job.id, self.priority).await?;
        match self.client.output {
            Format::Json => output::json(terminal, &result)?,
            Format::Xml => output::xml(terminal, &xml::to_bytes_declared(&result))?,
            Format::Table => {
                let id = clean(result.job_id.as_str());
                terminal.line(&format!("{id} has priority {}", result.priority))?;
            }
        }
        Ok(Exit::Ok)
    }
}

impl Confirm {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        self.client.output.for_people_if(self.dry_run, "--dry-run")?;
        let client: ApiClient = self.client.connection.client()?;
        if self.dry_run || ask::is_asked(self.yes) {
            let told = outlook(&client.describe_job(&self.job.id).await?);
            if self.dry_run {
                terminal.line(&wrap(&told, terminal.columns()).join("\n"))?;
                return Ok(Exit::Ok);
            }
            ask::consent(&format!("{told}\nLet it run?"), self.yes)?;
        }
        let result = client.confirm(&self.job.id, self.reason).await?;
        status(self.client.output, terminal, &result)
    }
}

impl Cancel {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let client: ApiClient = self.client.connection.client()?;
        ask::consent(&format!("Cancel {}? What is done stays done.", self.job.id), self.yes)?;
        let result = client.cancel(&self.job.id, self.reason).await?;
        status(self.client.output, terminal, &result)
    }
}

/// What letting a job run will do, as the server says.
fn outlook(job: &ApiJob) -> String {
    let cause = job.suspended_cause.as_ref().map(|cause| cause.as_str()).filter(|text| !text.is_empty());
    match cause {
        Some(cause) => clean(cause).into_owned(),
        None if job.confirmation_required
            && matches!(job.status.known(), Some(JobStatus::New | JobStatus::Preparing)) =>
        {
            format!("{} is still being prepared; what it will do is known when it is Suspended", job.job_id)
        }
        None => format!("{} is {}, and does not wait for a confirmation", job.job_id, clean(job.status.as_str())),
    }
}

fn status(format: Format, terminal: &mut Terminal, result: &UpdateJobStatusResult) -> Result<Exit, Error> {
    match format {
        Format::Json => output::json(terminal, result)?,
        Format::Xml => output::xml(terminal, &xml::to_bytes_declared(result))?,
        Format::Table => {
            terminal.line(&format!("{} is {}", clean(result.job_id.as_str()), clean(result.status.as_str())))?;
        }
    }
    Ok(Exit::Ok)
}

impl Delete {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let client: ApiClient = self.client.connection.client()?;
        let question = format!("Delete {}? One that runs is cancelled; objects and reports stay.", self.job.id);
        ask::consent(&question, self.yes)?;
        client.delete_job(&self.job.id).await?;
        match self.client.output {
            Format::Table => terminal.line(&format!("{} is deleted", self.job.id))?,
            Format::Json => output::json(terminal, &Deleted { job_id: self.job.id.as_str() })?,
            // The API answers without a body.
            Format::Xml => {}
        }
        Ok(Exit::Ok)
    }
}
