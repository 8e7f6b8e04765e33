//! `cargo xtask semver`: what the public interfaces promised earlier, they still have.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

use crate::published::{self, Package};

/// What to do without the tool.
const ADVICE: &str = "cargo-semver-checks is not installed; to get it, which takes some minutes: \
                      cargo install cargo-semver-checks --locked --version ^0.51";

/// As [`run`] with the newest tag, where the tool is installed and something is tagged; else it says why not.
///
/// # Errors
///
/// An interface has broken.
pub(crate) fn run_where_possible(root: &Path) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    if !is_installed(&shell) {
        println!("semver: not compared: {ADVICE}");
        return Ok(());
    }
    if newest_tag(&shell).is_err() {
        println!("semver: not compared: no release is tagged");
        return Ok(());
    }
    run(root, None)
}

fn is_installed(shell: &Shell) -> bool {
    cmd!(shell, "cargo semver-checks --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

fn newest_tag(shell: &Shell) -> anyhow::Result<String> {
    let newest = cmd!(shell, "git describe --tags --abbrev=0").quiet().ignore_stderr().read();
    newest.context("no release is tagged: name a revision to compare with, as in --since HEAD~10")
}

/// Compares each library with an earlier revision of it: the newest tag, if none is given.
///
/// # Errors
///
/// The tool is missing, there is no such revision, or an interface has broken with the earlier one without a version
/// that says so.
pub(crate) fn run(root: &Path, since: Option<&str>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    ensure!(is_installed(&shell), ADVICE);
    let since = match since {
        Some(since) => since.to_owned(),
        None => newest_tag(&shell)?,
    };
    let revision = format!("{since}^{{commit}}");
    let baseline = cmd!(shell, "git rev-parse --verify --quiet {revision}").quiet().read();
    let baseline = baseline.with_context(|| format!("there is no revision {since}"))?;

    let mut broken = Vec::new();
    for Package { name, is_library } in published::packages(root)? {
        if !is_library {
            println!("-- {name}: a program, which promises no interface");
            continue;
        }
        let before = format!("{baseline}:{}", published::manifest(&name));
        if cmd!(shell, "git cat-file -e {before}").quiet().ignore_stderr().run().is_err() {
            println!("-- {name}: new since {since}");
            continue;
        }
        println!("-- {name}");
        if cmd!(shell, "cargo semver-checks -p {name} --baseline-rev {baseline}").quiet().run().is_err() {
            broken.push(name);
        }
    }
    if !broken.is_empty() {
        bail!(
            "the interface of {} has broken with {since}, or could not be compared: see above; take it back, or raise \
             the version and say so in CHANGELOG.md",
            broken.join(", ")
        );
    }
    println!("semver: no interface has broken with {since}");
    Ok(())
}
