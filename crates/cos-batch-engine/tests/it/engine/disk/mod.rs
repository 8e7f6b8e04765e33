//! The disk fails under folders and the database of jobs: any call to it, with an error of the device or for want of room; or the
//! process is killed before it.
//!
//! A process of its own runs a small job, with objects and spool in folders and jobs in SQLite; the n-th of its calls to the disk
//! fails, and in some runs those behind it as well, or is not done and nothing behind it ([`Calls`]). What is left is looked at by
//! another one, for which nothing fails: no count is wrong, each row is reported once, and what is said to be done is done. A job that
//! is not made, or that fails, says so; one that was cut off is gone on with, and there is one version of each object.

mod work;

use std::{collections::BTreeSet, env, fs, io::Write as _, path::Path, sync::Mutex, thread};

use cos_batch_calls::{Calls, EIO, ENOSPC, Seen, What};
use cos_batch_model::JobId;
use cos_batch_objectstore::{
    FolderStore, GetRequest, ListRequest, ListVersionsRequest, ObjectStore as _, VersionSelector,
};

use self::work::{BUCKETS, Ended, Kind, Told};
use super::world::{SOURCE, TARGET, World};

/// Between two calls that fail, in place of that of the test.
const STEP_VARIABLE: &str = "COS_BATCH_DISK_STEP";
/// The calls of a job are passed over but for one of so many; with 1 each has its turn.
const STEP: u64 = 23;

/// The same for calls that are the last: they are fewer.
const KILL_STEP: u64 = 5;

/// Calls of a job at least; they are some two hundred, more or fewer as threads find folders open already.
const CALLS_MIN: u64 = 100;

/// Runs at the same time.
const AT_ONCE: usize = 6;

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
    let step = env::var(STEP_VARIABLE).map_or(STEP, |step| step.parse().unwrap());
    let Some(whole) = alone(What::Nothing, Kind { versions: true, parts: true }) else { return };
    assert_eq!(whole.told.ended, Ended::Complete, "{:?}", whole.told);
    let calls = whole.seen.calls();
    assert!(calls > CALLS_MIN, "too little happened: {:?}", whole.seen);
    let firsts = [(EIO, 1), (ENOSPC, 1 + step / 2)].into_iter().flat_map(|(error, offset)| {
        (offset..=calls).step_by(usize::try_from(step).unwrap()).map(move |first| (error, first))
    });
    let (mut complete, mut tried, mut runs, mut met) = (0, 0, 0_u64, BTreeSet::new());
    let each = firsts.enumerate().collect();
    for (what, ran) in several(each, |place, (number, (error, first))| {
        // Each third time the disk is bad for a while.
        let count = if number % 3 == 2 { LONG } else { 1 };
        let what = What::Fail { first, count, error };
        let kind = Kind { versions: number % 2 == 0, parts: true };
        (what, run(place, what, kind).expect("there was a filter before"))
    }) {
        runs += 1;
        tried += u64::from(!ran.seen.met.is_empty());
        complete += u64::from(!ran.seen.met.is_empty() && ran.told.ended == Ended::Complete);
        met.extend(ran.seen.met);
        let is_right = ran.told.ended == Ended::Complete || ran.told.says_why();
        assert!(is_right, "{what:?}: {:?}", ran.told);
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
    let Some(whole) = alone(What::Nothing, kind) else { return };
    for call in calls.iter().copied() {
        let times = whole.seen.times(call);
        assert!(times >= work::syncs_min(call), "{call}: {:?}", whole.seen);
        let each = several((1..=times).collect(), |place, first| {
            let what = What::Fail { first, count: 1, error: EIO };
            (first, run_only(place, call, what, kind).expect("there was a filter before"))
        });
        let mut met = 0;
        for (first, ran) in each {
            // Threads are not always as quick as each other, and two checkpoints may be one.
            if ran.seen.met.is_empty() {
                continue;
            }
            met += 1;
            assert!(ran.told.ended == Ended::Complete || ran.told.says_why(), "{call} {first}: {:?}", ran.told);
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

/// Killed before each call that changes something, which is also after the one before it: whoever comes next goes on with the job,
/// if it was answered at all, and the end is the same.
#[test]
fn whichever_call_to_the_disk_is_the_last() {
    let step = env::var(STEP_VARIABLE).map_or(KILL_STEP, |step| step.parse().unwrap());
    // None is so far: that tells how many there are.
    let none = What::Kill { before: u64::MAX };
    let Some(whole) = alone(none, Kind { versions: true, parts: true }) else { return };
    let calls = whole.seen.calls();
    assert!(calls > CALLS_MIN, "too little happened: {:?}", whole.seen);
    let (mut killed, mut made, mut met) = (0_u64, 0_u64, BTreeSet::new());
    let each = (1..=calls).step_by(usize::try_from(step).unwrap()).enumerate().collect();
    for (before, ran) in several(each, |place, (number, before)| {
        let kind = Kind { versions: number % 2 == 0, parts: true };
        (before, run(place, What::Kill { before }, kind).expect("there was a filter before"))
    }) {
        killed += u64::from(!ran.seen.met.is_empty());
        made += u64::from(!ran.seen.met.is_empty() && ran.was_made);
        met.extend(ran.seen.met);
        assert_eq!(ran.told.ended, Ended::Complete, "{before}: {:?}", ran.told);
    }
    let said =
        format!("killed before {killed} of {calls} calls, {made} times when the job was made, step {step}: {met:?}");
    let _ = writeln!(std::io::stderr(), "{said}");
    assert!(killed * step * 2 > calls && made * 2 > killed && met.len() >= KINDS, "{said}");
}

/// A run, and what it left.
struct Ran {
    told: Told,
    seen: Seen,
    /// The job was answered before the process was killed.
    was_made: bool,
}

/// Does this for each, some at a time, each in a place of its own: most of a run is waiting.
fn several<T: Send, R: Send>(each: Vec<T>, work: impl Fn(&Path, T) -> R + Sync) -> Vec<R> {
    let (left, done) = (Mutex::new(each.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                let place = tempfile::tempdir().unwrap();
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(next) = next else { return };
                    let result = work(place.path(), next);
                    done.lock().unwrap().push(result);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

fn alone(what: What, kind: Kind) -> Option<Ran> {
    run(tempfile::tempdir().unwrap().path(), what, kind)
}

fn run(place: &Path, what: What, kind: Kind) -> Option<Ran> {
    run_only(place, "", what, kind)
}

/// Only calls of this name count; all, where there is no name. A process that was killed has a successor, for which nothing happens.
fn run_only(place: &Path, only: &str, what: What, kind: Kind) -> Option<Ran> {
    let folder = place.join("disk");
    let _ = fs::remove_dir_all(&folder);
    let _ = fs::remove_file(place.join(work::MADE));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work::prepare(&folder, kind));
    let Some((mut told, seen)) = process(place, &folder, only, what) else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the system makes no filters for calls that ask somebody else");
        return None;
    };
    let made = fs::read_to_string(place.join(work::MADE)).ok();
    if told.is_none() {
        told = process(place, &folder, "", What::Nothing).expect("there was a filter before").0;
    }
    let told = told.expect("nothing has killed it");
    let about = format!("{only} {what:?}: {seen:?}: {told:?}");
    assert!(made.as_ref().is_none_or(|made| *made == told.id), "another job than {made:?} was gone on with: {about}");
    runtime.block_on(assert_right(&folder, &told, &about));
    Some(Ran { told, seen, was_made: made.is_some() })
}

/// Runs the job of [`work`] in this folder; if it was not killed it has told what came of it.
fn process(place: &Path, folder: &Path, only: &str, what: What) -> Option<(Option<Told>, Seen)> {
    let (calls, says) = (Calls::in_folder(place)?, place.join("told"));
    let _ = fs::remove_file(&says);
    let mut command = calls.command(folder, what, only, false);
    command.arg(env::current_exe().unwrap());
    command.args(["--exact", "engine::disk::whichever_call_to_the_disk_fails", "--nocapture"]);
    let output = command.env(work::FOLDER_VARIABLE, folder).env(work::TOLD_VARIABLE, &says).output().unwrap();
    let seen = calls.seen(what, output.status)?;
    let told = fs::read(says).ok().and_then(|told| serde_json::from_slice(&told).ok());
    Some((told, seen))
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
