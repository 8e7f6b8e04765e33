//! What listings of large folders have read ahead.
//!
//! The names in a folder come in no order, so a page of a listing has to look at all of them. For a folder with far more
//! names than a page that is done a thousand names further than the page needs, and the next pages take theirs from here,
//! as long as the folder is the same.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::at::Stamp;

/// Names read ahead in one folder.
pub(super) const NAMES: usize = 16 * 1024;
/// Folders kept; the one used last stays longest. With names of 255 bytes all of them take 33 MB.
const FOLDERS: usize = 8;
/// So long a folder must have been left alone, seconds: file systems stamp with a clock that stands still for some
/// milliseconds, so that a change right after another one may not show.
const QUIET_SECONDS: i64 = 2;

/// One for the process, so that it is bounded whatever the number of buckets.
pub(super) static KEPT: Kept = Kept::new();

/// What was read ahead.
pub(super) struct Kept(Mutex<VecDeque<Ahead>>);

/// Which names of a folder were wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Path of the folder, which is what all keys in it begin with.
    pub(super) start: String,
    /// What keys that are wanted begin with.
    pub(super) prefix: String,
    /// The key that they come after.
    pub(super) after: Option<String>,
    /// The name in this folder that they come after.
    pub(super) past: Option<String>,
}

/// The first names of a folder that were wanted, in order.
struct Ahead {
    folder: Stamp,
    wanted: Wanted,
    names: Vec<String>,
    /// There are more.
    cut: bool,
}

impl Kept {
    const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// Keeps names of a folder that looked like this before they were read.
    pub(super) fn keep(&self, folder: Stamp, wanted: Wanted, names: Vec<String>, cut: bool, now: i64) {
        if now.saturating_sub(folder.modified.0.max(folder.changed.0)) < QUIET_SECONDS {
            return;
        }
        let mut kept = self.locked();
        kept.retain(|other| (other.folder.device, other.folder.inode) != (folder.device, folder.inode));
        if kept.len() >= FOLDERS {
            kept.pop_front();
        }
        kept.push_back(Ahead { folder, wanted, names, cut });
    }

    /// The first names that are wanted now and pass the test, at most `limit`, and whether there are more. None: the folder
    /// has to be read.
    pub(super) fn find(
        &self,
        folder: &Stamp,
        wanted: &Wanted,
        limit: usize,
        test: impl Fn(&str) -> bool,
    ) -> Option<(Vec<String>, bool)> {
        let mut kept = self.locked();
        let at = kept.iter().position(|ahead| ahead.folder == *folder && ahead.covers(wanted))?;
        let ahead = kept.remove(at)?;
        let mut left = ahead.names.iter().filter(|name| test(name));
        let names: Vec<String> = left.by_ref().take(limit).cloned().collect();
        let more = left.next().is_some() || ahead.cut;
        kept.push_back(ahead);
        // All that was read ahead is used up, and there is more.
        (!names.is_empty() || !more).then_some((names, more))
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Ahead>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ahead {
    /// Was all looked at that is wanted now?
    fn covers(&self, wanted: &Wanted) -> bool {
        (&self.wanted.start, &self.wanted.prefix) == (&wanted.start, &wanted.prefix)
            && self.wanted.after <= wanted.after
            && self.wanted.past <= wanted.past
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::FileType;

    use super::*;

    fn folder(inode: u64, modified: i64) -> Stamp {
        let kind = FileType::Directory;
        Stamp { device: u64::MAX, inode, size: 1, modified: (modified, 0), changed: (modified, 0), kind, gone: false }
    }

    fn wanted(prefix: &str, after: Option<&str>, past: Option<&str>) -> Wanted {
        Wanted {
            start: String::new(),
            prefix: prefix.into(),
            after: after.map(str::to_owned),
            past: past.map(str::to_owned),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_was_read_serves_what_comes_after_it() {
        let kept = Kept::new();
        let f = folder(1, 1000);
        kept.keep(f, wanted("", Some("b"), None), names(&["c", "d", "e"]), true, 2000);
        let find =
            |wanted: &Wanted| kept.find(&f, wanted, 2, |name| wanted.after.as_deref().is_none_or(|after| name > after));
        assert_eq!(find(&wanted("", Some("b"), None)), Some((names(&["c", "d"]), true)));
        assert_eq!(find(&wanted("", Some("d"), None)), Some((names(&["e"]), true)));
        assert_eq!(find(&wanted("", Some("e"), None)), None, "used up");
        assert_eq!(find(&wanted("", Some("a"), None)), None, "before what was read");
        assert_eq!(find(&wanted("", None, None)), None);
        assert_eq!(find(&wanted("c", Some("b"), None)), None);
        assert_eq!(kept.find(&folder(1, 1001), &wanted("", Some("b"), None), 2, |_| true), None, "changed");
    }

    #[test]
    fn a_folder_that_was_just_changed_is_not_kept() {
        let kept = Kept::new();
        let f = folder(2, 1000);
        for (now, is_kept) in [(1001, false), (1002, true)] {
            kept.keep(f, wanted("", None, None), names(&["a"]), false, now);
            assert_eq!(kept.find(&f, &wanted("", None, None), 9, |_| true).is_some(), is_kept);
        }
    }

    #[test]
    fn few_folders_are_kept() {
        let kept = Kept::new();
        for inode in 100..200 {
            kept.keep(folder(inode, 1000), wanted("", None, None), names(&["a"]), false, 2000);
        }
        assert!(kept.locked().len() <= FOLDERS);
    }
}
