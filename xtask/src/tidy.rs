//! The repository's rules, as code.
//!
//! Each rule is one small function over the files of the repository, which are read once. All violations are reported
//! at once, each with its place, the rule's name and what to do about it.

mod arrows;
mod book;
mod circles;
mod hygiene;
mod lexer;
mod limits;
mod logs;
mod map;
mod names;
mod packages;
mod prose;
mod repo;
mod source;
mod sourced;
mod tested;

use std::{fmt, path::Path, time::Instant};

use anyhow::bail;
use repo::Repo;
use source::Source;

/// One place that breaks one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// Path from the repository's root.
    path: String,
    /// Line, from 1; 0 when the file as a whole, or its absence, is the matter.
    line: usize,
    /// The rule's name.
    rule: &'static str,
    /// What is wrong and what to do.
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": [{}] {}", self.rule, self.message)
    }
}

/// Checks the repository at `root` against all rules.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let start = Instant::now();
    let repo = Repo::read(root)?;
    let violations = check(&repo);
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} place(s) break the repository's rules", violations.len());
    }
    println!("tidy: {} files follow the rules ({} ms)", repo.len(), start.elapsed().as_millis());
    Ok(())
}

/// A rule on the repository's files.
type FileRule = fn(&Repo) -> Vec<Violation>;

/// A rule on its Rust code.
type SourceRule = fn(&[Source<'_>]) -> Vec<Violation>;

/// All violations, by file and line.
fn check(repo: &Repo) -> Vec<Violation> {
    let sources = Source::all(repo);
    let on_files: [FileRule; 20] = [
        arrows::workspace_arrows,
        arrows::third_party,
        map::lints_inherited,
        map::crates_listed,
        map::paths_in_docs_exist,
        map::fixtures_described,
        map::decisions_linked,
        tested::named_tests_exist,
        limits::limits_described,
        sourced::examples_or_sources,
        packages::packages_whole,
        packages::dependencies_placed,
        packages::features_described,
        prose::white_space,
        prose::machine_paths,
        prose::links_resolve,
        prose::changelog,
        book::pages_in_contents,
        book::anchors_resolve,
        book::links_stay_in_book,
    ];
    let on_sources: [SourceRule; 12] = [
        names::xml_in_one_place,
        names::http_at_the_edges,
        names::engine_without_transports,
        names::spawning_in_few_places,
        names::pure_crates,
        hygiene::no_ignored_tests,
        hygiene::nothing_unfinished,
        hygiene::exceptions_have_reasons,
        hygiene::programs_without_tests,
        hygiene::file_length,
        circles::no_circles,
        logs::lines_name_their_job,
    ];
    let mut violations: Vec<Violation> =
        on_files.iter().flat_map(|rule| rule(repo)).chain(on_sources.iter().flat_map(|rule| rule(&sources))).collect();
    violations.sort();
    violations
}
