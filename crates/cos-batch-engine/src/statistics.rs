//! What an engine counts while it works, for whoever watches it.
//!
//! Counts begin at 0 when the engine starts and never go back. They are of this process alone, and no part of the books:
//! what a job has done stands in its job store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cos_batch_objectstore::ObjectStore;

use crate::task::retry::Class;

/// Upper bounds of a [`Histogram`]'s ranges, in milliseconds; above the last there is one range more. From what a folder
/// takes up to what a copy of a large object may take.
pub const BOUNDS_MILLIS: [u64; 14] = [1, 3, 10, 30, 60, 100, 300, 600, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000];

/// How long something took, counted in ranges.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS_MILLIS.len() + 1],
    micros: AtomicU64,
}

/// What a [`Histogram`] has counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many were in each range: above the bound before, up to its own.
    pub counts: [u64; BOUNDS_MILLIS.len() + 1],
    /// How long all of them took together.
    pub sum: Duration,
}

impl Histogram {
    /// One more, which took so long.
    pub fn observe(&self, took: Duration) {
        let range = BOUNDS_MILLIS.iter().take_while(|bound| took > Duration::from_millis(**bound)).count();
        // Numbers for people who watch: nothing else is ordered by them.
        self.counts[range].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> Counted {
        let counts = std::array::from_fn(|range| self.counts[range].load(Ordering::Relaxed));
        Counted { counts, sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)) }
    }
}

/// A number for each [`Class`], in the order of [`Class::ALL`].
pub type OfClasses = [u64; Class::ALL.len()];

/// Counts for each class.
#[derive(Debug, Default)]
pub(crate) struct ByClass([AtomicU64; Class::ALL.len()]);

impl ByClass {
    pub(crate) fn add(&self, class: Class) {
        self.0[class as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> OfClasses {
        std::array::from_fn(|class| self.0[class].load(Ordering::Relaxed))
    }
}

/// What an engine does now, and what it has done with each store.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Manifests that are being read, or of which some files are.
    pub preparing: usize,
    /// Shards that are worked on.
    pub shards: usize,
    /// Jobs that are being brought to their end.
    pub finishing: usize,
    /// Of all these, how many wait before another try, and take no worker meanwhile.
    pub resting: usize,
    /// Each store that has buckets.
    pub stores: Vec<OfStore>,
}

/// What an engine has done with one store.
#[derive(Clone, Debug)]
pub struct OfStore {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// Operations that it is given at once at most, as was found out so far.
    pub slots: usize,
    /// Operations in flight.
    pub in_flight: usize,
    /// Rows that wait for a slot.
    pub waiting: usize,
    /// How long operations took, tries that failed included; of an object that is copied in parts only the first try.
    pub took: Counted,
    /// Tries that failed, of operations and of parts.
    pub failures: OfClasses,
    /// Of these, how many were followed by another try.
    pub retries: OfClasses,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_as_long_as_a_bound_is_below_it() {
        let histogram = Histogram::default();
        for micros in [0, 1_000, 1_001, 300_000_000, 300_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let counted = histogram.read();
        assert_eq!(counted.counts[..3], [2, 1, 0]);
        assert_eq!(counted.counts[BOUNDS_MILLIS.len() - 1..], [1, 1]);
        assert_eq!(counted.sum, Duration::from_micros(600_002_002));
        assert!(BOUNDS_MILLIS.is_sorted());
    }

    #[test]
    fn each_class_has_a_place_of_its_own() {
        let counts = ByClass::default();
        for (times, class) in Class::ALL.into_iter().enumerate() {
            (0..=times).for_each(|_| counts.add(class));
        }
        assert_eq!(counts.read(), [1, 2, 3, 4]);
    }
}
