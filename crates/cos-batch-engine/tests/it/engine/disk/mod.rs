//! The disk fails under folders: any call to it, with an error of the device or for want of room.
//!
//! A process of its own runs a small job, with objects and spool in folders; the n-th of its calls to the disk fails, and in some
//! runs those behind it as well ([`failing`]). What is left is looked at by another one, for which nothing fails: no count is wrong, each
//! row is reported once, and what is said to be done is done. A job that is not made, or that fails, says so.

mod failing;
mod work;

use std::{collections::BTreeSet, env, io::Write as _, path::Path};

use cos_batch_model::JobId;
use cos_batch_objectstore::{
    FolderStore, GetRequest, ListRequest, ListVersionsRequest, ObjectStore as _, VersionSelector,
};

use self::{
    failing::{Failing, Seen},
    work::{BUCKETS, Ended, Kind, Told},
};
use super::world::{SOURCE, TARGET, World};

/// Between two calls that fail, in place of that of the test.
const STEP_VARIABLE: &str = "COS_BATCH_DISK_STEP";
/// The calls of a job are passed over but for one of so many; with 1 each has its turn.
const STEP: u64 = 23;

/// Calls of a job at least; they are some two hundred, more or fewer as threads find folders open already.
const CALLS_MIN: u64 = 100;

/// Kinds of calls that fail at least, of some fifteen: which ones come to it depends on how quick threads are.
const KINDS: usize = 4;

/// Calls that fail behind each other, where the disk is bad for a while. Where there is no room each puts the job back once, which
/// rests for twice as long each time.
const LONG: u64 = 3;

/// Run by itself this is the parent; with the variable of [`work`] set, it is the process whose disk fails.
#[test]
fn whichever_call_to_the_disk_fails() {
    if let Some(folder) = work::wanted() {
        return work::work(&folder);
    }
    let place = tempfile::tempdir().unwrap();
    let step = env::var(STEP_VARIABLE).map_or(STEP, |step| step.parse().unwrap());
    let Some(whole) = run(place.path(), Failing::NONE, Kind { versions: true, parts: true }) else { return };
    assert_eq!(whole.told.ended, Ended::Complete, "{:?}", whole.told);
    let calls = whole.seen.calls();
    assert!(calls > CALLS_MIN, "too little happened: {:?}", whole.seen);
    let (mut complete, mut tried, mut runs, mut met) = (0, 0, 0_u64, BTreeSet::new());
    for (error, offset) in [(failing::EIO, 1), (failing::ENOSPC, 1 + step / 2)] {
        for first in (offset..=calls).step_by(usize::try_from(step).unwrap()) {
            // Each third time the disk is bad for a while.
            runs += 1;
            let count = if runs % 3 == 0 { LONG } else { 1 };
            let failing = Failing { first, count, error };
            let kind = Kind { versions: runs % 2 == 0, parts: true };
            let ran = run(place.path(), failing, kind).expect("there was a filter before");
            met.extend(ran.seen.failed.iter().cloned());
            tried += u64::from(!ran.seen.failed.is_empty());
            complete += u64::from(!ran.seen.failed.is_empty() && ran.told.ended == Ended::Complete);
            let is_right = ran.told.ended == Ended::Complete || ran.told.says_why();
            assert!(is_right, "{failing:?}: {:?}", ran.told);
        }
    }
    assert!(tried > 10 && complete * 2 > tried, "{complete} of {tried} jobs ended well");
    // For whoever looks at a long run; nobody may be there to read it.
    let said = format!(
        "calls failed in {tried} of {runs} runs, {complete} jobs of {} rows ended well, step {step}: {met:?}",
        work::row_count()
    );
    let _ = writeln!(std::io::stderr(), "{said}");
    assert!(met.len() >= KINDS, "only these failed: {met:?}");
}

/// Whichever sync fails: what was to be made durable by it is done again, for a second sync would say nothing of what was lost.
#[test]
fn whichever_sync_fails() {
    whichever_sync_fails_where(Kind::default(), &["syncfs", "fsync"]);
}

/// The same where each copy is a version: what is done again makes no second one, but a new file of the one there is.
#[test]
fn whichever_sync_fails_where_versions_are_kept() {
    whichever_sync_fails_where(Kind { versions: true, parts: false }, &["syncfs", "fsync"]);
}

/// Each part is durable before it counts as one: whoever takes the upload up later would not know.
#[test]
fn whichever_sync_of_a_part_fails() {
    whichever_sync_fails_where(Kind { versions: false, parts: true }, &["fdatasync"]);
}

fn whichever_sync_fails_where(kind: Kind, calls: &[&str]) {
    let place = tempfile::tempdir().unwrap();
    let Some(whole) = run_only(place.path(), "", Failing::NONE, kind) else { return };
    for call in calls.iter().copied() {
        let times = whole.seen.times(call);
        assert!(times >= work::syncs_min(call), "{call}: {:?}", whole.seen);
        let mut met = 0;
        for first in 1..=times {
            let failing = Failing { first, count: 1, error: failing::EIO };
            let ran = run_only(place.path(), call, failing, kind).expect("there was a filter before");
            // Threads are not always as quick as each other, and two checkpoints may be one.
            if ran.seen.failed.is_empty() {
                continue;
            }
            met += 1;
            assert!(ran.told.ended == Ended::Complete || ran.told.says_why(), "{failing:?}: {:?}", ran.told);
            // The first one that is for all is that of the first checkpoint: each object that it was for is copied once more, and
            // each copy takes the place of the one before.
            if call == "syncfs" && first == 1 {
                let more = |call| ran.seen.times(call).saturating_sub(whole.seen.times(call));
                let (copies, renames) = (more("copy_file_range"), more("renameat2"));
                assert!(copies > 0, "nothing was done again: {:?}", ran.seen);
                assert!(renames >= copies, "what was done again was not kept: {:?}, {:?}", whole.seen, ran.seen);
            }
        }
        assert!(met * 2 > times, "{met} of {times} were met: {call}");
    }
}

/// A run, and what it left.
struct Ran {
    told: Told,
    seen: Seen,
}

fn run(place: &Path, failing: Failing, kind: Kind) -> Option<Ran> {
    run_only(place, "", failing, kind)
}

/// Only calls of this name count; all, where there is no name.
fn run_only(place: &Path, only: &str, failing: Failing, kind: Kind) -> Option<Ran> {
    let folder = place.join("disk");
    let _ = std::fs::remove_dir_all(&folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work::prepare(&folder, kind));
    let (told, seen) = failing::run(place, &folder, only, failing)?;
    runtime.block_on(assert_right(&folder, &told, &format!("{only} {failing:?}: {seen:?}: {told:?}")));
    Some(Ran { told, seen })
}

/// What the job said is what is there.
async fn assert_right(folder: &Path, told: &Told, what: &str) {
    let (rows, done) = (u64::from(work::row_count()), told.succeeded + told.failed);
    assert!(done <= told.total, "{what}");
    let Ended::Complete = told.ended else {
        // It has counted what was done, and no more.
        let Ok(store) = FolderStore::open(folder.join("objects")) else { return assert_eq!(done, 0, "{what}") };
        let list = ListRequest { bucket: TARGET, prefix: "in/", after: None, limit: 1000 };
        let copies = store.list(list).await.map_or(0, |page| page.objects.len() as u64);
        assert!(told.succeeded <= copies, "{copies} copies: {what}");
        return;
    };
    assert_eq!((done, told.total), (rows, rows), "{what}");
    // In memory, where what reads reports reads them.
    let world = World::new().await;
    let store = FolderStore::open(folder.join("objects")).unwrap();
    for bucket in BUCKETS {
        let versions = store.list_versions(ListVersionsRequest { bucket, prefix: "", after: None, limit: 1000 });
        let versions = versions.await.unwrap().versions;
        let older: Vec<_> = versions.iter().filter(|version| !version.is_latest).collect();
        assert!(older.is_empty(), "an operation made two versions: {older:?}: {what}");
        let list = ListRequest { bucket, prefix: "", after: None, limit: 1000 };
        for (key, _) in store.list(list).await.unwrap().objects {
            let version = &VersionSelector::Latest;
            let request = GetRequest { bucket, key: &key, version, range: 0..u64::from(u32::MAX), pin: None };
            world.put(bucket, &key, store.get_range(request).await.unwrap()).await;
        }
    }
    let report = world.report(&JobId::new(told.id.clone()).unwrap()).await;
    let keys: BTreeSet<&String> = report.iter().map(|(key, ..)| key).collect();
    assert_eq!((report.len() as u64, keys.len() as u64), (rows, rows), "one row for each task: {what}");
    assert_eq!(report.iter().filter(|(_, succeeded, _)| *succeeded).count() as u64, told.succeeded, "{what}");
    for (key, succeeded, code) in &report {
        if *succeeded {
            let source = world.get(SOURCE, key).await;
            assert!(source.is_some() && world.get(TARGET, key).await == source, "{key}: {what}");
        }
        assert_eq!(*succeeded, code.is_empty(), "{key}: {what}");
        assert_eq!(work::is_missing(key), !succeeded, "an error that passes fails no row, {key}, {code}: {what}");
    }
}
