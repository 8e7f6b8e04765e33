//! `cos-batch-fuzz TARGET SECONDS`: runs one target on mutated inputs for so long, where no fuzzer is installed.
//! An input for which the property does not hold is left in `fuzz/found/`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool: printing is its output")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, panic};

use cos_batch_fuzz::{Mutator, Target};

/// Inputs between two looks at the clock.
const ROUND: usize = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, seconds] = arguments.as_slice() else { return usage() };
    let (Some(target), Ok(seconds)) = (Target::named(name), seconds.parse()) else { return usage() };
    match run(&target, Duration::from_secs(seconds)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cos-batch-fuzz TARGET SECONDS");
    ExitCode::FAILURE
}

fn run(target: &Target, limit: Duration) -> std::io::Result<bool> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut corpus = Vec::new();
    for entry in fs::read_dir(fuzz.join("corpus").join(target.name))? {
        corpus.push(fs::read(entry?.path())?);
    }
    let start = Instant::now();
    let seed = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |age| age.as_secs());
    let mut mutator = Mutator::new(corpus, seed);
    let mut count = 0_u64;
    while start.elapsed() < limit {
        for _ in 0..ROUND {
            let input = mutator.next_input();
            if panic::catch_unwind(|| target.run(&input)).is_err() {
                let file = fuzz.join("found").join(format!("{}-{seed}-{count}", target.name));
                fs::create_dir_all(fuzz.join("found"))?;
                fs::write(&file, &input)?;
                eprintln!("{}: does not hold: {}\ninput: {}", target.name, target.property, file.display());
                return Ok(false);
            }
            count += 1;
        }
    }
    println!("{}: {count} inputs from seed {seed}", target.name);
    Ok(true)
}
