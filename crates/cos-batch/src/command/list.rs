//! `cos-batch list`

use std::{collections::VecDeque, io::Write as _, pin::pin};

use clap::Args;
use cos_batch_model::{JobStatus, ListJobsResult, ValidationError, WireEnum as _, xml};
use futures_util::StreamExt as _;

use super::Client;
use crate::{
    exit::{Error, Exit},
    number::whole,
    output::{self, Format, Terminal, table},
    similar::nearest,
};

/// Most jobs one call lists: they are laid out, or become one document, in memory.
const LIMIT_MAX: u64 = 100_000;

/// Reads a status, and names the one that was perhaps meant.
pub(super) fn status(text: &str) -> Result<JobStatus, String> {
    text.parse().map_err(|error: ValidationError| match nearest(text, JobStatus::ALLOWED.iter().copied()) {
        Some(name) => format!("{error}; did you mean {name}?"),
        None => error.to_string(),
    })
}

/// List jobs, oldest first.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only jobs with this status; may be given several times, or as a list with commas
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status)]
    status: Vec<JobStatus>,
    /// Most jobs to list, up to 100000
    #[arg(long, value_name = "COUNT", default_value_t = 1000, allow_negative_numbers = true, value_parser = whole(1..=LIMIT_MAX))]
    limit: u64,
    /// The newest jobs, newest first, with the time at which each was made. The API lists in the other order alone, so that
    /// the whole list is read for it
    #[arg(long)]
    newest: bool,
    #[command(flatten)]
    pub(super) client: Client,
}

impl List {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let client = self.client.connection.client()?;
        let mut found = pin!(client.jobs(self.status));
        let mut jobs = VecDeque::new();
        let mut more = false;
        while let Some(job) = found.next().await.transpose()? {
            if jobs.len() as u64 == self.limit {
                more = true;
                if !self.newest {
                    break;
                }
                // What is older than those that are wanted.
                jobs.pop_front();
            }
            jobs.push_back(job);
        }
        let mut jobs = Vec::from(jobs);
        if self.newest {
            jobs.reverse();
        }
        match self.client.output {
            Format::Table if jobs.is_empty() => terminal.line("no jobs")?,
            Format::Table => terminal.line(&table::list(&jobs, terminal.columns(), self.newest))?,
            Format::Json => output::json(terminal, &ListJobsResult { jobs, next_token: None })?,
            Format::Xml => {
                output::xml(terminal, &xml::to_bytes_declared(&ListJobsResult { jobs, next_token: None }))?;
            }
        }
        if more {
            // Said beside the result, so that the result stays what it is.
            let _ = writeln!(std::io::stderr().lock(), "there are more jobs; see --limit");
        }
        Ok(Exit::Ok)
    }
}
