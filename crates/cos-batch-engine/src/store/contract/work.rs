//! Shards and checkpoints.

use cos_batch_model::JobStatus;
use cos_batch_objectstore::Pin;
use uuid::Uuid;

use super::kit::{
    Fixture, ROW, TTL, active, assert_refused, claim, create, file, get, photograph, recorded, set_status, shard, step,
};
use crate::{
    job::{Progress, ShardTally},
    store::{Checkpoint, Cursor, Segment, Shard, ShardSource, StoreError, rules::COUNT_MAX},
};

/// Preparing can begin anew as long as no shard was ever leased.
pub async fn shards_are_added_and_cleared(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, "1250000000", "1").await.id;
    let lease = store.lease_job(id, TTL).await.unwrap().unwrap();
    store.add_shards(&lease, vec![]).await.unwrap();
    store.add_shards(&lease, vec![shard(0, 0, 3), shard(1, 3, 3)]).await.unwrap();
    store.add_shards(&lease, vec![shard(2, 6, 1)]).await.unwrap();
    assert_eq!(get(store, id).await.shards, ShardTally { ready: 3, leased: 0, done: 0 });
    store.clear_shards(&lease).await.unwrap();
    assert_eq!(get(store, id).await.shards, ShardTally::default());
    store.clear_shards(&lease).await.unwrap();

    store.add_shards(&lease, vec![shard(0, 0, 7)]).await.unwrap();
    set_status(store, id, JobStatus::Active).await.unwrap();
    let held = claim(store, id).await;
    assert_eq!(held.shard, shard(0, 0, 7));
    assert_refused!(store.clear_shards(&lease).await, StoreError::Misuse(_));
    store.release_shard(&held).await.unwrap();
    assert_refused!(store.clear_shards(&lease).await, StoreError::Misuse(_));
    assert_eq!(get(store, id).await.shards, ShardTally { ready: 1, leased: 0, done: 0 });
}

/// Wherever the rows of a shard are: its holder learns it, and cursors keep to it.
pub async fn every_kind_of_source_is_kept(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, "1250000000", "1").await.id;
    let prepare = store.lease_job(id, TTL).await.unwrap().unwrap();
    let text = "\u{0}\"'; DROP TABLE job; \u{1f980}\r\n".to_owned();
    let file = |gzip: bool| ShardSource::File {
        key: text.clone(),
        version: gzip.then(|| text.clone()),
        pin: Pin(text.clone()),
        gzip,
        start: 5,
        end: 5 + ROW,
    };
    let sources = [
        ShardSource::Bytes { start: 5, end: 5 + ROW },
        ShardSource::Spooled { name: text.clone(), bytes: ROW },
        file(true),
        file(false),
    ];
    let shards = sources.iter().zip(0..).map(|(source, index)| {
        let first_row = u64::from(index);
        Shard { index, source: source.clone(), first_row, rows: 1 }
    });
    store.add_shards(&prepare, shards.collect()).await.unwrap();
    set_status(store, id, JobStatus::Active).await.unwrap();
    for source in sources {
        let lease = claim(store, id).await;
        assert_eq!(lease.shard.source, source);
        let whole = step(Cursor::default(), 1, 0);
        let beyond = Checkpoint { cursor: Cursor { rows: 1, offset: ROW + 1 }, ..whole.clone() };
        assert_refused!(store.checkpoint(&lease, beyond, TTL).await, StoreError::Misuse(_));
        store.checkpoint(&lease, whole, TTL).await.unwrap();
        store.finish_shard(&lease, Vec::new()).await.unwrap();
    }
}

/// Shards that exist, are empty or out of range are refused, with all that came along.
pub async fn wrong_shards_are_refused(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, "1250000000", "1").await.id;
    let lease = store.lease_job(id, TTL).await.unwrap().unwrap();
    store.add_shards(&lease, vec![shard(0, 0, 3)]).await.unwrap();
    let bytes =
        |start, end, first_row, rows| Shard { index: 2, source: ShardSource::Bytes { start, end }, first_row, rows };
    for wrong in [
        shard(0, 0, 3),
        shard(1, 3, 3),
        shard(2, 6, 0),
        bytes(7, 6, 0, 1),
        bytes(0, COUNT_MAX + 1, 0, 1),
        bytes(0, 9, COUNT_MAX, 1),
        bytes(0, 9, 0, u64::MAX),
    ] {
        let with_good = vec![shard(1, 3, 3), wrong.clone()];
        assert_refused!(store.add_shards(&lease, with_good).await, StoreError::Misuse(_));
        assert_eq!(get(store, id).await.shards, ShardTally { ready: 1, leased: 0, done: 0 }, "{wrong:?}");
    }
    store.add_shards(&lease, vec![shard(1, 3, 3), shard(u32::MAX, 6, 3)]).await.unwrap();
    assert_eq!(get(store, id).await.shards.ready, 3);
}

/// Claims go up the indexes, and end when all are held.
pub async fn shards_are_claimed_from_the_lowest(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[1, 2]).await;
    store.add_shards(&lease, vec![shard(u32::MAX, 9, 1), shard(12, 3, 1)]).await.unwrap();
    let mut claimed = Vec::new();
    while let Some(lease) = store.claim_shard(id, TTL).await.unwrap() {
        assert_eq!((lease.job, lease.cursor, lease.next_segment), (id, Cursor::default(), 0));
        claimed.push(lease.shard);
    }
    assert_eq!(claimed, [shard(0, 0, 1), shard(1, 1, 2), shard(12, 3, 1), shard(u32::MAX, 9, 1)]);
    assert_eq!(get(store, id).await.shards, ShardTally { ready: 0, leased: 4, done: 0 });
}

/// Nothing is handed out of a job that is in any other status, or that is unknown.
pub async fn only_active_jobs_have_shards_to_claim(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[1]).await;
    for status in JobStatus::ALL {
        set_status(store, id, *status).await.unwrap();
        let lease = store.claim_shard(id, TTL).await.unwrap();
        assert_eq!(lease.is_some(), *status == JobStatus::Active, "{status}");
        if let Some(lease) = lease {
            store.release_shard(&lease).await.unwrap();
        }
    }
    assert_eq!(store.claim_shard(Uuid::nil(), TTL).await.unwrap(), None);
}

/// Cursor, counts, codes and segment go forward in one step, and the answer tells of the job.
pub async fn a_checkpoint_moves_cursor_and_counts_together(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[5, 5]).await;
    let version = get(store, id).await.version;
    let lease = claim(store, id).await;
    let first = step(lease.cursor, 2, 1);
    let answer = store.checkpoint(&lease, recorded(&lease, 0, first.clone()), TTL).await.unwrap();
    assert_eq!(answer.status, JobStatus::Active);
    assert_eq!(answer.progress, Progress { total: 0, succeeded: 2, failed: 1 });
    assert_eq!(answer.report_bytes, 3 * ROW);
    assert_eq!(store.renew_shard(&lease, TTL).await.unwrap().report_bytes, 3 * ROW);
    let job = get(store, id).await;
    assert_eq!((job.progress, job.version), (answer.progress, version), "progress is no change of version");

    let other = claim(store, id).await;
    store.checkpoint(&other, step(other.cursor, 0, 4), TTL).await.unwrap();
    set_status(store, id, JobStatus::Cancelling).await.unwrap();
    let answer = store.checkpoint(&lease, step(first.cursor, 1, 0), TTL).await.unwrap();
    assert_eq!(answer.status, JobStatus::Cancelling, "what is done counts, whatever the status");
    assert_eq!(answer.progress, Progress { total: 0, succeeded: 3, failed: 5 });
    assert_eq!(store.renew_shard(&lease, TTL).await.unwrap(), answer);
    assert_eq!(store.codes(id).await.unwrap(), [("AccessDenied".to_owned(), 5)]);

    store.release_shard(&lease).await.unwrap();
    set_status(store, id, JobStatus::Active).await.unwrap();
    let again = claim(store, id).await;
    assert_eq!((again.shard.index, again.next_segment), (0, 1));
    assert_eq!(again.cursor, Cursor { rows: 4, offset: 40 });
}

/// A checkpoint that does not add up changes nothing at all.
pub async fn wrong_checkpoints_are_refused(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[5, 5]).await;
    let lease = claim(store, id).await;
    let good = step(lease.cursor, 2, 1);
    store.checkpoint(&lease, recorded(&lease, 0, good.clone()), TTL).await.unwrap();
    let next = recorded(&lease, 1, step(good.cursor, 1, 1));
    let segment = next.segment.clone().unwrap();
    let with = |change: &dyn Fn(&mut Checkpoint)| {
        let mut step = next.clone();
        change(&mut step);
        step
    };
    let numbered = |segment: Segment| with(&|step| step.segment = Some(segment.clone()));
    let wrong = [
        ("rows go back", with(&|step| step.cursor.rows = 2)),
        ("offset goes back", with(&|step| step.cursor.offset = 29)),
        ("past the shard", recorded(&lease, 1, step(good.cursor, 3, 0))),
        ("past the shard's bytes", with(&|step| step.cursor.offset = 51)),
        ("one succeeded too many", with(&|step| step.succeeded += 1)),
        ("one succeeded too few", with(&|step| step.succeeded -= 1)),
        ("counts that overflow", with(&|step| step.succeeded = u64::MAX)),
        ("no codes", with(&|step| step.codes.clear())),
        ("a code too many", with(&|step| step.codes.extend([("Extra".to_owned(), 1)]))),
        ("codes that overflow", with(&|step| step.codes.extend([("Extra".to_owned(), u64::MAX)]))),
        ("a segment twice", numbered(Segment { number: 0, ..segment.clone() })),
        ("a gap in the segments", numbered(Segment { number: 2, ..segment.clone() })),
        ("a segment of another shard", numbered(Segment { shard: 1, ..segment.clone() })),
        ("a segment of another epoch", numbered(Segment { epoch: lease.epoch + 1, ..segment.clone() })),
        ("a segment of too many rows", numbered(Segment { failed_rows: u64::MAX, ..segment })),
    ];
    let before = photograph(store, id).await;
    for (what, step) in wrong {
        let answer = store.checkpoint(&lease, step, TTL).await;
        assert!(matches!(answer, Err(StoreError::Misuse(_))), "{what}: {answer:?}");
        assert_eq!(photograph(store, id).await, before, "{what}");
    }
    store.checkpoint(&lease, next, TTL).await.unwrap();
    assert_eq!(get(store, id).await.progress, Progress { total: 0, succeeded: 3, failed: 2 });
}

/// Counts are exact up to [`COUNT_MAX`].
pub async fn counts_go_up_to_the_limit(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, "1250000000", "1").await.id;
    let prepare = store.lease_job(id, TTL).await.unwrap().unwrap();
    let source = ShardSource::Bytes { start: 0, end: COUNT_MAX };
    let huge = Shard { index: 0, source, first_row: 0, rows: COUNT_MAX };
    store.add_shards(&prepare, vec![huge.clone()]).await.unwrap();
    set_status(store, id, JobStatus::Active).await.unwrap();
    let lease = claim(store, id).await;
    assert_eq!(lease.shard, huge);
    let failed = COUNT_MAX - 2;
    let step = Checkpoint {
        cursor: Cursor { rows: COUNT_MAX - 1, offset: COUNT_MAX - 1 },
        succeeded: 1,
        failed,
        codes: [("SlowDown".to_owned(), failed)].into(),
        segment: None,
        report_bytes: 0,
    };
    store.checkpoint(&lease, recorded(&lease, 0, step), TTL).await.unwrap();
    assert_eq!(store.codes(id).await.unwrap(), [("SlowDown".to_owned(), failed)]);
    let last = Checkpoint {
        cursor: Cursor { rows: COUNT_MAX, offset: COUNT_MAX },
        succeeded: 1,
        failed: 0,
        codes: Default::default(),
        segment: None,
        report_bytes: 0,
    };
    let answer = store.checkpoint(&lease, last, TTL).await.unwrap();
    assert_eq!((answer.progress.succeeded, answer.progress.failed), (2, failed));
    assert_eq!(store.finish_shard(&lease, vec![]).await.unwrap(), 0);
}

/// Giving a shard back keeps what was committed, and nothing that was not.
pub async fn a_released_shard_goes_on_where_it_was(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[4, 4]).await;
    let first = claim(store, id).await;
    let done = recorded(&first, 0, step(first.cursor, 1, 1));
    store.checkpoint(&first, done.clone(), TTL).await.unwrap();
    store.release_shard(&first).await.unwrap();
    store.release_shard(&first).await.unwrap();
    assert_eq!(get(store, id).await.shards, ShardTally { ready: 2, leased: 0, done: 0 });
    let second = claim(store, id).await;
    assert_eq!((second.shard.index, second.cursor, second.next_segment), (0, done.cursor, 1));
    assert!(first.epoch == 1 && second.epoch > 1, "who is the first is told by it");
    store.checkpoint(&second, recorded(&second, 1, step(done.cursor, 2, 0)), TTL).await.unwrap();
    assert_eq!(get(store, id).await.progress.executed(), 4);
}

/// Finishing needs every row, and tells how many shards are left, so that one worker knows it was the last.
pub async fn the_last_shard_is_told(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[2, 2, 2]).await;
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(claim(store, id).await);
    }
    store.release_shard(&leases[2]).await.unwrap();
    assert_refused!(store.finish_shard(&leases[1], vec![]).await, StoreError::Misuse(_));
    store.checkpoint(&leases[1], step(leases[1].cursor, 1, 0), TTL).await.unwrap();
    assert_refused!(store.finish_shard(&leases[1], vec![]).await, StoreError::Misuse(_));
    let half = Cursor { rows: 1, offset: 10 };
    store.checkpoint(&leases[1], step(half, 1, 0), TTL).await.unwrap();
    let before = photograph(store, id).await;
    let foreign = vec![file(1, false, 1), file(0, true, 1)];
    assert_refused!(store.finish_shard(&leases[1], foreign).await, StoreError::Misuse(_));
    let twice = vec![file(1, false, 1), file(1, false, 1)];
    assert_refused!(store.finish_shard(&leases[1], twice).await, StoreError::Misuse(_));
    assert_eq!(photograph(store, id).await, before);

    assert_eq!(store.finish_shard(&leases[1], vec![file(1, false, 2)]).await.unwrap(), 2);
    assert_eq!(get(store, id).await.shards, ShardTally { ready: 1, leased: 1, done: 1 });
    assert_refused!(store.finish_shard(&leases[1], vec![]).await, StoreError::LeaseLost);
    store.checkpoint(&leases[0], step(leases[0].cursor, 0, 2), TTL).await.unwrap();
    assert_eq!(store.finish_shard(&leases[0], vec![file(0, true, 2)]).await.unwrap(), 1);
    let last = claim(store, id).await;
    store.checkpoint(&last, step(last.cursor, 2, 0), TTL).await.unwrap();
    assert_eq!(store.finish_shard(&last, vec![]).await.unwrap(), 0);
    assert_eq!(store.results(id, None, 9).await.unwrap(), [file(0, true, 2), file(1, false, 2)]);
    assert_eq!(store.claim_shard(id, TTL).await.unwrap(), None);
}
