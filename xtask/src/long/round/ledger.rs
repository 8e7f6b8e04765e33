//! What was run, on which commit, and how it ended.

use std::{fs, path::Path};

use anyhow::Context as _;

/// How a run that ended well is written.
const WELL: &str = "well";

/// How one that did not is written.
const FAILED: &str = "failed";

/// How it is written whether a run ended well.
pub(super) fn word(well: bool) -> &'static str {
    if well { WELL } else { FAILED }
}

/// A run of a long form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) form: String,
    pub(super) commit: String,
    /// Its seed, or its number where the form takes none.
    pub(super) seed: u64,
    /// Begun minutes that it took.
    pub(super) minutes: u64,
    pub(super) well: bool,
}

/// All runs, the oldest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger(Vec<Run>);

impl Ledger {
    /// Reads it; a file that is not there yet is an empty one.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(file)?;
        let line = |line| parse(line).with_context(|| format!("{}: not a run: {line}", file.display()));
        text.lines().map(line).collect::<anyhow::Result<_>>().map(Self)
    }

    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let line =
            |run: &Run| format!("{}\t{}\t{}\t{}\t{}\n", run.form, run.commit, run.seed, run.minutes, word(run.well));
        fs::write(file, self.0.iter().map(line).collect::<String>())
            .with_context(|| format!("writing {}", file.display()))
    }

    pub(super) fn add(&mut self, run: Run) {
        self.0.push(run);
    }

    /// Whether the last run of it on this commit ended well.
    pub(super) fn is_done(&self, form: &str, commit: &str) -> bool {
        self.0.iter().rfind(|run| run.form == form && run.commit == commit).is_some_and(|run| run.well)
    }

    /// The seed to begin with: that of the last run if it failed, else the one behind all that were taken, of which each run
    /// takes so many.
    pub(super) fn seed(&self, form: &str, seeds: u64) -> u64 {
        let runs = || self.0.iter().filter(|run| run.form == form);
        match runs().next_back() {
            Some(last) if !last.well => last.seed,
            _ => runs().map(|run| run.seed + seeds).max().unwrap_or(FIRST_SEED),
        }
    }

    #[cfg(test)]
    pub(super) fn forms(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|run| run.form.as_str())
    }
}

/// The first seed of a form: what was run by hand had smaller ones.
const FIRST_SEED: u64 = 1000;

fn parse(line: &str) -> Option<Run> {
    let mut fields = line.split('\t');
    let run = Run {
        form: fields.next()?.to_owned(),
        commit: fields.next()?.to_owned(),
        seed: fields.next()?.parse().ok()?,
        minutes: fields.next()?.parse().ok()?,
        well: match fields.next()? {
            WELL => true,
            FAILED => false,
            _ => return None,
        },
    };
    fields.next().is_none().then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(form: &str, commit: &str, seed: u64, well: bool) -> Run {
        Run { form: form.to_owned(), commit: commit.to_owned(), seed, minutes: 3, well }
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("round.tsv");
        assert_eq!(Ledger::read(&file).unwrap(), Ledger::default());
        let ledger = Ledger(vec![run("kill", "abc", 1000, true), run("nodes", "abc", 1000, false)]);
        ledger.write(&file).unwrap();
        assert_eq!(Ledger::read(&file).unwrap(), ledger);
        for bad in
            ["kill\tabc\t1\t3\n", "kill\tabc\t1\t3\tso\n", "kill\tabc\tx\t3\twell\n", "kill\tabc\t1\t3\twell\t\n"]
        {
            fs::write(&file, bad).unwrap();
            assert!(format!("{:#}", Ledger::read(&file).unwrap_err()).contains("not a run: kill"), "{bad}");
        }
    }

    #[test]
    fn what_ended_well_is_not_run_again_and_what_failed_is_with_its_seed() {
        let mut ledger = Ledger::default();
        assert!(!ledger.is_done("kill", "abc"));
        assert_eq!(ledger.seed("kill", 1), FIRST_SEED);
        ledger.add(run("kill", "abc", FIRST_SEED, true));
        assert!(ledger.is_done("kill", "abc") && !ledger.is_done("kill", "def") && !ledger.is_done("nodes", "abc"));
        assert_eq!((ledger.seed("kill", 1), ledger.seed("nodes", 1000)), (FIRST_SEED + 1, FIRST_SEED));
        ledger.add(run("nodes", "abc", FIRST_SEED, true));
        ledger.add(run("nodes", "def", FIRST_SEED + 1000, false));
        assert!(!ledger.is_done("nodes", "def"));
        assert_eq!(ledger.seed("nodes", 1000), FIRST_SEED + 1000);
        ledger.add(run("nodes", "def", FIRST_SEED + 1000, true));
        assert!(ledger.is_done("nodes", "def"));
        assert_eq!(ledger.seed("nodes", 1000), FIRST_SEED + 2000);
    }
}
