//! What others build on says how it is used, or where it comes from.

use super::{Violation, repo::Repo};

/// The crates that another project depends on without reading their source.
const CONTRACT: [&str; 5] = [
    "crates/cos-batch-model/src/",
    "crates/cos-signature/src/",
    "crates/cos-batch-client/src/",
    "crates/cos-batch-server/src/",
    "crates/cos-batch-conformance/src/",
];

/// The page on which limits have their source.
const PROTOCOL: &str = "docs/protocol.md";

/// What begins a public item outside of others.
const ITEMS: [&str; 9] = [
    "pub struct ",
    "pub enum ",
    "pub trait ",
    "pub type ",
    "pub const fn ",
    "pub const ",
    "pub async fn ",
    "pub fn ",
    "pub union ",
];

/// How documentation names where something comes from.
const SOURCES: [&str; 8] =
    ["```", "Source: ", "COS Batch API", "COS documentation", "(COS, ", "COS guide", "COS Batch guide", "Go SDK"];

/// Each public item of the crates that make the contract has an example, or says where it comes from. A limit may say it
/// on the page on the protocol.
///
/// Why: who builds on a crate wants to see how something is used, and to know which rules are the service's and which
/// are ours.
pub(crate) fn examples_or_sources(repo: &Repo) -> Vec<Violation> {
    const RULE: &str = "examples-or-sources";
    let page = repo.text(PROTOCOL).unwrap_or_default();
    let files = repo.with_ending("rs").filter(|(path, _)| CONTRACT.iter().any(|home| path.starts_with(home)));
    let mut violations = Vec::new();
    for (path, text) in files {
        let mut documentation = String::new();
        let mut in_attribute = false;
        for (index, line) in text.lines().enumerate() {
            // Tests are last in a file.
            if line.starts_with("#[cfg(test)]") {
                break;
            }
            let trimmed = line.trim_start();
            if let Some(more) = trimmed.strip_prefix("///") {
                documentation.push_str(more);
                documentation.push('\n');
                continue;
            }
            // Attributes stand between, some of them over several lines.
            if in_attribute || trimmed.starts_with("#[") {
                in_attribute = !trimmed.ends_with(']');
                continue;
            }
            let sourced = SOURCES.iter().any(|source| documentation.contains(source));
            documentation.clear();
            let Some(name) = item(line).filter(|_| !sourced) else { continue };
            if page.contains(&format!("`{name} = ")) {
                continue;
            }
            let advice =
                format!("add an example to the documentation of `{name}`, or a line `Source: …` (or `Source: ours`)");
            violations.push(Violation::new(path, index + 1, RULE, advice));
        }
    }
    violations
}

/// The name of the item that begins on this line, if a public one does: one outside of others, or one that a macro makes.
fn item(line: &str) -> Option<&str> {
    let made_by_macro = line.starts_with("    pub enum ") && line.contains(" in \"");
    let line = if made_by_macro { line.trim_start() } else { line };
    let rest = ITEMS.iter().find_map(|start| line.strip_prefix(start))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_neither_is_named() {
        let code = "\
/// A.\n#[derive(Debug)]\npub struct A;\n
/// B. Source: ours.\n#[derive(\n    Debug,\n)]\npub struct B;\n
/// C.\n///\n/// ```\n/// ```\npub fn c() {}\n
/// D.\npub const D_MAX: usize = 1;\n/// E.\npub const E_MAX: usize = 1;\n
    /// F.\n    pub enum F in \"f\" {\n    /// No item.\n    pub fn g() {}\n
/// H.\npub(crate) struct H;\n
#[cfg(test)]\npub struct I;\n";
        let repo = Repo::of(&[
            ("crates/cos-signature/src/a.rs", code),
            ("crates/cos-batch-engine/src/a.rs", code),
            ("docs/protocol.md", "| `D_MAX = 1` |"),
        ]);
        let found = examples_or_sources(&repo);
        assert!(found.iter().all(|violation| violation.path == "crates/cos-signature/src/a.rs"));
        let names: Vec<_> = found.iter().filter_map(|violation| violation.message.split('`').nth(1)).collect();
        assert_eq!(names, ["A", "E_MAX", "F"]);
    }
}
