//! `instructions WORKLOAD TIMES`: does a piece of work so many times, for somebody who counts the instructions. Without
//! arguments it prints the names, those of refusals aside.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::process::ExitCode;

use cos_batch_instructions::{refuse, workloads};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        for (name, _) in workloads() {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let Some(times) = arguments.next().and_then(|times| times.parse::<u32>().ok()) else {
        return usage();
    };
    // Before the others' memory is set aside, which would lie around that of a refusal.
    if refuse(&name, times) {
        return ExitCode::SUCCESS;
    }
    let Some((_, mut work)) = workloads().into_iter().find(|(known, _)| *known == name) else {
        return usage();
    };
    work(times);
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions WORKLOAD|REFUSAL TIMES; without arguments: the workloads' names");
    ExitCode::FAILURE
}
