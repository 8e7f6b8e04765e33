//! What people found out about mutants that survived.

use std::fmt;

use anyhow::{Context as _, bail};

use super::name::Mutant;

/// What was found out about mutants that are alike. They are told by what stands there, since line numbers move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The mutated file.
    path: String,
    /// What is done.
    mutation: String,
    /// The line of code it is done to, where the mutation alone does not say.
    code: Option<String>,
    /// The column, where the mutation is possible more than once in that line.
    column: Option<i64>,
    /// What follows.
    pub(crate) finding: Finding,
}

/// Why a mutant may be in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// This test was added, and it survives no more.
    Test(String),
    /// Behavior does not change, for this reason.
    Same(String),
}

impl Known {
    /// Whether it is about this mutant of this line.
    pub(crate) fn is_about(&self, mutant: &Mutant, line: &str) -> bool {
        self.path == mutant.path
            && self.mutation == mutant.mutation
            && self.code.as_ref().is_none_or(|code| code == line)
            && self.column.is_none_or(|column| usize::try_from(column) == Ok(mutant.column))
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.mutation)
    }
}

/// Reads the list: tables `[[mutant]]` with `path`, `mutation`, maybe `code` and `column`, and either `test` or `same`.
pub(crate) fn parse(text: &str) -> anyhow::Result<Vec<Known>> {
    let table: toml::Table = text.parse()?;
    let entries = table.get("mutant").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    entries.iter().map(known).collect()
}

fn known(entry: &toml::Value) -> anyhow::Result<Known> {
    let optional = |key: &str| entry.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let needed = |key: &str| optional(key).with_context(|| format!("`{key}` is missing in: {entry}"));
    let finding = match (optional("test"), optional("same")) {
        (Some(test), None) => Finding::Test(test),
        (None, Some(why)) => Finding::Same(why),
        _ => bail!("give either `test` or `same`: {entry}"),
    };
    let column = entry.get("column").and_then(toml::Value::as_integer);
    Ok(Known { path: needed("path")?, mutation: needed("mutation")?, code: optional("code"), column, finding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_applied() {
        let known = parse(
            "[[mutant]]\npath = 'crates/a/src/x.rs'\nmutation = 'm'\nsame = 'y'\n\
             [[mutant]]\npath = 'crates/a/src/x.rs'\nmutation = 'm'\ncode = 'a + b'\ncolumn = 1\ntest = 't'\n",
        )
        .unwrap();
        assert_eq!(known[0].finding, Finding::Same("y".to_owned()));
        assert_eq!(known[1].finding, Finding::Test("t".to_owned()));
        let mutant = Mutant::parse("crates/a/src/x.rs:1:1: m").unwrap();
        assert!(known[0].is_about(&mutant, "any"));
        assert!(known[1].is_about(&mutant, "a + b") && !known[1].is_about(&mutant, "a"));
        assert!(!known[1].is_about(&Mutant::parse("crates/a/src/x.rs:1:2: m").unwrap(), "a + b"));
        assert!(!known[0].is_about(&Mutant::parse("crates/a/src/x.rs:1:1: n").unwrap(), ""));
    }

    #[test]
    fn an_entry_says_one_thing() {
        for rest in ["", "test = 't'\nsame = 's'\n"] {
            assert!(parse(&format!("[[mutant]]\npath = 'p'\nmutation = 'm'\n{rest}")).is_err());
        }
        assert!(parse("[[mutant]]\npath = 'p'\nsame = 's'\n").is_err());
    }
}
