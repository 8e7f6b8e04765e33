//! `cargo xtask long sides`: a job of one APPID alone, and beside another one that is at all of its limits.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rows of the job; each of the others has ten times as many.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    rows: u64,
}

/// Runs the test with a release build; it prints what both ways came to.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    cmd!(shell, "cargo build --release --quiet -p cos-batch").run()?;
    let test = "sides::who_is_at_its_limits_leaves_the_others_alone";
    cmd!(shell, "cargo test -p cos-batch --test it -- --exact {test} --nocapture")
        .env("COS_BATCH_PROGRAM", crate::target(root).join("release/cos-batch"))
        .env("COS_BATCH_SIDES_ROWS", arguments.rows.to_string())
        .run()?;
    Ok(())
}
