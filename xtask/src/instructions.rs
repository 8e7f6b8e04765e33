//! `cargo xtask instructions`: how many instructions the hot paths take, held against what was committed.
//!
//! A count is told as a share of another count from the same build and the same run: that of a reader which only goes
//! through the events of a document. So it says the same on a faster machine, and nearly the same with another compiler.
//! Hashing is taken off what signing and verifying take, for how it is done depends on what the processor offers.
//! Refusals of a signature are not held against what was committed, but against each other.

mod refusals;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

/// The committed shares: `workload = share`.
const FIGURES: &str = "xtask/instructions/figures.toml";

/// The program that does the work.
const PACKAGE: &str = "cos-batch-instructions";

/// What all others are told in.
const YARDSTICK: &str = "scan";

/// What is taken off each workload that hashes: the hashing of its blocks.
const HASHING: &str = "hashing";

/// Workloads that hash.
const HASH: [&str; 2] = ["sign", "verify"];

/// How much more than committed a workload may take, in percent: compilers differ by a few, and a change that costs more is
/// one that somebody should have decided.
const GROWTH_PERCENT_MAX: f64 = 8.0;

/// How much less it may take until the committed figure has to follow, in percent, lest later losses hide in the gain.
const GAIN_PERCENT_MAX: f64 = 15.0;

/// How often the work is done in the shorter run of two; what a program does besides is in both, and is taken off. Enough
/// that single allocations of memory from the system do not count.
const TIMES: u32 = 300;

/// Pieces of work of which a run does more, with how many: what is done for many of them at once, a checkpoint, is to be in
/// both runs as often as it comes.
const MORE_TIMES: [(&str, u32); 1] = [("task", 4_000)];

/// Counts, and compares with what was committed or commits it.
///
/// # Errors
///
/// A workload that takes more than it may, or so much less that the committed figure must follow; a refusal that tells what was
/// wrong by what it takes; what cannot be built or counted.
pub(crate) fn run(root: &Path, keep: bool) -> anyhow::Result<()> {
    let program = program(root)?;
    refusals::check(&program)?;
    let shares = shares(&program)?;
    let path = root.join(FIGURES);
    let committed: BTreeMap<String, f64> = match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("{FIGURES} has no numbers"))?,
        Err(_) if keep => BTreeMap::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {FIGURES}")),
    };
    for (name, share) in &shares {
        let before = committed.get(name).map_or_else(|| "new".to_owned(), |before| format!("{before:.4}"));
        println!("{name:>12}: {share:.4} of a {YARDSTICK}, committed: {before}");
    }
    if keep {
        let compiler = Command::new("rustc").arg("--version").output().context("starting rustc")?.stdout;
        let mut text = String::from(
            "# Instructions of one piece of work each, as a share of what going through the events of a document of 2.7 KB \
             takes.\n# Written by `cargo xtask instructions --keep`.\n",
        );
        // For whoever wonders about a difference: compilers make a few percent.
        text.push_str(&format!("# Counted with {}.\n", String::from_utf8_lossy(&compiler).trim()));
        for (name, share) in &shares {
            text.push_str(&format!("{name} = {share:.4}\n"));
        }
        fs::write(&path, text).with_context(|| format!("writing {FIGURES}"))?;
        println!("{FIGURES} is written");
        return Ok(());
    }
    let complaints = complaints(&committed, &shares);
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// As [`run`], but where instructions cannot be counted it only says so.
///
/// # Errors
///
/// As for [`run`].
pub(crate) fn check_where_possible(root: &Path) -> anyhow::Result<()> {
    if has_valgrind() || install() && has_valgrind() {
        return run(root, false);
    }
    println!(
        "SKIPPED: valgrind is not installed, so nobody counted instructions (Debian and Ubuntu: apt install valgrind)"
    );
    Ok(())
}

fn has_valgrind() -> bool {
    let status = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Installs valgrind where there is apt-get and the right to use it without asking anybody.
fn install() -> bool {
    let steps = [&["update", "-q"][..], &["install", "-q", "-y", "--no-install-recommends", "valgrind"]];
    [&["apt-get"][..], &["sudo", "-n", "apt-get"]].into_iter().any(|prefix| {
        println!("valgrind is missing: trying {}", prefix.join(" "));
        steps.iter().all(|step| {
            let words: Vec<&str> = prefix[1..].iter().chain(*step).copied().collect();
            Command::new(prefix[0]).args(words).status().is_ok_and(|status| status.success())
        })
    })
}

/// Builds the program that does the work.
fn program(root: &Path) -> anyhow::Result<PathBuf> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    cmd!(shell, "cargo build --release --quiet -p {PACKAGE}").run()?;
    let target: PathBuf = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()).into();
    Ok(root.join(target).join("release/instructions"))
}

/// Each workload's instructions, as a share of the yardstick's.
fn shares(program: &Path) -> anyhow::Result<BTreeMap<String, f64>> {
    let names = Command::new(program).output().with_context(|| format!("starting {}", program.display()))?;
    let mut counts = BTreeMap::new();
    for name in String::from_utf8(names.stdout)?.lines() {
        let times = MORE_TIMES.iter().find(|(known, _)| *known == name).map_or(TIMES, |(_, times)| *times);
        let (once, twice) = (count(program, name, times)?, count(program, name, 2 * times)?);
        counts.insert(name.to_owned(), twice.saturating_sub(once) as f64 / f64::from(times));
    }
    of_yardstick(&counts)
}

fn of_yardstick(counts: &BTreeMap<String, f64>) -> anyhow::Result<BTreeMap<String, f64>> {
    let of = |name: &str| counts.get(name).copied().with_context(|| format!("there is no workload {name}"));
    let (yardstick, hashing) = (of(YARDSTICK)?, of(HASHING)?);
    ensure!(yardstick > 0.0, "the yardstick takes no instructions");
    let others = counts.iter().filter(|(name, _)| ![YARDSTICK, HASHING].contains(&name.as_str()));
    let share = |name: &str, count: f64| (if HASH.contains(&name) { count - hashing } else { count }) / yardstick;
    Ok(others.map(|(name, count)| (name.clone(), share(name, *count))).collect())
}

/// How many instructions a run of the program takes.
fn count(program: &Path, name: &str, times: u32) -> anyhow::Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    let output = valgrind.arg(program).arg(name).arg(times.to_string()).output().context("starting valgrind")?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed: {text}");
    }
    instructions(&text).with_context(|| format!("valgrind counted nothing: {text}"))
}

/// The count in valgrind's words: `==1== I refs:        1,234,567`.
fn instructions(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.split_whitespace().skip(1).take(2).eq(["I", "refs:"]))?;
    line.split_whitespace().next_back()?.replace(',', "").parse().ok()
}

fn complaints(committed: &BTreeMap<String, f64>, shares: &BTreeMap<String, f64>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, share) in shares {
        let Some(before) = committed.get(name) else {
            complaints.push(format!("{name} has no committed figure: cargo xtask instructions --keep"));
            continue;
        };
        let percent = (share / before - 1.0) * 100.0;
        if percent > GROWTH_PERCENT_MAX {
            complaints.push(format!(
                "{name} takes {percent:.1} % more instructions than committed, of which {GROWTH_PERCENT_MAX} % are let \
                 through: mend it, or commit that it is so with cargo xtask instructions --keep"
            ));
        } else if percent < -GAIN_PERCENT_MAX {
            complaints.push(format!(
                "{name} takes {:.1} % fewer instructions than committed: keep the gain with cargo xtask instructions \
                 --keep",
                -percent
            ));
        }
    }
    complaints.extend(
        committed
            .keys()
            .filter(|name| !shares.contains_key(*name))
            .map(|name| format!("{name} is committed but not counted: cargo xtask instructions --keep")),
    );
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, f64)]) -> BTreeMap<String, f64> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn the_count_is_found_in_what_valgrind_says() {
        let text = "==7== Cachegrind, a high-precision tracing profiler\n==7== \n==7== I refs:        1,234,567\n";
        assert_eq!(instructions(text), Some(1_234_567));
        assert_eq!(instructions("==7== I   refs:      12\n"), Some(12));
        assert_eq!(instructions("==7== nothing\n"), None);
    }

    #[test]
    fn hashing_is_taken_off_what_hashes() {
        let counts = map(&[("scan", 100.0), ("hashing", 50.0), ("decode", 120.0), ("sign", 75.0)]);
        assert_eq!(of_yardstick(&counts).unwrap(), map(&[("decode", 1.2), ("sign", 0.25)]));
        assert!(of_yardstick(&map(&[("decode", 1.0)])).is_err());
    }

    #[test]
    fn more_is_an_error_and_so_is_a_gain_that_nobody_kept() {
        let committed = map(&[("a", 1.0)]);
        for (share, good) in [(1.0, true), (1.079, true), (1.081, false), (0.86, true), (0.84, false)] {
            assert_eq!(complaints(&committed, &map(&[("a", share)])).is_empty(), good, "{share}");
        }
        assert_eq!(complaints(&committed, &map(&[("b", 1.0)])).len(), 2);
    }
}
