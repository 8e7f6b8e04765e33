//! The connections that are open and have no request.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{AcquireError, Semaphore, SemaphorePermit},
    time::{Instant, sleep},
};

use super::{link::Link, task::leave_to_itself};

/// Of so many connections one is kept apart from operations: enough of them that no manifest waits for a job, few enough that
/// no job misses them.
const APART_OF: usize = 16;

/// So often kept connections are looked at, at least: one that its server closed is held so much longer. Also often enough
/// beside the time for which they are kept.
const SWEEP_EVERY_MAX: Duration = Duration::from_secs(1);

/// Who may use which connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// An operation of a job: as many as there are slots begin at once.
    Operation,
    /// Content and listings, which a job needs to go on.
    Apart,
}

#[derive(Debug)]
struct Idle {
    link: Box<Link>,
    since: Instant,
}

/// Connections without a request.
#[derive(Debug, Default)]
struct Kept {
    /// Used from the end: the one that was used last is the least likely to have been closed.
    idle: Vec<Idle>,
    /// Somebody looks at them from time to time.
    swept: bool,
}

/// What the pool and whoever sweeps it share.
#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    connections_max: usize,
    idle_timeout: Duration,
}

/// A bounded set of connections, to any number of hosts.
#[derive(Debug)]
pub(super) struct Pool {
    /// One permit for each request in flight that any request may have.
    slots: Semaphore,
    /// And for each that no operation may have.
    apart: Semaphore,
    shared: Arc<Shared>,
}

impl Pool {
    pub(super) fn new(connections_max: usize, idle_timeout: Duration) -> Self {
        let shared = Shared { kept: Mutex::default(), connections_max, idle_timeout };
        let operations = Self::operations_max(connections_max);
        let (slots, apart) = (Semaphore::new(operations), Semaphore::new(connections_max - operations));
        Self { slots, apart, shared: Arc::new(shared) }
    }

    /// Operations in flight at most, of this many connections.
    pub(super) fn operations_max(connections_max: usize) -> usize {
        connections_max - connections_max / APART_OF
    }

    /// A place for one more request, if there is one now.
    pub(super) fn try_slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.try_acquire().ok()
    }

    /// A place for one more request, in turn.
    pub(super) async fn slot(&self, lane: Lane) -> Result<SemaphorePermit<'_>, AcquireError> {
        match lane {
            Lane::Operation => self.slots.acquire().await,
            Lane::Apart => tokio::select! {
                biased;
                slot = self.slots.acquire() => slot,
                slot = self.apart.acquire() => slot,
            },
        }
    }

    /// For whoever has a slot: the kept connection to the host that was used last, if it is not too old. Where there is
    /// none, there is room to open one.
    pub(super) fn take(&self, host: &str) -> Option<Box<Link>> {
        let mut kept = self.shared.lock();
        if let Some(at) = kept.idle.iter().rposition(|idle| idle.link.leads_to(host)) {
            if kept.idle[at].since.elapsed() < self.shared.idle_timeout {
                return Some(kept.idle.remove(at).link);
            }
            // All others to it are older.
            kept.idle.retain(|idle| !idle.link.leads_to(host));
        }
        let free = self.slots.available_permits() + self.apart.available_permits();
        if kept.idle.len() > free {
            // The one that waits longest; hosts that are no longer asked for lose theirs in this way.
            kept.idle.remove(0);
        }
        None
    }

    /// Keeps a connection for the next request.
    pub(super) fn give_back(&self, link: Box<Link>) {
        let mut kept = self.shared.lock();
        if kept.idle.len() >= self.shared.connections_max {
            kept.idle.remove(0);
        }
        kept.idle.push(Idle { link, since: Instant::now() });
        if !std::mem::replace(&mut kept.swept, true) {
            leave_to_itself(Shared::sweep(Arc::downgrade(&self.shared), self.shared.idle_timeout));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing between lock and unlock leaves the list half changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of connections that were not used for too long and of those that are over, for as long as any are kept: those of
    /// a store that nobody uses any more go away.
    async fn sweep(shared: Weak<Self>, idle_timeout: Duration) {
        loop {
            sleep(SWEEP_EVERY_MAX.min(idle_timeout / 2).max(Duration::from_millis(1))).await;
            let Some(shared) = shared.upgrade() else { return };
            let mut kept = shared.lock();
            kept.idle.retain_mut(|idle| idle.since.elapsed() < shared.idle_timeout && idle.link.is_ready());
            if kept.idle.is_empty() {
                kept.swept = false;
                return;
            }
        }
    }
}
