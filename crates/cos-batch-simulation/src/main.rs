//! Tells stories: `cos-batch-simulation --from 0 --count 1000`.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Parser;
use cos_batch_simulation::{Plan, run};

/// Runs the engine in a simulated world, once for each seed, and says what rules were broken.
#[derive(Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many.
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// Goes on after a story in which a rule was broken, and says only which.
    #[arg(long)]
    go_on: bool,
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut fired, mut events, mut simulated, mut broken) = (BTreeMap::<_, u64>::new(), 0, 0.0, 0_u64);
    for seed in arguments.from..arguments.from.saturating_add(arguments.count) {
        let outcome = match run(Plan::draw(seed)) {
            Ok(outcome) => outcome,
            Err(error) => {
                println!("no runtime: {error}");
                return ExitCode::FAILURE;
            }
        };
        if let Some(rule) = outcome.violations.first() {
            broken += 1;
            if !arguments.go_on {
                println!("{outcome:?}\nseed {seed}");
                return ExitCode::FAILURE;
            }
            println!("seed {seed}: {rule}");
        }
        for (fault, times) in outcome.fired {
            *fired.entry(fault).or_default() += times;
        }
        events += outcome.events;
        simulated += outcome.simulated.as_secs_f64();
    }
    println!("{} stories, {events} events, {simulated:.0} simulated seconds; {broken} broke a rule", arguments.count);
    for (fault, times) in fired {
        println!("{times:>10} {fault:?}");
    }
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
