//! A loss of power: what was not synced is gone, all of it or any part, and everything that was answered is there.
//!
//! A process works with a store while each of its writes and syncs is noted ([`journal`]); from the notes the disk is made
//! again as it was after any of them, without what was not synced ([`disk`]), and the store that is found there must have
//! all that was answered before.

mod disk;
mod found;
mod journal;
mod progress;
mod work;

use std::{env, fs, io::Write as _, path::Path};

use self::{
    disk::{Disk, Loss},
    journal::{Change, Failing, Journal, Run, STORE},
    progress::Progress,
};

/// Points at which the power goes, in place of those of the test.
const CUTS_VARIABLE: &str = "COS_BATCH_POWER_CUTS";
/// Where they come from.
const SEED_VARIABLE: &str = "COS_BATCH_POWER_SEED";

/// Points of the test; `cargo xtask torture power` has more.
const CUTS: usize = 400;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Run by itself this is the parent; with the variable of [`work`] set, it is the process whose writes are noted.
#[test]
fn what_was_answered_is_there_after_a_loss_of_power() {
    if let Some(folder) = work::wanted() {
        return work::work(&folder);
    }
    let place = tempfile::tempdir().unwrap();
    let Some(journal) = Journal::of_a_run(place.path(), Run::Much) else { return };
    let syncs =
        journal.changes.iter().filter(|change| matches!(change, Change::Synced(name) if name.starts_with(STORE)));
    let (changes, syncs) = (journal.changes.len(), syncs.count());
    let written = |change: &&Change| matches!(change, Change::Written { name, .. } if name == STORE);
    let written_back = journal.changes.iter().filter(written).count();
    let enough = syncs > 300 && written_back > 50;
    assert!(enough, "{changes} changes, {syncs} syncs, {written_back} pages out of the log: too little happened");

    let cuts = number(CUTS_VARIABLE).map_or(CUTS, |cuts| usize::try_from(cuts).unwrap());
    let seed = number(SEED_VARIABLE).unwrap_or(1);
    let losses = lost(&journal, cuts, seed, place.path());
    assert_eq!(losses, [] as [String; 0]);
    // For whoever looks at a long run; nobody may be there to read it.
    let said = format!("{cuts} losses of power within {changes} changes with {syncs} syncs, seed {seed}");
    let _ = writeln!(std::io::stderr(), "{said}: everything that was answered was there");

    // The same for a disk, or a store, that does not sync: the test would notice.
    let unsynced = Journal { changes: journal.changes.into_iter().filter(|change| !change.is_sync()).collect() };
    let losses = lost(&unsynced, 10, seed, place.path());
    assert!(losses.len() > 5, "without a sync something is lost: {losses:?}");
}

/// Numbers of errors on every system that this is tried on: of the device, and of no room.
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Between two calls that fail, in place of that of the test.
const STEP_VARIABLE: &str = "COS_BATCH_POWER_STEP";
/// After these calls, each of which fails once, so many are passed over between two that fail.
const FIRST_CALLS: u64 = 12;
const STEP: u64 = 41;
/// The same of the calls that sync.
const STEP_OF_SYNCS: u64 = 9;

/// Whichever call to the disk fails, a write, a cut or a sync: what was answered is there, also if the power goes then, and
/// what failed was answered as such and could be asked for again.
#[test]
fn what_was_answered_is_there_whichever_call_to_the_disk_fails() {
    let place = tempfile::tempdir().unwrap();
    let step = number(STEP_VARIABLE).unwrap_or(STEP);
    let seed = number(SEED_VARIABLE).unwrap_or(1);
    let Some(whole) = Journal::of_a_run(place.path(), Run::Little(None)) else { return };
    let calls: Vec<bool> = whole.changes.iter().filter_map(Change::is_call_that_syncs).collect();
    let syncs = calls.iter().filter(|syncs| **syncs).count() as u64;
    let all = numbers(calls.len() as u64, step).map(|call| (call, false));
    // Few of the calls are syncs.
    let of_syncs = numbers(syncs, step.min(STEP_OF_SYNCS)).map(|call| (call, true));
    let mut progress = Progress::read();
    for (call, of_syncs) in all.chain(of_syncs) {
        if progress.is_over(call, of_syncs) {
            continue;
        }
        // Writes and syncs meet both.
        let error = if progress.count().0.is_multiple_of(2) { EIO } else { ENOSPC };
        let failing = Run::Little(Some(Failing { call, of_syncs, error }));
        let Some(journal) = Journal::of_a_run(place.path(), failing) else { return };
        let sync = journal.changes.iter().any(|change| matches!(change, Change::SyncFailed(_)));
        let losses = lost(&journal, 3, seed.wrapping_add(call), place.path());
        assert_eq!(losses, [] as [String; 0], "call {call} fails with error {error}, of syncs: {of_syncs}");
        progress.add(call, of_syncs, sync);
    }
    let (tried, synced) = progress.count();
    assert!(tried > 10 && synced > 0, "{tried} calls failed, {synced} of them syncs: too few");
    // For whoever looks at a long run; nobody may be there to read it.
    let all = calls.len();
    let said = format!("{tried} runs, in each of which one of {all} calls failed, {synced} times a sync");
    let _ = writeln!(std::io::stderr(), "{said}: all that was answered was there");
}

/// The first ones, which make the store, and then one of each `step`.
fn numbers(last: u64, step: u64) -> impl Iterator<Item = u64> {
    let first = 1..=last.min(FIRST_CALLS);
    first.chain((FIRST_CALLS + step..=last).step_by(usize::try_from(step).unwrap()))
}

/// Cuts the power at points that are spread over the journal, and gives what was missing then.
fn lost(journal: &Journal, cuts: usize, seed: u64, place: &Path) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let last = journal.changes.len();
    // The end is one of them.
    let mut points: Vec<usize> = (1..cuts).map(|_| random.usize(0..=last)).chain([last]).collect();
    points.sort_unstable();
    let mut disk = Disk::default();
    let (mut done, mut missing) = (0, Vec::new());
    let told = work::told(&journal.changes);
    for point in points {
        journal.changes[done..point].iter().for_each(|change| disk.change(change));
        done = point;
        let loss = match random.u8(0..8) {
            0..4 => Loss::All,
            4..7 => Loss::Some(random.fork()),
            _ => Loss::Nothing,
        };
        let shown = format!("after {point} changes, losing {loss:?}");
        let folder = place.join("found");
        fs::create_dir(&folder).unwrap();
        disk.left(loss, &folder);
        let answered = work::told(&journal.changes[..point]);
        missing.extend(found::missing(&folder, &answered, &told).into_iter().map(|what| format!("{shown}: {what}")));
        fs::remove_dir_all(&folder).unwrap();
    }
    missing
}
