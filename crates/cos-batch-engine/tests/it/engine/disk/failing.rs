//! Calls to the disk that fail.

use std::{collections::BTreeMap, env, fs, io::Write as _, path::Path, process::Command};

use super::work::{self, Told};

/// What lets them fail, in C: it is another process, which the system asks.
const SOURCE: &str = include_str!("failing.c");

/// Numbers of errors on Linux: of the device, and of no room.
pub(super) const EIO: i32 = 5;
pub(super) const ENOSPC: i32 = 28;

/// Exit status where there are no such filters.
const NO_FILTER: i32 = 99;

/// Which calls fail: from the first, which is 1, so many, with this error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing {
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) error: i32,
}

impl Failing {
    /// None; calls that read are counted.
    pub(super) const NONE: Self = Self { first: 0, count: 0, error: EIO };
}

/// The calls of a run.
#[derive(Debug, Default)]
pub(super) struct Seen {
    times: BTreeMap<String, u64>,
    pub(super) failed: Vec<String>,
}

impl Seen {
    pub(super) fn times(&self, call: &str) -> u64 {
        self.times.get(call).copied().unwrap_or(0)
    }

    pub(super) fn calls(&self) -> u64 {
        self.times.values().sum()
    }

    fn parse(notes: &str) -> Self {
        let mut seen = Self::default();
        for line in notes.lines() {
            match line.split_once(' ').unwrap() {
                ("failed", call) => seen.failed.push(call.to_owned()),
                (call, times) => assert_eq!(seen.times.insert(call.to_owned(), times.parse().unwrap()), None),
            }
        }
        seen
    }
}

/// Runs the job of [`work`] in this folder. None where the system cannot let calls fail for us.
pub(super) fn run(place: &Path, folder: &Path, only: &str, failing: Failing) -> Option<(Told, Seen)> {
    if !cfg!(target_os = "linux") {
        let _ = writeln!(std::io::stderr(), "SKIPPED: calls to the disk are made to fail on Linux only");
        return None;
    }
    let (told, notes) = (place.join("told"), place.join("notes"));
    let _ = fs::remove_file(&told);
    let mut command = Command::new(compiled(place));
    let numbers = [failing.first.to_string(), failing.count.to_string(), failing.error.to_string()];
    command.arg(folder).args(numbers).arg(only).arg(&notes).arg(env::current_exe().unwrap());
    command.args(["--exact", "engine::disk::whichever_call_to_the_disk_fails", "--nocapture"]);
    let output = command.env(work::FOLDER_VARIABLE, folder).env(work::TOLD_VARIABLE, &told).output().unwrap();
    if output.status.code() == Some(NO_FILTER) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the system makes no filters for calls that ask somebody else");
        return None;
    }
    assert!(output.status.success(), "{failing:?}: {output:?}");
    let told = serde_json::from_slice(&fs::read(told).unwrap()).unwrap();
    Some((told, Seen::parse(&fs::read_to_string(notes).unwrap())))
}

fn compiled(place: &Path) -> std::path::PathBuf {
    let (source, program) = (place.join("failing.c"), place.join("failing"));
    if !program.exists() {
        fs::write(&source, SOURCE).unwrap();
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let output = Command::new(compiler).args(["-O1", "-o"]).arg(&program).arg(&source).output();
        let output = output.expect("a C compiler is there: SQLite is built with it");
        assert!(output.status.success(), "{output:?}");
    }
    program
}
