//! Simulated time.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use cos_batch_engine::{Clock, UnixMillis};
use tokio::time::Instant;

/// When every story begins: 2027-01-15T08:00:00Z.
pub(crate) const BEGIN: UnixMillis = 1_800_000_000_000;

/// The job store's clock, by which leases run out: it goes with the runtime's paused time, but for jumps.
#[derive(Debug)]
pub(crate) struct SimulatedClock {
    began: Instant,
    jumped: AtomicI64,
    /// How far it is read wrong on purpose.
    leans: AtomicI64,
}

impl SimulatedClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), jumped: AtomicI64::new(0), leans: AtomicI64::new(0) }
    }

    /// Since the story began; jumps do not count.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Moves the clock by so many milliseconds.
    pub(crate) fn jump(&self, millis: i64) {
        self.jumped.fetch_add(millis, Ordering::SeqCst);
    }

    /// Lets it be read so many milliseconds wrong, where that is the defect.
    pub(crate) fn lean(&self, millis: i64) {
        self.leans.store(millis, Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> UnixMillis {
        let elapsed = i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX);
        BEGIN + elapsed + self.jumped.load(Ordering::SeqCst) + self.leans.load(Ordering::SeqCst)
    }
}
