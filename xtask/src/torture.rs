//! `cargo xtask torture`: tests that go on for long, each round with another seed.

use std::path::Path;

use clap::Subcommand;
use xshell::{Shell, cmd};

/// What is tortured.
#[derive(Subcommand)]
pub(crate) enum Torture {
    /// Kill, freeze and cut off nodes that share a PostgreSQL, and that too, and see that nothing is lost or counted twice.
    Nodes {
        /// Rounds begin for so long.
        #[arg(long, value_name = "N", default_value_t = 30)]
        minutes: u64,
        /// Seed of the first round; the next has the next number.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
}

/// Runs one of them.
///
/// # Errors
///
/// If something was lost; the output names the seed.
pub(crate) fn run(root: &Path, torture: &Torture) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    match torture {
        Torture::Nodes { minutes, seed } => {
            let (seconds, seed) = ((minutes * 60).to_string(), seed.to_string());
            let test = "nodes::chaos::nothing_is_lost_or_counted_twice";
            cmd!(shell, "cargo test -p cos-batch --test it -- --exact {test} --nocapture")
                .env("COS_BATCH_TORTURE_SECONDS", seconds)
                .env("COS_BATCH_TORTURE_SEED", seed)
                .run()?;
        }
    }
    Ok(())
}
