//! Segments, report files and error codes.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::kit::{Fixture, ROW, TTL, active, assert_refused, claim, file, get, photograph, recorded, step};
use crate::store::{CODES_MAX, Checkpoint, Cursor, OTHER_CODE, Segment, StoreError};

/// The segments of a shard are those of its checkpoints, whoever made them.
pub async fn segments_are_kept_in_order(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[20, 20]).await;
    let mut expected = Vec::new();
    let mut cursor = Cursor::default();
    for number in 0..12 {
        let lease = claim(store, id).await;
        let step = recorded(&lease, number, step(cursor, 1, 0));
        cursor = step.cursor;
        expected.extend(step.segment.clone());
        store.checkpoint(&lease, step, TTL).await.unwrap();
        store.release_shard(&lease).await.unwrap();
    }
    // A checkpoint without a segment leaves no gap.
    let lease = claim(store, id).await;
    store.checkpoint(&lease, step(cursor, 1, 0), TTL).await.unwrap();
    assert_eq!(lease.next_segment, 12);
    assert_eq!(store.segments(id, 0).await.unwrap(), expected);
    assert!(expected.iter().map(|segment: &Segment| segment.epoch).is_sorted_by(|a, b| a < b));
    assert_eq!(store.segments(id, 1).await.unwrap(), []);
    assert_eq!(store.segments(id, 9).await.unwrap(), []);
    assert_eq!(store.segments(Uuid::nil(), 0).await.unwrap(), []);
}

/// What a cancel leaves to be reported: shards with segments that are not finished, held or not.
pub async fn cut_off_shards_are_found(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[2; 6]).await;
    let mut leases = Vec::new();
    for _ in 0..5 {
        leases.push(claim(store, id).await);
    }
    for (number, lease) in leases.iter().enumerate() {
        let full = step(lease.cursor, 2, 0);
        let step = match number {
            0 | 3 => recorded(lease, 0, step(lease.cursor, 1, 0)),
            2 => full,
            _ => recorded(lease, 0, full),
        };
        store.checkpoint(lease, step, TTL).await.unwrap();
    }
    store.finish_shard(&leases[1], vec![]).await.unwrap();
    store.release_shard(&leases[3]).await.unwrap();
    assert_eq!(store.cut_off_shards(id, None, 10).await.unwrap(), [0, 3, 4]);
    assert_eq!(store.cut_off_shards(id, None, 2).await.unwrap(), [0, 3]);
    assert_eq!(store.cut_off_shards(id, Some(0), 10).await.unwrap(), [3, 4]);
    assert_eq!(store.cut_off_shards(id, Some(3), 10).await.unwrap(), [4]);
    assert_eq!(store.cut_off_shards(id, Some(u32::MAX), 10).await.unwrap(), [0u32; 0]);
    assert_eq!(store.cut_off_shards(Uuid::nil(), None, 10).await.unwrap(), [0u32; 0]);
}

/// Report files come by shard, succeeded before failed, in pages.
pub async fn report_files_are_paged(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[2; 12]).await;
    let all = vec![file(0, false, 1), file(0, true, 1), file(2, true, 7), file(10, false, 2), file(11, false, 3)];
    let mut shuffled = all.clone();
    shuffled.reverse();
    shuffled.swap(0, 2);
    store.add_results(&lease, shuffled).await.unwrap();
    assert_eq!(store.results(id, None, 10).await.unwrap(), all);
    assert_eq!(store.results(id, None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.results(id, Some((0, false)), 2).await.unwrap(), all[1..3]);
    assert_eq!(store.results(id, Some((0, true)), 2).await.unwrap(), all[2..4]);
    assert_eq!(store.results(id, Some((2, false)), 1).await.unwrap(), all[2..3]);
    assert_eq!(store.results(id, Some((11, true)), 10).await.unwrap(), []);
    assert_eq!(store.results(Uuid::nil(), None, 10).await.unwrap(), []);
}

/// Report files of shards that were cut off replace what an earlier finisher recorded for these shards.
pub async fn report_files_are_replaced(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[2; 3]).await;
    let done = claim(store, id).await;
    store.checkpoint(&done, step(done.cursor, 2, 0), TTL).await.unwrap();
    let cut_off = claim(store, id).await;
    store
        .add_results(&lease, vec![file(0, true, 9), file(1, false, 1), file(1, true, 1), file(2, true, 5)])
        .await
        .unwrap();
    store.add_results(&lease, vec![file(1, true, 2)]).await.unwrap();
    let rest = [file(0, true, 9), file(1, true, 2), file(2, true, 5)];
    assert_eq!(store.results(id, None, 10).await.unwrap(), rest);

    // Shards finish with what they say themselves.
    store.finish_shard(&done, vec![file(0, false, 2)]).await.unwrap();
    let rest = [file(0, false, 2), file(1, true, 2), file(2, true, 5)];
    assert_eq!(store.results(id, None, 10).await.unwrap(), rest);

    let before = photograph(store, id).await;
    for wrong in [
        vec![file(2, true, 1), file(0, false, 1)],
        vec![file(2, true, 1), file(3, false, 1)],
        vec![file(2, true, 1), file(2, true, 1)],
        vec![file(2, true, u64::MAX)],
    ] {
        assert_refused!(store.add_results(&lease, wrong).await, StoreError::Misuse(_));
        assert_eq!(photograph(store, id).await, before);
    }
    store.checkpoint(&cut_off, step(cut_off.cursor, 0, 2), TTL).await.unwrap();
    store.finish_shard(&cut_off, vec![]).await.unwrap();
    assert_eq!(store.results(id, None, 10).await.unwrap(), [file(0, false, 2), file(2, true, 5)]);
}

fn failing(cursor: Cursor, codes: BTreeMap<String, u64>) -> Checkpoint {
    let failed = codes.values().sum();
    let cursor = Cursor { rows: cursor.rows + failed, offset: cursor.offset + failed * ROW };
    Checkpoint { cursor, succeeded: 0, failed, codes, segment: None, report_bytes: 0 }
}

/// Codes are counted over all shards; the most frequent comes first, equals by name.
pub async fn codes_are_counted(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[20, 20]).await;
    let codes = |list: &[(&str, u64)]| list.iter().map(|(code, tasks)| ((*code).to_owned(), *tasks)).collect();
    let one = claim(store, id).await;
    let two = claim(store, id).await;
    store.checkpoint(&one, failing(one.cursor, codes(&[("B", 2), ("C", 1), ("NoSuchKey", 3)])), TTL).await.unwrap();
    store.checkpoint(&two, failing(two.cursor, codes(&[("A", 2), ("C", 4)])), TTL).await.unwrap();
    let counted = [("C", 5), ("NoSuchKey", 3), ("A", 2), ("B", 2)].map(|(code, tasks)| (code.to_owned(), tasks));
    assert_eq!(store.codes(id).await.unwrap(), counted);
    assert_eq!(store.codes(Uuid::nil()).await.unwrap(), []);
}

/// Beyond [`CODES_MAX`] codes, new ones are counted together; known ones are still counted apart.
pub async fn codes_are_bounded(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[1000]).await;
    let lease = claim(store, id).await;
    let many: BTreeMap<_, _> = (0..CODES_MAX - 1).map(|number| (format!("Code{number:02}"), 1)).collect();
    let first = failing(lease.cursor, many);
    store.checkpoint(&lease, first.clone(), TTL).await.unwrap();
    let next = [("Code00", 1), ("X", 2), ("Y", 3), ("Z", 4)].map(|(code, tasks)| (code.to_owned(), tasks));
    let second = failing(first.cursor, next.into());
    store.checkpoint(&lease, second.clone(), TTL).await.unwrap();
    let codes = store.codes(id).await.unwrap();
    assert_eq!(codes.len(), CODES_MAX + 1);
    assert_eq!(codes[0], (OTHER_CODE.to_owned(), 7));
    assert_eq!(codes[1], ("Code00".to_owned(), 2));
    assert_eq!(codes[2], ("X".to_owned(), 2));

    let third = failing(second.cursor, [("X".to_owned(), 9), (OTHER_CODE.to_owned(), 1)].into());
    store.checkpoint(&lease, third, TTL).await.unwrap();
    let codes = store.codes(id).await.unwrap();
    assert_eq!(codes[..2], [("X".to_owned(), 11), (OTHER_CODE.to_owned(), 8)]);
    assert_eq!(codes.iter().map(|(_, tasks)| tasks).sum::<u64>(), get(store, id).await.progress.failed);
}
