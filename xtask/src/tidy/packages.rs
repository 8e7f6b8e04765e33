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
}
