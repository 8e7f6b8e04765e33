//! `cargo xtask long`: what takes too long for `cargo xtask test`.

mod container;
mod crowd;
mod hostile;
mod keys;
mod manifest;
pub(crate) mod mutants;
pub(crate) mod nodes;
mod round;
mod rows;
mod sides;
mod soak;
mod stories;
mod timing;
mod turns;

use std::path::Path;

use anyhow::ensure;
use clap::Subcommand;
use xshell::{Shell, cmd};

/// The long forms of tests.
#[derive(Subcommand)]
pub(crate) enum Long {
    /// Run the server, linked statically, in the root file system of the container's image.
    Container(container::Arguments),
    /// Run a hundred jobs of twenty APPIDs at the same time, and see that each has what is its own.
    Crowd(crowd::Arguments),
    /// Let very many people who mean no good connect to a server, beside somebody honest and a job.
    Hostile(hostile::Arguments),
    /// Write and read very many keys of all kinds, in manifests and reports.
    Keys(keys::Arguments),
    /// Read a manifest of very many rows, and see how fast and in how much memory.
    Manifest(manifest::Arguments),
    /// Change the code in small ways, one at a time, and see whether a test notices; needs cargo-mutants.
    Mutants(mutants::Arguments),
    /// Run a job on ever more nodes that share a PostgreSQL, and see how much faster it goes and what it costs the database.
    Nodes(nodes::Arguments),
    /// Run the long forms of what is promised one after the other, and go on where the last round ended.
    Round(round::Arguments),
    /// Run jobs over very many rows, and see what memory the server takes for them.
    Rows(rows::Arguments),
    /// Run a job of one APPID alone, and beside another one that is at all of its limits.
    Sides(sides::Arguments),
    /// Let a server be used for long, and see whether it takes more memory, descriptors, threads, disk or time as it goes.
    Soak(soak::Arguments),
    /// Run the engine in very many simulated worlds, and see whether a rule is broken.
    Stories(stories::Arguments),
    /// See whether the time of a check of a signature tells what was wrong with it.
    Timing(timing::Arguments),
    /// See how soon orders are obeyed beside a job of very many rows.
    Turns(turns::Arguments),
}

/// Runs one of them.
pub(crate) fn run(root: &Path, long: &Long) -> anyhow::Result<()> {
    match long {
        Long::Container(arguments) => container::run(root, arguments),
        Long::Crowd(arguments) => crowd::run(root, arguments),
        Long::Hostile(arguments) => hostile::run(root, arguments),
        Long::Keys(arguments) => keys::run(root, arguments),
        Long::Manifest(arguments) => manifest::run(root, arguments),
        Long::Mutants(arguments) => mutants::run(root, arguments),
        Long::Nodes(arguments) => nodes::run(root, arguments),
        Long::Round(arguments) => round::run(root, arguments),
        Long::Rows(arguments) => rows::run(root, arguments),
        Long::Sides(arguments) => sides::run(root, arguments),
        Long::Soak(arguments) => soak::run(root, arguments),
        Long::Stories(arguments) => stories::run(root, arguments),
        Long::Timing(arguments) => timing::run(root, arguments),
        Long::Turns(arguments) => turns::run(root, arguments),
    }
}

/// What is remembered of a run names a commit: nothing of the code may be otherwise than there.
fn committed(shell: &Shell) -> anyhow::Result<()> {
    let changed = cmd!(shell, "git status --porcelain -- crates Cargo.lock").read()?;
    ensure!(changed.is_empty(), "what runs must be what is committed, and these are changed:\n{changed}");
    Ok(())
}
