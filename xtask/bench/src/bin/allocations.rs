//! `allocations`: how often each contender of the groups in this process allocates for one call, as JSON. A program of
//! its own, because the counting allocator is the whole program's and takes time itself.

use std::{alloc::System, collections::BTreeMap, process::ExitCode};

use cos_batch_bench::contender::{self, Contest};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    match counts() {
        Ok(text) => {
            #[expect(clippy::print_stdout, reason = "the counts are the program's output")]
            {
                println!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program without arguments says what is wrong")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn counts() -> anyhow::Result<String> {
    let mut found: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for Contest { what, contenders } in contender::all()? {
        for mut contender in contenders {
            // What is made once, at the first call, is not what a call takes.
            contender.call();
            let region = Region::new(ALLOCATOR);
            contender.call();
            let change = region.change();
            let count = change.allocations + change.reallocations;
            found.entry(what.to_owned()).or_default().insert(contender.name.to_owned(), count);
        }
    }
    Ok(serde_json::to_string(&found)?)
}
