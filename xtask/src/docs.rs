//! `cargo xtask docs`: pages that are written from tables in the code.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

/// The page, and the example of the engine that prints it.
const PAGE: &str = "docs/retries.md";

/// Writes the pages, or compares them with what would be written.
///
/// # Errors
///
/// A page that cannot be made, read or written; when checking, a page that differs.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    // A program of its own: the engine takes long to build, and most commands here do without it.
    let page = cmd!(shell, "cargo run --quiet -p cos-batch-engine --example retries").quiet().output()?.stdout;
    let path = root.join(PAGE);
    if check {
        let found = fs::read(&path).with_context(|| format!("reading {PAGE}"))?;
        ensure!(found == page, "{PAGE} is not what the tables say: cargo xtask docs");
        return Ok(());
    }
    fs::write(&path, page).with_context(|| format!("writing {PAGE}"))?;
    println!("{PAGE} is written");
    Ok(())
}
