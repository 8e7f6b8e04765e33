//! Whether a process is alive, and what time it believes it is.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use cos_batch_engine::UnixMillis;

/// A process's life.
#[derive(Debug)]
pub(crate) struct Life {
    /// Number of the process, from 0; one that is started again has a new one.
    pub(crate) process: usize,
    dead: AtomicBool,
    /// How far its clock is ahead of the job store's.
    apart: AtomicI64,
}

impl Life {
    pub(crate) fn new(process: usize) -> Self {
        Self { process, dead: AtomicBool::new(false), apart: AtomicI64::new(0) }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// How far its clock is ahead of the job store's.
    pub(crate) fn apart(&self) -> UnixMillis {
        self.apart.load(Ordering::SeqCst)
    }

    /// Moves its clock, and no other one.
    pub(crate) fn jump(&self, millis: UnixMillis) {
        self.apart.fetch_add(millis, Ordering::SeqCst);
    }

    /// Ends it; false: it was over already.
    pub(crate) fn end(&self) -> bool {
        !self.dead.swap(true, Ordering::SeqCst)
    }
}
