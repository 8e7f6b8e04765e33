//! `cos-batch watch`

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    time::{Duration, Instant},
};

use clap::Args;
use cos_batch_client::Client as ApiClient;
use cos_batch_model::{JobListMember, JobStatus};
use futures_util::StreamExt as _;

use super::Client;
use crate::{
    exit::{Error, Exit},
    number::whole,
    output::{Format, Terminal, watch},
    text::wrap,
};

/// Jobs looked at, at most: more than any screen has lines.
const JOBS_MAX: usize = 500;

/// A server that does not answer is asked again for so long before the command gives up.
const PATIENCE: Duration = Duration::from_secs(300);

/// Watch all jobs that have not ended, in the terminal.
///
/// A line for each job, drawn anew every second: status, progress, failures, speed, time left. Jobs that end meanwhile
/// stay to be seen. Ctrl-C leaves; the jobs go on. Where the output is no terminal, the jobs are written once.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// Look so often, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1, allow_negative_numbers = true, value_parser = whole(1..=3600))]
    every: u64,
    /// End when all jobs have ended
    #[arg(long)]
    until_idle: bool,
    #[command(flatten)]
    pub(super) client: Client,
}

impl Watch {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        if self.client.output != Format::Table {
            return Err(Error::usage("watch draws for people; `cos-batch list --output json` is for programs"));
        }
        let client = self.client.connection.client()?;
        let mut seen = Seen::default();
        let mut rates = watch::Rates::default();
        let mut drawn = 0;
        let mut last_heard = Instant::now();
        let draws = terminal.draws();
        loop {
            let jobs = match look(&client, &mut seen).await {
                Ok(jobs) => {
                    last_heard = Instant::now();
                    jobs
                }
                Err(error)
                    if draws && drawn > 0 && last_heard.elapsed() < PATIENCE && error.exit() == Exit::Unreachable =>
                {
                    let text = format!("no answer from the server; trying again\n{error}");
                    let lines: Vec<String> = text.lines().flat_map(|line| wrap(line, terminal.columns())).collect();
                    terminal.redraw(&mut drawn, &lines.join("\n"))?;
                    tokio::time::sleep(Duration::from_secs(self.every)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            rates.observe(&jobs, Instant::now());
            let text = watch::screen(&jobs, &rates, terminal.columns(), terminal.rows());
            if !draws {
                terminal.line(&text)?;
                return Ok(Exit::Ok);
            }
            terminal.redraw(&mut drawn, &text)?;
            let live = jobs.iter().any(|job| job.status.known().is_none_or(|status| !status.is_final()));
            if self.until_idle && !live {
                return Ok(Exit::Ok);
            }
            tokio::time::sleep(Duration::from_secs(self.every)).await;
        }
    }
}

/// Jobs that were looked at before.
#[derive(Default)]
struct Seen {
    /// Those that had not ended.
    live: BTreeSet<String>,
    /// Those that had: nothing about them changes any more.
    ended: BTreeMap<String, JobListMember>,
}

/// Jobs that have not ended, and those that were seen before and have: newest first.
async fn look(client: &ApiClient, seen: &mut Seen) -> Result<Vec<JobListMember>, Error> {
    let (ended, live): (Vec<_>, Vec<_>) = JobStatus::ALL.iter().copied().partition(|status| status.is_final());
    let mut jobs: BTreeMap<String, JobListMember> = BTreeMap::new();
    let mut found = pin!(client.jobs(live));
    while let Some(job) = found.next().await.transpose()?.filter(|_| jobs.len() < JOBS_MAX) {
        jobs.insert(job.job_id.to_string(), job);
    }
    let mut missing: BTreeSet<String> = seen.live.iter().filter(|id| !jobs.contains_key(*id)).cloned().collect();
    if !missing.is_empty() {
        let mut found = pin!(client.jobs(ended));
        while let Some(job) = found.next().await.transpose()? {
            let id = job.job_id.to_string();
            if missing.remove(&id) {
                seen.ended.insert(id, job);
            }
            if missing.is_empty() {
                break;
            }
        }
    }
    // What was found nowhere was deleted.
    seen.live = jobs.keys().cloned().collect();
    while seen.ended.len() > JOBS_MAX {
        seen.ended.pop_first();
    }
    let mut jobs: Vec<JobListMember> = jobs.into_values().chain(seen.ended.values().cloned()).collect();
    jobs.sort_by(|one, other| {
        other
            .creation_time
            .unix_seconds()
            .cmp(&one.creation_time.unix_seconds())
            .then(other.job_id.as_str().cmp(one.job_id.as_str()))
    });
    Ok(jobs)
}
