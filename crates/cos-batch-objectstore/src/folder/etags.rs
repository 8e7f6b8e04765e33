//! ETags that are known without reading the file.
//!
//! The ETag of a plain file is the MD5 of its bytes, and is kept nowhere on disk. So that a large object that is read
//! or copied in many pieces is not read whole for each, what was computed once is remembered: for a file of this inode,
//! size and time of change, which is what a sidecar trusts, too.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::at::Stamp;

/// Files remembered in one generation; there are two, and some 80 bytes for each file.
const REMEMBERED: usize = 16 * 1024;

type File = (u64, u64, (i64, u32));

/// Two generations: when the younger is full it becomes the older, and what was asked for since then is kept.
#[derive(Default)]
struct Generations {
    young: BTreeMap<File, String>,
    old: BTreeMap<File, String>,
}

/// ETags of the files of one bucket.
#[derive(Default)]
pub(super) struct Etags(Mutex<Generations>);

impl Etags {
    pub(super) fn get(&self, stamp: &Stamp) -> Option<String> {
        let file = file(stamp);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(etag) = known.young.get(&file) {
            return Some(etag.clone());
        }
        let etag = known.old.remove(&file)?;
        known.insert(file, etag.clone());
        Some(etag)
    }

    pub(super) fn remember(&self, stamp: &Stamp, etag: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(file(stamp), etag.to_owned());
    }
}

impl Generations {
    fn insert(&mut self, file: File, etag: String) {
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(file, etag);
    }
}

fn file(stamp: &Stamp) -> File {
    (stamp.inode, stamp.size, stamp.modified)
}

#[cfg(test)]
mod tests {
    use rustix::fs::FileType;

    use super::*;

    fn stamp(inode: u64) -> Stamp {
        let kind = FileType::RegularFile;
        Stamp { device: 1, inode, size: 3, modified: (7, 8), changed: (9, 9), kind, gone: false }
    }

    #[test]
    fn what_is_asked_for_is_kept_and_the_rest_is_forgotten() {
        let etags = Etags::default();
        let many = 3 * REMEMBERED as u64;
        for inode in 0..many {
            etags.remember(&stamp(inode), "e");
            assert_eq!(etags.get(&stamp(0)).as_deref(), Some("e"));
        }
        assert_eq!(etags.get(&stamp(1)), None);
        assert_eq!(etags.get(&stamp(many - 1)).as_deref(), Some("e"));
        assert_eq!(etags.get(&Stamp { modified: (7, 9), ..stamp(0) }), None);
        let known = etags.0.lock().unwrap();
        assert!(known.young.len() + known.old.len() <= 2 * REMEMBERED);
    }
}
