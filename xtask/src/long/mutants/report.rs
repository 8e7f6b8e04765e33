//! `docs/mutants.md`: what was run, what came out, and what is known about each survivor.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
};

use super::{
    name::Mutant,
    state::{Outcome, State},
    survivors::{Finding, Known},
};

const ABOUT: &str = "# Mutants

`cargo xtask long mutants` changes the code in one small way at a time and runs the unit tests and the program `it` of the
package that was changed. A change that no test notices is a survivor: it shows a rule that could be dropped unseen. The
command wrote this page; what it says about survivors comes from `xtask/src/long/mutants/survivors.toml`.

The changes of code are those of cargo-mutants. To them come changes of tables and of plain numbers: each legal change
of status and each signed header is left out, each spelling of a closed list, of an error code and of a field is altered,
each error code is answered with another status, the least and the most of each text and number and every plain number
behind a `const` are one less and one more, and the characters that a text may have are another class.

Not changed: what comes out of other `macro_rules!`, tests, and all packages and files that are not in the list below.
Not run here: examples in documentation, and the program that counts allocations, whose counts depend on what else runs;
a test that can fail with nothing changed would pass a survivor off as caught. *Timeout* means that a test did not end,
which a test run notices as well. *Unviable* means that the change does not compile. What was not run is not known.

";

/// What a report is made of.
pub(crate) struct Report<'a> {
    mutants: &'a [Mutant],
    state: &'a State,
    known: &'a [Known],
    /// Mutants with what is known about them: position in `mutants`, position in `known`.
    matches: Vec<(usize, usize)>,
}

/// Counts of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    mutants: usize,
    caught: usize,
    missed: usize,
    timeout: usize,
    unviable: usize,
}

impl Counts {
    fn add(&mut self, outcome: Option<Outcome>) {
        self.mutants += 1;
        match outcome {
            Some(Outcome::Caught) => self.caught += 1,
            Some(Outcome::Missed) => self.missed += 1,
            Some(Outcome::Timeout) => self.timeout += 1,
            Some(Outcome::Unviable) => self.unviable += 1,
            None => {}
        }
    }

    fn run(&self) -> usize {
        self.caught + self.missed + self.timeout + self.unviable
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mutants, caught, missed, timeout, unviable } = self;
        write!(f, "{mutants} | {} | {caught} | {missed} | {timeout} | {unviable}", self.run())
    }
}

impl<'a> Report<'a> {
    /// Puts together what is known; `line` gives the text of a line of a file.
    pub(crate) fn new(
        mutants: &'a [Mutant],
        state: &'a State,
        known: &'a [Known],
        line: impl Fn(&str, usize) -> String,
    ) -> Self {
        let mut matches = Vec::new();
        for (index, mutant) in mutants.iter().enumerate() {
            let line = line(&mutant.path, mutant.line);
            matches.extend(known.iter().position(|known| known.is_about(mutant, &line)).map(|at| (index, at)));
        }
        Self { mutants, state, known, matches }
    }

    fn outcome(&self, mutant: &Mutant) -> Option<Outcome> {
        self.state.get(mutant).map(|record| record.outcome)
    }

    fn finding(&self, index: usize) -> Option<&'a Finding> {
        let at = self.matches.iter().find(|(mutant, _)| *mutant == index)?.1;
        Some(&self.known[at].finding)
    }

    fn survivors(&self) -> impl Iterator<Item = (usize, &'a Mutant)> {
        let survives = |mutant: &Mutant| self.outcome(mutant).is_some_and(Outcome::survives);
        self.mutants.iter().enumerate().filter(move |(_, mutant)| survives(mutant))
    }

    /// Survivors that change behavior, as far as anybody knows.
    pub(crate) fn unexplained(&self) -> usize {
        self.survivors().filter(|(index, _)| !matches!(self.finding(*index), Some(Finding::Same(_)))).count()
    }

    /// What is known about mutants that are not there anymore.
    pub(crate) fn outdated(&self) -> impl Iterator<Item = &'a Known> {
        let used: BTreeSet<usize> = self.matches.iter().map(|(_, at)| *at).collect();
        self.known.iter().enumerate().filter(move |(at, _)| !used.contains(at)).map(|(_, known)| known)
    }

    fn total(&self) -> Counts {
        self.mutants.iter().fold(Counts::default(), |mut counts, mutant| {
            counts.add(self.outcome(mutant));
            counts
        })
    }

    /// One line.
    pub(crate) fn summary(&self) -> String {
        let total = self.total();
        let Counts { mutants, caught, missed, timeout, unviable } = total;
        format!(
            "{} of {mutants} mutants run: {caught} caught, {missed} missed ({} unexplained), {timeout} timeout, \
             {unviable} unviable",
            total.run(),
            self.unexplained()
        )
    }

    /// The page.
    pub(crate) fn text(&self) -> String {
        let mut text = ABOUT.to_owned();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "{}.\n", self.summary())?;
        self.write_commits(text)?;
        writeln!(text, "| file | mutants | run | caught | missed | timeout | unviable |")?;
        writeln!(text, "|---|---|---|---|---|---|---|")?;
        let mut files: Vec<(&str, Counts)> = Vec::new();
        for mutant in self.mutants {
            if files.last().is_none_or(|(path, _)| *path != mutant.path) {
                files.push((&mutant.path, Counts::default()));
            }
            if let Some((_, counts)) = files.last_mut() {
                counts.add(self.outcome(mutant));
            }
        }
        for (path, counts) in files {
            writeln!(text, "| `{path}` | {counts} |")?;
        }
        writeln!(text, "| all | {} |", self.total())?;
        self.write_survivors(text)?;
        self.write_tests(text)
    }

    fn write_commits(&self, text: &mut String) -> fmt::Result {
        let mut commits = BTreeMap::<&str, usize>::new();
        for record in self.mutants.iter().filter_map(|mutant| self.state.get(mutant)) {
            *commits.entry(&record.commit).or_default() += 1;
        }
        let commits: Vec<String> = commits.iter().map(|(commit, count)| format!("`{commit}` ({count})")).collect();
        if commits.is_empty() {
            return writeln!(text, "Nothing was run.\n");
        }
        writeln!(text, "Commits that they ran on, with how many: {}. A result counts while", commits.join(", "))?;
        writeln!(text, "the code of the changed file stays as it is; a survivor runs again when its package changes.\n")
    }

    fn write_survivors(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "\n## Survivors\n")?;
        if self.survivors().next().is_none() {
            return writeln!(text, "None among those that were run.");
        }
        writeln!(text, "| place | mutation | why behavior stays as it is |")?;
        writeln!(text, "|---|---|---|")?;
        for (index, mutant) in self.survivors() {
            let why = match self.finding(index) {
                Some(Finding::Same(why)) => why.clone(),
                Some(Finding::Test(test)) => format!("**it does not stay so**, and `{test}` should notice"),
                None => "**not known yet**".to_owned(),
            };
            writeln!(text, "| `{}:{}` | {} | {why} |", mutant.path, mutant.line, code(&mutant.mutation))?;
        }
        Ok(())
    }

    fn write_tests(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "\n## Tests that were added\n")?;
        writeln!(text, "These survived once, and a test was added.\n")?;
        writeln!(text, "| place | mutation | test added | now |")?;
        writeln!(text, "|---|---|---|---|")?;
        for (index, mutant) in self.mutants.iter().enumerate() {
            if let Some(Finding::Test(test)) = self.finding(index) {
                let now = self.outcome(mutant).map_or("not run", Outcome::name);
                let Mutant { path, line, mutation, .. } = mutant;
                writeln!(text, "| `{path}:{line}` | {} | `{test}` | {now} |", code(mutation))?;
            }
        }
        Ok(())
    }
}

/// Code in a cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{state::Record, survivors},
        *,
    };

    const KNOWN: &str = "[[mutant]]\npath = 'crates/a/src/x.rs'\nmutation = 'same'\ncode = 'line 2'\nsame = 'Because.'\n\
                         [[mutant]]\npath = 'crates/a/src/x.rs'\nmutation = 'tested'\ntest = 'it::t'\n\
                         [[mutant]]\npath = 'crates/a/src/x.rs'\nmutation = 'gone'\nsame = 'It was.'\n";

    #[test]
    fn the_page_tells_all() {
        let outcomes = [
            ("x.rs:1:1: same", Some(Outcome::Missed)),
            ("x.rs:2:1: same", Some(Outcome::Missed)),
            ("x.rs:3:1: tested", Some(Outcome::Caught)),
            ("x.rs:4:1: tested", Some(Outcome::Missed)),
            ("x.rs:5:1: replace || with &&", Some(Outcome::Missed)),
            ("y.rs:1:1: a", Some(Outcome::Timeout)),
            ("y.rs:2:1: b", Some(Outcome::Unviable)),
            ("y.rs:3:1: c", None),
        ];
        let mut mutants = Vec::new();
        let mut state = State::default();
        for (name, outcome) in outcomes {
            let mutant = Mutant::parse(&format!("crates/a/src/{name}")).unwrap();
            if let Some(outcome) = outcome {
                let [blob, package, commit] = ["b", "p", "c"].map(str::to_owned);
                state.insert(&mutant, Record { outcome, blob, package, commit });
            }
            mutants.push(mutant);
        }
        let known = survivors::parse(KNOWN).unwrap();
        let report = Report::new(&mutants, &state, &known, |_, line| format!("line {line}"));

        assert_eq!(report.summary(), "7 of 8 mutants run: 1 caught, 4 missed (3 unexplained), 1 timeout, 1 unviable");
        assert_eq!(report.outdated().map(ToString::to_string).collect::<Vec<_>>(), ["crates/a/src/x.rs: gone"]);
        let text = report.text();
        for line in [
            "Commits that they ran on, with how many: `c` (7). A result counts while",
            "| `crates/a/src/x.rs` | 5 | 5 | 1 | 4 | 0 | 0 |",
            "| `crates/a/src/y.rs` | 3 | 2 | 0 | 0 | 1 | 1 |",
            "| all | 8 | 7 | 1 | 4 | 1 | 1 |",
            "| `crates/a/src/x.rs:1` | `same` | **not known yet** |",
            "| `crates/a/src/x.rs:2` | `same` | Because. |",
            "| `crates/a/src/x.rs:4` | `tested` | **it does not stay so**, and `it::t` should notice |",
            "| `crates/a/src/x.rs:5` | `replace \\|\\| with &&` | **not known yet** |",
            "| `crates/a/src/x.rs:3` | `tested` | `it::t` | caught |",
            "| `crates/a/src/x.rs:4` | `tested` | `it::t` | missed |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_page_about_nothing_says_so() {
        let text = Report::new(&[], &State::default(), &[], |_, _| String::new()).text();
        assert!(text.contains("Nothing was run.") && text.contains("None among those that were run."), "{text}");
    }
}
