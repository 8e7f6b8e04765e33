//! Which calls were made to fail already, so that a long run that was cut off goes on where it was.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::Write as _,
};

/// A file in which a line for each call that failed, and of which nothing was lost, is kept. Without it nothing is remembered.
const FILE_VARIABLE: &str = "COS_BATCH_POWER_PROGRESS";

/// A call, by its number, among those that sync or all.
type Call = (u64, bool);

pub(super) struct Progress {
    /// With whether it was a sync that failed.
    over: BTreeMap<Call, bool>,
    file: Option<File>,
}

impl Progress {
    pub(super) fn read() -> Self {
        let Some(path) = env::var_os(FILE_VARIABLE) else { return Self { over: BTreeMap::new(), file: None } };
        let text = fs::read_to_string(&path).unwrap_or_default();
        let over = text.lines().map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [call, among, what] => ((call.parse().unwrap(), among == "syncs"), what == "sync"),
            _ => panic!("not a call: {line}"),
        });
        let over = over.collect();
        Self { over, file: Some(File::options().create(true).append(true).open(path).unwrap()) }
    }

    pub(super) fn is_over(&self, call: u64, of_syncs: bool) -> bool {
        self.over.contains_key(&(call, of_syncs))
    }

    /// Remembers it, and whether it was a sync.
    pub(super) fn add(&mut self, call: u64, of_syncs: bool, sync: bool) {
        self.over.insert((call, of_syncs), sync);
        if let Some(file) = &mut self.file {
            let (among, what) = (if of_syncs { "syncs" } else { "all" }, if sync { "sync" } else { "change" });
            file.write_all(format!("{call}\t{among}\t{what}\n").as_bytes()).unwrap();
        }
    }

    /// How many are over, and how many of them were syncs.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.over.len(), self.over.values().filter(|sync| **sync).count())
    }
}
