//! `cargo xtask docs`: pages that are written from tables in the code.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// The page that an example of the engine prints.
const RETRIES: &str = "docs/retries.md";

/// The page that the program writes beside its manual, and its name there.
const FLAGS: (&str, &str) = ("docs/flags.md", "flags.md");

/// Writes the pages. That they are what the code says are tests of the engine's and of the program's: building these once
/// more for this would be most of what such a check takes.
///
/// # Errors
///
/// A page that cannot be made or written.
pub(crate) fn run(root: &Path) -> Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    // A program of its own: the engine takes long to build, and most commands here do without it.
    let page = cmd!(shell, "cargo run --quiet -p cos-batch-engine --example retries").quiet().output()?.stdout;
    fs::write(root.join(RETRIES), page).with_context(|| format!("writing {RETRIES}"))?;
    let folder = tempfile::tempdir()?;
    let manual = folder.path();
    cmd!(shell, "cargo run --quiet -p cos-batch --bin cos-batch -- manual {manual}").quiet().ignore_stdout().run()?;
    let (page, name) = FLAGS;
    fs::copy(manual.join(name), root.join(page)).with_context(|| format!("writing {page}"))?;
    println!("{RETRIES} and {page} are written");
    Ok(())
}
