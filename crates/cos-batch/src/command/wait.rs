//! `cos-batch wait`

use std::time::Duration;

use clap::Args;
use cos_batch_client::{Client as ApiClient, Error as ClientError, WaitOptions};
use cos_batch_model::{DescribeJobResult, Job as ApiJob, JobId, JobStatus, xml};
use futures_util::StreamExt as _;

use super::{Client, Job};
use crate::{
    exit::{Error, Exit},
    number::whole,
    output::{self, Format, Terminal, progress::Progress, table},
};

/// Pause between two looks at a job that moves: short enough for a bar to move too.
const LOOK_INTERVAL_MIN: Duration = Duration::from_millis(250);

/// Longest pause between two looks at a job that stands still.
const LOOK_INTERVAL_MAX: Duration = Duration::from_secs(5);

/// Wait until a job has ended, and say how.
///
/// Progress goes to the error output, the result to the standard output. The exit code tells how the job ended.
#[derive(Args, Debug)]
pub(crate) struct Wait {
    #[command(flatten)]
    job: Job,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    pub(super) client: Client,
}

/// How to wait.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Give up after so many seconds (exit code 10); the job goes on
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = whole(0..=u64::MAX))]
    give_up_after: Option<u64>,
    /// Do not wait for the confirmation of a job that needs one (exit code 10)
    #[arg(long)]
    stop_when_suspended: bool,
}

impl Wait {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let client = self.client.connection.client()?;
        let job = until_ended(&client, &self.job.id, self.options, terminal.is_live()).await?;
        show(job, self.client.output, terminal)
    }
}

/// Waits, showing progress; gives the job as it was seen last.
pub(super) async fn until_ended(client: &ApiClient, id: &JobId, options: Options, live: bool) -> Result<ApiJob, Error> {
    let mut progress = Progress::new(live);
    let mut last = None;
    let wait = WaitOptions {
        interval_min: LOOK_INTERVAL_MIN,
        interval_max: LOOK_INTERVAL_MAX,
        give_up_after: options.give_up_after.map(Duration::from_secs),
        stop_when_suspended: options.stop_when_suspended,
    };
    let mut looks = client.progress(id, wait);
    while let Some(look) = looks.next().await {
        match look {
            Ok(job) => {
                progress.show(&job);
                last = Some(job);
            }
            Err(ClientError::GaveUp { .. }) if last.is_some() => break,
            Err(error) => return Err(error.into()),
        }
    }
    progress.end();
    last.ok_or_else(|| Error::new(Exit::NotFinished, "nothing was heard of the job in time"))
}

/// Writes how the job stands and gives the exit code for it.
pub(super) fn show(job: ApiJob, format: Format, terminal: &mut Terminal) -> Result<Exit, Error> {
    let exit = exit(&job);
    exit.after(match format {
        Format::Table => terminal.line(&table::summary(&job, terminal.columns())).map_err(Error::from),
        Format::Json => output::json(terminal, &job),
        Format::Xml => output::xml(terminal, &xml::to_bytes_declared(&DescribeJobResult { job })),
    })
}

/// What the exit code says of a job.
pub(super) fn exit(job: &ApiJob) -> Exit {
    match job.status.known() {
        Some(JobStatus::Complete) if job.progress_summary.number_of_tasks_failed > 0 => Exit::TasksFailed,
        Some(JobStatus::Complete) => Exit::Ok,
        Some(JobStatus::Cancelled) => Exit::Cancelled,
        Some(JobStatus::Failed) => Exit::JobFailed,
        _ => Exit::NotFinished,
    }
}
