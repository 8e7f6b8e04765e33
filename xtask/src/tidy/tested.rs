//! What pages say is tested, is tested.

use super::{Violation, repo::Repo};

/// Pages that name tests, as in "`cos-batch`: `kills::remote`, `soak`".
const PAGES: [&str; 3] = ["docs/reliability.md", "docs/track-record.md", "SECURITY.md"];

/// A test or a module of tests that a page names is there.
///
/// Why: a promise is worth what holds it; a test that was renamed leaves a promise that nobody can look after.
pub(crate) fn named_tests_exist(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "named-tests-exist";
    let mut violations = Vec::new();
    for page in PAGES {
        for (index, line) in repo.text(page).unwrap_or_default().lines().enumerate() {
            for (package, name) in named(line) {
                if let Some(missing) = name.split("::").find(|part| !is_there(repo, package, part)) {
                    let advice = format!("`{package}` has no test or module {missing} (of `{name}`): correct the page");
                    violations.push(Violation::new(page, index + 1, RULE, advice));
                }
            }
        }
    }
    violations
}

/// The tests that a line names, each with its package: what stands in code quotes behind a package and a colon, up to the next
/// cell, semicolon or package.
fn named(line: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut package = None;
    let pieces: Vec<&str> = line.split('`').collect();
    for (index, piece) in pieces.iter().enumerate() {
        if index % 2 == 0 {
            if piece.contains([';', '|']) {
                package = None;
            }
        } else if piece.starts_with("cos-") {
            let is_named = pieces.get(index + 1).is_some_and(|after| after.starts_with(':'));
            package = is_named.then_some(*piece);
        } else if let Some(package) = package
            && piece.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:".contains(&byte))
        {
            found.push((package, *piece));
        }
    }
    found
}

/// Whether a package has a module or a function of this name.
fn is_there(repo: &Repo, package: &str, name: &str) -> bool {
    let folder = format!("crates/{package}/");
    let (file, inner, function, module) =
        (format!("/{name}.rs"), format!("/{name}/"), format!("fn {name}("), format!("mod {name} {{"));
    repo.with_ending("rs").filter(|(path, _)| path.starts_with(&folder)).any(|(path, text)| {
        path.ends_with(&file) || path.contains(&inner) || text.contains(&function) || text.contains(&module)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_behind_a_package_are_tests() {
        let line =
            "| a promise | `cos-a`: `kills::remote`, 20 kills, `soak`; `cos-b`, `other` | `cargo xtask long soak` |";
        assert_eq!(named(line), [("cos-a", "kills::remote"), ("cos-a", "soak")]);
    }

    #[test]
    fn a_test_that_is_gone_is_found() {
        let page = "| x | `cos-a`: `kills::remote`, `soak::it_ends`, `many` |";
        let files = [
            ("docs/reliability.md", page),
            ("crates/cos-a/tests/it/kills/remote.rs", ""),
            ("crates/cos-a/src/lib.rs", "mod soak {\n    fn it_ends() {}\n}\n"),
            ("crates/cos-b/src/many.rs", ""),
        ];
        let found = named_tests_exist(&Repo::of(&files));
        assert_eq!(found.len(), 1, "{found:?}");
        let gone = format!("{:?}", found[0]);
        assert!(gone.contains("no test or module many"), "{gone}");
    }
}
