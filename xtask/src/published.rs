//! The packages that leave the workspace.

use std::{fs, path::Path};

use anyhow::Context as _;

/// Where they are.
const FOLDER: &str = "crates";

/// A package that can be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Whether others can use it from their code.
    pub(crate) is_library: bool,
}

/// All of them, by name.
///
/// # Errors
///
/// A manifest that cannot be read.
pub(crate) fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(root.join(FOLDER)).with_context(|| format!("reading {FOLDER}"))? {
        let folder = entry?.path();
        let manifest = folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).with_context(|| format!("reading {}", manifest.display()))?;
        if let Some(name) = name(&text).with_context(|| manifest.display().to_string())? {
            // A program's library, where it has one, is for its own tests.
            packages.push(Package { name, is_library: !folder.join("src/main.rs").exists() });
        }
    }
    packages.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(packages)
}

/// All of them, each after those that it depends on.
///
/// # Errors
///
/// A manifest that cannot be read; packages that depend on each other in a circle.
pub(crate) fn in_order(root: &Path) -> anyhow::Result<Vec<Package>> {
    let mut left = packages(root)?;
    let mut ordered: Vec<Package> = Vec::new();
    while !left.is_empty() {
        let names: Vec<String> = left.iter().map(|package| package.name.clone()).collect();
        let free = left.iter().position(|package| {
            let needs = needs(root, &package.name).unwrap_or_default();
            !needs.iter().any(|need| *need != package.name && names.contains(need))
        });
        let free = free.context("packages depend on each other in a circle")?;
        ordered.push(left.remove(free));
    }
    Ok(ordered)
}

/// What a package depends on, tests aside.
fn needs(root: &Path, name: &str) -> anyhow::Result<Vec<String>> {
    let table: toml::Table = fs::read_to_string(root.join(manifest(name)))?.parse()?;
    let needs = table.get("dependencies").and_then(toml::Value::as_table);
    Ok(needs.into_iter().flat_map(toml::Table::keys).cloned().collect())
}

/// Path of a package's manifest in the repository.
pub(crate) fn manifest(name: &str) -> String {
    format!("{FOLDER}/{name}/Cargo.toml")
}

/// The name in a manifest; none if it is not to be published.
fn name(manifest: &str) -> anyhow::Result<Option<String>> {
    let table: toml::Table = manifest.parse()?;
    let package = table.get("package").context("there is no [package]")?;
    if package.get("publish").and_then(toml::Value::as_bool) == Some(false) {
        return Ok(None);
    }
    let name = package.get("name").and_then(toml::Value::as_str).context("the package has no name")?;
    Ok(Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_to_be_published_is_left_out() {
        assert_eq!(name("[package]\nname = 'a'\n").unwrap().as_deref(), Some("a"));
        assert_eq!(name("[package]\nname = 'a'\npublish = false\n").unwrap(), None);
        assert!(name("[workspace]\n").is_err() && name("[package]\n").is_err() && name("package").is_err());
    }

    #[test]
    fn a_package_comes_after_what_it_depends_on() {
        let ordered = in_order(&crate::root()).unwrap();
        let place = |name: &str| ordered.iter().position(|package| package.name == name).unwrap();
        assert_eq!(ordered.len(), packages(&crate::root()).unwrap().len());
        for (first, then) in [
            ("cos-batch-model", "cos-batch-client"),
            ("cos-batch-objectstore", "cos-batch-engine"),
            ("cos-batch-engine", "cos-batch-jobstore"),
            ("cos-batch-server", "cos-batch-testing"),
        ] {
            assert!(place(first) < place(then), "{first}, {then}");
        }
    }

    #[test]
    fn libraries_are_told_from_programs() {
        let packages = packages(&crate::root()).unwrap();
        let is_library = |name: &str| packages.iter().find(|package| package.name == name).map(|p| p.is_library);
        assert_eq!(is_library("cos-batch-model"), Some(true));
        assert_eq!(is_library("cos-batch"), Some(false));
        assert_eq!(is_library("cos-batch-fuzz"), None);
        assert!(packages.iter().all(|package| crate::root().join(manifest(&package.name)).exists()));
    }
}
