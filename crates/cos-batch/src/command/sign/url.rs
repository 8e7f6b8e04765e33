//! `cos-batch sign url`

use std::{io::Write as _, time::Duration};

use clap::Args;
use cos_batch_client::SIGNATURE_LIFETIME_MAX;
use cos_batch_model::{
    Action, DescribeJobRequest, JobId, JobStatus, ListJobsRequest, RequestedJobStatus, UpdateJobStatusRequest,
};
use http::{Method, header};

use crate::{
    command::list::status,
    connection::Connection,
    exit::{Error, Exit},
    number::whole,
    output::Terminal,
};

/// Make an address with the signature in it, for somebody who has no key.
///
/// The address shows one job, or without JOB the list of jobs; with --confirm or --cancel it changes the job. It is
/// written to the standard output, and the command to use it with, which has the headers that must go with it, beside
/// that. Nothing is sent. Whoever has the address can use it as often as they like until its time is over: hand it on as
/// you would a key.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct Url {
    /// Id of the job; the list of jobs if not given
    #[arg(value_name = "JOB")]
    job: Option<JobId>,
    /// Let the job run that waits for its confirmation
    #[arg(long, requires = "job", conflicts_with = "cancel")]
    confirm: bool,
    /// Cancel the job
    #[arg(long, requires = "job")]
    cancel: bool,
    /// Only jobs with this status in the list; may be given several times, or as a list with commas
    #[arg(long, value_name = "STATUS", value_delimiter = ',', conflicts_with = "job", value_parser = status)]
    status: Vec<JobStatus>,
    /// How long the address can be used, in seconds, up to a day
    #[arg(long, value_name = "SECONDS", default_value_t = 900, allow_negative_numbers = true, value_parser = whole(1..=SIGNATURE_LIFETIME_MAX.as_secs()))]
    valid: u64,
    #[command(flatten)]
    connection: Connection,
}

const EXAMPLE: &str = "Example:
  Let somebody confirm a job within the next hour:
    cos-batch sign url --valid 3600 --confirm 53dc6228-c50b-46f7-8ad7-65e7159f1aae";

impl Url {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let requested = match (self.confirm, self.cancel) {
            (true, _) => Some(RequestedJobStatus::Ready),
            (_, true) => Some(RequestedJobStatus::Cancelled),
            _ => None,
        };
        match (self.job.clone(), requested) {
            (Some(job_id), Some(requested_job_status)) => {
                let action = UpdateJobStatusRequest { job_id, requested_job_status, status_update_reason: None };
                self.show(&action, terminal)
            }
            (Some(job_id), None) => self.show(&DescribeJobRequest { job_id }, terminal),
            (None, _) => {
                let job_statuses = self.status.clone();
                self.show(&ListJobsRequest { job_statuses, ..ListJobsRequest::default() }, terminal)
            }
        }
    }

    fn show(&self, action: &impl Action, terminal: &mut Terminal) -> Result<Exit, Error> {
        let request =
            self.connection.client()?.presign(action, Duration::from_secs(self.valid)).map_err(Error::usage)?;
        // What stands in an address is percent-encoded, but an apostrophe may stand there plainly.
        let address = request.uri().to_string().replace('\'', "%27");
        terminal.line(&address)?;
        let mut command = "curl".to_owned();
        if request.method() != Method::GET {
            command.push_str(" -X ");
            command.push_str(request.method().as_str());
        }
        for (name, value) in request.headers().iter().filter(|(name, _)| *name != header::HOST) {
            command.push_str(&format!(" -H '{name}: {}'", value.to_str().unwrap_or_default()));
        }
        // Said beside the result, so that the result stays what it is.
        let _ = writeln!(std::io::stderr().lock(), "for {} s from now:\n  {command} '{address}'", self.valid);
        Ok(Exit::Ok)
    }
}
