//! `cargo xtask long hostile`: a server of a release build beside very many connections of people who mean no good.

use std::path::Path;

use xshell::{Shell, cmd};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Connections, eight hundred at a time; each stays for as long as the server lets it.
    #[arg(long, value_name = "N", default_value_t = 6_000)]
    connections: u64,
}

/// Runs the test with a release build; it prints what was answered and what the server took.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    cmd!(shell, "cargo build --release --quiet -p cos-batch").run()?;
    let test = "hostile::thousands_of_bad_connections_beside_an_honest_one_and_a_job";
    cmd!(shell, "cargo test -p cos-batch --test it -- --exact {test} --nocapture")
        .env("COS_BATCH_PROGRAM", crate::target(root).join("release/cos-batch"))
        .env("COS_BATCH_HOSTILE_CONNECTIONS", arguments.connections.to_string())
        .run()?;
    Ok(())
}
