//! `cargo xtask long keys`: very many keys of all kinds go through manifests and reports.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many keys.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    keys: u64,
    /// Where they come from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Runs the engine's test with so many.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let test = "keys::every_key_comes_back_from_a_manifest_and_from_a_report";
    cmd!(
        shell,
        "cargo test --release --quiet -p cos-batch-engine --all-features --test it -- --exact {test} --nocapture"
    )
    .env("COS_BATCH_KEYS", arguments.keys.to_string())
    .env("COS_BATCH_KEYS_SEED", arguments.seed.to_string())
    .run()?;
    Ok(())
}
