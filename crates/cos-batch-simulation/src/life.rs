//! Whether a process is alive.

use std::sync::atomic::{AtomicBool, Ordering};

/// A process's life.
#[derive(Debug)]
pub(crate) struct Life {
    /// Number of the process, from 0; one that is started again has a new one.
    pub(crate) process: usize,
    dead: AtomicBool,
}

impl Life {
    pub(crate) fn new(process: usize) -> Self {
        Self { process, dead: AtomicBool::new(false) }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Ends it; false: it was over already.
    pub(crate) fn end(&self) -> bool {
        !self.dead.swap(true, Ordering::SeqCst)
    }
}
