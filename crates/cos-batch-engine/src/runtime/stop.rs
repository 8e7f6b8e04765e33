//! Telling work to stop.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// How urgently to stop. Only ever goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Level {
    /// Go on.
    Run = 0,
    /// Begin nothing new; finish what was handed out. Somebody goes on later.
    Yield = 1,
    /// Begin no further operation. Somebody goes on later.
    Halt = 2,
    /// Begin no further operation; nobody goes on.
    Cancel = 3,
}

/// A stop signal of one piece of work.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    level: AtomicU8,
    changed: Notify,
}

impl Stop {
    /// The level now.
    pub(crate) fn level(&self) -> Level {
        match self.level.load(Ordering::Acquire) {
            0 => Level::Run,
            1 => Level::Yield,
            2 => Level::Halt,
            _ => Level::Cancel,
        }
    }

    /// Asks for at least this level.
    pub(crate) fn raise(&self, level: Level) {
        if self.level.fetch_max(level as u8, Ordering::AcqRel) < level as u8 {
            self.changed.notify_waiters();
        }
    }

    /// Waits for a level above `seen`.
    pub(crate) async fn above(&self, seen: Level) {
        loop {
            let changed = self.changed.notified();
            if self.level() > seen {
                return;
            }
            changed.await;
        }
    }
}
