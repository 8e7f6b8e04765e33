//! `cargo xtask long round`: the long forms of what is promised, one after the other, and what was run on which commit.
//!
//! What ended well on this commit is left out, and what failed has the seed that it failed with: a round that is cut off goes on
//! where it was.

mod ledger;

use std::{
    env, fs,
    fs::File,
    io::{Read, Write, stdout},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::builder::PossibleValuesParser;
use ledger::{Ledger, Run};
use xshell::{Shell, cmd};

/// What is remembered. It is committed, so that a round goes on wherever it began.
const LEDGER: &str = "xtask/src/long/round.tsv";

/// A long form, as somebody would type it behind `cargo xtask`.
struct Form {
    name: &'static str,
    /// `SEED` stands for another seed each time it has ended well.
    command: &'static str,
    /// Seeds that one run takes: the next one begins behind them.
    seeds: u64,
}

const fn form(name: &'static str, command: &'static str) -> Form {
    Form { name, command, seeds: 1 }
}

/// In the order in which they are run: the shortest first, so that what is broken is seen soon.
const FORMS: &[Form] = &[
    form("kill", "torture kill --seed SEED"),
    form("kill-folder", "torture kill --objects folder --rows 50000 --kills 100 --seed SEED"),
    form("front", "torture front"),
    form("answers", "torture answers"),
    form("hostile", "long hostile"),
    form("keys", "long keys --seed SEED"),
    form("timing", "long timing --seed SEED"),
    form("crowd", "long crowd"),
    form("sides", "long sides --rows 4000"),
    form("weather", "torture weather"),
    form("power", "torture power --seed SEED"),
    form("stories", "long stories --minutes 30"),
    form("history", "torture history --on one --seed SEED"),
    form("history-nodes", "torture history --on nodes --seed SEED"),
    // A round of nodes takes about a minute, and each the next seed.
    Form { name: "nodes", command: "torture nodes --minutes 30 --seed SEED", seeds: 1000 },
    form("disk", "torture disk"),
    form("soak", "long soak --minutes 60"),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Begin nothing new after so many minutes.
    #[arg(long, value_name = "N", default_value_t = 120)]
    minutes: u64,
    /// Only these; all if not given.
    #[arg(value_name = "FORM", value_parser = names())]
    only: Vec<String>,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMS.iter().map(|form| form.name))
}

/// Runs what did not end well on this commit yet, goes on when one fails, and fails in the end if one did.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    super::committed(&shell)?;
    // Of the code, not of the branch: pages, and what is remembered here, are committed in between.
    let commit = cmd!(shell, "git log -1 --format=%h --abbrev=12 -- crates Cargo.lock").read()?;
    let file = root.join(LEDGER);
    let mut ledger = Ledger::read(&file)?;
    let logs = crate::target(root).join(format!("round-{commit}"));
    fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;
    let begin = Instant::now();
    let mut failed = Vec::new();
    let wanted = |form: &&Form| arguments.only.is_empty() || arguments.only.iter().any(|name| name == form.name);
    for form in FORMS.iter().filter(wanted) {
        if ledger.is_done(form.name, &commit) {
            println!("-- {}: ended well on {commit} before", form.name);
            continue;
        }
        if begin.elapsed() >= Duration::from_secs(arguments.minutes * 60) {
            println!("the time is over; the same command goes on from here");
            break;
        }
        let seed = ledger.seed(form.name, form.seeds);
        let command = form.command.replace("SEED", &seed.to_string());
        let log = logs.join(format!("{}.log", form.name));
        println!("-- {}: cargo xtask {command}", form.name);
        let began = Instant::now();
        let well = tell(root, &command, &log).with_context(|| format!("running cargo xtask {command}"))?;
        let minutes = began.elapsed().as_secs().div_ceil(60);
        let run = Run { form: form.name.to_owned(), commit: commit.clone(), seed, minutes, well };
        ledger.add(run);
        ledger.write(&file)?;
        println!("-- {}: {} after {minutes} min; all of it is in {}", form.name, ledger::word(well), log.display());
        if !well {
            failed.push(form.name);
        }
    }
    if !failed.is_empty() {
        bail!("{} failed; the same command begins with the same seeds", failed.join(", "));
    }
    Ok(())
}

/// Runs this program with other arguments; what it prints goes on and into the file as well. Gives whether it ended well.
fn tell(root: &Path, command: &str, log: &Path) -> anyhow::Result<bool> {
    let (mut told, ours) = std::io::pipe()?;
    let mut child = Command::new(env::current_exe()?)
        .args(command.split(' '))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(ours.try_clone()?)
        .stderr(ours)
        .spawn()?;
    let mut file = File::create(log).with_context(|| format!("making {}", log.display()))?;
    let mut piece = [0; 8192];
    loop {
        let read = told.read(&mut piece)?;
        if read == 0 {
            break;
        }
        file.write_all(&piece[..read])?;
        stdout().write_all(&piece[..read])?;
    }
    Ok(child.wait()?.success())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn each_form_is_a_command_that_is_there() {
        for form in FORMS {
            let command = form.command.replace("SEED", "7");
            crate::Arguments::try_parse_from(["xtask"].into_iter().chain(command.split(' ')))
                .unwrap_or_else(|error| panic!("{}: {error}", form.name));
        }
    }

    #[test]
    fn what_is_remembered_is_of_forms_that_are_there() {
        let root = crate::root();
        let ledger = Ledger::read(&root.join(LEDGER)).unwrap();
        for name in ledger.forms() {
            assert!(FORMS.iter().any(|form| form.name == name), "{LEDGER} remembers {name}, which is no form any more");
        }
    }

    #[test]
    fn what_a_command_prints_is_passed_on_and_kept_and_its_end_is_told() {
        // The program that runs here is that of the tests, which knows these arguments too.
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let list = "--exact long::round::tests::each_form_is_a_command_that_is_there";
        assert!(tell(folder.path(), list, &log).unwrap());
        assert!(fs::read_to_string(&log).unwrap().contains("1 passed"));
        assert!(!tell(folder.path(), "--no-such-argument", &log).unwrap());
        assert!(fs::read_to_string(&log).unwrap().contains("no-such-argument"));
    }
}
