//! `instructions WORKLOAD TIMES`: does a piece of work so many times, for somebody who counts the instructions. Without
//! arguments it prints the names, those of refusals aside.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::process::ExitCode;

use cos_batch_instructions::{refusals, workloads};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        for (name, _) in workloads() {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let found = workloads().into_iter().chain(refusals()).find(|(known, _)| *known == name);
    let times = arguments.next().and_then(|times| times.parse::<u32>().ok());
    let (Some((_, mut work)), Some(times)) = (found, times) else {
        eprintln!("usage: instructions WORKLOAD|REFUSAL TIMES; without arguments: the workloads' names");
        return ExitCode::FAILURE;
    };
    work(times);
    ExitCode::SUCCESS
}
