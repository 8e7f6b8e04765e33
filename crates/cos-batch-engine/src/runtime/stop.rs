//! Telling work to stop.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

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
    /// What is asked of the whole is asked of its part.
    whole: Option<Arc<Stop>>,
}

impl Stop {
    /// Of a part of some work, which can be stopped by itself.
    pub(crate) fn of_part(whole: Arc<Self>) -> Self {
        Self { whole: Some(whole), ..Self::default() }
    }

    /// The level now.
    pub(crate) fn level(&self) -> Level {
        let own = self.own();
        self.whole.as_ref().map_or(own, |whole| own.max(whole.own()))
    }

    fn own(&self) -> Level {
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
            let whole = self.whole.as_ref().map(|whole| whole.changed.notified());
            if self.level() > seen {
                return;
            }
            match whole {
                None => changed.await,
                Some(whole) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = whole => {}
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_stops_with_the_whole_and_by_itself() {
        let whole = Arc::new(Stop::default());
        let part = Stop::of_part(Arc::clone(&whole));
        let mut above = Box::pin(part.above(Level::Yield));
        assert!(futures_util::poll!(&mut above).is_pending());
        part.raise(Level::Yield);
        assert_eq!((part.level(), whole.level()), (Level::Yield, Level::Run));
        assert!(futures_util::poll!(&mut above).is_pending());
        whole.raise(Level::Cancel);
        above.await;
        assert_eq!(part.level(), Level::Cancel);
    }
}
