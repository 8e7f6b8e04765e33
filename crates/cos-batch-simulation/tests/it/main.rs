//! Stories.

use std::collections::BTreeMap;

use cos_batch_simulation::{Aim, Call, Fault, Outcome, Plan, Sabotage};

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

/// Stories among which each call is looked for: all that the engine makes come in some of them.
const LOOKED_THROUGH: u64 = 60;

/// Which times of a call are cut off: the first, and one in the middle of things.
const CUT_OFF: [u64; 2] = [0, 3];

/// Calls that change something, with the seeds of stories in which they come, and how often before or after it happened.
fn calls(wanted: Fault) -> BTreeMap<Call, Vec<(u64, u64)>> {
    let mut calls: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for seed in 0..LOOKED_THROUGH {
        for ((call, when), times) in run(Plan::draw(seed)).reached {
            if when == wanted {
                calls.entry(call).or_default().push((seed, times));
            }
        }
    }
    calls
}

/// Dice seldom kill a process at a call that comes once in a job. Here each call has its turn, right before it happens or right
/// after, and in a story that is otherwise what the dice make it.
#[track_caller]
fn each_is_cut_off(when: Fault) {
    let calls = calls(when);
    for (store, name) in [
        ("job store", "create"),
        ("job store", "transition"),
        ("job store", "add_shards"),
        ("job store", "checkpoint"),
        ("job store", "finish_shard"),
        ("job store", "finish_file"),
        ("object store", "copy"),
        ("object store", "barrier"),
        ("spool", "put"),
    ] {
        assert!(calls.contains_key(&Call { store, name }), "{store}: {name} never came: {:?}", calls.keys());
    }
    for (call, seeds) in &calls {
        for number in CUT_OFF {
            let aim = Aim { call: *call, when, number };
            let Some((seed, _)) = seeds.iter().find(|(_, times)| *times > number) else {
                assert_ne!(number, 0);
                continue;
            };
            let outcome = run(Plan::draw(*seed).aimed(aim));
            assert!(outcome.violations.is_empty(), "{outcome:?}\nseed {seed}, {aim:?}");
            assert!(outcome.hit, "{aim:?} was not hit: what comes before it is another story\nseed {seed}");
        }
    }
}

#[test]
fn each_call_is_cut_off_before_it_happens() {
    each_is_cut_off(Fault::CrashBefore);
}

#[test]
fn each_call_is_cut_off_after_it_happened() {
    each_is_cut_off(Fault::CrashAfter);
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
