//! Rules for text.

use super::{Violation, repo::Repo};

/// No white space at line ends, no tabs, a line feed at the end.
///
/// Why: invisible differences make noise in every later diff.
pub(crate) fn white_space(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "white-space";
    let mut violations = Vec::new();
    for (path, text) in ["md", "rs", "toml"].into_iter().flat_map(|ending| repo.with_ending(ending)) {
        for (index, line) in text.split('\n').enumerate() {
            if line.ends_with(char::is_whitespace) {
                violations.push(Violation::new(path, index + 1, RULE, "remove the white space at the end of the line"));
            } else if line.contains('\t') {
                violations.push(Violation::new(path, index + 1, RULE, "use spaces, or `\\t` in a string, not a tab"));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            violations.push(Violation::new(path, 0, RULE, "end the file with exactly one line feed"));
        }
    }
    violations
}

/// No text names a place on the machine where it was written.
///
/// Why: it is wrong on every other machine, and tells about its author.
pub(crate) fn machine_paths(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "machine-paths";
    // Written without their slashes, so that this file passes its own rule.
    const PERSONAL: [&str; 3] = ["home", "root", "Users"];
    const IN_DOCUMENTS: [&str; 4] = ["home", "root", "Users", "tmp"];
    let mut violations = Vec::new();
    for (path, text) in repo.texts() {
        let folders = if path.ends_with(".md") { &IN_DOCUMENTS[..] } else { &PERSONAL[..] };
        for (index, line) in text.lines().enumerate() {
            if let Some(folder) = folders.iter().find(|folder| names_folder(line, folder)) {
                let advice =
                    format!("a path below /{folder}: name a place relative to the repository, or a made-up one");
                violations.push(Violation::new(path, index + 1, RULE, advice));
            }
        }
    }
    violations
}

/// Whether the line has an absolute path below this folder; a part of a longer path or of a URL is something else.
fn names_folder(line: &str, folder: &str) -> bool {
    let start = format!("/{folder}/");
    line.match_indices(&start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + start.len()..].chars().next();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-/~}>".contains(c))
            && after.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c))
    })
}

/// Links between documents lead somewhere.
///
/// Why: documents move; readers of a dead link give up.
pub(crate) fn links_resolve(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "links-resolve";
    let mut violations = Vec::new();
    for (path, text) in repo.with_ending("md") {
        let mut in_code = false;
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            }
            if in_code {
                continue;
            }
            for target in links(line).into_iter().filter(|target| is_relative(target)) {
                let file = target.split(['#', ' ']).next().unwrap_or_default();
                if !resolve(path, file).is_some_and(|found| repo.exists(&found)) {
                    let advice = format!("the link to `{target}` leads nowhere: correct it");
                    violations.push(Violation::new(path, index + 1, RULE, advice));
                }
            }
        }
    }
    violations
}

/// Targets of the links of a line: `[text](target)`, and `[name]: target` at its start. Code quotes are left out.
pub(super) fn links(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        found.push(target.trim());
    }
    for (at, _) in line.match_indices("](") {
        let in_code = line[..at].matches('`').count() % 2 == 1;
        let target = line[at + 2..].split(')').next().unwrap_or_default();
        if !in_code {
            found.push(target);
        }
    }
    found
}

pub(super) fn is_relative(target: &str) -> bool {
    !target.starts_with('#') && !target.contains("://") && !target.starts_with("mailto:")
}

/// The path that a link from a file means; none if it leads out of the repository.
pub(super) fn resolve(from: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The changelog has a place for what comes next.
///
/// Why: a change is described when it is made; without the place it is described from memory, at release.
pub(crate) fn changelog(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "changelog";
    let text = repo.text("CHANGELOG.md").unwrap_or_default();
    if text.lines().any(|line| line == "## [Unreleased]" || line == "## Unreleased") {
        return Vec::new();
    }
    vec![Violation::new("CHANGELOG.md", 0, RULE, "add a section `## Unreleased`")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&Repo) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
        rule(&Repo::of(&[(path, text)])).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn invisible_marks_are_found() {
        assert_eq!(lines(white_space, "a.md", "a \nb\tc\nd\r\n"), [1, 2, 3]);
        assert_eq!(lines(white_space, "a.rs", "a"), [0]);
        assert_eq!(lines(white_space, "a.toml", "a\n\n"), [0]);
        assert!(lines(white_space, "a.toml", "a\n\nb\n").is_empty());
    }

    #[test]
    fn machine_paths_are_found() {
        let (home, temporary) = (format!("see /{}/me/x", "home"), format!("`/{}/x`", "tmp"));
        assert_eq!(lines(machine_paths, "a.rs", &home), [1]);
        assert_eq!(lines(machine_paths, "a.md", &temporary), [1]);
        assert!(lines(machine_paths, "a.rs", &temporary).is_empty());
        for (before, folder, behind) in [
            ("https://example.com", "home", "x"),
            ("$dir", "root", "x"),
            ("`", "home", "` folders"),
            ("<a>", "tmp", "x"),
        ] {
            let fine = format!("{before}/{folder}/{behind}");
            assert!(lines(machine_paths, "a.md", &fine).is_empty(), "{fine}");
        }
    }

    #[test]
    fn dead_links_are_found() {
        let text = "[a](b.md) [c](../LICENSE#x) [d](https://example.com/e) [f](#g)\n`[h](i)`\n[j](k.md)\n\
                    ```\n[l](m.md)\n```\n[n]: o.md\n[p](../../q)\n";
        let repo = Repo::of(&[("docs/a.md", text), ("docs/b.md", "b\n"), ("LICENSE", "")]);
        assert_eq!(links_resolve(&repo).iter().map(|v| v.line).collect::<Vec<_>>(), [3, 7, 8]);
    }

    #[test]
    fn a_changelog_without_a_next_section_is_found() {
        assert_eq!(lines(changelog, "CHANGELOG.md", "# Changelog\n\n## 0.1.0\n").len(), 1);
        assert!(lines(changelog, "CHANGELOG.md", "# Changelog\n\n## Unreleased\n").is_empty());
        assert_eq!(lines(changelog, "README.md", "").len(), 1);
    }
}
