//! `cargo xtask long timing`: whether the time of a check of a signature tells what was wrong with it.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Tries of each comparison.
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    tries: u32,
    /// Where their order comes from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u32,
}

/// Compares, prints what came of it, and fails if times differ, or if a leak that was put in is not seen.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let (tries, seed) = (arguments.tries.to_string(), arguments.seed.to_string());
    cmd!(shell, "cargo run --release --quiet -p cos-batch-instructions --bin timing -- {tries} {seed}").run()?;
    Ok(())
}
