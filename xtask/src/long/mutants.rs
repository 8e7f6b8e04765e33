//! `cargo xtask long mutants`: small changes of the code, one at a time; each must make a test fail.
//!
//! It works on what is committed: the tree of `HEAD` is laid out in a folder of its own, and cargo-mutants changes and
//! tests that; rows of tables and plain numbers, which it leaves alone, are changed here. Results are remembered for as
//! long as the mutated file stays as it is, so a run can be cut into parts.

mod name;
mod report;
mod rows;
mod state;
mod survivors;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use name::{Code, Mutant};
use rows::RowChange;
use state::{Outcome, Record, State};
use xshell::{Cmd, Shell, cmd};

/// What is mutated, in the order in which it is run: package, and paths below its folder `src`.
const SOURCES: &[(&str, &[&str])] = &[
    ("cos-signature", &["**/*.rs"]),
    ("cos-batch-model", &["status.rs", "scalar/*.rs", "error/*.rs", "validation.rs", "wire_enum.rs", "lenient.rs"]),
    ("cos-batch-model", &["xml/*.rs", "action/*.rs"]),
    ("cos-batch-model", &["operation/*.rs", "job.rs", "manifest.rs", "report.rs"]),
];

/// Where the result goes.
const REPORT: &str = "docs/mutants.md";

/// What is remembered. It is committed, so that a run goes on where another ended, wherever that was.
const STATE: &str = "xtask/src/long/mutants/state.tsv";

/// What is known about mutants that survive.
const SURVIVORS: &str = "xtask/src/long/mutants/survivors.toml";

/// Mutants that are tested between two looks at the clock: a minute or two of work, which is also what an interrupted
/// run loses.
const BATCH: usize = 10;

/// Cases of each generated test, unless the environment says otherwise: nearly all mutants fall to the first few.
const PROPTEST_CASES: &str = "32";

/// Shortest time after which a test is taken to hang, seconds. The tests of these crates take a few.
const TIMEOUT_SECONDS_MIN: u64 = 30;

/// What `timeout` ends with when it ended the command.
const TIMED_OUT: i32 = 124;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run only part K of N, counted from 1.
    #[arg(long, value_name = "K/N", value_parser = shard)]
    shard: Option<(usize, usize)>,
    /// Begin nothing new after so many minutes.
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    /// Run nothing; write the report from what is remembered.
    #[arg(long)]
    report: bool,
    /// Where to lay out and build the mutated tree.
    #[arg(long, value_name = "DIR", default_value = "target/mutants")]
    work_dir: PathBuf,
}

/// Reads `K/N`, and counts from 0.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse::<usize>().ok()?, n.parse::<usize>().ok()?)));
    match parts {
        Some((k, n)) if (1..=n).contains(&k) => Ok((k - 1, n)),
        _ => Err(format!("expected K/N with 1 <= K <= N, as in 1/4, got {text}")),
    }
}

/// Runs mutants that were not run before, and writes the report about all.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let start = Instant::now();
    let shell = Shell::new()?;
    shell.change_dir(root);
    if cmd!(shell, "cargo mutants --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        bail!("cargo-mutants is not installed; to get it: cargo install cargo-mutants --locked --version ^27");
    }
    let state_file = root.join(STATE);
    let mut bench = Bench::lay_out(root, &shell, &root.join(&arguments.work_dir))?;
    let mut state = State::read(&state_file)?;
    state.keep_current(&bench.blobs);

    if !arguments.report {
        let part = bench.mutants.iter().enumerate().filter(|(index, _)| {
            let shard = arguments.shard;
            shard.is_none_or(|(k, n)| index % n == k)
        });
        let due: Vec<Mutant> =
            part.map(|(_, mutant)| mutant).filter(|mutant| bench.is_due(&state, mutant)).cloned().collect();
        println!("{} mutants, {} to run", bench.mutants.len(), due.len());
        let deadline = arguments.minutes.map(|minutes| start + Duration::from_secs(minutes * 60));
        let mut finished = 0;
        for batch in due.chunk_by(|left, right| left.package() == right.package()).flat_map(|due| due.chunks(BATCH)) {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                println!("the time is over; the same command goes on from here");
                break;
            }
            let (rows, code): (Vec<Mutant>, _) =
                batch.iter().cloned().partition(|mutant| bench.rows.contains_key(&mutant.name));
            let mut outcomes = if code.is_empty() { Vec::new() } else { bench.test(&code)? };
            for mutant in &rows {
                let change = bench.rows[&mutant.name].clone();
                outcomes.push((mutant, bench.test_row(&change)?));
            }
            for (mutant, outcome) in outcomes {
                println!("{:<9} {}", outcome.name(), mutant.name);
                state.insert(mutant, bench.record(mutant, outcome));
            }
            finished += batch.len();
            state.write(&state_file)?;
            println!("-- {finished} of {} after {} min", due.len(), start.elapsed().as_secs() / 60);
        }
    }

    let known = survivors::parse(&shell.read_file(SURVIVORS)?).context(SURVIVORS)?;
    let report = report::Report::new(&bench.mutants, &state, &known, |path, line| bench.line(path, line));
    fs::write(root.join(REPORT), report.text())?;
    println!("{REPORT}: {}", report.summary());
    for entry in report.outdated() {
        println!("{SURVIVORS}: no mutant is like this anymore: {entry}");
    }
    ensure!(report.unexplained() == 0, "{} survivors have neither a test nor an explanation", report.unexplained());
    Ok(())
}

/// The tree of `HEAD`, laid out to be mutated.
struct Bench {
    shell: Shell,
    tree: PathBuf,
    build: PathBuf,
    out: PathBuf,
    commit: String,
    /// Each file's hash; of mutated files, that of their code without comments.
    blobs: BTreeMap<String, String>,
    /// Hash of all files of a package, by the package's name.
    packages: BTreeMap<String, String>,
    mutants: Vec<Mutant>,
    /// Those of them that are changed here, by name.
    rows: BTreeMap<String, RowChange>,
    /// How long the tests of a package may take, once they were seen to pass.
    timeouts: BTreeMap<String, u64>,
}

impl Bench {
    fn lay_out(root: &Path, git: &Shell, work_dir: &Path) -> anyhow::Result<Self> {
        let (tree, build, out) = (work_dir.join("tree"), work_dir.join("build"), work_dir.join("out"));
        let commit = cmd!(git, "git rev-parse --short=12 HEAD").quiet().read()?;
        let mut blobs = BTreeMap::new();
        let mut packages = BTreeMap::new();
        for line in cmd!(git, "git ls-tree -r -t HEAD").quiet().read()?.lines() {
            let (about, path) = line.split_once('\t').context("a line of git ls-tree has a tab")?;
            let hash = about.rsplit(' ').next().unwrap_or_default().to_owned();
            match path.strip_prefix("crates/") {
                Some(package) if !package.contains('/') => packages.insert(package.to_owned(), hash),
                _ => blobs.insert(path.to_owned(), hash),
            };
        }
        if tree.exists() {
            fs::remove_dir_all(&tree)?;
        }
        fs::create_dir_all(&tree)?;
        let archive = work_dir.join("tree.tar");
        cmd!(git, "git archive --format=tar -o {archive} HEAD").quiet().run()?;
        // Without -m files would be as old as the commit, and cargo would take what it built of another commit.
        cmd!(git, "tar -x -m -f {archive} -C {tree}").quiet().run()?;
        ensure!(tree.join("Cargo.toml").exists(), "{} is not the root of the repository", root.display());

        let shell = Shell::new()?;
        shell.change_dir(&tree);
        let (mutants, rows, timeouts) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut bench = Self { shell, tree, build, out, commit, blobs, packages, mutants, rows, timeouts };
        bench.mutants = bench.list()?;
        for change in bench.list_rows()? {
            bench.mutants.push(change.mutant.clone());
            bench.rows.insert(change.mutant.name.clone(), change);
        }
        let mut codes = BTreeMap::new();
        for path in bench.mutants.iter().map(|mutant| &mutant.path).collect::<BTreeSet<_>>() {
            let code = Code::of(&fs::read_to_string(bench.tree.join(path))?);
            let hash = cmd!(git, "git hash-object --stdin").stdin(&code.text).quiet().read()?;
            bench.blobs.insert(path.clone(), hash);
            codes.insert(path.clone(), code);
        }
        for mutant in &mut bench.mutants {
            *mutant = mutant.clone().within(&codes[&mutant.path]);
        }
        // As in SOURCES, and inside a file from top to bottom.
        let order: Vec<String> = bench.mutants.iter().map(|mutant| mutant.path.clone()).collect();
        bench.mutants.sort_by_key(|mutant| (order.iter().position(|path| *path == mutant.path), mutant.line));
        Ok(bench)
    }

    /// Changes of rows in all files of `SOURCES`.
    fn list_rows(&self) -> anyhow::Result<Vec<RowChange>> {
        let mut changes = Vec::new();
        for (package, paths) in SOURCES {
            for path in *paths {
                let (folder, pattern) = (format!("crates/{package}/src/"), *path);
                let is_meant = |file: &str| match pattern.strip_suffix("*.rs") {
                    Some("**/") => true,
                    Some(inside) => file.strip_prefix(inside).is_some_and(|name| !name.contains('/')),
                    None => file == pattern,
                };
                for file in self.blobs.keys().filter(|file| file.ends_with(".rs")) {
                    if file.strip_prefix(&folder).is_some_and(is_meant) {
                        changes.extend(rows::changes(file, &fs::read_to_string(self.tree.join(file))?));
                    }
                }
            }
        }
        Ok(changes)
    }

    /// Tests one changed row.
    fn test_row(&mut self, change: &RowChange) -> anyhow::Result<Outcome> {
        let package = change.mutant.package();
        let timeout = self.timeout(package)?.to_string();
        let file = self.tree.join(&change.mutant.path);
        let text = fs::read_to_string(&file)?;
        let lines = text.lines().enumerate().map(|(index, line)| {
            let line = if index + 1 == change.mutant.line { &change.line } else { line };
            format!("{line}\n")
        });
        fs::write(&file, lines.collect::<String>())?;
        let build = cmd!(self.shell, "cargo test --quiet -p {package} --lib --test it --no-run");
        let builds = self.environment(build).quiet().ignore_status().ignore_stderr().output()?.status.success();
        let outcome = if builds {
            let tests = cmd!(self.shell, "timeout {timeout} cargo test --quiet -p {package} --lib --test it");
            match self.environment(tests).quiet().ignore_status().ignore_stderr().output()?.status.code() {
                Some(0) => Outcome::Missed,
                Some(TIMED_OUT) => Outcome::Timeout,
                _ => Outcome::Caught,
            }
        } else {
            Outcome::Unviable
        };
        fs::write(&file, text)?;
        Ok(outcome)
    }

    fn list(&self) -> anyhow::Result<Vec<Mutant>> {
        let mut mutants = Vec::new();
        for (package, paths) in SOURCES {
            for path in *paths {
                let file = format!("crates/{package}/src/{path}");
                let list = cmd!(self.shell, "cargo mutants --list --colors never --file {file}").quiet().read()?;
                ensure!(path.contains('*') || self.blobs.contains_key(&file), "no file {file}: correct SOURCES");
                mutants.extend(list.lines().map(Mutant::parse).collect::<anyhow::Result<Vec<_>>>()?);
            }
        }
        Ok(mutants)
    }

    /// Whether a mutant was not run, or survived tests that are not the present ones.
    fn is_due(&self, state: &State, mutant: &Mutant) -> bool {
        state.get(mutant).is_none_or(|record| {
            record.outcome.survives() && self.packages.get(mutant.package()) != Some(&record.package)
        })
    }

    fn record(&self, mutant: &Mutant, outcome: Outcome) -> Record {
        Record {
            outcome,
            blob: self.blobs.get(&mutant.path).cloned().unwrap_or_default(),
            package: self.packages.get(mutant.package()).cloned().unwrap_or_default(),
            commit: self.commit.clone(),
        }
    }

    /// Tests mutants of one package.
    fn test<'a>(&mut self, batch: &'a [Mutant]) -> anyhow::Result<Vec<(&'a Mutant, Outcome)>> {
        let package = batch[0].package();
        let timeout = self.timeout(package)?.to_string();
        let (out, commands) = (&self.out, &self.shell);
        let exact = batch.iter().flat_map(|mutant| ["--re".to_owned(), format!("^{}$", escaped(&mutant.name))]);
        let files: BTreeSet<&str> = batch.iter().map(|mutant| mutant.path.as_str()).collect();
        let files = files.into_iter().flat_map(|file| ["--file", file]);
        if out.exists() {
            fs::remove_dir_all(out)?;
        }
        fs::create_dir_all(out)?;
        let command = cmd!(
            commands,
            "cargo mutants --in-place --no-shuffle --baseline skip --timeout {timeout} --colors never --output {out}
            --cargo-test-arg=--lib --cargo-test-arg=--test=it {files...} {exact...}"
        );
        let finished = self.environment(command).quiet().ignore_status().ignore_stdout().output()?;
        // 2 and 3 say that mutants survived or hung.
        if !finished.status.code().is_some_and(|code| matches!(code, 0 | 2 | 3)) {
            bail!("cargo mutants failed ({}): {}", finished.status, String::from_utf8_lossy(&finished.stderr));
        }
        let mut outcomes = BTreeMap::new();
        for outcome in Outcome::ALL {
            let list = fs::read_to_string(out.join("mutants.out").join(outcome.name()).with_extension("txt"))?;
            outcomes.extend(list.lines().map(|name| (name.to_owned(), outcome)));
        }
        batch
            .iter()
            .map(|mutant| {
                let outcome = outcomes.get(&mutant.name).copied();
                Ok((mutant, outcome.with_context(|| format!("cargo mutants did not run `{}`", mutant.name))?))
            })
            .collect()
    }

    /// How long the tests of a package may take, seconds: five times what they take with nothing changed.
    fn timeout(&mut self, package: &str) -> anyhow::Result<u64> {
        if let Some(seconds) = self.timeouts.get(package) {
            return Ok(*seconds);
        }
        println!("-- {package}, with nothing changed");
        let build = cmd!(self.shell, "cargo test --quiet -p {package} --lib --test it --no-run");
        self.environment(build).quiet().run()?;
        let begin = Instant::now();
        let tests = cmd!(self.shell, "cargo test --quiet -p {package} --lib --test it");
        self.environment(tests).quiet().ignore_stdout().run().context("the tests fail with nothing changed")?;
        let seconds = (begin.elapsed().as_secs() * 5).max(TIMEOUT_SECONDS_MIN);
        self.timeouts.insert(package.to_owned(), seconds);
        Ok(seconds)
    }

    fn environment<'a>(&self, command: Cmd<'a>) -> Cmd<'a> {
        let cases = std::env::var("PROPTEST_CASES").unwrap_or_else(|_| PROPTEST_CASES.to_owned());
        command
            .env("CARGO_TARGET_DIR", &self.build)
            .env("PROPTEST_CASES", cases)
            // Nobody debugs a mutant.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("INSTA_UPDATE", "no")
    }

    /// The text of one line, without what surrounds it.
    fn line(&self, path: &str, line: usize) -> String {
        let text = fs::read_to_string(self.tree.join(path)).unwrap_or_default();
        text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim().to_owned()
    }
}

/// A regular expression that matches just this text.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len() + 16), |mut escaped, c| {
        if c.is_ascii_punctuation() && !"<>_'\"`".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!(shard("1/4"), Ok((0, 4)));
        assert_eq!(shard("4/4"), Ok((3, 4)));
        for wrong in ["0/4", "5/4", "1", "/", "1/0", "a/b"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_become_exact_patterns() {
        assert_eq!(escaped("a.rs:1:2: f -> Option<&'_ str> with (\"x\")"), {
            r#"a\.rs\:1\:2\: f \-> Option<\&'_ str> with \("x"\)"#
        });
    }
}
