//! What a server does to the system, seen from outside of it.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Component, Path, PathBuf},
};

use cos_batch_calls::{Calls, What};
use tempfile::TempDir;

use crate::support::Place;

/// What stands before an address among what was opened.
const CONNECT: &str = "connect ";

/// A place whose servers are seen.
pub(super) struct Seen {
    /// Where what sees them is, and what it has seen.
    _here: TempDir,
    calls: Calls,
}

impl Seen {
    /// Has the servers of this place seen that are started from now on. None, with a word about it, where the system lets nobody see.
    pub(super) fn of(place: &mut Place) -> Option<Self> {
        let here = tempfile::tempdir().unwrap();
        let possible = Calls::in_folder(here.path()).filter(|calls| {
            let tried = calls.command(here.path(), What::Nothing, "", false).arg("/bin/true").status().unwrap();
            calls.seen(What::Nothing, tried).is_some()
        });
        let Some(calls) = possible else {
            let said = "SKIPPED: the system does not let anybody see what a program opens and connects to";
            let _ = writeln!(std::io::stderr(), "{said}");
            return None;
        };
        // What is started is a script that starts the program under its eyes.
        let mut command = calls.command(&place.data(), What::Nothing, "", true);
        command.arg(&place.program);
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let script = here.path().join("seen");
        fs::write(&script, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "))).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
        place.program = script;
        Some(Self { _here: here, calls })
    }

    /// Every path that was opened so far.
    pub(super) fn opened(&self) -> BTreeSet<PathBuf> {
        let text = self.text();
        text.lines().filter(|line| !line.starts_with(CONNECT)).map(PathBuf::from).collect()
    }

    /// Every address that was connected to so far.
    pub(super) fn connected(&self) -> BTreeSet<String> {
        self.text().lines().filter_map(|line| line.strip_prefix(CONNECT)).map(str::to_owned).collect()
    }

    /// Fails if anything outside of this folder was opened but for these, which a server opens as it starts, or one of these canaries,
    /// wherever they are. Gives how many paths in the folder were opened.
    pub(super) fn assert_within(&self, of_its_own: &BTreeSet<PathBuf>, folder: &Path, canaries: &[PathBuf]) -> usize {
        // Asked by the C library's allocator before it gives memory back.
        let of_the_library = Path::new("/proc/sys/vm/overcommit_memory");
        let leaves = |path: &Path| path.components().any(|part| part == Component::ParentDir);
        let opened: Vec<_> = self.opened().into_iter().filter(|path| path != of_the_library).collect();
        let (within, others): (Vec<_>, Vec<_>) =
            opened.iter().partition(|path| path.starts_with(folder) && !leaves(path));
        let outside: Vec<_> = others.into_iter().filter(|path| !of_its_own.contains(*path)).collect();
        assert_eq!(outside, Vec::<&PathBuf>::new(), "opened outside of {}", folder.display());
        let sung: Vec<_> = canaries.iter().filter(|canary| opened.contains(canary)).collect();
        assert_eq!(sung, Vec::<&PathBuf>::new(), "canaries were opened");
        within.len()
    }

    fn text(&self) -> String {
        let text = fs::read_to_string(self.calls.opens()).unwrap();
        assert!(text.ends_with('\n'), "each of them is a line");
        text
    }
}
