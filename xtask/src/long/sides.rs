//! `cargo xtask long sides`: a job of one APPID alone, and beside another one that is at all of its limits.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rows of the job; each of the others has ten times as many.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    rows: u64,
    /// What the requests of an APPID may cost in a second, if not what a server takes by itself.
    #[arg(long, value_name = "N")]
    requests_per_second: Option<u32>,
}

/// Runs the test in a release build, for the store and the callers are in its own process; it prints what both ways came to.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let test = "sides::who_is_at_its_limits_leaves_the_others_alone";
    let command = cmd!(shell, "cargo test --release -p cos-batch --test it -- --exact {test} --nocapture");
    let command = command.env("COS_BATCH_SIDES_ROWS", arguments.rows.to_string());
    match arguments.requests_per_second {
        Some(rate) => command.env("COS_BATCH_SIDES_REQUESTS_PER_SECOND", rate.to_string()).run()?,
        None => command.run()?,
    }
    Ok(())
}
