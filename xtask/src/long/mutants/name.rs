//! How cargo-mutants names a mutant.

use std::fmt;

use anyhow::Context as _;

/// One mutant: a place and what is done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// All of it, as cargo-mutants lists it.
    pub(crate) name: String,
    /// Under which name it is remembered: with the line counted among lines of code alone, so that words may change.
    pub(crate) key: String,
    /// The mutated file, from the repository's root.
    pub(crate) path: String,
    /// Line, from 1.
    pub(crate) line: usize,
    /// Column, from 1.
    pub(crate) column: usize,
    /// What is done.
    pub(crate) mutation: String,
}

impl Mutant {
    /// Reads `path:line:column: mutation`.
    pub(crate) fn parse(name: &str) -> anyhow::Result<Self> {
        let parts = || {
            let (place, mutation) = name.split_once(": ")?;
            let mut place = place.rsplitn(3, ':');
            let (column, line, path) = (place.next()?, place.next()?, place.next()?);
            Some((path.to_owned(), line.parse().ok()?, column.parse().ok()?, mutation.to_owned()))
        };
        let (path, line, column, mutation) = parts().with_context(|| format!("not the name of a mutant: {name}"))?;
        Ok(Self { name: name.to_owned(), key: name.to_owned(), path, line, column, mutation })
    }

    /// The same, to be remembered by its place in this code.
    pub(crate) fn within(mut self, code: &Code) -> Self {
        let line = code.lines.get(self.line - 1).copied().unwrap_or(self.line);
        self.key = format!("{}:{line}:{}: {}", self.path, self.column, self.mutation);
        self
    }

    /// The package it is in: packages are named as their folders.
    pub(crate) fn package(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }
}

/// A file without its comments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    /// What is left.
    pub(crate) text: String,
    /// For each line of the file, its number in `text`; for comments, that of the line before.
    lines: Vec<usize>,
}

impl Code {
    /// Leaves out lines that are comments or empty. A comment behind code stays.
    pub(crate) fn of(text: &str) -> Self {
        let mut code = Self::default();
        let mut line_number = 0;
        for line in text.lines() {
            let begin = line.trim_start();
            if !begin.is_empty() && !begin.starts_with("//") {
                line_number += 1;
                code.text.push_str(line);
                code.text.push('\n');
            }
            code.lines.push(line_number);
        }
        code
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.mutation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_change_what_is_remembered() {
        let code = Code::of("//! Doc.\n\nfn f() {\n    // Why.\n    g()\n}\n");
        assert_eq!(code.text, "fn f() {\n    g()\n}\n");
        let mutant = Mutant::parse("crates/a/src/x.rs:5:1: x").unwrap().within(&code);
        assert_eq!(mutant.key, "crates/a/src/x.rs:2:1: x");
        assert_eq!(mutant.name, "crates/a/src/x.rs:5:1: x");
    }

    #[test]
    fn names_are_taken_apart() {
        let mutant = Mutant::parse("crates/a/src/x/y.rs:12:5: replace f -> (a, b): c with d").unwrap();
        assert_eq!(mutant.package(), "a");
        assert_eq!(mutant.to_string(), "crates/a/src/x/y.rs:12: replace f -> (a, b): c with d");
        for wrong in ["", "a.rs:1: x", "a.rs:b:1: x", "a.rs:1:b: x", "a.rs:1:1 x"] {
            assert!(Mutant::parse(wrong).is_err(), "{wrong}");
        }
    }
}
