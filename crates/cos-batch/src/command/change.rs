//! Commands that change a job: its priority, its status, its being there.

use clap::Args;
use cos_batch_client::Client as ApiClient;
use cos_batch_model::{Priority, StatusUpdateReason, UpdateJobStatusResult, xml};

use super::{Client, Job};
use crate::{
    exit::{Error, Exit},
    output::{self, Format, Terminal},
    text::clean,
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
    client: Client,
}

/// `cos-batch confirm`
#[derive(Args, Debug)]
pub(crate) struct Confirm {
    #[command(flatten)]
    job: Job,
    /// Why, at most 256 bytes; shown with the job
    #[arg(long, value_name = "TEXT")]
    reason: Option<StatusUpdateReason>,
    #[command(flatten)]
    client: Client,
}

/// `cos-batch cancel`
#[derive(Args, Debug)]
pub(crate) struct Cancel {
    #[command(flatten)]
    job: Job,
    /// Why, at most 256 bytes; shown with the job
    #[arg(long, value_name = "TEXT")]
    reason: Option<StatusUpdateReason>,
    #[command(flatten)]
    client: Client,
}

/// `cos-batch delete`
#[derive(Args, Debug)]
pub(crate) struct Delete {
    #[command(flatten)]
    job: Job,
    #[command(flatten)]
    client: Client,
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
        let client: ApiClient = self.client.connection.client()?;
        let result = client.confirm(&self.job.id, self.reason).await?;
        status(self.client.output, terminal, &result)
    }
}

impl Cancel {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let client: ApiClient = self.client.connection.client()?;
        let result = client.cancel(&self.job.id, self.reason).await?;
        status(self.client.output, terminal, &result)
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
        self.client.connection.client()?.delete_job(&self.job.id).await?;
        // The API answers without a body: in its formats there is nothing to show.
        if self.client.output == Format::Table {
            terminal.line(&format!("{} is deleted", self.job.id))?;
        }
        Ok(Exit::Ok)
    }
}
