//! What leads from one job to others, and through all its shards.

use std::slice;

use cos_batch_model::JobStatus;
use uuid::Uuid;

use super::kit::{Fixture, TTL, active, claim, create, get, new_job, recorded, set_status, step};
use crate::store::{JobChange, JobStore, Segment};

/// Segments come by shard and number, in pages, all or those with failed rows.
pub async fn segments_of_a_job_are_paged(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, _) = active(store, "1", &[9; 12]).await;
    let (other, _) = active(store, "2", &[9]).await;
    let mut all: Vec<Segment> = Vec::new();
    for _ in 0..12 {
        let lease = claim(store, id).await;
        let mut cursor = lease.cursor;
        for number in 0..3 {
            // Every second one has failed rows.
            let failed = u64::from((lease.shard.index + number) % 2);
            let step = recorded(&lease, number, step(cursor, 1, failed));
            cursor = step.cursor;
            all.extend(step.segment.clone());
            store.checkpoint(&lease, step, TTL).await.unwrap();
        }
    }
    let lease = claim(store, other).await;
    store.checkpoint(&lease, recorded(&lease, 0, step(lease.cursor, 1, 1)), TTL).await.unwrap();

    let failed: Vec<Segment> = all.iter().filter(|segment| segment.failed_rows > 0).cloned().collect();
    assert!(!failed.is_empty() && failed.len() < all.len());
    for (expected, failed_only) in [(&all, false), (&failed, true)] {
        assert_eq!(&store.job_segments(id, failed_only, None, 1000).await.unwrap(), expected);
        let mut found: Vec<Segment> = Vec::new();
        loop {
            let after = found.last().map(|segment| (segment.shard, segment.number));
            let page = store.job_segments(id, failed_only, after, 5).await.unwrap();
            assert!(page.len() <= 5);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(&found, expected);
    }
    assert_eq!(store.job_segments(id, false, Some((0, u32::MAX)), 1).await.unwrap(), slice::from_ref(&all[3]));
    assert_eq!(store.job_segments(id, false, Some((u32::MAX, 0)), 9).await.unwrap(), []);
    assert_eq!(store.job_segments(Uuid::nil(), false, None, 9).await.unwrap(), []);
}

/// A token is known for as long as its job, to its own tenant.
pub async fn a_token_finds_its_job(fixture: Fixture) {
    let store = &*fixture.store;
    let job = create(store, "1", "t").await;
    let other = create(store, "2", "t").await;
    assert_eq!(store.find_token("1", "t").await.unwrap(), Some(job.id));
    assert_eq!(store.find_token("2", "t").await.unwrap(), Some(other.id));
    for (tenant, token) in [("1", "T"), ("1", ""), ("3", "t"), ("", "")] {
        assert_eq!(store.find_token(tenant, token).await.unwrap(), None, "{tenant} {token}");
    }
    delete(store, job.id).await;
    assert_eq!(store.find_token("1", "t").await.unwrap(), Some(job.id));
    set_status(store, job.id, JobStatus::Cancelled).await.unwrap();
    store.purge(job.id).await.unwrap();
    assert_eq!(store.find_token("1", "t").await.unwrap(), None);
}

const NONE: [Uuid; 0] = [];

/// Jobs that name another one as theirs to try again are found by it, until they are deleted.
pub async fn jobs_that_try_again_are_found(fixture: Fixture) {
    let store = &*fixture.store;
    let job = create(store, "1", "first").await;
    assert_eq!(store.retries(job.id, 10).await.unwrap(), NONE);
    let mut ids = Vec::new();
    for number in 0..3 {
        let mut new = new_job("1", &format!("retry-{number}"));
        new.spec.retry_of = Some(job.id);
        let retry = store.create(new).await.unwrap();
        assert_eq!(get(store, retry.id).await.spec.retry_of, Some(job.id));
        ids.push(retry.id);
        create(store, "1", &format!("another-{number}")).await;
    }
    assert_eq!(store.retries(job.id, 10).await.unwrap(), ids);
    assert_eq!(store.retries(job.id, 2).await.unwrap(), ids[..2]);
    delete(store, ids[1]).await;
    assert_eq!(store.retries(job.id, 10).await.unwrap(), [ids[0], ids[2]]);
    assert_eq!(store.retries(ids[0], 10).await.unwrap(), NONE);
    assert_eq!(store.retries(Uuid::nil(), 10).await.unwrap(), NONE);
}

async fn delete(store: &dyn JobStore, id: Uuid) {
    let version = get(store, id).await.version;
    store.transition(id, version, JobChange { delete: true, ..JobChange::default() }).await.unwrap();
}
