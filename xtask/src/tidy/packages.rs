//! What a package needs when it leaves the workspace.

use super::{Violation, repo::Repo};

/// Each package that can be published says what it is, has a README and both license texts, and leaves its tests behind.
///
/// Why: whoever gets one package has nothing of the workspace around it. Its tests read the workspace's fixtures.
pub(crate) fn packages_whole(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "packages-whole";
    const FILES: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];
    const KEYS: [&str; 4] = ["description", "license", "rust-version", "exclude"];
    let mut violations = Vec::new();
    for manifest in repo.manifests() {
        let Some(package) = manifest.table.get("package").and_then(toml::Value::as_table) else { continue };
        if package.get("publish").and_then(toml::Value::as_bool) == Some(false) {
            continue;
        }
        for key in KEYS.into_iter().filter(|key| !package.contains_key(*key)) {
            let advice = format!("say `{key}` here, or take the workspace's");
            violations.push(Violation::new(manifest.path, 0, RULE, advice));
        }
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        for file in FILES.into_iter().filter(|file| !repo.exists(&format!("{folder}/{file}"))) {
            let advice = format!("add {folder}/{file}; a license is a link to the one at the root");
            violations.push(Violation::new(manifest.path, 0, RULE, advice));
        }
    }
    violations
}

/// The page on types of others in public signatures.
const PUBLIC_TYPES: &str = "docs/public-types.md";

/// Each dependency of a published library stands in its row of the page on public types, on one side or the other.
///
/// Why: a type of another crate in a signature binds our versions to that crate's. That is decided, not slipped in.
pub(crate) fn dependencies_placed(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "dependencies-placed";
    let page = repo.text(PUBLIC_TYPES).unwrap_or_default();
    let manifests = repo.manifests();
    let mut violations = Vec::new();
    for manifest in &manifests {
        let published = manifest.table.get("package").and_then(|package| package.get("publish")).is_none();
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        if !published || repo.exists(&format!("{folder}/src/main.rs")) {
            continue;
        }
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", manifest.name))).unwrap_or_default();
        let dependencies = manifest.table.get("dependencies").and_then(toml::Value::as_table);
        for name in dependencies.into_iter().flat_map(toml::Table::keys) {
            let own = manifests.iter().any(|manifest| manifest.name == *name);
            if !own && !row.contains(&format!("`{name}`")) {
                let advice = format!(
                    "say in the row of {} in {PUBLIC_TYPES} whether types of `{name}` are in its signatures",
                    manifest.name
                );
                violations.push(Violation::new(manifest.path, manifest.line_of(name), RULE, advice));
            }
        }
    }
    violations
}

/// Each feature of a published package stands in its README, and in the table of the page on public types.
///
/// Why: what a feature is for is said nowhere else that whoever adds the package looks at.
pub(crate) fn features_described(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "features-described";
    let page = repo.text(PUBLIC_TYPES).unwrap_or_default();
    let mut violations = Vec::new();
    for manifest in repo.manifests() {
        let published = manifest.table.get("package").and_then(|package| package.get("publish")).is_none();
        let Some(features) = manifest.table.get("features").and_then(toml::Value::as_table) else { continue };
        let readme = manifest.path.replace("Cargo.toml", "README.md");
        let text = repo.text(&readme).unwrap_or_default();
        for name in features.keys().filter(|name| published && *name != "default") {
            if !text.contains(&format!("| `{name}` |")) {
                violations.push(Violation::new(
                    &readme,
                    0,
                    RULE,
                    format!("say what the feature `{name}` does, in a row"),
                ));
            }
            let row = format!("| `{}` |", manifest.name);
            let quoted = format!("`{name}`");
            if !page.lines().any(|line| line.starts_with(&row) && line[row.len()..].contains(&quoted)) {
                let advice = format!("add the feature `{name}` of {} to the table of features", manifest.name);
                violations.push(Violation::new(PUBLIC_TYPES, 0, RULE, advice));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_lacks_is_found() {
        let whole = "[package]\nname = \"a\"\ndescription = \"A.\"\nlicense.workspace = true\nexclude = []\n\
                     rust-version.workspace = true\n";
        let poor = whole.replace("description", "about").replace("\"a\"", "\"b\"");
        let repo = Repo::of(&[
            ("crates/a/Cargo.toml", whole),
            ("crates/a/README.md", ""),
            ("crates/a/LICENSE-MIT", ""),
            ("crates/a/LICENSE-APACHE", ""),
            ("crates/b/Cargo.toml", &poor),
            ("crates/b/README.md", ""),
            ("crates/b/LICENSE-MIT", ""),
            ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\npublish = false\n"),
        ]);
        let found: Vec<String> = packages_whole(&repo).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/b/Cargo.toml: ") && found[0].contains("`description`"), "{}", found[0]);
        assert!(found[1].contains("add crates/b/LICENSE-APACHE"), "{}", found[1]);
    }

    #[test]
    fn a_feature_that_nobody_describes_is_found() {
        let manifest =
            |name: &str| format!("[package]\nname = \"{name}\"\n[features]\ndefault = [\"x\"]\nx = []\ny = []\n");
        let repo = Repo::of(&[
            ("crates/a/Cargo.toml", &manifest("a")),
            ("crates/a/README.md", "| `x` | on | this |\n"),
            ("crates/b/Cargo.toml", &manifest("b")),
            ("crates/b/README.md", "| `x` | on | this |\n| `y` | off | that |\n"),
            ("fuzz/Cargo.toml", "[package]\nname = \"f\"\npublish = false\n[features]\nz = []\n"),
            (PUBLIC_TYPES, "| `a` | `x`, `y` | off |\n| `b` | `x` | off |\n"),
        ]);
        let found: Vec<String> = features_described(&repo).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/a/README.md: ") && found[0].contains("`y`"), "{}", found[0]);
        assert!(found[1].starts_with(PUBLIC_TYPES) && found[1].contains("`y` of b"), "{}", found[1]);
    }

    #[test]
    fn a_dependency_without_a_place_is_found() {
        let library = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\nhttp = \"1\"\nhttp-body = \"1\"\n";
        let repo = Repo::of(&[
            ("crates/a/Cargo.toml", library),
            ("crates/b/Cargo.toml", "[package]\nname = \"b\"\n[dependencies]\nclap = \"4\"\n"),
            ("crates/b/src/main.rs", ""),
            (PUBLIC_TYPES, "| `a` | `http-body` (`Body`) | `other` |\n| `b` | `http` | |\n"),
        ]);
        let found = dependencies_placed(&repo);
        assert_eq!(found.iter().map(|v| (v.path.as_str(), v.line)).collect::<Vec<_>>(), [("crates/a/Cargo.toml", 5)]);
    }
}
