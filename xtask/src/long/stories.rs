//! `cargo xtask long stories`: very many stories of the simulated engine, and what was found, added up.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

/// What is remembered: a line for each run of a part, with the commit it ran on, its first seed and how many stories it told.
const STATE: &str = "xtask/src/long/stories.tsv";

/// Seeds of stories in which a rule was broken, and which: a test tells them again.
const FAILED: &str = "crates/cos-batch-simulation/tests/it/failed.tsv";

/// Stories between two looks at the clock.
const PART: u64 = 1000;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Begin nothing new after so many minutes.
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,
    /// The first seed; without it, the one after the last that was ever told.
    #[arg(long)]
    from: Option<u64>,
}

/// Tells stories for so long, and remembers those in which no rule was broken. The first that breaks one is printed as a whole;
/// it, and whichever else of the same part does, becomes one that the test tells.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    super::committed(&shell)?;
    let commit = cmd!(shell, "git rev-parse --short=12 HEAD").read()?;
    cmd!(shell, "cargo build --release --quiet -p cos-batch-simulation").run()?;
    let program = crate::target(root).join("release/cos-batch-simulation");
    let file = root.join(STATE);
    let mut told = read(&file)?;
    let begin = Instant::now();
    let mut from = arguments.from.unwrap_or_else(|| told.iter().map(|part| part.from + part.count).max().unwrap_or(0));
    while begin.elapsed() < Duration::from_secs(arguments.minutes * 60) {
        let (first, count) = (from.to_string(), PART.to_string());
        // It prints the whole story of a seed that broke a rule, and ends with an error.
        if cmd!(shell, "{program} --from {first} --count {count}").quiet().run().is_err() {
            let command = cmd!(shell, "{program} --from {first} --count {count} --go-on");
            let failed = broken(&command.quiet().ignore_status().read()?);
            ensure!(!failed.is_empty(), "the program that tells stories failed, and named no seed");
            let mut file = File::options().append(true).open(root.join(FAILED)).context(FAILED)?;
            file.write_all(failed.as_bytes()).context(FAILED)?;
            bail!("rules were broken; commit {FAILED}, in which these are now, with what mends them:\n{failed}");
        }
        told.push(Part { commit: commit.clone(), from, count: PART });
        write(&file, &told)?;
        from += PART;
    }
    let mut by_commit = BTreeMap::<&str, u64>::new();
    told.iter().for_each(|part| *by_commit.entry(&part.commit).or_default() += part.count);
    for (commit, stories) in by_commit {
        println!("{stories:>8} stories on {commit}: no rule was broken");
    }
    Ok(())
}

/// The lines for [`FAILED`] of what the program said about many stories.
fn broken(said: &str) -> String {
    let lines = said.lines().filter_map(|line| line.strip_prefix("seed ")?.split_once(": "));
    lines.map(|(seed, rule)| format!("{seed}\t{rule}\n")).collect()
}

/// Some stories that were told, in none of which a rule was broken.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    commit: String,
    from: u64,
    count: u64,
}

fn read(file: &Path) -> anyhow::Result<Vec<Part>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(file)?;
    text.lines().map(|line| parse(line).with_context(|| format!("{}: not a part: {line}", file.display()))).collect()
}

fn parse(line: &str) -> Option<Part> {
    let mut fields = line.split('\t');
    let part = Part {
        commit: fields.next()?.to_owned(),
        from: fields.next()?.parse().ok()?,
        count: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(part)
}

fn write(file: &Path, told: &[Part]) -> anyhow::Result<()> {
    let lines: String = told.iter().map(|part| format!("{}\t{}\t{}\n", part.commit, part.from, part.count)).collect();
    fs::write(file, lines).with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_that_break_a_rule_become_lines_of_the_test() {
        let said = "seed 7: a count went back: 3, 2\nseed 12: a row is reported twice\n1000 stories, 2 broke a rule\n   12 Freeze\n";
        assert_eq!(broken(said), "7\ta count went back: 3, 2\n12\ta row is reported twice\n");
        assert_eq!(broken("1000 stories, 0 broke a rule\n"), "");
        let kept = fs::read_to_string(crate::root().join(FAILED)).unwrap();
        assert!(kept.ends_with('\n') && kept.lines().all(|line| line.split_once('\t').is_some()), "{kept}");
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.tsv");
        assert_eq!(read(&file).unwrap(), []);
        let told = [
            Part { commit: "abc".to_owned(), from: 0, count: 1000 },
            Part { commit: "def".to_owned(), from: 1000, count: 1000 },
        ];
        write(&file, &told).unwrap();
        assert_eq!(read(&file).unwrap(), told);
        fs::write(&file, "abc\t1\n").unwrap();
        assert!(format!("{:#}", read(&file).unwrap_err()).contains("not a part: abc"));
    }
}
