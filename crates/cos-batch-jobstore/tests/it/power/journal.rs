//! What a process did to the files of a folder, in order.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::work;

/// What a process does whose changes are noted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    /// So much that some of it is written back out of the log.
    Much,
    /// A little, and one of its calls may fail.
    Little(Option<Failing>),
}

/// A call that fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing {
    /// Which one of those that change or sync a file of the store; the first is 1.
    pub(super) call: u64,
    /// With this error, as systems number them.
    pub(super) error: i32,
}

/// The file of the store; what belongs to it begins with this name.
pub(super) const STORE: &str = "jobs.sqlite";

/// What notes it, in C: it takes the place of functions of the C library.
const NOTER: &str = include_str!("journal.c");

/// One change, or a promise that changes last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// An empty file is there that was not.
    Created(String),
    Written {
        name: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    /// The file has this length now.
    Cut {
        name: String,
        length: usize,
    },
    /// All of the file so far lasts.
    Synced(String),
    /// A sync failed: nothing that was not synced before will ever last.
    SyncFailed(String),
    /// All names of the folder last.
    FolderSynced,
    Removed(String),
    Renamed {
        from: String,
        to: String,
    },
}

impl Change {
    pub(super) fn is_sync(&self) -> bool {
        matches!(self, Self::Synced(_) | Self::FolderSynced)
    }

    /// Of a change that comes of a call which can be made to fail: whether that call syncs. As the noter counts them:
    /// those of the store's files alone.
    pub(super) fn is_call_that_syncs(&self) -> Option<bool> {
        let of_store = |name: &str, syncs| name.starts_with("jobs").then_some(syncs);
        match self {
            Self::Written { name, .. } | Self::Cut { name, .. } => of_store(name, false),
            Self::Synced(name) | Self::SyncFailed(name) => of_store(name, true),
            Self::Created(_) | Self::FolderSynced | Self::Removed(_) | Self::Renamed { .. } => None,
        }
    }
}

pub(super) struct Journal {
    pub(super) changes: Vec<Change>,
}

impl Journal {
    /// Lets a process do its [`work`], and reads what it did. None where its changes cannot be noted: the dynamic linker of
    /// Linux is needed for that.
    pub(super) fn of_a_run(place: &Path, run: Run) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            let _ = writeln!(std::io::stderr(), "SKIPPED: a loss of power is tried on Linux only");
            return None;
        }
        let (library, notes, folder) = (noter(place), place.join("notes"), place.join("store"));
        let _ = fs::remove_file(&notes);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "power::what_was_answered_is_there_after_a_loss_of_power", "--nocapture"]);
        if let Run::Little(failing) = run {
            child.env(work::LITTLE_VARIABLE, "1");
            if let Some(Failing { call, error }) = failing {
                child.env("POWER_FAILS", call.to_string()).env("POWER_ERROR", error.to_string());
            }
        }
        child.env("LD_PRELOAD", library).env("POWER_FOLDER", &folder).env("POWER_JOURNAL", &notes);
        let output = child.env(work::FOLDER_VARIABLE, &folder).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let changes = parse(&fs::read(notes).unwrap());
        assert_same(&changes, &folder);
        Some(Self { changes })
    }
}

/// Compiles what notes changes.
fn noter(place: &Path) -> PathBuf {
    let (source, library) = (place.join("journal.c"), place.join("journal.so"));
    if library.exists() {
        return library;
    }
    fs::write(&source, NOTER).unwrap();
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).args(["-ldl", "-lpthread"]);
    let output = command.output().expect("a C compiler is there: SQLite was built with it");
    assert!(output.status.success(), "{output:?}");
    library
}

fn parse(mut notes: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    while let Some(end) = notes.iter().position(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&notes[..end]).unwrap();
        notes = &notes[end + 1..];
        let fields: Vec<&str> = line.split(' ').collect();
        changes.push(match fields[..] {
            ["C", name] => Change::Created(name.to_owned()),
            ["W", name, offset, length] => {
                let length: usize = length.parse().unwrap();
                let (bytes, rest) = notes.split_at(length);
                notes = rest.strip_prefix(b"\n").unwrap();
                Change::Written { name: name.to_owned(), offset: offset.parse().unwrap(), bytes: bytes.to_vec() }
            }
            ["T", name, length] => Change::Cut { name: name.to_owned(), length: length.parse().unwrap() },
            ["S", name] => Change::Synced(name.to_owned()),
            ["F", name] => Change::SyncFailed(name.to_owned()),
            ["D"] => Change::FolderSynced,
            ["U", name] => Change::Removed(name.to_owned()),
            ["R", from, to] => Change::Renamed { from: from.to_owned(), to: to.to_owned() },
            _ => panic!("not a note: {line}"),
        });
    }
    assert!(notes.is_empty(), "a note was cut short");
    changes
}

/// The notes are complete: with all of them the files are as they are.
#[track_caller]
fn assert_same(changes: &[Change], folder: &Path) {
    let mut disk = super::Disk::default();
    changes.iter().for_each(|change| disk.change(change));
    let noted = disk.files();
    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name().into_string().unwrap())).unwrap();
        if !name.ends_with("-shm") {
            assert!(noted.get(&name) == Some(&fs::read(path).unwrap()), "{name} is not as was noted");
            found += 1;
        }
    }
    assert_eq!(found, noted.len());
}
