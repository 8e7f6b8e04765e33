//! `cos-batch-bench`: measures, and writes what it found as JSON. `cargo xtask bench` builds and runs it.
#![expect(clippy::print_stderr, reason = "a command line tool")]

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;
use cos_batch_bench::{Settings, run};

#[derive(Parser)]
#[command(about = "Measures what this workspace makes beside what others make")]
struct Arguments {
    /// The groups to measure; all if none is named.
    groups: Vec<String>,
    /// A short run: whether everything works, not how fast.
    #[arg(long)]
    quick: bool,
    /// How many times each contender is measured.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// The repository.
    #[arg(long, value_name = "FOLDER")]
    root: PathBuf,
    /// Where cargo builds.
    #[arg(long, value_name = "FOLDER")]
    target: PathBuf,
    /// The file that takes the report.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

fn main() -> ExitCode {
    match measured(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measured(arguments: Arguments) -> anyhow::Result<()> {
    let settings = Settings::new(arguments.root, arguments.target, arguments.quick, arguments.rounds);
    let report = run(&settings, &arguments.groups)?;
    let text = serde_json::to_string_pretty(&report)?;
    fs::write(&arguments.output, text).with_context(|| format!("writing {}", arguments.output.display()))
}
