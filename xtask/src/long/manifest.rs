//! `cargo xtask long manifest`: a manifest of very many rows, made as it is read.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rows of the manifest.
    #[arg(long, value_name = "N", default_value_t = 20_000_000)]
    rows: u64,
}

/// Runs the tests of the engine that say how fast rows are read and in how much memory, with so many rows.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let rows = arguments.rows.to_string();
    // One test after another, in one process: the memory is the process's.
    cmd!(
        shell,
        "cargo test --release --quiet -p cos-batch-engine --all-features --test it -- scale:: --nocapture --test-threads 1"
    )
    .env("COS_BATCH_MANIFEST_ROWS", rows)
    .run()?;
    Ok(())
}
