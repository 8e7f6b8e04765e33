//! `cargo xtask test`: everything that must hold before a change goes in, in stages.

pub(crate) mod apt;
mod book;
mod browser;
mod features;
mod msrv;
pub(crate) mod nginx;
mod postgres;
mod processor;
mod python;
mod secrets;
mod skipped;

use std::{
    io::{BufRead as _, BufReader, IsTerminal as _, Write},
    num::NonZero,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use xshell::{Cmd, Shell, cmd};

use crate::{bench, deny, fixtures, instructions, package, semver, target, tidy};

/// The stages, in the order they run: what is quickest to fail comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The code is formatted.
    Fmt,
    /// The repository's own rules hold.
    Tidy,
    /// The golden messages are what the code writes.
    Fixtures,
    /// The page on performance is what the kept figures and the texts make.
    Docs,
    /// Clippy has nothing to say.
    Clippy,
    /// The oldest Rust that is stated works, and is enough for all dependencies.
    Msrv,
    /// Each crate that has features builds without any, with each alone, and with those it has by default.
    Features,
    /// Each package has the files that it should.
    Packages,
    /// What comes in from outside is what may, where that can be looked at.
    Deny,
    /// The public interfaces are as the newest tag has them, where that can be compared.
    Semver,
    /// The documentation builds without warnings.
    Rustdoc,
    /// The environment with the Python SDK that some tests use is there, or is made.
    Python,
    /// The pages below `docs` build as a book in which every link leads somewhere.
    Book,
    /// The browser that tests the console is there, or is installed.
    Browser,
    /// The PostgreSQL that some tests start is there, or is installed.
    Postgres,
    /// The nginx that some tests stand a server behind is there, or is installed where that can be done.
    Nginx,
    /// The README's first command builds the program as users do, and runs a job with it. Tests that kill servers kill this one.
    Program,
    /// Unit and integration tests.
    Tests,
    /// No secret of the tests is in what they left.
    Secrets,
    /// Examples in the documentation.
    Doctests,
    /// Hot paths take no more instructions than was committed, and refusals of a signature the same, where these can be counted.
    Instructions,
}

impl Stage {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl Stage {
    /// What it may take of [`BUDGET_MINUTES`]; most stages build something that others need again.
    fn budget_minutes(self) -> u16 {
        match self {
            Self::Tests => 12,
            Self::Program => 5,
            Self::Clippy => 4,
            Self::Features | Self::Rustdoc => 3,
            Self::Msrv | Self::Doctests | Self::Instructions => 2,
            Self::Fmt
            | Self::Tidy
            | Self::Fixtures
            | Self::Docs
            | Self::Packages
            | Self::Deny
            | Self::Semver
            | Self::Python
            | Self::Book
            | Self::Browser
            | Self::Postgres
            | Self::Nginx
            | Self::Secrets => 1,
        }
    }
}

/// Runs all stages, or one, up to the first that fails.
pub(crate) fn run(root: &Path, only: Option<Stage>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let mut closing_line = None;
    let start = Instant::now();
    for stage in Stage::value_variants().iter().filter(|stage| only.is_none_or(|only| only == **stage)) {
        let name = stage.name();
        println!("== {name}");
        let (begin, used) = (Instant::now(), processor::of_children());
        let result = run_stage(&shell, root, *stage);
        let seconds = begin.elapsed().as_secs_f64();
        let of_budget = of_budget(seconds, stage.budget_minutes());
        match result {
            Ok(line) => closing_line = closing_line.or(line),
            Err(error) => {
                println!("== {name} failed after {seconds:.1} s; to run it alone: cargo xtask test --only {name}");
                return Err(error);
            }
        }
        println!("== {name} passed in {seconds:.1} s: {of_budget}{}", of_processors(used));
    }
    if only.is_none() {
        println!(
            "== all stages passed in {:.1} s: {}{}",
            start.elapsed().as_secs_f64(),
            of_budget(start.elapsed().as_secs_f64(), BUDGET_MINUTES),
            of_processors(Some(Duration::ZERO))
        );
    }
    if let Some(line) = closing_line {
        println!("{line}");
    }
    Ok(())
}

/// Where tests that kill servers find the program as users build it.
const RELEASE_VARIABLE: &str = "COS_BATCH_PROGRAM_RELEASE";

/// What all of it may take from an empty target folder on two processors that have nothing else to do, in minutes. Who waits
/// longer for an answer begins something else; what takes longer has a long form.
const BUDGET_MINUTES: u16 = 25;

/// Time against what it may take, in words. A machine may be slow or busy: nothing fails for it.
fn of_budget(seconds: f64, minutes: u16) -> String {
    let taken = seconds / 60.0;
    let over = if taken > f64::from(minutes) { ", over its budget" } else { "" };
    format!("{taken:.1} of {minutes} minutes{over}")
}

/// Processor time since `used` was all, in words.
fn of_processors(used: Option<Duration>) -> String {
    let since = processor::of_children().zip(used).map(|(now, used)| now.saturating_sub(used));
    since.map_or_else(String::new, |time| format!(" ({:.0} s of processors)", time.as_secs_f64()))
}

/// Runs one stage; the stage of tests gives the runner's closing line.
fn run_stage(shell: &Shell, root: &Path, stage: Stage) -> anyhow::Result<Option<String>> {
    match stage {
        Stage::Fmt => cmd!(shell, "cargo fmt --all --check").run()?,
        Stage::Tidy => tidy::run(root)?,
        Stage::Fixtures => fixtures::run(root, true)?,
        Stage::Docs => bench::check(root)?,
        Stage::Clippy => {
            cmd!(
                shell,
                "cargo clippy --workspace --exclude cos-batch-bench --all-targets --all-features -- -D warnings"
            )
            .run()?;
        }
        Stage::Msrv => msrv::check(shell, root)?,
        Stage::Features => features::run(shell, root)?,
        Stage::Packages => package::lists(shell, root, true)?,
        Stage::Deny => deny::run_where_possible(root)?,
        Stage::Semver => semver::run_where_possible(root)?,
        Stage::Rustdoc => {
            let flags = cmd!(shell, "cargo doc --workspace --exclude cos-batch-bench --no-deps --all-features")
                .env("RUSTDOCFLAGS", "-D warnings");
            flags.run()?;
        }
        Stage::Python => python::environment(root)?,
        Stage::Book => book::build(root)?,
        Stage::Browser => browser::environment(root)?,
        Stage::Postgres => postgres::server()?,
        Stage::Nginx => {
            if !nginx::is_there(shell) {
                println!("there is no nginx: tests that stand a server behind it look at nothing");
            }
        }
        Stage::Program => {
            cmd!(shell, "cargo run --release --bin cos-batch -- demo").run()?;
            // For the tests behind it.
            shell.set_var(RELEASE_VARIABLE, target(root).join("release/cos-batch"));
        }
        Stage::Tests => {
            let _left = shell.push_env(secrets::VARIABLE, secrets::prepare(root)?);
            return tests(shell, root).map(Some);
        }
        Stage::Secrets => secrets::check(root)?,
        Stage::Doctests => {
            cmd!(shell, "cargo test --workspace --exclude cos-batch-bench --doc --all-features").run()?;
        }
        Stage::Instructions => instructions::check_where_possible(root)?,
    }
    Ok(None)
}

/// What has tests. No other program has any, which the stage `tidy` sees to, and clippy has looked at all examples: these would be
/// linked for nothing.
const TESTED: [&str; 5] = ["--lib", "--test", "*", "--bin", "xtask"];

/// Runs unit and integration tests, with nextest where it is installed, and gives the closing line.
fn tests(shell: &Shell, root: &Path) -> anyhow::Result<String> {
    let has_nextest = cmd!(shell, "cargo nextest --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
    if has_nextest {
        let threads = test_threads().to_string();
        let lines = watched(
            cmd!(
                shell,
                "cargo nextest run --config-file xtask/nextest.toml --workspace --exclude cos-batch-bench --all-features {TESTED...} --test-threads {threads}"
            ),
            Stream::Stderr,
            |line| line.trim_start().starts_with("Summary ["),
        )?;
        let summary = lines.into_iter().next_back().context("nextest printed no summary")?;
        let skipped = skipped::told(&target(root))?;
        for test in &skipped {
            println!("looked at nothing: {test}");
        }
        return Ok(format!("{summary}; {} of them looked at nothing, for what this machine lacks", skipped.len()));
    }
    let command = cmd!(shell, "cargo test --workspace --exclude cos-batch-bench --all-features {TESTED...}");
    let lines = watched(command, Stream::Stdout, |line| line.starts_with("test result: "))?;
    Ok(sum_of_results(&lines))
}

/// Tests that run at once: one more than there are processors, for many wait for a process, a lease or a clock of their own.
fn test_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get) + 1
}

/// Which stream of a program is watched; the other goes straight to ours.
#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// Runs a command, passes on what it prints, and gives the lines of one stream that were asked for (without colors).
fn watched(command: Cmd<'_>, stream: Stream, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<String>> {
    let text = command.to_string();
    println!("$ {text}");
    let mut command = Command::from(command);
    let colors = std::io::stderr().is_terminal();
    match stream {
        Stream::Stdout => command.stdout(Stdio::piped()),
        Stream::Stderr => command.stderr(Stdio::piped()),
    };
    if colors {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.spawn().with_context(|| format!("`{text}` cannot be started"))?;
    let found = match stream {
        Stream::Stdout => child.stdout.take().map(|from| pass_on(from, std::io::stdout(), wanted)),
        Stream::Stderr => child.stderr.take().map(|from| pass_on(from, std::io::stderr(), wanted)),
    };
    let status = child.wait()?;
    let found = found.context("the command's output is not piped")??;
    if !status.success() {
        bail!("`{text}` failed: {status}");
    }
    Ok(found)
}

fn pass_on(from: impl std::io::Read, mut to: impl Write, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        let plain = without_colors(String::from_utf8_lossy(&line).trim_end());
        if wanted(&plain) {
            found.push(plain);
        }
        line.clear();
    }
    Ok(found)
}

/// The text without terminal escape sequences of the form `ESC [ … letter`.
fn without_colors(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut plain, part| {
        plain.push_str(part.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &part[end + 1..]));
        plain
    })
}

/// `cargo test` closes each test program with a line of its own; this is their sum.
fn sum_of_results(lines: &[String]) -> String {
    let count = |what: &str| -> u64 {
        let counts = lines.iter().flat_map(|line| line.split(['.', ';']));
        counts.filter_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u64>().ok()).sum()
    };
    format!(
        "test result: ok. {} passed; {} failed; {} ignored; in {} test programs",
        count("passed"),
        count("failed"),
        count("ignored"),
        lines.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed() {
        let lines = [
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ];
        let sum = sum_of_results(&lines.map(str::to_owned));
        assert_eq!(sum, "test result: ok. 43 passed; 0 failed; 1 ignored; in 2 test programs");
    }

    #[test]
    fn wanted_lines_are_kept_and_all_are_passed_on() {
        let text = "  PASS a\n\u{1b}[1m     Summary\u{1b}[0m [   0.1s] 2 tests run\nend";
        let mut passed = Vec::new();
        let found = pass_on(text.as_bytes(), &mut passed, |line| line.trim_start().starts_with("Summary [")).unwrap();
        assert_eq!(passed, text.as_bytes());
        assert_eq!(found, ["     Summary [   0.1s] 2 tests run"]);
    }

    #[test]
    fn a_watched_command_tells_its_lines_or_its_failure() {
        let shell = Shell::new().unwrap();
        let script = "echo one; echo wanted two >&2; echo three >&2";
        let found = watched(cmd!(shell, "sh -c {script}"), Stream::Stderr, |line| line.starts_with("wanted")).unwrap();
        assert_eq!(found, ["wanted two"]);
        let error = watched(cmd!(shell, "sh -c 'exit 3'"), Stream::Stdout, |_| true).unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
