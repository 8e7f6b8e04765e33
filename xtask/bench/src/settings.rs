//! How a run is made.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// Rounds of a run whose figures are kept.
const ROUNDS: usize = 9;

/// Rounds of a short run.
const QUICK_ROUNDS: usize = 3;

/// How a run is made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The repository.
    pub root: PathBuf,
    /// Where cargo builds; peers are kept there as well.
    pub target: PathBuf,
    /// Whether only to see that everything works: groups then do a small part of the work.
    pub quick: bool,
    /// How many times each contender is measured. A group whose rounds take minutes may do with fewer.
    pub rounds: usize,
}

impl Settings {
    /// With as many rounds as asked for.
    pub fn new(root: PathBuf, target: PathBuf, quick: bool, rounds: Option<usize>) -> Self {
        let rounds = rounds.unwrap_or(if quick { QUICK_ROUNDS } else { ROUNDS }).max(1);
        Self { root, target, quick, rounds }
    }

    /// One of two amounts of work.
    pub fn pick<T>(&self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }

    /// Builds programs of this workspace as they are released, and gives the folder that they are in.
    ///
    /// # Errors
    ///
    /// If cargo fails.
    pub fn programs(&self, packages: &[&str]) -> anyhow::Result<PathBuf> {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--quiet"]).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        for package in packages {
            cargo.args(["-p", package]);
        }
        let status = cargo.status().context("cargo cannot be started")?;
        ensure!(status.success(), "building {} failed: {status}", packages.join(", "));
        Ok(self.target.join("release"))
    }

    /// The version of a dependency in the workspace's lock file, for [`Outcome::versions`](crate::Outcome::versions).
    ///
    /// # Errors
    ///
    /// If the lock file cannot be read or has no such package.
    pub fn version_of(&self, package: &str) -> anyhow::Result<(String, String)> {
        let text = std::fs::read_to_string(self.root.join("Cargo.lock")).context("reading Cargo.lock")?;
        let version = locked(&text, package).with_context(|| format!("{package} is not in Cargo.lock"))?;
        Ok((package.to_owned(), version.to_owned()))
    }

    /// A file or folder of the repository.
    pub fn file(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }
}

/// The version that a lock file has for a package; the last one, where it has several.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let at = lock.rfind(&name)? + name.len();
    lock[at..].trim_start().strip_prefix("version = \"")?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2\"\n\n[[package]]\nname = \"ab\"\nversion = \"3\"\n";
        assert_eq!(locked(lock, "a"), Some("1.2"));
        assert_eq!(locked(lock, "ab"), Some("3"));
        assert_eq!(locked(lock, "b"), None);
    }
}
