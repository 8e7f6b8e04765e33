//! The commands: one module for each.

mod backup;
mod change;
mod completions;
mod config;
mod conformance;
mod create;
mod demo;
mod describe;
mod examples;
mod list;
mod manifest;
pub(crate) mod markdown;
mod report;
mod request;
mod retry;
mod serve;
mod sign;
mod validate;
mod wait;
mod watch;

use std::time::Duration;

use clap::{Args, Subcommand};
use cos_batch_model::JobId;
use tokio::runtime::Builder;

use crate::{
    arenas,
    config::Config,
    connection::Connection,
    exit::{Error, Exit},
    logging::{self, LogFormat},
    output::{Format, Terminal},
    traces::Traces,
};

/// How long the end of the process waits for threads that are still blocked in an operation.
const BLOCKED_WAIT: Duration = Duration::from_secs(1);

/// What the program can do. Commands with more to say about them do so where they are.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(after_long_help = examples::of("serve"))]
    Serve(Box<serve::Serve>),
    Create(Box<create::Create>),
    #[command(after_long_help = examples::of("validate"))]
    Validate(Box<validate::Validate>),
    /// Show a job
    #[command(after_long_help = examples::of("describe"))]
    Describe(describe::Describe),
    #[command(after_long_help = examples::of("list"))]
    List(list::List),
    /// Change how urgent a job is
    #[command(after_long_help = examples::of("priority"))]
    Priority(change::SetPriority),
    /// Let a job run that waits for its confirmation
    #[command(after_long_help = examples::of("confirm"))]
    Confirm(change::Confirm),
    /// Cancel a job
    #[command(after_long_help = examples::of("cancel"))]
    Cancel(change::Cancel),
    /// Remove a job from the list; one that still runs is cancelled
    #[command(after_long_help = examples::of("delete"))]
    Delete(change::Delete),
    #[command(after_long_help = examples::of("wait"))]
    Wait(wait::Wait),
    #[command(after_long_help = examples::of("watch"))]
    Watch(watch::Watch),
    Manifest(Box<manifest::Manifest>),
    #[command(after_long_help = examples::of("report"))]
    Report(report::Report),
    #[command(after_long_help = examples::of("retry"))]
    Retry(retry::Retry),
    Conformance(Box<conformance::Conformance>),
    #[command(after_long_help = examples::of("config"))]
    Config(config::Config),
    #[command(after_long_help = examples::of("backup"))]
    Backup(backup::Backup),
    #[command(after_long_help = examples::of("restore"))]
    Restore(backup::Restore),
    Sign(sign::Sign),
    #[command(after_long_help = examples::of("demo"))]
    Demo(demo::Demo),
    Completions(completions::Completions),
    #[command(hide = true)]
    Manual(completions::Manual),
}

/// What all commands share that ask a server.
#[derive(Args, Debug)]
#[command(next_help_heading = "Result")]
pub(crate) struct Client {
    /// How the result is written
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Which job.
#[derive(Args, Debug)]
pub(crate) struct Job {
    /// Id of the job, as `create` and `list` show it
    #[arg(value_name = "JOB")]
    id: JobId,
}

/// Runs a command to its end. `whole` gives the command line as a whole, for what is made of it; `format` is told how an error
/// is to look that it ends with.
pub(crate) fn run(
    command: Command,
    whole: fn() -> clap::Command,
    terminal: &mut Terminal,
    format: &mut LogFormat,
) -> Result<Exit, Error> {
    match command {
        Command::Completions(completions) => completions.run(whole(), terminal),
        Command::Manual(manual) => manual.run(whole(), terminal),
        Command::Serve(serve) => {
            // As far as is known while the file may still be wrong.
            *format = serve.log_format();
            let settings = serve.settings()?;
            let as_it_is = arenas::bound();
            *format = settings.given.log_format.unwrap_or_default();
            if *format == LogFormat::Json {
                logging::panics_as_json();
            }
            let (traces, spans) = Traces::begin(&settings)?;
            let selection = logging::begin(settings.log(), *format, spans)?;
            if let Some(error) = as_it_is {
                tracing::debug!(%error, "memory is kept in as many places as the C library likes");
            }
            let threads = settings.config.blocking_threads()?;
            let result = on_large_runtime(threads, serve::run(settings, Some(selection), terminal));
            traces.end();
            result
        }
        Command::Demo(demo) => {
            logging::start("warn")?;
            on_large_runtime(Config::default().blocking_threads()?, demo.run(terminal))
        }
        other => {
            logging::start("warn")?;
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let connection = other.connection().cloned();
            let result = runtime.block_on(ask(other, terminal));
            match connection {
                Some(connection) => result.map_err(|error| error.asked(|| connection.asked())),
                None => result,
            }
        }
    }
}

impl Command {
    /// How the command finds its server, if it asks one.
    fn connection(&self) -> Option<&Connection> {
        Some(match self {
            Self::Create(create) => &create.client.connection,
            Self::Validate(validate) => &validate.connection,
            Self::Describe(describe) => &describe.client.connection,
            Self::List(list) => &list.client.connection,
            Self::Priority(priority) => &priority.client.connection,
            Self::Confirm(confirm) => &confirm.client.connection,
            Self::Cancel(cancel) => &cancel.client.connection,
            Self::Delete(delete) => &delete.client.connection,
            Self::Wait(wait) => &wait.client.connection,
            Self::Watch(watch) => &watch.client.connection,
            Self::Manifest(manifest) => &manifest.connection,
            Self::Report(report) => &report.connection,
            Self::Retry(retry) => &retry.client.connection,
            Self::Conformance(conformance) => &conformance.client.connection,
            Self::Serve(_)
            | Self::Config(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Sign(_)
            | Self::Demo(_)
            | Self::Completions(_)
            | Self::Manual(_) => return None,
        })
    }
}

/// For what works on objects, with so many threads at most that may block. What still blocks a thread when all is said is
/// left behind.
fn on_large_runtime(threads: usize, work: impl Future<Output = Result<Exit, Error>>) -> Result<Exit, Error> {
    let runtime = Builder::new_multi_thread().enable_all().max_blocking_threads(threads).build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(BLOCKED_WAIT);
    result
}

async fn ask(command: Command, terminal: &mut Terminal) -> Result<Exit, Error> {
    match command {
        Command::Create(create) => create.run(terminal).await,
        Command::Validate(validate) => validate.run(terminal).await,
        Command::Describe(describe) => describe.run(terminal).await,
        Command::List(list) => list.run(terminal).await,
        Command::Priority(priority) => priority.run(terminal).await,
        Command::Confirm(confirm) => confirm.run(terminal).await,
        Command::Cancel(cancel) => cancel.run(terminal).await,
        Command::Delete(delete) => delete.run(terminal).await,
        Command::Wait(wait) => wait.run(terminal).await,
        Command::Watch(watch) => watch.run(terminal).await,
        Command::Manifest(manifest) => manifest.run(terminal).await,
        Command::Report(report) => report.run(terminal).await,
        Command::Retry(retry) => retry.run(terminal).await,
        Command::Conformance(conformance) => conformance.run(terminal).await,
        Command::Serve(serve) => serve::run(serve.settings()?, None, terminal).await,
        Command::Config(config) => config.run(terminal).await,
        Command::Backup(backup) => backup.run(terminal),
        Command::Restore(restore) => restore.run(terminal),
        Command::Sign(sign) => sign.run(terminal),
        Command::Demo(demo) => demo.run(terminal).await,
        // They ask nobody.
        Command::Completions(_) | Command::Manual(_) => Ok(Exit::Ok),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// How long a busy machine may take to start some hundred threads.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn as_many_threads_may_block_as_operations_are_configured() {
        // More than a runtime has by itself.
        let threads = 600;
        let (blocked, are_blocked) = mpsc::channel();
        let work = async move {
            let mut releases = Vec::new();
            for _ in 0..threads {
                let (release, released) = mpsc::channel::<()>();
                let blocked = blocked.clone();
                releases.push(release);
                tokio::task::spawn_blocking(move || {
                    let _ = blocked.send(());
                    let _ = released.recv();
                });
            }
            let all = (0..threads).all(|_| are_blocked.recv_timeout(PATIENCE).is_ok());
            drop(releases);
            assert!(all);
            Ok(Exit::Ok)
        };
        assert!(on_large_runtime(threads, work).is_ok());
    }
}
