//! `index ROWS`: checks and cuts a manifest of so many rows, which is made as it is read. A program of its own, because
//! what is asked about is the memory of the process.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program says what is wrong")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let rows = std::env::args().nth(1).context("usage: index ROWS")?.parse()?;
    ensure!(cos_batch_bench::manifest::made(rows)? == rows, "each row is counted");
    Ok(())
}
