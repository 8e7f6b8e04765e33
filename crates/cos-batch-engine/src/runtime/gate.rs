//! Where operations begin: the slots of each store, and the caps on operations per second.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cos_batch_objectstore::{Execution, ObjectStore};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{
    config::Config,
    pace::{
        Slots, TokenBucket,
        slots::{Answer, Observation},
    },
    statistics::{ByClass, Histogram, OfStore},
    task::retry::Class,
};

/// While somebody else waits, nobody keeps a slot for longer than this and the operation that runs in it then. Short beside
/// what a person notices; long beside what it costs to give a slot back and to take one.
const KEEP_TIME: Duration = Duration::from_millis(50);

/// A store as the engine uses it: one for all jobs that work on it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    store: Arc<dyn ObjectStore>,
    /// In turn: whoever asked first is first, so workers share the slots evenly.
    free: Arc<Semaphore>,
    /// How many wait for a slot.
    waiting: AtomicUsize,
    most: usize,
    began: Instant,
    /// None where the number is fixed: threads of this machine are known beforehand.
    adapts: Option<Mutex<Adapts>>,
    took: Histogram,
    failures: ByClass,
    retries: ByClass,
}

#[derive(Debug)]
struct Adapts {
    slots: Slots,
    in_use: usize,
    /// Slots that are to be taken away as soon as they come back.
    owed: usize,
    /// Until when slots rest that came back, at most as many as there are slots. Any free slot may be the one that rests: who takes
    /// one when as many rest as are free waits for the first to be over.
    resting: VecDeque<Instant>,
}

impl Adapts {
    /// Slots that rest now.
    fn resting(&mut self, now: Instant) -> usize {
        while self.resting.front().is_some_and(|until| *until <= now) {
            self.resting.pop_front();
        }
        self.resting.len()
    }

    /// A slot comes back, after an operation that ended then. Tells whether it rests.
    fn rest(&mut self, ended: Instant) -> bool {
        let rest = self.slots.rest();
        if rest.is_zero() || self.resting.len() >= self.slots.limit() {
            return false;
        }
        // Rests change little from one to the next: the list is as good as in order.
        self.resting.push_back(ended + rest);
        true
    }
}

/// What becomes of a slot whose operation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    /// It may be used again at once.
    Again,
    /// It goes back to the others.
    Given,
    /// There is one less.
    Gone,
}

/// Counts somebody who waits. Only a hint to those who have a slot: nothing else is ordered by it.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn at(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, config: &Config) -> Self {
        let (most, adapts) = match store.execution() {
            Execution::Blocking => (config.blocking_slots.max(1), None),
            Execution::Async => {
                let most =
                    store.operations_max().map_or(config.async_slots, |most| most.min(config.async_slots)).max(1);
                (most, Some(Slots::new(most)))
            }
        };
        let now = adapts.as_ref().map_or(most, Slots::limit);
        Self {
            store,
            free: Arc::new(Semaphore::new(now)),
            waiting: AtomicUsize::new(0),
            most,
            began: Instant::now(),
            adapts: adapts.map(|slots| Mutex::new(Adapts { slots, in_use: 0, owed: 0, resting: VecDeque::new() })),
            took: Histogram::default(),
            failures: ByClass::default(),
            retries: ByClass::default(),
        }
    }

    /// What was done here so far.
    pub(crate) fn statistics(&self) -> OfStore {
        let (slots, in_flight) = match self.adapts() {
            Some(adapts) => (adapts.slots.limit(), adapts.in_use),
            None => (self.most, self.most.saturating_sub(self.free.available_permits())),
        };
        OfStore {
            store: Arc::clone(&self.store),
            slots,
            in_flight,
            waiting: self.waiting.load(Ordering::Relaxed),
            took: self.took.read(),
            failures: self.failures.read(),
            retries: self.retries.read(),
        }
    }

    /// Is this the store?
    pub(crate) fn is(&self, store: &Arc<dyn ObjectStore>) -> bool {
        Arc::ptr_eq(&self.store, store)
    }

    /// The most operations that are ever in flight.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    async fn slot(self: &Arc<Self>) -> Slot {
        let waits = Waits::at(&self.waiting);
        let permit = Arc::clone(&self.free).acquire_owned().await;
        drop(waits);
        // The semaphore is never closed.
        let mut slot = Slot::new(self, permit.ok());
        if let Some(until) = self.rests_until() {
            tokio::time::sleep_until(until).await;
            slot.since = Instant::now();
            slot.began = slot.since;
        }
        slot
    }

    fn try_slot(self: &Arc<Self>) -> Option<Slot> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let free = self.free.available_permits();
        let rests = self.adapts().is_some_and(|mut adapts| adapts.resting(Instant::now()) > free);
        (!rests).then(|| Slot::new(self, Some(permit)))
    }

    /// Until when the slot rests that was taken just now.
    fn rests_until(&self) -> Option<Instant> {
        let free = self.free.available_permits();
        let mut adapts = self.adapts()?;
        if adapts.resting(Instant::now()) > free { adapts.resting.pop_front() } else { None }
    }

    fn adapts(&self) -> Option<MutexGuard<'_, Adapts>> {
        // Consistent after every statement.
        self.adapts.as_ref().map(|adapts| adapts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn observe(&self, adapts: &mut Adapts, began: Instant, Seen { answer, ended }: Seen) {
        let before = adapts.slots.limit();
        // One that rests is in use: it may not begin anything.
        let full = adapts.in_use + adapts.resting(ended) >= before;
        let (began, ended) = (began.duration_since(self.began), ended.duration_since(self.began));
        adapts.slots.observe(Observation { began, ended, answer, full });
        let after = adapts.slots.limit();
        adapts.owed += before.saturating_sub(after);
        let more = after.saturating_sub(before);
        let kept = more.min(adapts.owed);
        adapts.owed -= kept;
        self.free.add_permits(more - kept);
    }

    /// An operation in a slot is over; with `keep`, another one is to begin in the same slot.
    fn back(&self, began: Instant, seen: Option<Seen>, keep: bool) -> Back {
        if let Some(seen) = seen {
            self.took.observe(seen.ended.duration_since(began));
        }
        let Some(mut adapts) = self.adapts() else { return if keep { Back::Again } else { Back::Given } };
        if let Some(seen) = seen {
            self.observe(&mut adapts, began, seen);
        }
        if adapts.owed > 0 {
            let taken = self.free.forget_permits(adapts.owed);
            adapts.owed -= taken;
        }
        let back = if adapts.owed > 0 {
            adapts.owed -= 1;
            Back::Gone
        } else if seen.is_some_and(|seen| adapts.rest(seen.ended)) || !keep {
            Back::Given
        } else {
            Back::Again
        };
        if back != Back::Again {
            adapts.in_use = adapts.in_use.saturating_sub(1);
        }
        back
    }
}

/// The right to one operation in flight. Comes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    endpoint: Arc<Endpoint>,
    permit: Option<OwnedSemaphorePermit>,
    /// When it was given out.
    since: Instant,
    began: Instant,
    seen: Option<Seen>,
    given_back: bool,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug)]
struct Seen {
    answer: Answer,
    ended: Instant,
}

impl Slot {
    fn new(endpoint: &Arc<Endpoint>, permit: Option<OwnedSemaphorePermit>) -> Self {
        if let Some(mut adapts) = endpoint.adapts() {
            adapts.in_use += 1;
        }
        let now = Instant::now();
        Self { endpoint: Arc::clone(endpoint), permit, since: now, began: now, seen: None, given_back: false }
    }

    /// The operation ended just now, with an error of this class or none.
    pub(crate) fn done(&mut self, error: Option<Class>) {
        if let Some(class) = error {
            self.endpoint.failures.add(class);
        }
        let answer = match error {
            Some(Class::Throttled) => Answer::Throttled,
            Some(Class::Transient | Class::Unreachable) => Answer::Unclear,
            Some(Class::Permanent) | None => Answer::Coped,
        };
        self.seen = Some(Seen { answer, ended: Instant::now() });
    }

    /// When the operation in it began.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Goes on to another operation in the same slot, unless it has to be given back. `own`: of those who wait for a
    /// slot, how many wait for a further one of the same shard; where anybody else waits, slots go round.
    fn again(mut self, own: usize) -> Option<Self> {
        let now = self.seen.map_or_else(Instant::now, |seen| seen.ended);
        if self.endpoint.waiting.load(Ordering::Relaxed) > own && now.duration_since(self.since) >= KEEP_TIME {
            return None;
        }
        let seen = self.seen.take();
        let back = self.endpoint.back(self.began, seen, true);
        if back == Back::Again {
            self.began = now;
            return Some(self);
        }
        self.given_back = true;
        if let (Back::Gone, Some(permit)) = (back, self.permit.take()) {
            permit.forget();
        }
        None
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.given_back {
            return;
        }
        let back = self.endpoint.back(self.began, self.seen, false);
        if let (Back::Gone, Some(permit)) = (back, self.permit.take()) {
            permit.forget();
        }
    }
}

/// A cap on operations per second, for all who pass here.
#[derive(Debug)]
pub(crate) struct Turnstile {
    bucket: tokio::sync::Mutex<TokenBucket>,
    began: Instant,
}

impl Turnstile {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { bucket: tokio::sync::Mutex::new(TokenBucket::new(per_second)), began: Instant::now() }
    }

    /// It owes nothing: a new one would let through as much.
    pub(crate) fn is_idle(&self) -> bool {
        self.bucket.try_lock().is_ok_and(|bucket| bucket.is_idle(self.began.elapsed()))
    }

    /// Waits for a turn, in the order of those who ask.
    async fn pass(&self) {
        let mut bucket = self.bucket.lock().await;
        while let Err(wait) = bucket.take(self.began.elapsed()) {
            // A timer has whole milliseconds.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }
}

/// What every operation of a job passes before it begins: first tries, repeats and questions alike.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    endpoint: Arc<Endpoint>,
    turnstiles: Vec<Arc<Turnstile>>,
    /// Of those who wait for a slot, how many want a further one for the shard this gate is for.
    further: Arc<AtomicUsize>,
}

impl Gate {
    pub(crate) fn new(endpoint: Arc<Endpoint>, turnstiles: Vec<Arc<Turnstile>>) -> Self {
        Self { endpoint, turnstiles, further: Arc::default() }
    }

    /// Operations per second are capped.
    pub(crate) fn is_capped(&self) -> bool {
        !self.turnstiles.is_empty()
    }

    /// The most operations that are ever in flight.
    pub(crate) fn most(&self) -> usize {
        self.endpoint.most()
    }

    /// Waits for its turn in time only, with a slot in hand.
    pub(crate) async fn pass(&self) {
        for turnstile in &self.turnstiles {
            turnstile.pass().await;
        }
    }

    /// Waits until an operation may begin.
    pub(crate) async fn enter(&self) -> Slot {
        // Whoever waits for a second to go by holds no slot.
        self.pass().await;
        self.endpoint.slot().await
    }

    /// Waits until one operation more may begin of a shard that goes on in the slots it has.
    pub(crate) async fn enter_further(&self) -> Slot {
        self.pass().await;
        let _waits = Waits::at(&self.further);
        self.endpoint.slot().await
    }

    /// The slot of an operation that is over, for the next one of the same shard; none: it was given back.
    pub(crate) fn keep(&self, slot: Slot) -> Option<Slot> {
        slot.again(self.further.load(Ordering::Relaxed))
    }

    /// A try that failed like this is followed by another one.
    pub(crate) fn retried(&self, class: Class) {
        self.endpoint.retries.add(class);
    }

    /// A try failed like this that has no slot of its own, or keeps it.
    pub(crate) fn failed(&self, class: Class) {
        self.endpoint.failures.add(class);
        if class != Class::Throttled {
            return;
        }
        // Whoever begins something there heeds it.
        if let Some(mut adapts) = self.endpoint.adapts() {
            let now = Instant::now();
            self.endpoint.observe(&mut adapts, now, Seen { answer: Answer::Throttled, ended: now });
        }
    }

    /// One more slot for work that has one already, if nobody else wants it now. Each request has yet to [`pass`](Self::pass).
    pub(crate) fn spare(&self) -> Option<Slot> {
        self.endpoint.try_slot()
    }

    /// A slot, if one can be had without waiting.
    pub(crate) fn try_enter(&self) -> Option<Slot> {
        if self.is_capped() { None } else { self.endpoint.try_slot() }
    }
}

#[cfg(test)]
mod tests;
