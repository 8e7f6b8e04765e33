//! `timing TRIES SEED`: whether the time of a check of a signature tells what was wrong with it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::process::ExitCode;

use cos_batch_instructions::timing::{Compared, T_MAX, first_or_last_digit, known_or_unknown_key, with_a_leak};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>());
    let (Some(Ok(tries)), Some(Ok(seed))) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: timing TRIES SEED");
        return ExitCode::FAILURE;
    };
    let (tries, seed) = (tries as usize, u64::from(seed));
    let say = |what: &str, compared: Compared| {
        let Compared { counted: [one, other], means: [first, second], t } = compared;
        println!("{what}: {first:.2} ns and {second:.2} ns ({one} and {other} tries), t = {t:.2}");
        compared.differ()
    };
    let leaks = [
        say("a first digit that is wrong, and a last one", first_or_last_digit(tries, seed)),
        say("a key that is known, and one that is not", known_or_unknown_key(tries, seed)),
    ];
    if !say("a comparison that stops at the first difference, which must be seen", with_a_leak(tries, seed)) {
        eprintln!("error: not even a leak that was put in is seen: more tries, or a machine with less to do");
        return ExitCode::FAILURE;
    }
    if leaks.contains(&true) {
        eprintln!("error: the times differ, |t| > {T_MAX}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
