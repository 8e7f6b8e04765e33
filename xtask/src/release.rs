//! `cargo xtask release`: one version for all packages, and a section for it in the changelog.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::published;

/// The manifest with the version of all packages.
const MANIFEST: &str = "Cargo.toml";

/// What has changed, for users.
const CHANGELOG: &str = "CHANGELOG.md";

/// Where what is not released yet is described.
const UNRELEASED: &str = "## Unreleased";

/// Sets the version, moves what is unreleased under it, and says what is left to do.
///
/// # Errors
///
/// A version that is none, or not above the present one; changes that are not committed; nothing to release; a file that
/// cannot be read or written.
pub(crate) fn run(root: &Path, version: &str, date: &str, dry_run: bool) -> Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    if !dry_run {
        let changed = cmd!(shell, "git status --porcelain").quiet().read()?;
        ensure!(changed.is_empty(), "there are changes that are not committed:\n{changed}");
    }
    let read = |name: &str| fs::read_to_string(root.join(name)).with_context(|| format!("reading {name}"));
    let (old_manifest, old_changelog) = (read(MANIFEST)?, read(CHANGELOG)?);
    let manifest = with_version(&old_manifest, version)?;
    let changelog = with_section(&old_changelog, version, date)?;
    if dry_run {
        println!("release {version}: {} and {} would change; nothing was written", MANIFEST, CHANGELOG);
    } else {
        fs::write(root.join(MANIFEST), manifest).with_context(|| format!("writing {MANIFEST}"))?;
        fs::write(root.join(CHANGELOG), changelog).with_context(|| format!("writing {CHANGELOG}"))?;
        cmd!(shell, "cargo update --workspace --offline").run()?;
        println!("{MANIFEST}, Cargo.lock and {CHANGELOG} have version {version}");
    }
    println!(
        "then:\n  cargo xtask test\n  cargo xtask package\n  git commit -am 'Release {version}' && git tag v{version}"
    );
    for package in published::in_order(root)? {
        println!("  cargo publish -p {}", package.name);
    }
    Ok(())
}

/// The manifest with this version, for the packages and for what they ask of each other.
fn with_version(manifest: &str, version: &str) -> Result<String> {
    let new = numbers(version).with_context(|| format!("{version:?} is no version, such as 0.2.0"))?;
    let table: toml::Table = manifest.parse().context(MANIFEST)?;
    let old = table
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("version")?.as_str())
        .context("there is no [workspace.package] with a version")?;
    ensure!(Some(new) > numbers(old), "{version} is not above {old}");
    let lines = manifest.lines().map(|line| {
        let own = line.starts_with("version = ") || line.starts_with("cos-") && line.contains("path = \"crates/");
        if own { line.replace(&format!("\"{old}\""), &format!("\"{version}\"")) } else { line.to_owned() }
    });
    let mut text: String = lines.collect::<Vec<_>>().join("\n");
    text.push('\n');
    ensure!(!text.lines().any(|line| line.contains("path = \"crates/") && line.contains(&format!("\"{old}\""))));
    Ok(text)
}

/// The changelog with what was unreleased under this version, and an empty section above.
fn with_section(changelog: &str, version: &str, date: &str) -> Result<String> {
    let (before, after) = changelog.split_once(UNRELEASED).with_context(|| format!("there is no `{UNRELEASED}`"))?;
    let section = after.split("\n## ").next().unwrap_or_default();
    if section.lines().all(|line| line.is_empty() || line.starts_with('#')) {
        bail!("nothing is described under `{UNRELEASED}`");
    }
    ensure!(!changelog.contains(&format!("\n## {version} ")), "{CHANGELOG} has {version} already");
    ensure!(is_date(date), "{date:?} is no date, such as 2026-12-31");
    Ok(format!("{before}{UNRELEASED}\n\n## {version} ({date}){after}"))
}

fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rehearsal on the files as they are.
    #[test]
    fn a_release_can_be_made_of_what_is_here() {
        let root = crate::root();
        let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
        let (manifest, changelog) = (read(MANIFEST), read(CHANGELOG));
        let released = with_version(&manifest, "99.0.0").unwrap();
        let table: toml::Table = released.parse().unwrap();
        assert_eq!(table["workspace"]["package"]["version"].as_str(), Some("99.0.0"));
        for package in published::packages(&root).unwrap().iter().filter(|package| package.is_library) {
            let asked = &table["workspace"]["dependencies"][package.name.as_str()];
            assert_eq!(asked["version"].as_str(), Some("99.0.0"), "{}", package.name);
        }
        let changed = manifest.lines().zip(released.lines()).filter(|(before, after)| before != after).count();
        let packages = published::packages(&root).unwrap().iter().filter(|package| package.is_library).count();
        assert_eq!(changed, packages + 1, "nothing else has changed");
        let described = with_section(&changelog, "99.0.0", "2099-12-31").unwrap();
        assert!(described.contains("## Unreleased\n\n## 99.0.0 (2099-12-31)\n\n### Added\n"));
    }

    #[test]
    fn what_cannot_be_released_is_said() {
        let manifest = "[workspace.package]\nversion = \"0.2.0\"\n";
        for (version, says) in [("0.2.0", "0.2.0 is not above 0.2.0"), ("0.1.9", "not above"), ("1.0", "no version")] {
            let error = with_version(manifest, version).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let section = |text: &str, date: &str| with_section(text, "1.0.0", date).unwrap_err().to_string();
        assert!(section("# Changes\n", "2026-12-31").contains("there is no"));
        assert!(
            section("## Unreleased\n\n### Added\n\n## 0.1.0 (2026-01-01)\n- a\n", "2026-12-31")
                .contains("nothing is described")
        );
        assert!(section("## Unreleased\n- a\n\n## 1.0.0 (2026-01-01)\n", "2026-12-31").contains("already"));
        assert!(section("## Unreleased\n- a\n", "today").contains("no date"));
    }
}
