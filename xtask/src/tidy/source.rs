//! Rust files as rules see them: tokens that know whether they are test code.

use super::{
    lexer::{Kind, Token, tokens},
    repo::Repo,
};

/// A Rust file.
pub(crate) struct Source<'a> {
    /// Its path.
    pub(crate) path: &'a str,
    /// Its text.
    pub(crate) text: &'a str,
    /// Its tokens.
    pub(crate) tokens: Vec<Token<'a>>,
    /// Its number of lines.
    pub(crate) lines: usize,
}

impl<'a> Source<'a> {
    /// All Rust files of the repository, test code marked.
    pub(crate) fn all(repo: &'a Repo) -> Vec<Self> {
        let mut sources: Vec<Self> = repo
            .with_ending("rs")
            .map(|(path, text)| {
                let mut tokens = tokens(text);
                if is_test_path(path) {
                    tokens.iter_mut().for_each(|token| token.test = true);
                } else {
                    mark_tests(&mut tokens);
                }
                Self { path, text, tokens, lines: text.lines().count() }
            })
            .collect();
        let homes: Vec<String> = sources.iter().flat_map(Self::test_modules).collect();
        for source in &mut sources {
            if homes.iter().any(|home| source.path.starts_with(home.as_str())) {
                source.tokens.iter_mut().for_each(|token| token.test = true);
            }
        }
        sources
    }

    /// Tokens that are part of the product.
    pub(crate) fn product(&self) -> impl Iterator<Item = &Token<'a>> {
        self.tokens.iter().filter(|token| !token.test)
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.tokens.iter().all(|token| token.test)
    }

    /// The crate's folder name, for files in `crates/<name>/src/`.
    pub(crate) fn crate_name(&self) -> Option<&'a str> {
        let (name, inside) = self.path.strip_prefix("crates/")?.split_once('/')?;
        inside.starts_with("src/").then_some(name)
    }

    /// Where modules live that this file declares for tests only, without braces: `src/a/tests.rs`, `src/a/tests/`.
    fn test_modules(&self) -> Vec<String> {
        let Some((folder, file)) = self.path.rsplit_once('/') else { return Vec::new() };
        let stem = file.trim_end_matches(".rs");
        let folder =
            if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { format!("{folder}/{stem}") };
        let declared = self.tokens.windows(3).filter(|found| {
            found[0].test && found[0].is_name("mod") && found[1].kind == Kind::Name && found[2].is_mark(";")
        });
        declared.flat_map(|found| [".rs", "/"].map(|end| format!("{folder}/{}{end}", found[1].text))).collect()
    }
}

/// Integration tests, benches and examples: not part of the product, whatever they say inside.
fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| ["tests", "benches", "examples"].contains(&part))
}

/// Marks items under `#[cfg(test)]` and under the feature `testing`.
fn mark_tests(tokens: &mut [Token<'_>]) {
    let mut at = 0;
    while at < tokens.len() {
        let Some((inner, end)) = attribute(tokens, at) else {
            at += 1;
            continue;
        };
        if !is_test_cfg(&tokens[at..end]) {
            at = end;
            continue;
        }
        let item = if inner { tokens.len() } else { item_end(tokens, end) };
        tokens[at..item].iter_mut().for_each(|token| token.test = true);
        at = item;
    }
}

/// Whether an attribute begins here; whether it is an inner one (`#!`), and where it ends.
pub(crate) fn attribute(tokens: &[Token<'_>], at: usize) -> Option<(bool, usize)> {
    if !tokens.get(at)?.is_mark("#") {
        return None;
    }
    let inner = tokens.get(at + 1)?.is_mark("!");
    let open = at + 1 + usize::from(inner);
    tokens.get(open)?.is_mark("[").then(|| (inner, closing(tokens, open) + 1))
}

/// Index of the bracket that closes the one at `open`; the last token if none does.
pub(crate) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.kind != Kind::Mark {
            continue;
        }
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

fn is_test_cfg(attribute: &[Token<'_>]) -> bool {
    attribute.iter().any(|token| token.is_name("cfg"))
        && attribute.iter().any(|token| token.is_name("test") || token.text == "\"testing\"")
        && !attribute.iter().any(|token| token.is_name("not"))
}

/// Where the item ends that begins here: after its braces, or after its semicolon.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut at = start;
    while at < tokens.len() {
        if let Some((_, end)) = attribute(tokens, at) {
            at = end;
        } else if tokens[at].is_mark("{") {
            return closing(tokens, at) + 1;
        } else if tokens[at].is_mark("(") || tokens[at].is_mark("[") {
            at = closing(tokens, at) + 1;
        } else if tokens[at].is_mark(";") {
            return at + 1;
        } else {
            at += 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(files: &[(&str, &str)]) -> Vec<String> {
        let repo = Repo::of(files);
        Source::all(&repo)
            .iter()
            .flat_map(|source| source.product().filter(|token| token.kind == Kind::Name).map(|t| t.text.to_owned()))
            .collect()
    }

    #[test]
    fn test_items_are_not_product() {
        let text = "use a; #[cfg(test)] #[x] const B: [u8; 1] = []; #[cfg(any(test, feature = \"testing\"))] mod c { d } \
                    #[cfg(not(test))] fn e() {} #[cfg(feature = \"f\")] fn g() {}";
        let found = product(&[("crates/x/src/lib.rs", text)]);
        assert_eq!(found, ["use", "a", "cfg", "not", "test", "fn", "e", "cfg", "feature", "fn", "g"]);
    }

    #[test]
    fn files_of_test_modules_are_not_product() {
        let found = product(&[
            ("crates/x/src/a.rs", "#[cfg(test)] mod tests; mod b;"),
            ("crates/x/src/a/b.rs", "one"),
            ("crates/x/src/a/tests.rs", "two"),
            ("crates/x/src/a/tests/deep.rs", "three"),
            ("crates/x/tests/it/main.rs", "four"),
            ("crates/x/src/c.rs", "#![cfg(test)] five"),
        ]);
        assert_eq!(found, ["mod", "b", "one"]);
    }
}
