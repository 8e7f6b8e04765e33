//! The calls of a program to the disk, seen from outside of it: each can be made to fail, and the program be killed before each.
//!
//! On Linux only, and only where the system lets a process filter the calls of another one; a C compiler is needed.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

/// What sees the calls, in C: it is another process, which the system asks.
const SOURCE: &str = include_str!("calls.c");

/// Exit status where there are no such filters.
const NO_FILTER: i32 = 99;

/// Exit status of a program that was killed, as shells have it: 128, and the number of SIGKILL.
const KILLED: i32 = 128 + 9;

/// Numbers of errors on Linux: of the device, and of no room.
pub const EIO: i32 = 5;
/// No room.
pub const ENOSPC: i32 = 28;

/// What happens at which calls. They are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Nothing: they are counted.
    Nothing,
    /// From the first on so many do nothing and fail with this error. With [`ENOSPC`] those that read are none of them.
    Fail {
        /// The first of them.
        first: u64,
        /// So many.
        count: u64,
        /// A number of Linux.
        error: i32,
    },
    /// Before this one the program is killed. Only calls that change something are counted.
    ///
    /// What is on the disk then is what is there behind the one before it: so each is tried before and after it was done.
    Kill {
        /// The call that is not done.
        before: u64,
    },
}

/// What sees calls, compiled.
#[derive(Clone, Debug)]
pub struct Calls {
    program: PathBuf,
    place: PathBuf,
}

impl Calls {
    /// Compiles it in this folder, unless it is there. None on other systems than Linux.
    ///
    /// # Panics
    ///
    /// Without a C compiler, or where the folder takes no file.
    #[must_use]
    pub fn in_folder(place: &Path) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let (source, program) = (place.join("calls.c"), place.join("calls"));
        if !program.exists() {
            fs::write(&source, SOURCE).expect("the folder takes a file");
            let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
            let output = Command::new(compiler).args(["-O1", "-o"]).arg(&program).arg(&source).output();
            let output = output.expect("a C compiler is there: SQLite is built with it");
            assert!(output.status.success(), "{output:?}");
        }
        Some(Self { program, place: place.to_owned() })
    }

    /// Where each path is written that a program opens which is run by [`command`](Self::command) with `opens`, and each address that
    /// it connects to, behind `connect `: a line each.
    #[must_use]
    pub fn opens(&self) -> PathBuf {
        self.place.join("opens")
    }

    /// A command to which the program and its arguments are to be added. What it does to this folder counts; with a name in `only`
    /// its calls of that name alone.
    #[must_use]
    pub fn command(&self, folder: &Path, what: What, only: &str, opens: bool) -> Command {
        let (how, first, count, error) = match what {
            What::Nothing => ("fail", 0, 0, EIO),
            What::Fail { first, count, error } => ("fail", first, count, error),
            What::Kill { before } => ("kill", before, 1, 0),
        };
        let mut command = Command::new(&self.program);
        command.arg(folder).arg(how).args([first.to_string(), count.to_string(), error.to_string()]);
        command.arg(only).arg(self.notes());
        if opens {
            command.arg(self.opens())
        } else {
            command.arg("-")
        };
        command
    }

    fn notes(&self) -> PathBuf {
        self.place.join("notes")
    }

    /// What was seen of a program that has ended with this status. None where the system has no such filters, and nothing was run.
    ///
    /// # Panics
    ///
    /// If it ended in another way than by itself with success, or was not killed as it should be; if no notes are there.
    #[must_use]
    pub fn seen(&self, what: What, status: ExitStatus) -> Option<Seen> {
        if status.code() == Some(NO_FILTER) {
            return None;
        }
        let seen = Seen::parse(&fs::read_to_string(self.notes()).expect("it has left notes"));
        let expected = if matches!(what, What::Kill { .. }) && !seen.met.is_empty() { KILLED } else { 0 };
        assert_eq!(status.code(), Some(expected), "{what:?}: {status}: {seen:?}");
        Some(seen)
    }
}

/// The calls of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    times: BTreeMap<String, u64>,
    /// Names of those that failed, or of the one before which the program was killed.
    pub met: Vec<String>,
}

impl Seen {
    /// How often there was one of this name.
    #[must_use]
    pub fn times(&self, call: &str) -> u64 {
        self.times.get(call).copied().unwrap_or(0)
    }

    /// How many there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.times.values().sum()
    }

    fn parse(notes: &str) -> Self {
        let mut seen = Self::default();
        for line in notes.lines() {
            match line.split_once(' ').expect("each line has two words") {
                ("failed" | "killed", call) => seen.met.push(call.to_owned()),
                (call, times) => {
                    seen.times.insert(call.to_owned(), times.parse().expect("a number"));
                }
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell does, and what is left of it.
    fn run(what: What, only: &str) -> Option<(Seen, Vec<String>, String)> {
        let place = tempfile::tempdir().unwrap();
        let calls = Calls::in_folder(place.path())?;
        let folder = place.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let script = "echo a > folder/a; echo b > folder/b; read line < folder/a; echo $line; \
            bash -c ': < /dev/tcp/127.0.0.1/1' 2> /dev/null; true";
        let mut command = calls.command(&folder, what, only, true);
        let output = command.args(["/bin/sh", "-c", script]).current_dir(place.path()).output().unwrap();
        let seen = calls.seen(what, output.status)?;
        let mut left: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                format!("{}:{}", path.file_name().unwrap().display(), fs::read_to_string(&path).unwrap().trim())
            })
            .collect();
        left.sort();
        let opens = fs::read_to_string(calls.opens()).unwrap();
        Some((seen, left, opens))
    }

    #[test]
    fn calls_are_counted_and_what_is_opened_is_told_from_outside() {
        let Some((seen, left, opens)) = run(What::Nothing, "") else { return };
        assert_eq!((seen.times("write"), seen.met.len()), (2, 0), "{seen:?}");
        assert_eq!(left, ["a:a", "b:b"]);
        for name in ["folder/a", "folder/b"] {
            assert!(opens.lines().any(|line| line.ends_with(name) && line.starts_with('/')), "{opens}");
        }
        assert!(opens.lines().any(|line| line.contains("libc")), "what is elsewhere as well: {opens}");
        let has_bash = Command::new("bash").arg("--version").output().is_ok();
        assert!(!has_bash || opens.lines().any(|line| line == "connect 127.0.0.1:1"), "{opens}");
    }

    #[test]
    fn a_call_fails_and_those_behind_it_do_not() {
        let what = What::Fail { first: 1, count: 1, error: ENOSPC };
        let Some((seen, left, _)) = run(what, "write") else { return };
        assert_eq!(seen.met, ["write"]);
        assert_eq!(left, ["a:", "b:b"]);
    }

    #[test]
    fn a_program_is_killed_before_each_call_that_changes_something() {
        let whole = ["a:", "a:a", "a:a b:", "a:a b:b"];
        for (before, left_then) in (1..).zip(["", whole[0], whole[1], whole[2]]) {
            let Some((seen, left, _)) = run(What::Kill { before }, "") else { return };
            assert_eq!(seen.met.len(), 1, "{before}: {seen:?}");
            assert_eq!(left.join(" "), left_then, "{before}");
        }
        let Some((seen, left, _)) = run(What::Kill { before: 5 }, "") else { return };
        assert!(seen.met.is_empty() && left.join(" ") == whole[3], "reading changes nothing: {seen:?} {left:?}");
    }
}
