//! Where operations begin: the slots of each store, and the caps on operations per second.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    task::retry::Class,
};

/// A store as the engine uses it: one for all jobs that work on it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    store: Arc<dyn ObjectStore>,
    /// In turn: whoever asked first is first, so workers share the slots evenly.
    free: Arc<Semaphore>,
    most: usize,
    began: Instant,
    /// None where the number is fixed: threads of this machine are known beforehand.
    adapts: Option<Mutex<Adapts>>,
}

#[derive(Debug)]
struct Adapts {
    slots: Slots,
    in_use: usize,
    /// Slots that are to be taken away as soon as they come back.
    owed: usize,
}

impl Endpoint {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, config: &Config) -> Self {
        let (most, adapts) = match store.execution() {
            Execution::Blocking => (config.blocking_slots.max(1), None),
            Execution::Async => {
                let slots = Slots::new(config.async_slots);
                (config.async_slots.max(1), Some(slots))
            }
        };
        let now = adapts.as_ref().map_or(most, Slots::limit);
        Self {
            store,
            free: Arc::new(Semaphore::new(now)),
            most,
            began: Instant::now(),
            adapts: adapts.map(|slots| Mutex::new(Adapts { slots, in_use: 0, owed: 0 })),
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
        let permit = Arc::clone(&self.free).acquire_owned().await;
        // The semaphore is never closed.
        Slot::new(self, permit.ok())
    }

    fn try_slot(self: &Arc<Self>) -> Option<Slot> {
        Arc::clone(&self.free).try_acquire_owned().ok().map(|permit| Slot::new(self, Some(permit)))
    }

    fn adapts(&self) -> Option<MutexGuard<'_, Adapts>> {
        // Consistent after every statement.
        self.adapts.as_ref().map(|adapts| adapts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A slot comes back. Tells whether it may be used again.
    fn back(&self, began: Instant, answer: Option<Answer>) -> bool {
        let Some(mut adapts) = self.adapts() else { return true };
        let before = adapts.slots.limit();
        if let Some(answer) = answer {
            let full = adapts.in_use >= before;
            let (began, ended) = (began.duration_since(self.began), self.began.elapsed());
            adapts.slots.observe(Observation { began, ended, answer, full });
        }
        adapts.in_use = adapts.in_use.saturating_sub(1);
        let after = adapts.slots.limit();
        adapts.owed += before.saturating_sub(after);
        let more = after.saturating_sub(before);
        let kept = more.min(adapts.owed);
        adapts.owed -= kept;
        self.free.add_permits(more - kept);
        let taken = self.free.forget_permits(adapts.owed);
        adapts.owed -= taken;
        if adapts.owed > 0 {
            adapts.owed -= 1;
            return false;
        }
        true
    }
}

/// The right to one operation in flight. Comes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    endpoint: Arc<Endpoint>,
    permit: Option<OwnedSemaphorePermit>,
    began: Instant,
    answer: Option<Answer>,
}

impl Slot {
    fn new(endpoint: &Arc<Endpoint>, permit: Option<OwnedSemaphorePermit>) -> Self {
        if let Some(mut adapts) = endpoint.adapts() {
            adapts.in_use += 1;
        }
        Self { endpoint: Arc::clone(endpoint), permit, began: Instant::now(), answer: None }
    }

    /// The operation ended, with an error of this class or none.
    pub(crate) fn done(mut self, error: Option<Class>) {
        self.answer = Some(match error {
            Some(Class::Throttled) => Answer::Throttled,
            Some(Class::Transient | Class::Unreachable) => Answer::Unclear,
            Some(Class::Permanent) | None => Answer::Coped,
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let again = self.endpoint.back(self.began, self.answer);
        if let Some(permit) = self.permit.take()
            && !again
        {
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
}

impl Gate {
    pub(crate) fn new(endpoint: Arc<Endpoint>, turnstiles: Vec<Arc<Turnstile>>) -> Self {
        Self { endpoint, turnstiles }
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
