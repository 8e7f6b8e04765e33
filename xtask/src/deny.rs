//! `cargo deny` where it is installed: what may come into the build from outside (`deny.toml`).

use std::path::Path;

use xshell::{Shell, cmd};

/// What to do without the tool.
const ADVICE: &str = "cargo-deny is not installed; to get it, which takes some minutes: cargo install cargo-deny --locked \
                      --version ^0.20";

/// Looks at what is forbidden, at licences and at sources; says why not where the tool is not there. Advisories are not
/// looked at: their database is on the network.
///
/// # Errors
///
/// Something has come in that may not.
pub(crate) fn run_where_possible(root: &Path) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    if cmd!(shell, "cargo deny --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        println!("deny: not looked at: {ADVICE}");
        return Ok(());
    }
    cmd!(shell, "cargo deny --locked check bans licenses sources").run()?;
    Ok(())
}
