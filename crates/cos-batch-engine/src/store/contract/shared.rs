//! Files that a manifest lists: who reads which, and what comes of them.

use cos_batch_model::JobStatus;
use cos_batch_objectstore::Pin;
use uuid::Uuid;

use super::kit::{Fixture, TTL, assert_refused, create, set_status};
use crate::{
    job::Failure,
    spec::Column,
    store::{
        FileIndex, FileLease, FileOutcome, FilePiece, FilePlace, JobLease, JobStore, ListedFile, StoreError,
        rules::COUNT_MAX,
    },
};

/// A text that is none of the easy ones.
const TEXT: &str = "\u{0}\"'; DROP TABLE job; \u{1f980}\r\n";

pub(super) fn listed(number: u32) -> ListedFile {
    ListedFile {
        number,
        key: format!("data/{number}{TEXT}"),
        size: number.is_multiple_of(2).then_some(u64::from(number)),
        md5: number.is_multiple_of(3).then(|| "d41d8cd98f00b204e9800998ecf8427e".to_owned()),
        source_bucket: "photos-1250000000".to_owned(),
        columns: vec![Column::Bucket, Column::Key, Column::Ignore],
    }
}

fn index(rows: u64) -> FileOutcome {
    let place = FilePlace::Itself { version: Some(TEXT.to_owned()), pin: Pin(TEXT.to_owned()), gzip: true };
    FileOutcome::Index(FileIndex { place, pieces: vec![FilePiece { start: 3, end: 3 + rows, rows }] })
}

/// A job that is being prepared, with so many files, and the lease of who does so.
pub(super) async fn preparing(store: &dyn JobStore, token: &str, files: u32) -> (Uuid, JobLease) {
    let id = create(store, "1250000000", token).await.id;
    let lease = store.lease_job(id, TTL).await.unwrap().unwrap();
    set_status(store, id, JobStatus::Preparing).await.unwrap();
    store.add_files(&lease, (0..files).map(listed).collect()).await.unwrap();
    (id, lease)
}

async fn claim(store: &dyn JobStore, job: Uuid) -> FileLease {
    store.claim_file(job, TTL).await.unwrap().unwrap()
}

/// Numbers of files and what came of them.
async fn outcomes(store: &dyn JobStore, job: Uuid) -> Vec<(u32, Option<FileOutcome>)> {
    let files = store.files(job, 0, 1000).await.unwrap();
    files.into_iter().map(|(file, outcome)| (file.number, outcome)).collect()
}

/// Files are handed out from the lowest number, each to one, and what came of them is kept and told in their order.
pub async fn files_are_claimed_and_read_once(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = preparing(store, "1", 4).await;
    let (other, _) = preparing(store, "2", 1).await;
    let leases = [claim(store, id).await, claim(store, id).await, claim(store, id).await];
    for (number, lease) in (0..).zip(&leases) {
        assert_eq!(lease, &FileLease { job: id, file: listed(number), epoch: 1 });
    }
    let failure = Failure { code: "InventoryFileMalformed".to_owned(), reason: TEXT.to_owned() };
    store.finish_file(&leases[2], index(9)).await.unwrap();
    store.finish_file(&leases[0], FileOutcome::Unfit(failure.clone())).await.unwrap();
    store.release_file(&leases[1]).await.unwrap();
    let again = claim(store, id).await;
    assert_eq!((again.file.number, again.epoch), (1, 2), "what was given back goes first");
    let spooled = FileOutcome::Index(FileIndex { place: FilePlace::Spool { epoch: 2 }, pieces: Vec::new() });
    store.finish_file(&again, spooled.clone()).await.unwrap();
    let last = claim(store, id).await;
    assert_eq!(store.claim_file(id, TTL).await.unwrap(), None);
    let of = |number, outcome: Option<&FileOutcome>| (number, outcome.cloned());
    let unfit = FileOutcome::Unfit(failure);
    let mut expected = vec![of(0, Some(&unfit)), of(1, Some(&spooled)), of(2, Some(&index(9))), of(3, None)];
    assert_eq!(outcomes(store, id).await, expected);
    store.finish_file(&last, index(1)).await.unwrap();
    expected[3].1 = Some(index(1));
    assert_eq!(outcomes(store, id).await, expected);
    assert_eq!(store.claim_file(id, TTL).await.unwrap(), None, "all are read");
    assert_eq!(outcomes(store, other).await, [(0, None)]);
    assert_eq!(store.files(id, 1, 2).await.unwrap(), [(listed(1), Some(spooled)), (listed(2), Some(index(9)))]);
    assert_eq!(store.files(id, 4, 2).await.unwrap(), []);
    assert_eq!(store.files(Uuid::nil(), 0, 2).await.unwrap(), []);
}

/// Whoever takes up the job adds the same files again: nothing changes for those that are there, whatever came of them.
pub async fn files_are_added_once(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = preparing(store, "1", 3).await;
    let read = claim(store, id).await;
    store.finish_file(&read, index(5)).await.unwrap();
    let held = claim(store, id).await;
    store.add_files(&lease, vec![]).await.unwrap();
    store.add_files(&lease, (0..5).map(listed).collect()).await.unwrap();
    store.renew_file(&held, TTL).await.unwrap();
    let expected = [(0, Some(index(5))), (1, None), (2, None), (3, None), (4, None)];
    assert_eq!(outcomes(store, id).await, expected);
    let mut claimed = Vec::new();
    while let Some(lease) = store.claim_file(id, TTL).await.unwrap() {
        claimed.push(lease.file.number);
    }
    assert_eq!(claimed, [2, 3, 4]);
    // Shards are of the one who holds the job; what others read outlives them.
    store.clear_shards(&lease).await.unwrap();
    assert_eq!(outcomes(store, id).await[0], expected[0]);

    store.release_job(&lease).await.unwrap();
    assert_refused!(store.add_files(&lease, vec![listed(9)]).await, StoreError::LeaseLost);
    let next = store.lease_job(id, TTL).await.unwrap().unwrap();
    // A list may say anything of a size.
    let large = ListedFile { size: Some(u64::MAX), ..listed(5) };
    store.add_files(&next, vec![large.clone()]).await.unwrap();
    assert_eq!(store.files(id, 5, 9).await.unwrap(), [(large, None)]);
}

/// Nothing is handed out of a job that is in any other status, or that is unknown.
pub async fn only_jobs_that_are_prepared_have_files_to_claim(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = preparing(store, "1", 1).await;
    for status in JobStatus::ALL {
        set_status(store, id, *status).await.unwrap();
        let lease = store.claim_file(id, TTL).await.unwrap();
        assert_eq!(lease.is_some(), *status == JobStatus::Preparing, "{status}");
        if let Some(lease) = lease {
            store.release_file(&lease).await.unwrap();
        }
    }
    assert_eq!(store.claim_file(Uuid::nil(), TTL).await.unwrap(), None);
}

/// A file's lease is ended at its time, not before; renewing moves the time.
pub async fn a_file_lease_runs_out(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = preparing(store, "1", 1).await;
    store.release_job(&lease).await.unwrap();
    let first = claim(store, id).await;
    let almost = TTL - std::time::Duration::from_millis(1);
    fixture.clock.advance(almost);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    store.renew_file(&first, TTL).await.unwrap();
    fixture.clock.advance(almost);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    assert_eq!(store.claim_file(id, TTL).await.unwrap(), None);
    fixture.clock.advance(TTL - almost);
    assert_eq!(store.reap(false).await.unwrap(), 1);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    let second = claim(store, id).await;
    assert!(second.epoch > first.epoch);
    assert_eq!(store.reap(true).await.unwrap(), 1, "a server that starts ends those of files, too");
    assert!(claim(store, id).await.epoch > second.epoch);
}

/// Whoever lost a file's lease says nothing about it; and about a file that is read nobody does any more.
pub async fn a_lost_file_lease_writes_nothing(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = preparing(store, "1", 1).await;
    store.release_job(&lease).await.unwrap();
    let lost = claim(store, id).await;
    assert_eq!(store.reap(true).await.unwrap(), 1);
    let mut holder = None;
    for taken in [false, true] {
        if taken {
            holder = Some(claim(store, id).await);
        }
        assert_refused!(store.renew_file(&lost, TTL).await, StoreError::LeaseLost);
        assert_refused!(store.finish_file(&lost, index(7)).await, StoreError::LeaseLost);
        store.release_file(&lost).await.unwrap();
        assert_eq!(outcomes(store, id).await, [(0, None)]);
    }
    let holder = holder.unwrap();
    assert_eq!(store.claim_file(id, TTL).await.unwrap(), None, "the new holder still holds it");
    for wrong in [
        FilePiece { start: 0, end: 9, rows: 0 },
        FilePiece { start: 9, end: 8, rows: 1 },
        FilePiece { start: 0, end: COUNT_MAX + 1, rows: 1 },
        FilePiece { start: 0, end: 9, rows: COUNT_MAX + 1 },
    ] {
        let place = FilePlace::Spool { epoch: holder.epoch };
        let outcome = FileOutcome::Index(FileIndex { place, pieces: vec![wrong] });
        assert_refused!(store.finish_file(&holder, outcome).await, StoreError::Misuse(_));
    }
    // A late word counts until the lease is ended.
    fixture.clock.advance(TTL * 2);
    store.finish_file(&holder, index(3)).await.unwrap();
    for late in [&lost, &holder] {
        assert_refused!(store.renew_file(late, TTL).await, StoreError::LeaseLost);
        assert_refused!(store.finish_file(late, index(7)).await, StoreError::LeaseLost);
        store.release_file(late).await.unwrap();
    }
    assert_eq!(store.reap(true).await.unwrap(), 0);
    assert_eq!(outcomes(store, id).await, [(0, Some(index(3)))]);
    assert_eq!(store.claim_file(id, TTL).await.unwrap(), None);
}

/// What is known of a job's files goes with the job.
pub async fn files_go_with_their_job(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = preparing(store, "1", 2).await;
    let (other, _) = preparing(store, "2", 2).await;
    let held = claim(store, id).await;
    store.release_job(&lease).await.unwrap();
    set_status(store, id, JobStatus::Cancelled).await.unwrap();
    store.purge(id).await.unwrap();
    assert_eq!(store.files(id, 0, 9).await.unwrap(), []);
    assert_refused!(store.finish_file(&held, index(1)).await, StoreError::LeaseLost);
    assert_eq!(outcomes(store, other).await, [(0, None), (1, None)]);
}
