//! `cargo xtask package`: each package is whole without the workspace around it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

use crate::published;

/// What each package must have.
const NEEDED: [&str; 4] = ["Cargo.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Beginnings of paths, and what they are: of no use outside the workspace, whose fixtures they read.
const UNWANTED: [(&str, &str); 3] =
    [("tests/", "an integration test"), ("benches/", "a benchmark"), ("target/", "a build")];

/// Largest package, bytes. What the registry takes is some MiB; ours have some ten KiB, so that much more is a mistake.
const PACKAGE_BYTES_MAX: u64 = 1024 * 1024;

/// Puts all packages together, in the order of their dependencies, and builds each from what is in its package.
///
/// # Errors
///
/// A package does not build from its own files, lacks one that it needs, or has one that is not for users.
pub(crate) fn run(root: &Path, allow_dirty: bool) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    lists(&shell, root, allow_dirty)?;
    let packages = published::packages(root)?;
    let dirty = allow_dirty.then_some("--allow-dirty");

    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let folder = folder.join("package");
    for file in archives(&folder)? {
        fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    }
    let chosen = packages.iter().flat_map(|package| ["-p", package.name.as_str()]);
    cmd!(shell, "cargo package {chosen...} {dirty...}").run()?;
    let archives = archives(&folder)?;
    let mut faults = Vec::new();
    ensure!(
        archives.len() == packages.len(),
        "{} packages, but {} in {}",
        packages.len(),
        archives.len(),
        folder.display()
    );
    for archive in archives {
        let (name, size) = (archive.file_name().unwrap_or_default().display(), fs::metadata(&archive)?.len());
        println!("{size:>8} bytes  {name}");
        if size > PACKAGE_BYTES_MAX {
            faults.push(format!("{name} has {size} bytes"));
        }
    }
    if !faults.is_empty() {
        bail!("packages are larger than {PACKAGE_BYTES_MAX} bytes:\n  {}", faults.join("\n  "));
    }
    println!("package: all {} build from their own files", packages.len());
    Ok(())
}

/// Looks at which files would be in each package; builds nothing.
///
/// # Errors
///
/// A package lacks a file that it needs, or has one that is not for users.
pub(crate) fn lists(shell: &Shell, root: &Path, allow_dirty: bool) -> anyhow::Result<()> {
    let dirty = allow_dirty.then_some("--allow-dirty");
    let mut faults = Vec::new();
    for package in published::packages(root)? {
        let name = &package.name;
        let list = cmd!(shell, "cargo package --list -p {name} {dirty...}").quiet().read()?;
        faults.extend(wrong_files(&list).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    if !faults.is_empty() {
        bail!("packages have not the files that they should:\n  {}", faults.join("\n  "));
    }
    Ok(())
}

/// The packages in a folder, which need not be there.
fn archives(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut archives = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "crate") {
            archives.push(path);
        }
    }
    archives.sort();
    Ok(archives)
}

/// What is wrong with the list of a package's files.
fn wrong_files(list: &str) -> Vec<String> {
    let files: Vec<&str> = list.lines().collect();
    let missing = NEEDED.iter().filter(|needed| !files.contains(needed)).map(|needed| format!("{needed} is missing"));
    let has_code = files.iter().any(|file| matches!(*file, "src/lib.rs" | "src/main.rs"));
    let unwanted = files.iter().filter_map(|file| {
        let (_, what) = UNWANTED.iter().find(|(start, _)| file.starts_with(start))?;
        Some(format!("{file} is {what}"))
    });
    let snapshots = files.iter().filter(|file| file.ends_with(".snap")).map(|file| format!("{file} is a snapshot"));
    let code = (!has_code).then(|| "neither src/lib.rs nor src/main.rs is there".to_owned());
    missing.chain(unwanted).chain(snapshots).chain(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = ".cargo_vcs_info.json\nCargo.toml\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\nsrc/lib.rs\n";

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        assert_eq!(wrong_files(WHOLE), [""; 0]);
        assert_eq!(wrong_files(&WHOLE.replace("README.md\n", "")), ["README.md is missing"]);
        assert_eq!(wrong_files(&WHOLE.replace("lib.rs", "a.rs")), ["neither src/lib.rs nor src/main.rs is there"]);
        let more = format!("{WHOLE}tests/it/main.rs\nsrc/snapshots/a.snap\n");
        assert_eq!(
            wrong_files(&more),
            ["tests/it/main.rs is an integration test", "src/snapshots/a.snap is a snapshot"]
        );
    }
}
