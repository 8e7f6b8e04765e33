//! `cargo xtask long soak`: a server of a release build in honest traffic, for long.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long the traffic lasts. A twelfth of it is one window; what the last four take is held against the four before.
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,
}

/// Runs the test with a release build; it prints a line for each window, and fails if the last ones took more.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    cmd!(shell, "cargo build --release --quiet -p cos-batch").run()?;
    let test = "soak::a_server_takes_no_more_in_the_end_than_in_the_middle";
    cmd!(shell, "cargo test -p cos-batch --test it -- --exact {test} --nocapture")
        .env("COS_BATCH_PROGRAM", crate::target(root).join("release/cos-batch"))
        .env("COS_BATCH_SOAK_SECONDS", (arguments.minutes * 60).to_string())
        .run()?;
    Ok(())
}
