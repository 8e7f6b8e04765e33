//! Stories.

use std::collections::BTreeMap;

use cos_batch_simulation::{Fault, Outcome, Plan, Sabotage};

/// Stories of each part of the test: parts run side by side.
const STORIES: u64 = 250;

fn run(plan: Plan) -> Outcome {
    cos_batch_simulation::run(plan).expect("a runtime is made")
}

#[track_caller]
fn tell(part: u64) {
    let (fired, shared) = stories(part * STORIES..(part + 1) * STORIES);
    let missing: Vec<_> = Fault::ALL.into_iter().filter(|fault| !fired.contains_key(fault)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}");
    assert!(shared > 0, "no inventory was read by more than one process");
}

#[track_caller]
fn stories(seeds: std::ops::Range<u64>) -> (BTreeMap<Fault, u64>, u64) {
    let (mut fired, mut shared) = (BTreeMap::new(), 0);
    for seed in seeds {
        let outcome = run(Plan::draw(seed));
        assert!(outcome.violations.is_empty(), "{outcome:?}\nseed {seed}");
        for (fault, times) in outcome.fired {
            *fired.entry(fault).or_default() += times;
        }
        shared += outcome.shared;
    }
    (fired, shared)
}

#[test]
fn the_same_seed_gives_the_same_story() {
    for seed in 0..40 {
        let (first, second) = (run(Plan::draw(seed)), run(Plan::draw(seed)));
        assert_eq!((first.hash, first.events), (second.hash, second.events), "{first:?}{second:?}\nseed {seed}");
    }
    assert_ne!(run(Plan::draw(1)).hash, run(Plan::draw(2)).hash);
}

#[test]
fn no_rule_is_broken_0() {
    tell(0);
}

#[test]
fn no_rule_is_broken_1() {
    tell(1);
}

#[test]
fn no_rule_is_broken_2() {
    tell(2);
}

#[test]
fn no_rule_is_broken_3() {
    tell(3);
}

/// A defect that nobody notices would say that nothing is held.
#[track_caller]
fn is_noticed(sabotage: Sabotage, rule: &str) {
    let noticed = (0..2 * STORIES).map(|seed| run(Plan::draw(seed).with(sabotage)).violations);
    let found = noticed.flatten().find(|violation| violation.contains(rule));
    assert!(found.is_some(), "{sabotage:?} was not noticed");
}

#[test]
fn writes_of_who_lost_the_lease_are_noticed() {
    is_noticed(Sabotage::NoFencing, "was taken when");
}

#[test]
fn a_segment_written_after_its_checkpoint_is_noticed() {
    is_noticed(Sabotage::SegmentAfterCheckpoint, "");
}

#[test]
fn a_barrier_that_is_left_out_is_noticed() {
    is_noticed(Sabotage::NoBarrier, "its copy is None");
}

#[test]
fn counters_that_a_crash_takes_along_are_noticed() {
    is_noticed(Sabotage::CountersInMemory, "counters went back");
}
