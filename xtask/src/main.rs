//! The repository's own commands: `cargo xtask <command>`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool: printing is its output")]

mod bench;
mod deny;
mod docs;
mod fixtures;
mod fuzz;
mod instructions;
mod listener;
mod long;
mod manual;
mod package;
mod program;
mod published;
mod release;
mod semver;
mod test;
mod tidy;
mod torture;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "The repository's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure everything, compare it with the committed figures, and write `docs/performance.md`.
    Bench(bench::Arguments),
    /// Write the pages under `docs` that come from tables in the code.
    Docs,
    /// Write the golden messages under `fixtures/golden` and the answers under `fixtures/answers`.
    Fixtures {
        /// Write nothing; fail if what is there is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Count the instructions of hot paths with valgrind, and fail if they grew, or tell refused signatures apart.
    Instructions {
        /// Commit to what is counted now.
        #[arg(long)]
        keep: bool,
    },
    /// Run what takes too long for `test`.
    #[command(subcommand)]
    Long(long::Long),
    /// Run the fuzz targets for a while: with cargo-fuzz if it is installed, else on seeded mutations of the corpus.
    Fuzz {
        /// One target, of those in `fuzz/README.md`; all if not given.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, value_name = "N", default_value_t = fuzz::SECONDS_DEFAULT)]
        seconds: u64,
    },
    /// Write the pages of the manual and completions for shells below `target/manual`.
    Manual,
    /// Put all packages together and build each from its own files alone.
    Package {
        /// Also with what is not committed.
        #[arg(long)]
        allow_dirty: bool,
    },
    /// Build the program as it is handed out: stripped, and without a path of this machine in it.
    Program(program::Arguments),
    /// Give all packages a new version, and the changelog a section for it; tells what is left to do.
    Release {
        /// The version, such as 0.2.0.
        version: String,
        /// The day of the release.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: String,
        /// Write nothing; see that it could be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare the public interfaces with those of an earlier revision; needs cargo-semver-checks.
    Semver {
        /// The revision; the newest tag if not given.
        #[arg(long, value_name = "REV")]
        since: Option<String>,
    },
    /// Run everything that must hold before a change goes in, in stages, up to the first that fails.
    Test {
        /// Run this stage only.
        #[arg(long, value_name = "STAGE")]
        only: Option<test::Stage>,
    },
    /// Check the repository's own rules.
    Tidy,
    /// Run tests for long that break what they can, each round with another seed.
    #[command(subcommand)]
    Torture(torture::Torture),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Bench(arguments) => bench::run(&root(), &arguments),
        Command::Docs => docs::run(&root()),
        Command::Fixtures { check } => fixtures::run(&root(), check),
        Command::Instructions { keep } => instructions::run(&root(), keep),
        Command::Long(command) => long::run(&root(), &command),
        Command::Fuzz { target, seconds } => fuzz::run(&root(), target.as_deref(), seconds),
        Command::Manual => manual::run(&root()),
        Command::Package { allow_dirty } => package::run(&root(), allow_dirty),
        Command::Program(arguments) => program::run(&root(), &arguments),
        Command::Release { version, date, dry_run } => release::run(&root(), &version, &date, dry_run),
        Command::Semver { since } => semver::run(&root(), since.as_deref()),
        Command::Test { only } => test::run(&root(), only),
        Command::Tidy => tidy::run(&root()),
        Command::Torture(command) => torture::run(&root(), &command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Where cargo builds. If its configuration says otherwise than the environment does, the tests make the environment
/// themselves.
fn target(root: &Path) -> PathBuf {
    let named = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].into_iter().find_map(std::env::var_os);
    root.join(named.unwrap_or_else(|| "target".into()))
}

/// The repository's root: the folder above this package.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}
