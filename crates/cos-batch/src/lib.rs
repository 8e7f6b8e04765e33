//! The program `cos-batch`: the command line of COS Batch Operations, and the assembled server.
//!
//! | look in | for |
//! |---|---|
//! | `args` | the command line as a whole |
//! | `command` | one module for each command |
//! | `serve` | how the parts become a server |
//! | `connection`, `credentials`, `profile` | how a command finds its server and its key |
//! | `remote` | what `cos-batch serve` offers beside the API |
//! | `output` | tables, JSON, XML, progress |
//! | `traces` | spans on their way to a collector |
//! | `text`, `similar` | texts and numbers for people; the word that was perhaps meant |
//! | `exit` | exit codes |
//! | `logging`, `line` | the log, and a line of it that is written without a subscriber |
//! | `failure` | what a failed call tells whoever typed the command |
//! | `number` | whole numbers on the command line |

mod arenas;
mod args;
#[cfg(test)]
mod blocks;
mod command;
mod config;
mod connection;
mod credentials;
mod exit;
mod failure;
mod line;
mod logging;
mod number;
mod output;
mod profile;
mod remote;
mod serve;
mod similar;
mod text;
mod traces;

use std::{io::Write as _, process::ExitCode};

use clap::{CommandFactory as _, Parser as _};

use crate::{
    exit::{Error, Exit},
    logging::LogFormat,
    output::Terminal,
};

/// Runs the command that the process was started with; gives the process's exit code.
#[must_use]
pub fn run() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() && logging::format_of(std::env::args_os()) == LogFormat::Json => {
            let text = error.render().to_string();
            report(&Error::usage(text.trim().trim_start_matches("error: ")), LogFormat::Json);
            return Exit::Usage.into();
        }
        // Wrong usage ends the process here, with the code documented for it.
        Err(error) => error.exit(),
    };
    let mut terminal = Terminal::system();
    let mut format = LogFormat::Text;
    let exit = match command::run(args.command, args::Args::command, &mut terminal, &mut format) {
        Ok(exit) => exit,
        // Whoever reads our output has seen enough.
        Err(error) if error.is_broken_pipe() => Exit::Ok,
        Err(error) => {
            report(&error, format);
            error.exit()
        }
    };
    exit.into()
}

fn report(error: &Error, format: LogFormat) {
    let line = match format {
        LogFormat::Text => format!("error: {error}"),
        LogFormat::Json => error.json(),
    };
    // With the error output gone as well there is nobody left to tell.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The examples of the README, compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The same of its Chinese form.
#[cfg(doctest)]
#[doc = include_str!("../../../README.zh-CN.md")]
struct ReadmeInChinese;

/// The examples of the guide on tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide-testing.md")]
struct GuideToTests;

/// Of the guide to backends.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide-backend.md")]
struct GuideToBackends;

/// Of the guide to operations.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide-operation.md")]
struct GuideToOperations;
