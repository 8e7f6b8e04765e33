//! How cargo-mutants names a mutant.

use std::fmt;

use anyhow::Context as _;

/// One mutant: a place and what is done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// All of it, as cargo-mutants lists it.
    pub(crate) name: String,
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
        Ok(Self { name: name.to_owned(), path, line, column, mutation })
    }

    /// The package it is in: packages are named as their folders.
    pub(crate) fn package(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
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
    fn names_are_taken_apart() {
        let mutant = Mutant::parse("crates/a/src/x/y.rs:12:5: replace f -> (a, b): c with d").unwrap();
        assert_eq!(mutant.package(), "a");
        assert_eq!(mutant.to_string(), "crates/a/src/x/y.rs:12: replace f -> (a, b): c with d");
        for wrong in ["", "a.rs:1: x", "a.rs:b:1: x", "a.rs:1:b: x", "a.rs:1:1 x"] {
            assert!(Mutant::parse(wrong).is_err(), "{wrong}");
        }
    }
}
