//! What decoding allocates, counted: a program of its own, since the counting allocator is the whole program's.
#![expect(clippy::unwrap_used, reason = "tests: what cannot be unwrapped fails the test")]

mod bounds;
mod fields;

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The counters are the program's, so only one test may run at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Repeats of a measurement. The least is taken: the test harness's own threads can only add.
const REPEATS: usize = 5;

/// What a call allocates.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Allocations, and those that grow.
    calls: usize,
    /// Bytes in all, given back or not: never less than what is held at the same time.
    bytes: usize,
}

impl Cost {
    fn of(stats: &Stats) -> Self {
        let bytes = stats.bytes_allocated + usize::try_from(stats.bytes_reallocated.max(0)).unwrap();
        Self { calls: stats.allocations + stats.reallocations, bytes }
    }
}

/// Held by a test from its beginning to its end: also what it does between two measurements counts for others.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cost<T>(mut call: impl FnMut() -> T) -> Cost {
    let runs = (0..REPEATS).map(|_| {
        let region = Region::new(ALLOCATOR);
        let kept = call();
        let cost = Cost::of(&region.change());
        drop(kept);
        cost
    });
    runs.min_by_key(|cost| (cost.calls, cost.bytes)).unwrap()
}
