//! Rows of a shard on their way: read ahead, taken one by one, and back in the window with what came of them.
//!
//! Whoever takes a row is told the next one when it brings the last one back, under one lock. Rows are taken in order, so
//! that whoever stops early leaves few gaps.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use cos_batch_objectstore::StoreError;
use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::{
    fault::Fault,
    stop::{Level, Stop},
    window::{Pending, Window},
};
use crate::{
    config::WINDOW_ROWS,
    task::{Outcome, Task},
};

/// Rows read ahead at most: enough that nobody waits while more are read, little beside what the window holds.
const AHEAD_ROWS: usize = 256;

/// So many rows are read at once.
const READ_ROWS: usize = AHEAD_ROWS / 2;

/// Where no row has been answered for so long, it may be the store's fault that one is not.
const QUIET: Duration = Duration::from_secs(10);

/// How often it is looked whether a lease that was late is renewed.
const LEASE_LOOK: Duration = Duration::from_millis(50);

/// Shared by a worker and the lanes that do its rows.
#[derive(Debug)]
pub(crate) struct Line {
    inner: Mutex<Inner>,
    /// The worker, which lanes on other threads wake when there is something for it to do.
    worker: AtomicWaker,
    stop: Arc<Stop>,
    /// So many rows are enough for a checkpoint.
    due: u64,
}

#[derive(Debug)]
struct Inner {
    ahead: VecDeque<Task>,
    window: Window,
    /// No row begins later: the lease could run out under it.
    until: Instant,
    /// Nothing will be read any more.
    read: bool,
    /// The shard could not go on when it was last tried: one row tells whether it can now, and until it is back no other begins.
    probes: bool,
    /// When the store last answered a row.
    answered: Instant,
    /// The store, or the spool, cannot be worked with: nothing begins any more.
    trouble: Option<Fault>,
}

impl Inner {
    /// How many rows more may be under way, or done and not in the books.
    fn room(&self) -> u64 {
        let most = if self.probes { 1 } else { WINDOW_ROWS };
        most.saturating_sub(self.window.uncommitted())
    }

    fn take(&mut self, now: Instant) -> Option<(u64, Task)> {
        if self.trouble.is_some() || now >= self.until || self.room() == 0 {
            return None;
        }
        let task = self.ahead.pop_front()?;
        Some((self.window.begin(), task))
    }
}

impl Line {
    /// `probes`: the shard could not go on when it was last tried.
    pub(crate) fn new(window: Window, stop: Arc<Stop>, due: u64, until: Instant, probes: bool) -> Self {
        let inner = Inner {
            ahead: VecDeque::with_capacity(AHEAD_ROWS),
            window,
            until,
            read: false,
            probes,
            answered: Instant::now(),
            trouble: None,
        };
        Self { inner: Mutex::new(inner), worker: AtomicWaker::new(), stop, due }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Consistent after every statement.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes this task when there is something to do for it.
    pub(crate) fn register(&self, context: &Context<'_>) {
        self.worker.register(context.waker());
    }

    /// The next row, if one may begin now.
    pub(crate) fn take(&self) -> Option<(u64, Task)> {
        if self.stop.level() > Level::Run {
            return None;
        }
        self.lock().take(Instant::now())
    }

    /// Brings a row back; without an outcome it was stopped. `answered`: the store has answered the last try. With `go_on`:
    /// the next row, if one may begin now.
    pub(crate) fn exchange(
        &self,
        number: u64,
        task: Task,
        outcome: Option<Outcome>,
        answered: bool,
        go_on: bool,
    ) -> Option<(u64, Task)> {
        let now = Instant::now();
        let mut inner = self.lock();
        let before = inner.window.ready();
        if answered {
            inner.answered = now;
        }
        let mut goes_on = false;
        if let Some(outcome) = outcome {
            inner.window.complete(number, task, outcome);
            goes_on = std::mem::take(&mut inner.probes);
        }
        let next = if go_on && self.stop.level() == Level::Run { inner.take(now) } else { None };
        let due = before < self.due && inner.window.ready() >= self.due;
        let low = next.is_some() && inner.ahead.len() == AHEAD_ROWS - READ_ROWS;
        drop(inner);
        if due || low || goes_on {
            self.worker.wake();
        }
        next
    }

    /// How many rows there are that could begin now.
    pub(crate) fn startable(&self) -> usize {
        if self.stop.level() > Level::Run {
            return 0;
        }
        let inner = self.lock();
        if inner.trouble.is_some() {
            return 0;
        }
        if Instant::now() >= inner.until {
            return 0;
        }
        inner.ahead.len().min(usize::try_from(inner.room()).unwrap_or(usize::MAX))
    }

    /// The store has answered a part of a row.
    pub(crate) fn answered(&self) {
        self.lock().answered = Instant::now();
    }

    /// Waits until something may begin: until then the lease could be somebody else's.
    pub(crate) async fn leased(&self) {
        loop {
            let until = self.lock().until;
            if Instant::now() < until {
                return;
            }
            tokio::time::sleep(LEASE_LOOK).await;
        }
    }

    /// No row has been answered for a while.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lock().answered.elapsed() >= QUIET
    }

    /// The store cannot be worked with: nothing begins any more, and the shard is put back.
    pub(crate) fn trouble(&self, error: &StoreError) {
        self.rest(Fault::of_store(error.code(), format!("the object store cannot be worked with: {error}")));
    }

    /// Where uploads are noted: none begins that nobody would find again, and the shard is put back.
    pub(crate) fn no_spool(&self, error: &StoreError) {
        self.rest(Fault::new("InternalError", format!("uploads cannot be noted in the spool: {error}")));
    }

    fn rest(&self, why: Fault) {
        self.lock().trouble.get_or_insert(why);
        self.worker.wake();
    }

    /// Whether the store cannot be worked with.
    pub(crate) fn is_in_trouble(&self) -> bool {
        self.lock().trouble.is_some()
    }

    /// Why the store cannot be worked with.
    pub(crate) fn take_trouble(&self) -> Option<Fault> {
        self.lock().trouble.take()
    }

    /// All rows of the shard were taken.
    pub(crate) fn is_through(&self) -> bool {
        let inner = self.lock();
        inner.read && inner.ahead.is_empty()
    }

    /// Rows may begin until then.
    pub(crate) fn set_until(&self, until: Instant) {
        self.lock().until = until;
    }

    /// Waits for room for more rows, and tells for how many. The worker's own task polls it whenever it wakes.
    pub(crate) async fn room(&self) -> usize {
        std::future::poll_fn(|_| {
            let room = AHEAD_ROWS - self.lock().ahead.len().min(AHEAD_ROWS);
            if room >= READ_ROWS { Poll::Ready(room) } else { Poll::Pending }
        })
        .await
    }

    /// Adds rows that were read; none: there are no more.
    pub(crate) fn fill(&self, tasks: Vec<Task>) {
        let mut inner = self.lock();
        inner.read = tasks.is_empty();
        inner.ahead.extend(tasks);
    }

    /// Nothing will be read any more.
    pub(crate) fn end_reading(&self) {
        self.lock().read = true;
    }

    /// Rows that a checkpoint could commit now.
    pub(crate) fn ready(&self) -> u64 {
        self.lock().window.ready()
    }

    /// Enough rows are ready for a checkpoint.
    pub(crate) fn is_due(&self) -> bool {
        self.ready() >= self.due
    }

    /// Takes what is ready, to commit it.
    pub(crate) fn commit(&self) -> Pending {
        self.lock().window.take()
    }

    /// What was taken last is in the books.
    pub(crate) fn committed(&self) {
        self.lock().window.committed();
    }

    /// After the last row is back. For good: nobody will go on.
    pub(crate) fn close(&self, for_good: bool) {
        let mut inner = self.lock();
        if for_good {
            inner.window.close_for_good();
        } else {
            inner.window.close_to_go_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Cursor;

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_under_a_lease_that_was_not_renewed() {
        let until = Instant::now() + Duration::from_secs(1);
        let line = Line::new(Window::new(Cursor::default(), false), Arc::new(Stop::default()), 1, until, false);
        line.leased().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut leased = Box::pin(line.leased());
        assert!(tokio::time::timeout(Duration::from_secs(60), &mut leased).await.is_err());
        line.set_until(Instant::now() + Duration::from_secs(1));
        leased.await;
    }
}
