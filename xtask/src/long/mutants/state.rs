//! What is remembered between runs: one line for each mutant, in a file that is committed.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::Context as _;

use super::name::Mutant;

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A test failed.
    Caught,
    /// All tests passed.
    Missed,
    /// A test did not end, which in a test run is noticed as well.
    Timeout,
    /// It does not compile.
    Unviable,
}

impl Outcome {
    pub(crate) const ALL: [Self; 4] = [Self::Caught, Self::Missed, Self::Timeout, Self::Unviable];

    /// The name that cargo-mutants uses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Missed => "missed",
            Self::Timeout => "timeout",
            Self::Unviable => "unviable",
        }
    }

    pub(crate) fn survives(self) -> bool {
        self == Self::Missed
    }
}

/// One finished mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) outcome: Outcome,
    /// Hash of the mutated file without its comments.
    pub(crate) blob: String,
    /// Hash of the package, its tests included.
    pub(crate) package: String,
    /// The commit it ran on.
    pub(crate) commit: String,
}

/// All finished mutants, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct State(BTreeMap<String, Record>);

impl State {
    /// Reads the file; nothing is remembered while there is none.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        Self::parse(&fs::read_to_string(file)?).with_context(|| format!("{}: delete it to begin anew", file.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let records = text.lines().map(|line| {
            let mut fields = line.splitn(5, '\t').map(str::to_owned);
            let mut next = || fields.next().with_context(|| format!("not a remembered mutant: {line}"));
            let (outcome, blob, package, commit, name) = (next()?, next()?, next()?, next()?, next()?);
            let outcome = Outcome::ALL.into_iter().find(|known| known.name() == outcome);
            let outcome = outcome.with_context(|| format!("not an outcome: {line}"))?;
            Ok((name, Record { outcome, blob, package, commit }))
        });
        records.collect::<anyhow::Result<_>>().map(Self)
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let next = file.with_extension("next");
        fs::write(&next, self.text())?;
        fs::rename(&next, file)?;
        Ok(())
    }

    fn text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, record)| {
            let Record { outcome, blob, package, commit } = record;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}\t{blob}\t{package}\t{commit}\t{name}", outcome.name());
            text
        })
    }

    /// Forgets what was found in files that have changed since.
    pub(crate) fn keep_current(&mut self, blobs: &BTreeMap<String, String>) {
        self.0.retain(|name, record| {
            Mutant::parse(name).is_ok_and(|mutant| blobs.get(&mutant.path) == Some(&record.blob))
        });
    }

    pub(crate) fn get(&self, mutant: &Mutant) -> Option<&Record> {
        self.0.get(&mutant.key)
    }

    pub(crate) fn insert(&mut self, mutant: &Mutant, record: Record) {
        self.0.insert(mutant.key.clone(), record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "caught\tb1\tp\tc\tcrates/a/src/x.rs:1:1: replace f with ()\n\
                        missed\tb2\tp\tc\tcrates/a/src/y.rs:1:1: replace g with ()\n";

    #[test]
    fn what_is_written_is_read() {
        let state = State::parse(TEXT).unwrap();
        assert_eq!(state.text(), TEXT);
        assert!(State::parse("caught\tb\tp\tc\n").is_err());
        assert!(State::parse("lost\tb\tp\tc\tname\n").is_err());
    }

    #[test]
    fn changed_and_deleted_files_are_forgotten() {
        let blob = |path: &str, blob: &str| (path.to_owned(), blob.to_owned());
        let mut state = State::parse(TEXT).unwrap();
        state.keep_current(&BTreeMap::from([blob("crates/a/src/x.rs", "b1"), blob("crates/a/src/y.rs", "other")]));
        assert_eq!(state.text(), TEXT.lines().next().unwrap().to_owned() + "\n");
        state.keep_current(&BTreeMap::new());
        assert_eq!(state, State::default());
    }
}
