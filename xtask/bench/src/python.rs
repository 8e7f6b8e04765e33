//! Peers that come as Python packages.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use crate::Settings;

/// Makes an environment, unless it is there.
const SCRIPT: &str = "xtask/python/environment.py";

/// What is in it.
const REQUIREMENTS: &str = "xtask/bench/python/requirements.txt";

/// The folder with the interpreter and the programs of the peers, which are installed at first.
///
/// # Errors
///
/// If there is no Python with its module venv, or a package cannot be installed.
pub fn programs(settings: &Settings) -> anyhow::Result<PathBuf> {
    let folder = settings.target.join("bench-python");
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut make = Command::new(&python);
    make.arg(settings.file(SCRIPT)).arg(&folder).arg(settings.file(REQUIREMENTS));
    let output = make.stderr(std::process::Stdio::inherit()).output().context("Python cannot be started")?;
    ensure!(output.status.success(), "{SCRIPT} failed: {}", output.status);
    let interpreter = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    Ok(interpreter.parent().context("the interpreter is in a folder")?.to_owned())
}

/// The version of a package in [`programs`]' folder, for [`Outcome::versions`](crate::Outcome::versions).
///
/// # Errors
///
/// If there is no such package.
pub fn version_of(programs: &Path, package: &str) -> anyhow::Result<(String, String)> {
    let code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))";
    let output = Command::new(programs.join("python")).args(["-c", code, package]).output()?;
    ensure!(output.status.success(), "{package} is not installed");
    Ok((package.to_owned(), String::from_utf8(output.stdout)?.trim().to_owned()))
}
