//! What checking a manifest allocates, counted: a program of its own, since the counting allocator is the whole
//! program's.
#![expect(clippy::unwrap_used, reason = "tests: what cannot be unwrapped fails the test")]

use std::alloc::System;

use cos_batch_engine::{
    manifest::{Columns, Cut, Indexer, Step},
    spec::Column,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Repeats of a measurement. The least is taken: the test harness's own threads can only add.
const REPEATS: usize = 5;

/// Allocations while these rows are checked, after the first few.
fn allocations(row: &str) -> usize {
    let text = row.repeat(10_000);
    let run = || {
        let columns = Columns::new(&[Column::Bucket, Column::Key]).unwrap();
        let mut indexer = Indexer::new(columns, Cut { rows: u64::MAX, bytes: u64::MAX }, u64::MAX);
        let mut first = row.as_bytes();
        assert_eq!(indexer.step(&mut first, false).unwrap(), Step::More);
        let region = Region::new(ALLOCATOR);
        // Pieces cut rows in two.
        for mut piece in text.as_bytes().chunks(4099) {
            assert_eq!(indexer.step(&mut piece, false).unwrap(), Step::More);
        }
        let change = region.change();
        assert_eq!(indexer.rows(), 10_001);
        change.allocations + change.reallocations
    };
    (0..REPEATS).map(|_| run()).min().unwrap()
}

#[test]
fn nothing_is_allocated_for_a_row() {
    for row in ["b-1,plain/key\n", "b-1,windows/key\r\n", "b-1,percent%20encoded/key\n", "\"b-1\",\"in quotes\"\n"] {
        assert_eq!(allocations(row), 0, "{row:?}");
    }
}
