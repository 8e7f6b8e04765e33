//! The oldest Rust that is stated is one that works.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

/// Below cargo's own folder: what another compiler builds would else be built in turns.
const FOLDER: &str = "msrv";

/// A release of Rust: major, minor, patch.
type Release = [u64; 3];

/// No dependency asks for a newer Rust than is stated, and everything is checked with that one: by all other stages, where
/// it is the one they run with, else by it alone, where rustup has it.
///
/// # Errors
///
/// A dependency, or our own code, needs a newer one.
pub(super) fn check(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let stated = stated(root)?;
    // What other systems need is not brought in for this.
    let about = cmd!(shell, "rustc -vV").quiet().read()?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    let metadata = cmd!(shell, "cargo metadata --format-version 1 --locked --filter-platform {host}").quiet().read()?;
    let newer = newer(&serde_json::from_str(&metadata)?, stated);
    if !newer.is_empty() {
        bail!("Rust {} is stated as the oldest, but these need a newer one: {}", shown(stated), newer.join(", "));
    }
    let used = about.split(' ').nth(1).and_then(release).with_context(|| format!("`{about}` names no release"))?;
    ensure!(used >= stated, "this is Rust {}, older than {}", shown(used), shown(stated));
    if used[..2] == stated[..2] {
        println!("msrv: all stages are run with Rust {}", shown(used));
        return Ok(());
    }
    let toolchain = shown(stated);
    let runs = Command::new("rustup").args(["run", &toolchain, "rustc", "--version"]).output();
    if !runs.is_ok_and(|output| output.status.success()) {
        println!(
            "msrv: not checked: rustup has no Rust {toolchain} here; `rustup toolchain install {toolchain}` gets it"
        );
        return Ok(());
    }
    let target = crate::target(root).join(FOLDER);
    cmd!(shell, "rustup run {toolchain} cargo check --locked --workspace --exclude cos-batch-bench --all-features")
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC")
        .run()?;
    Ok(())
}

/// `rust-version` of the workspace.
fn stated(root: &Path) -> anyhow::Result<Release> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root.join("Cargo.toml"))?)?;
    let stated = manifest["workspace"]["package"]["rust-version"].as_str().and_then(release);
    stated.context("Cargo.toml: workspace.package.rust-version is no release")
}

/// Packages that say they need a newer Rust.
fn newer(metadata: &Value, stated: Release) -> Vec<String> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let needs = packages.iter().filter_map(|package| {
        let needed = package["rust_version"].as_str()?;
        // What cannot be read is told as well.
        let is_newer = release(needed).is_none_or(|needed| needed > stated);
        is_newer.then(|| format!("{} {} ({needed})", package["name"], package["version"]))
    });
    needs.collect()
}

/// `1.95` and `1.95.1`, whatever stands behind a `-`.
fn release(text: &str) -> Option<Release> {
    let mut parts = text.split('-').next()?.split('.').map(|part| part.parse().ok());
    let release = [parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?];
    parts.next().is_none().then_some(release)
}

fn shown([major, minor, patch]: Release) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn releases_are_read_and_compared() {
        assert_eq!(release("1.95"), Some([1, 95, 0]));
        assert_eq!(release("1.96.1-nightly"), Some([1, 96, 1]));
        for wrong in ["", "1", "1.x", "1.2.3.4", "stable"] {
            assert_eq!(release(wrong), None, "{wrong}");
        }
        assert!(release("1.100.0") > release("1.95.2"));
    }

    #[test]
    fn a_dependency_that_needs_a_newer_one_is_named() {
        let package = |name: &str, needed: Value| json!({"name": name, "version": "1.0.0", "rust_version": needed});
        let metadata = json!({"packages": [
            package("old", json!("1.60")), package("same", json!("1.95.0")), package("silent", Value::Null),
            package("new", json!("1.96")), package("odd", json!("soon")),
        ]});
        let found = newer(&metadata, [1, 95, 0]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("new") && found[1].contains("odd"), "{found:?}");
    }
}
