//! A disk that keeps what was synced, and loses of the rest what it likes.

use std::{collections::BTreeMap, fs, path::Path};

use super::journal::Change;

/// So much is written as a whole or not at all.
const SECTOR: usize = 512;

/// What of the changes that were not synced is lost.
#[derive(Debug)]
pub(super) enum Loss {
    /// Everything.
    All,
    /// Any part, whatever came before or after; of a write, any sectors.
    Some(fastrand::Rng),
    /// Nothing: the process ended, and the power stayed.
    Nothing,
}

/// A file: what of it lasts, what was done since, and what is read while the power is there.
#[derive(Clone, Debug, Default)]
struct File {
    lasting: Vec<u8>,
    since: Vec<Edit>,
    now: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Edit {
    Write { offset: usize, bytes: Vec<u8> },
    Cut(usize),
}

/// Names lead to files by number, so that a name can last or not whatever becomes of the file.
#[derive(Debug, Default)]
pub(super) struct Disk {
    files: Vec<File>,
    /// The names that last.
    lasting: BTreeMap<String, usize>,
    /// The names now.
    now: BTreeMap<String, usize>,
}

impl Disk {
    pub(super) fn change(&mut self, change: &Change) {
        match change {
            Change::Created(name) => {
                self.files.push(File::default());
                self.now.insert(name.clone(), self.files.len() - 1);
            }
            Change::Written { name, offset, bytes } => {
                self.file(name).edit(Edit::Write { offset: *offset, bytes: bytes.clone() });
            }
            Change::Cut { name, length } => self.file(name).edit(Edit::Cut(*length)),
            Change::Synced(name) => {
                let file = self.file(name);
                let since = std::mem::take(&mut file.since);
                since.iter().for_each(|edit| edit.apply(&mut file.lasting));
            }
            // As systems do it: what could not be written counts as clean, and is read until the power goes.
            Change::SyncFailed(name) => self.file(name).since.clear(),
            Change::FolderSynced => self.lasting = self.now.clone(),
            Change::Removed(name) => {
                self.now.remove(name).unwrap();
            }
            Change::Renamed { from, to } => {
                let file = self.now.remove(from).unwrap();
                self.now.insert(to.clone(), file);
            }
        }
    }

    fn file(&mut self, name: &str) -> &mut File {
        let number = self.now.get(name).unwrap_or_else(|| panic!("{name} is changed, but not there"));
        &mut self.files[*number]
    }

    /// The files as they are while the power is there.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let all = |(name, number): (&String, &usize)| (name.clone(), self.files[*number].now.clone());
        self.now.iter().map(all).collect()
    }

    /// Writes what is left after this loss into an empty folder.
    pub(super) fn left(&self, mut loss: Loss, folder: &Path) {
        let names = match &mut loss {
            Loss::All => &self.lasting,
            Loss::Nothing => &self.now,
            Loss::Some(random) => {
                if random.bool() {
                    &self.now
                } else {
                    &self.lasting
                }
            }
        };
        for (name, number) in names {
            fs::write(folder.join(name), self.files[*number].left(&mut loss)).unwrap();
        }
    }
}

impl File {
    fn edit(&mut self, edit: Edit) {
        edit.apply(&mut self.now);
        self.since.push(edit);
    }

    fn left(&self, loss: &mut Loss) -> Vec<u8> {
        match loss {
            Loss::All => self.lasting.clone(),
            Loss::Nothing => self.now.clone(),
            Loss::Some(random) => {
                let mut bytes = self.lasting.clone();
                self.since.iter().for_each(|edit| edit.apply_in_part(&mut bytes, random));
                bytes
            }
        }
    }
}

impl Edit {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(to, *offset, bytes),
            Self::Cut(length) => to.resize(*length, 0),
        }
    }

    /// A third is there, a third is not, of a third some sectors are there.
    fn apply_in_part(&self, to: &mut Vec<u8>, random: &mut fastrand::Rng) {
        match (self, random.u8(0..3)) {
            (_, 0) => {}
            (Self::Write { offset, bytes }, 1) => {
                let mut at = *offset;
                while at < offset + bytes.len() {
                    let end = ((at / SECTOR + 1) * SECTOR).min(offset + bytes.len());
                    if random.bool() {
                        put(to, at, &bytes[at - offset..end - offset]);
                    }
                    at = end;
                }
            }
            _ => self.apply(to),
        }
    }
}

fn put(to: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    to[offset..end].copy_from_slice(bytes);
}
