//! The pages below `docs/` as a book: each is in its table of contents, and links lead to headings that are there.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Violation,
    prose::{is_relative, links, resolve},
    repo::Repo,
};

/// The table of contents, as mdBook reads it.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Every page is in the table of contents, once.
///
/// Why: what is not in the book is not read, and mdBook leaves such a page out without a word.
pub(crate) fn pages_in_contents(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "pages-in-contents";
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    for line in repo.text(SUMMARY).unwrap_or_default().lines() {
        for target in links(line) {
            if let Some(path) = resolve(SUMMARY, target) {
                *listed.entry(path).or_default() += 1;
            }
        }
    }
    let pages = repo.with_ending("md").map(|(path, _)| path);
    let pages = pages.filter(|path| path.starts_with("docs/") && *path != SUMMARY);
    let advice = |path: &str| match listed.get(path) {
        Some(1) => None,
        Some(_) => Some(format!("{SUMMARY} has it more than once")),
        None => Some(format!("add it to {SUMMARY}")),
    };
    pages.filter_map(|path| Some(Violation::new(path, 0, RULE, advice(path)?))).collect()
}

/// A page of the book links to what is in the book.
///
/// Why: mdBook copies what lies below its folder and nothing else, so that any other link is broken there.
pub(crate) fn links_stay_in_book(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "links-stay-in-book";
    let mut violations = Vec::new();
    for (path, text) in repo.with_ending("md").filter(|(path, _)| path.starts_with("docs/")) {
        let outside = |target: &&str| {
            let file = target.split('#').next().unwrap_or_default();
            is_relative(target) && !resolve(path, file).is_some_and(|file| file.starts_with("docs/"))
        };
        let mut in_code = false;
        for (index, line) in text.lines().enumerate() {
            in_code ^= line.trim_start().starts_with("```");
            if in_code {
                continue;
            }
            for target in links(line).into_iter().filter(outside) {
                let advice = format!("`{target}` is not below docs/: name the file instead");
                violations.push(Violation::new(path, index + 1, RULE, advice));
            }
        }
    }
    violations
}

/// A link with a `#` names a heading of the page it leads to.
///
/// Why: such a link still opens the page when the heading is gone, at its top; nobody notices but who follows it.
pub(crate) fn anchors_resolve(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "anchors-resolve";
    let mut violations = Vec::new();
    for (path, text) in repo.with_ending("md") {
        let mut in_code = false;
        for (index, line) in text.lines().enumerate() {
            in_code ^= line.trim_start().starts_with("```");
            if in_code {
                continue;
            }
            for target in links(line) {
                let Some((file, anchor)) = target.split_once('#') else { continue };
                let page = match file {
                    "" => Some(path.to_owned()),
                    file if is_relative(file) => resolve(path, file),
                    _ => continue,
                };
                let Some(text) = page.filter(|page| page.ends_with(".md")).and_then(|page| repo.text(&page)) else {
                    continue;
                };
                if !anchors(text).contains(anchor) {
                    let advice = format!("`{target}`: there is no such heading: correct the link");
                    violations.push(Violation::new(path, index + 1, RULE, advice));
                }
            }
        }
    }
    violations
}

/// What the headings of a page are called in links; the second of a name has `-1` behind it.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_code = false;
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if in_code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let name: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let mut numbered = name.clone();
        let mut number = 0;
        while !found.insert(numbered.clone()) {
            number += 1;
            numbered = format!("{name}-{number}");
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_in_the_contents_is_found() {
        let repo = Repo::of(&[
            (SUMMARY, "# Contents\n\n- [A](a.md)\n- [B](b.md)\n- [B again](b.md)\n"),
            ("docs/a.md", ""),
            ("docs/b.md", ""),
            ("docs/c.md", ""),
            ("docs/adr/0001-x.md", ""),
            ("README.md", ""),
        ]);
        let found: Vec<String> = pages_in_contents(&repo).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("docs/adr/0001-x.md: "), "{}", found[0]);
        assert!(found[1].starts_with("docs/b.md: ") && found[1].ends_with("more than once"), "{}", found[1]);
        assert!(found[2].starts_with("docs/c.md: "), "{}", found[2]);
    }

    #[test]
    fn a_link_out_of_the_book_is_found() {
        let text = "[a](b.md#x) [b](#x) [c](https://example.com/)\n[d](../README.md#x)\n```\n[e](../x)\n```\n[f](adr/../../x)\n";
        let repo = Repo::of(&[("docs/a.md", text), ("README.md", "[g](docs/a.md)\n")]);
        let found: Vec<usize> = links_stay_in_book(&repo).iter().map(|found| found.line).collect();
        assert_eq!(found, [2, 6]);
    }

    #[test]
    fn a_heading_that_is_not_there_is_found() {
        let text = "# One & `two`\n## Again\n## Again\n[a](#one--two) [b](#again-1) [c](#again-2)\n```\n# no heading\n```\n\
                    [d](#no-heading) [e](b.md#x) [f](https://example.com/#y) [g](c.rs#L1)\n";
        let repo = Repo::of(&[("docs/a.md", text), ("docs/b.md", "# Y\n"), ("docs/c.rs", "")]);
        let found: Vec<(usize, String)> =
            anchors_resolve(&repo).into_iter().map(|found| (found.line, found.message)).collect();
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 8, 8], "{found:?}");
    }
}
