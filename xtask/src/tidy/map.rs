//! The maps say what is there, and what is there is on a map.

use std::collections::BTreeMap;

use super::{Violation, repo::Repo};

/// The map of the house.
const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

/// Where fixtures come from.
const FIXTURES: &str = "fixtures/README.md";

/// Each package takes its lints from the workspace.
///
/// Why: cargo applies the workspace's lints only where a package asks for them; forgetting it is silent.
pub(crate) fn lints_inherited(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "lints-inherited";
    let inherits = |table: &toml::Table| {
        table.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    let manifests = repo.manifests();
    let missing = manifests.iter().filter(|manifest| !inherits(&manifest.table));
    missing.map(|manifest| Violation::new(manifest.path, 0, RULE, "add `[lints]` with `workspace = true`")).collect()
}

/// Each folder in `crates/` is a package of the workspace and stands in the code map.
///
/// Why: a newcomer reads the map first; nobody looks for a package that is not on it.
pub(crate) fn crates_listed(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "crates-listed";
    let map = repo.text(ARCHITECTURE).unwrap_or_default();
    let root: toml::Table = repo.text("Cargo.toml").and_then(|text| text.parse().ok()).unwrap_or_default();
    let members = root.get("workspace").and_then(|workspace| workspace.get("members")).and_then(toml::Value::as_array);
    let members: Vec<&str> = members.into_iter().flatten().filter_map(toml::Value::as_str).collect();
    let mut folders: Vec<&str> =
        repo.paths().filter_map(|path| path.strip_prefix("crates/")?.split('/').next()).collect();
    folders.dedup();
    let mut violations = Vec::new();
    for name in folders {
        let path = format!("crates/{name}");
        if !repo.exists(&format!("{path}/Cargo.toml")) {
            violations.push(Violation::new(&path, 0, RULE, "a folder in crates/ without a Cargo.toml: remove it"));
            continue;
        }
        if !members.contains(&"crates/*") && !members.contains(&path.as_str()) {
            violations.push(Violation::new("Cargo.toml", 0, RULE, format!("add {path} to the workspace's members")));
        }
        if !map.contains(&format!("`{path}`")) {
            let advice = format!("add `{path}` to the code map, with one sentence on what lives there");
            violations.push(Violation::new(ARCHITECTURE, 0, RULE, advice));
        }
    }
    violations
}

/// A path that the map names in code quotes exists.
///
/// Why: a map that shows streets that were torn down is worse than none.
pub(crate) fn paths_in_docs_exist(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "paths-in-docs-exist";
    const ROOTS: [&str; 6] = ["crates/", "xtask/", "docs/", "fixtures/", "fuzz/", "bench/"];
    let mut violations = Vec::new();
    for document in [ARCHITECTURE, "CONTRIBUTING.md", "README.md"] {
        for (index, line) in repo.text(document).unwrap_or_default().lines().enumerate() {
            let quoted = line.split('`').skip(1).step_by(2);
            for path in quoted.filter(|text| ROOTS.iter().any(|root| text.starts_with(root))) {
                let pattern = path.contains(|c: char| c.is_whitespace() || "<>*{}".contains(c));
                if !pattern && !repo.exists(path) {
                    let advice = format!("`{path}` does not exist: correct the document");
                    violations.push(Violation::new(document, index + 1, RULE, advice));
                }
            }
        }
    }
    violations
}

/// Each fixture's origin is told: its file or one of its folders is named in the fixtures' README.
///
/// Why: a fixture from a specification is never changed, a generated one is never edited; one must know which it is.
pub(crate) fn fixtures_described(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "fixtures-described";
    const FOLDERS: [&str; 6] = ["spec/", "golden/", "answers/", "invalid/", "captures/", "traps/"];
    let readme = repo.text(FIXTURES).unwrap_or_default();
    let mut silent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in repo.paths() {
        let Some(inside) = path.strip_prefix("fixtures/") else { continue };
        let Some((folder, name)) = inside.rsplit_once('/') else { continue };
        if name.starts_with('.') || !FOLDERS.iter().any(|folder| inside.starts_with(folder)) {
            continue;
        }
        let folders = inside.match_indices('/').map(|(at, _)| &inside[..at]);
        if !folders.chain([inside]).any(|name| names_itself(readme, name)) {
            silent.entry(folder).or_default().push(name);
        }
    }
    let told = silent.into_iter().map(|(folder, names)| {
        let (first, count) = (names[0], names.len());
        let advice = format!("tell in {FIXTURES} where {first} comes from and who may change it ({count} such files)");
        Violation::new(&format!("fixtures/{folder}"), 0, RULE, advice)
    });
    told.collect()
}

/// Whether the text names this file or folder itself, in code quotes or with a slash, not only something in it.
fn names_itself(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let rest = &text[at + name.len()..];
        rest.strip_prefix('/').map_or(rest.starts_with('`'), |rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// Decisions are numbered without gaps, have the three parts, and are linked from the map.
///
/// Why: a decision is looked up by its number; one that nothing leads to is decided again.
pub(crate) fn decisions_linked(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "decisions-linked";
    const PARTS: [&str; 3] = ["## Context", "## Decision", "## Consequences"];
    let map = repo.text(ARCHITECTURE).unwrap_or_default();
    let mut violations = Vec::new();
    let decisions = repo.texts().filter_map(|(path, text)| Some((path, path.strip_prefix("docs/adr/")?, text)));
    for (index, (path, name, text)) in decisions.enumerate() {
        let number = format!("{:04}-", index + 1);
        if !name.starts_with(&number) {
            violations.push(Violation::new(
                path,
                0,
                RULE,
                format!("the next number is {number}: numbers have no gaps"),
            ));
        }
        for part in PARTS.iter().filter(|part| !text.lines().any(|line| line == **part)) {
            violations.push(Violation::new(path, 0, RULE, format!("add the part `{part}`")));
        }
        if !map.contains(&format!("(adr/{name})")) {
            violations.push(Violation::new(path, 0, RULE, format!("link it from {ARCHITECTURE}")));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n";
    const WORKSPACE: &str = "[workspace]\nmembers = [\"crates/*\"]\n";

    #[test]
    fn a_package_without_lints_is_found() {
        let repo = Repo::of(&[("crates/a/Cargo.toml", MANIFEST), ("crates/b/Cargo.toml", "[package]\nname = \"b\"\n")]);
        assert_eq!(lints_inherited(&repo).iter().map(|v| v.path.as_str()).collect::<Vec<_>>(), ["crates/b/Cargo.toml"]);
    }

    #[test]
    fn a_crate_that_no_map_shows_is_found() {
        let repo = Repo::of(&[
            ("Cargo.toml", WORKSPACE),
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/ab/Cargo.toml", MANIFEST),
            ("crates/left/over.txt", ""),
            (ARCHITECTURE, "- `crates/ab`: something\n"),
        ]);
        let found = crates_listed(&repo);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].message.contains("add `crates/a`"));
        assert_eq!(found[1].path, "crates/left");
    }

    #[test]
    fn a_crate_outside_the_workspace_is_found() {
        let repo = Repo::of(&[
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/b\"]\n"),
            ("crates/a/Cargo.toml", MANIFEST),
            (ARCHITECTURE, "`crates/a`"),
        ]);
        assert_eq!(crates_listed(&repo).len(), 1);
    }

    #[test]
    fn a_path_that_is_gone_is_found() {
        let repo = Repo::of(&[
            (ARCHITECTURE, "`crates/a`\n`crates/b` and `docs/adr/0009-x.md`, `fixtures/<action>`\n"),
            ("crates/a/Cargo.toml", MANIFEST),
        ]);
        assert_eq!(paths_in_docs_exist(&repo).iter().map(|v| v.line).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn a_fixture_without_origin_is_found() {
        let repo = Repo::of(&[
            (FIXTURES, "`golden/` is generated, `captures/x` captured; `spec/create.xml` is from the documents"),
            ("fixtures/captures/x/1.http", ""),
            ("fixtures/captures/.gitattributes", ""),
            ("fixtures/golden/a/b.http", ""),
            ("fixtures/spec/create.xml", ""),
            ("fixtures/spec/other.xml", ""),
            ("fixtures/manifest/a.csv", ""),
        ]);
        let found = fixtures_described(&repo);
        assert_eq!(found.iter().map(|v| v.path.as_str()).collect::<Vec<_>>(), ["fixtures/spec"]);
        assert!(found[0].message.contains("other.xml") && found[0].message.contains("(1 such"), "{}", found[0]);
    }

    #[test]
    fn a_decision_that_nothing_leads_to_is_found() {
        let whole = "# T\n\n## Context\n\n## Decision\n\n## Consequences\n";
        let repo = Repo::of(&[
            (ARCHITECTURE, "[a](adr/0001-a.md)"),
            ("docs/adr/0001-a.md", whole),
            ("docs/adr/0003-b.md", "# T\n\n## Context\n\n## Consequences\n"),
        ]);
        let found = decisions_linked(&repo);
        assert!(found.iter().all(|v| v.path == "docs/adr/0003-b.md"), "{found:?}");
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
