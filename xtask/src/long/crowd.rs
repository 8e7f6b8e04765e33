//! `cargo xtask long crowd`: a hundred jobs of twenty APPIDs at the same time.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rows of each job.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    rows: u64,
}

/// Runs the test in a release build, for the store and the callers are in its own process; it prints what came of it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let test = "crowd::a_hundred_jobs_of_twenty_tenants_end_with_what_is_theirs";
    cmd!(shell, "cargo test --release -p cos-batch --test it -- --exact {test} --nocapture")
        .env("COS_BATCH_CROWD_ROWS", arguments.rows.to_string())
        .run()?;
    Ok(())
}
