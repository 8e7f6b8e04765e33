//! What happened, in order.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

/// Lines that are kept for a story that went wrong.
const KEPT_MAX: usize = 2000;

/// A hash over everything that happened, and the last of it in words.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: DefaultHasher,
    events: u64,
    last: VecDeque<String>,
}

impl Trace {
    /// With `keep` it is kept in words.
    pub(crate) fn note(&mut self, at: Duration, line: &str, keep: bool) {
        (at.as_nanos(), line).hash(&mut self.hash);
        self.events += 1;
        if !keep {
            return;
        }
        if self.last.len() == KEPT_MAX {
            self.last.pop_front();
        }
        self.last.push_back(format!("{:>10.3} {line}", at.as_secs_f64()));
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}
