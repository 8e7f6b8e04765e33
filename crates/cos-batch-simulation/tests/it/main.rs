//! Stories.

use std::collections::{BTreeMap, BTreeSet};

use cos_batch_simulation::{Aim, Call, Fault, Outcome, Plan, Sabotage};

/// Stories of each part of the test: parts run side by side.
const STORIES: u64 = 250;

/// Calls of the job store that need a lease.
const FENCED: [&str; 14] = [
    "renew_job",
    "release_job",
    "clear_shards",
    "add_shards",
    "add_files",
    "add_results",
    "transition",
    "renew_file",
    "release_file",
    "finish_file",
    "renew_shard",
    "release_shard",
    "checkpoint",
    "finish_shard",
];

fn run(plan: Plan) -> Outcome {
    cos_batch_simulation::run(plan).expect("a runtime is made")
}

/// What was met in some stories.
#[derive(Default)]
struct Met {
    fired: BTreeMap<Fault, u64>,
    shared: u64,
}

#[track_caller]
fn tell(part: u64) {
    let met = stories(part * STORIES..(part + 1) * STORIES);
    let missing: Vec<_> = Fault::ALL.into_iter().filter(|fault| !met.fired.contains_key(fault)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}");
    assert!(met.shared > 0, "no inventory was read by more than one process");
}

#[track_caller]
fn stories(seeds: std::ops::Range<u64>) -> Met {
    let mut met = Met::default();
    for seed in seeds {
        let outcome = run(Plan::draw(seed));
        assert!(outcome.violations.is_empty(), "{outcome:?}\nseed {seed}");
        for (fault, times) in outcome.fired {
            *met.fired.entry(fault).or_default() += times;
        }
        met.shared += outcome.shared;
    }
    met
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

/// Seeds of stories in which a rule was broken once, and which. What is drawn of a seed changes with what can be drawn, so an old
/// one may tell another story now; the page on what was found names the test that holds each defect.
const FAILED_ONCE: &str = include_str!("failed.tsv");

#[test]
fn stories_that_failed_once_do_not_again() {
    for line in FAILED_ONCE.lines() {
        let (seed, rule) = line.split_once('\t').unwrap_or_else(|| panic!("no seed and rule: {line}"));
        let outcome = run(Plan::draw(seed.parse().unwrap_or_else(|_| panic!("no seed: {line}"))));
        assert!(outcome.violations.is_empty(), "{outcome:?}\nseed {seed}, in which once {rule}");
    }
}

/// Stories among which each call is looked for: all that the engine makes come in some of them.
const LOOKED_THROUGH: u64 = 60;

/// All calls that change something, but for `purge`: no story goes on until a job is forgotten, and that is one change, which
/// the contract of job stores holds.
const CHANGES: [(&str, &str); 26] = [
    ("job store", "add_files"),
    ("job store", "add_results"),
    ("job store", "add_shards"),
    ("job store", "checkpoint"),
    ("job store", "claim_file"),
    ("job store", "claim_shard"),
    ("job store", "clear_shards"),
    ("job store", "create"),
    ("job store", "finish_file"),
    ("job store", "finish_shard"),
    ("job store", "lease_job"),
    ("job store", "reap"),
    ("job store", "release_file"),
    ("job store", "release_job"),
    ("job store", "release_shard"),
    ("job store", "renew_file"),
    ("job store", "renew_job"),
    ("job store", "renew_shard"),
    ("job store", "transition"),
    ("object store", "barrier"),
    ("object store", "copy"),
    ("object store", "delete"),
    ("object store", "put"),
    ("object store", "put_tags"),
    ("spool", "delete"),
    ("spool", "put"),
];

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
    let found: BTreeSet<_> = calls.keys().map(|call| (call.store, call.name)).collect();
    assert_eq!(found, CHANGES.into_iter().collect(), "calls that change something");
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

#[test]
fn each_call_is_followed_by_a_loss_of_power() {
    each_is_cut_off(Fault::PowerCut);
}

/// A defect that nobody notices would say that nothing is held.
#[track_caller]
fn is_noticed(sabotage: Sabotage, rule: &str) {
    is_noticed_in(|seed| Plan::draw(seed).with(sabotage), rule);
}

#[track_caller]
fn is_noticed_in(plan: impl Fn(u64) -> Plan, rule: &str) {
    let sabotage = plan(0).sabotage;
    let noticed = (0..2 * STORIES).map(|seed| run(plan(seed)).violations);
    let found = noticed.flatten().find(|violation| violation.contains(rule));
    assert!(found.is_some(), "{sabotage:?} was not noticed");
}

/// Of ten thousand calls all.
const ALWAYS: u16 = 10_000;

/// Stories in which each call comes late: more than it takes until some job that is cancelled in the middle of its shards.
const LATE_STORIES: u64 = 60;

/// Whatever needs a lease comes also from somebody who had lost it, and changes nothing.
#[test]
fn each_call_that_needs_a_lease_comes_late() {
    let mut late = BTreeMap::<_, u64>::new();
    for seed in 0..LATE_STORIES {
        let outcome = run(Plan::draw(seed).meeting(Fault::StaleCall, ALWAYS));
        assert!(outcome.violations.is_empty(), "{outcome:?}\nseed {seed}");
        for (call, times) in outcome.late {
            *late.entry(call).or_default() += times;
        }
    }
    let missing: Vec<_> = FENCED.into_iter().filter(|call| !late.contains_key(call)).collect();
    assert!(missing.is_empty(), "never late: {missing:?}, of {late:?}");
}

#[test]
fn writes_of_who_lost_the_lease_are_noticed() {
    for call in FENCED {
        let gives_back = call.starts_with("release_");
        let rule = if gives_back { "before its time".to_owned() } else { format!("{call} of epoch") };
        let plan = |seed| Plan::draw(seed).meeting(Fault::StaleCall, ALWAYS).with(Sabotage::NoFencing(call));
        is_noticed_in(plan, &rule);
    }
}

#[test]
fn leases_that_end_by_another_clock_are_noticed() {
    is_noticed(Sabotage::LeasesByTheNodesClock, "before its time");
}

#[test]
fn a_segment_written_after_its_checkpoint_is_noticed() {
    is_noticed(Sabotage::SegmentAfterCheckpoint, "ReportNotWritten");
}

#[test]
fn a_segment_that_is_not_synced_is_noticed() {
    is_noticed(Sabotage::SegmentNotSynced, "ReportNotWritten");
}

#[test]
fn a_report_that_is_not_synced_is_noticed() {
    is_noticed(Sabotage::ReportNotSynced, "has another MD5 than");
}

#[test]
fn a_barrier_that_is_left_out_is_noticed() {
    is_noticed(Sabotage::NoBarrier, "its copy is None");
}

#[test]
fn a_sync_that_failed_and_is_forgotten_is_noticed() {
    is_noticed(Sabotage::FailedSyncForgotten, "its copy is None");
}

#[test]
fn counters_that_a_crash_takes_along_are_noticed() {
    is_noticed(Sabotage::CountersInMemory, "as it was told: counters went back");
}
