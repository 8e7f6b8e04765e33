//! `cargo xtask docs`: pages that are written from tables in the code.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// The page, and the example of the engine that prints it.
const PAGE: &str = "docs/retries.md";

/// Writes the pages. That they are what the tables say is a test of the engine's: building it once more for this would be
/// most of what such a check takes.
///
/// # Errors
///
/// A page that cannot be made or written.
pub(crate) fn run(root: &Path) -> Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    // A program of its own: the engine takes long to build, and most commands here do without it.
    let page = cmd!(shell, "cargo run --quiet -p cos-batch-engine --example retries").quiet().output()?.stdout;
    fs::write(root.join(PAGE), page).with_context(|| format!("writing {PAGE}"))?;
    println!("{PAGE} is written");
    Ok(())
}
