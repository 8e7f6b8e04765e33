//! Leases: who holds what, until when, and what a lost one may still write (nothing).

use std::time::Duration;

use uuid::Uuid;

use super::{
    kit::{Fixture, TTL, active, assert_refused, claim, create, file, get, photograph, recorded, shard, step},
    shared::{listed, preparing},
};
use crate::{
    job::{Failure, ShardTally},
    store::{Cursor, FileOutcome, JobChange, JobLease, StoreError},
};

const ALMOST: Duration = Duration::from_millis(29_999);
const REST: Duration = Duration::from_millis(1);

/// Only one holds a job, until it gives it back.
pub async fn a_job_has_one_holder(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, "1250000000", "1").await.id;
    let other = create(store, "1250000000", "2").await.id;
    let first = store.lease_job(id, TTL).await.unwrap().unwrap();
    assert_eq!(first.job, id);
    assert_eq!(store.lease_job(id, TTL).await.unwrap(), None);
    assert!(store.lease_job(other, TTL).await.unwrap().is_some());
    store.release_job(&first).await.unwrap();
    let second = store.lease_job(id, TTL).await.unwrap().unwrap();
    assert!(second.epoch > first.epoch);
    // Giving back what one no longer has takes nothing from the new holder.
    store.release_job(&first).await.unwrap();
    assert_eq!(store.lease_job(id, TTL).await.unwrap(), None);
    assert_refused!(store.lease_job(Uuid::nil(), TTL).await, StoreError::NoSuchJob);
}

/// A lease is ended at its time, not before; renewing moves the time.
pub async fn a_job_lease_runs_out(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, "1250000000", "1").await.id;
    let lease = store.lease_job(id, TTL).await.unwrap().unwrap();
    fixture.clock.advance(ALMOST);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    store.renew_job(&lease, TTL).await.unwrap();
    fixture.clock.advance(ALMOST);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    assert_eq!(store.lease_job(id, TTL).await.unwrap(), None);
    fixture.clock.advance(REST);
    assert_eq!(store.reap(false).await.unwrap(), 1);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    assert_refused!(store.renew_job(&lease, TTL).await, StoreError::LeaseLost);
    assert!(store.lease_job(id, TTL).await.unwrap().unwrap().epoch > lease.epoch);
}

/// Whoever lost a job's lease can no longer touch its shards or report files.
pub async fn a_lost_job_lease_writes_nothing(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lost) = active(store, "1", &[2, 2]).await;
    assert_eq!(store.reap(true).await.unwrap(), 1);
    for taken in [false, true] {
        if taken {
            assert!(store.lease_job(id, TTL).await.unwrap().is_some());
        }
        let before = photograph(store, id).await;
        assert_refused!(store.renew_job(&lost, TTL).await, StoreError::LeaseLost);
        assert_refused!(store.clear_shards(&lost).await, StoreError::LeaseLost);
        assert_refused!(store.add_shards(&lost, vec![shard(9, 90, 1)]).await, StoreError::LeaseLost);
        assert_refused!(store.add_files(&lost, vec![listed(0)]).await, StoreError::LeaseLost);
        assert_refused!(store.add_results(&lost, vec![file(0, true, 1)]).await, StoreError::LeaseLost);
        let version = get(store, id).await.version;
        let change =
            |lease: &JobLease| JobChange { total: Some(7), lease: Some(lease.clone()), ..JobChange::default() };
        assert_refused!(store.transition(id, version, change(&lost)).await, StoreError::LeaseLost);
        store.release_job(&lost).await.unwrap();
        assert_eq!(photograph(store, id).await, before);
        assert_eq!(store.files(id, 0, 9).await.unwrap(), []);
    }
    assert_eq!(store.lease_job(id, TTL).await.unwrap(), None, "the new holder still holds it");
}

/// A lease that was given back is lost as any other is, although no newer one has been given yet.
pub async fn a_lease_that_was_given_back_writes_nothing(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, job) = preparing(store, "1", 1).await;
    let of_file = store.claim_file(id, TTL).await.unwrap().unwrap();
    store.release_file(&of_file).await.unwrap();
    store.release_job(&job).await.unwrap();
    assert_refused!(store.renew_file(&of_file, TTL).await, StoreError::LeaseLost);
    let unfit = FileOutcome::Unfit(Failure { code: "A".to_owned(), reason: "b".to_owned() });
    assert_refused!(store.finish_file(&of_file, unfit).await, StoreError::LeaseLost);
    assert_refused!(store.renew_job(&job, TTL).await, StoreError::LeaseLost);
    assert_refused!(store.clear_shards(&job).await, StoreError::LeaseLost);
    assert_refused!(store.add_shards(&job, vec![shard(0, 0, 1)]).await, StoreError::LeaseLost);
    assert_refused!(store.add_files(&job, vec![listed(1)]).await, StoreError::LeaseLost);
    assert_refused!(store.add_results(&job, vec![]).await, StoreError::LeaseLost);
    assert_eq!(store.files(id, 0, 9).await.unwrap(), [(listed(0), None)]);
    assert_eq!(store.reap(true).await.unwrap(), 0, "nobody holds anything");

    let (id, job) = active(store, "2", &[2]).await;
    store.release_job(&job).await.unwrap();
    let of_shard = claim(store, id).await;
    store.checkpoint(&of_shard, step(of_shard.cursor, 1, 0), TTL).await.unwrap();
    store.release_shard(&of_shard).await.unwrap();
    let before = photograph(store, id).await;
    let cursor = Cursor { rows: 1, offset: 10 };
    assert_refused!(store.checkpoint(&of_shard, step(cursor, 1, 0), TTL).await, StoreError::LeaseLost);
    assert_refused!(store.renew_shard(&of_shard, TTL).await, StoreError::LeaseLost);
    assert_refused!(store.finish_shard(&of_shard, vec![]).await, StoreError::LeaseLost);
    store.release_shard(&of_shard).await.unwrap();
    assert_eq!(photograph(store, id).await, before);
}

/// A change may name the lease under which it was worked out, which must be of this job.
pub async fn a_change_may_need_a_lease(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[5]).await;
    let (other, of_other) = active(store, "2", &[5]).await;
    let version = get(store, id).await.version;
    let change = |lease: &JobLease| JobChange { total: Some(7), lease: Some(lease.clone()), ..JobChange::default() };
    assert_refused!(store.transition(id, version, change(&of_other)).await, StoreError::LeaseLost);
    let unheard_of = JobLease { epoch: lease.epoch + 1, ..lease.clone() };
    assert_refused!(store.transition(id, version, change(&unheard_of)).await, StoreError::LeaseLost);
    assert_eq!(store.transition(id, version, change(&lease)).await.unwrap().progress.total, 7);
    assert_refused!(store.transition(id, version, change(&lease)).await, StoreError::Conflict);
    store.release_job(&lease).await.unwrap();
    assert_refused!(store.transition(id, version + 1, change(&lease)).await, StoreError::LeaseLost);
    assert_eq!(get(store, other).await.progress.total, 0);
}

/// A shard's lease is ended at its time; checkpoints and renewals move the time.
pub async fn a_shard_lease_runs_out(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[5]).await;
    store.release_job(&lease).await.unwrap();
    let first = claim(store, id).await;
    fixture.clock.advance(ALMOST);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    store.renew_shard(&first, TTL).await.unwrap();
    fixture.clock.advance(ALMOST);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    store.checkpoint(&first, step(first.cursor, 1, 0), TTL).await.unwrap();
    fixture.clock.advance(ALMOST);
    assert_eq!(store.reap(false).await.unwrap(), 0);
    assert_eq!(get(store, id).await.shards, ShardTally { ready: 0, leased: 1, done: 0 });
    fixture.clock.advance(REST);
    assert_eq!(store.reap(false).await.unwrap(), 1);
    assert_eq!(get(store, id).await.shards, ShardTally { ready: 1, leased: 0, done: 0 });
    let second = claim(store, id).await;
    assert!(second.epoch > first.epoch);
    assert_eq!(second.cursor, Cursor { rows: 1, offset: 10 });
}

/// Whoever lost a shard's lease writes nothing: no count, no segment, no file, no time.
pub async fn a_lost_shard_lease_writes_nothing(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[2]).await;
    store.release_job(&lease).await.unwrap();
    let lost = claim(store, id).await;
    fixture.clock.advance(TTL);
    assert_eq!(store.reap(false).await.unwrap(), 1);
    let mut holder = None;
    for taken in [false, true] {
        if taken {
            holder = Some(claim(store, id).await);
        }
        let before = photograph(store, id).await;
        let full = recorded(&lost, 0, step(lost.cursor, 1, 1));
        assert_refused!(store.checkpoint(&lost, full, TTL).await, StoreError::LeaseLost);
        assert_refused!(store.renew_shard(&lost, TTL * 9).await, StoreError::LeaseLost);
        assert_refused!(store.finish_shard(&lost, vec![file(0, false, 1)]).await, StoreError::LeaseLost);
        store.release_shard(&lost).await.unwrap();
        assert_eq!(photograph(store, id).await, before);
    }
    let holder = holder.unwrap();
    store.checkpoint(&holder, step(holder.cursor, 2, 0), TTL).await.unwrap();
    assert_refused!(store.finish_shard(&lost, vec![]).await, StoreError::LeaseLost);
    assert_eq!(store.finish_shard(&holder, vec![]).await.unwrap(), 0);
    // A finished shard has no holder at all.
    let before = photograph(store, id).await;
    assert_refused!(store.checkpoint(&holder, step(holder.cursor, 0, 0), TTL).await, StoreError::LeaseLost);
    assert_refused!(store.renew_shard(&holder, TTL).await, StoreError::LeaseLost);
    store.release_shard(&holder).await.unwrap();
    assert_eq!(store.reap(true).await.unwrap(), 0);
    assert_eq!(photograph(store, id).await, before);
}

/// Running out does not end a lease, only reaping does: work that is late but wanted is not thrown away.
pub async fn a_late_write_counts_until_the_lease_is_ended(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, job_lease) = active(store, "1", &[3]).await;
    let lease = claim(store, id).await;
    fixture.clock.advance(TTL * 2);
    assert_eq!(store.claim_shard(id, TTL).await.unwrap(), None);
    assert_eq!(store.lease_job(id, TTL).await.unwrap(), None);
    let answer = store.checkpoint(&lease, step(lease.cursor, 1, 0), TTL).await.unwrap();
    assert_eq!((answer.progress.succeeded, answer.cursor.rows), (1, 1));
    assert_eq!(store.renew_shard(&lease, TTL).await.unwrap().cursor, answer.cursor);
    store.renew_job(&job_lease, TTL).await.unwrap();
    assert_eq!(store.reap(false).await.unwrap(), 0, "both last anew");
}

/// At its start a server with a store of its own ends every lease there is.
pub async fn all_leases_can_be_ended(fixture: Fixture) {
    let store = &*fixture.store;
    let (one, _) = active(store, "1", &[2, 2]).await;
    let (two, _) = active(store, "2", &[2]).await;
    claim(store, one).await;
    claim(store, one).await;
    claim(store, two).await;
    assert_eq!(store.reap(false).await.unwrap(), 0);
    assert_eq!(store.reap(true).await.unwrap(), 5);
    assert_eq!(get(store, one).await.shards, ShardTally { ready: 2, leased: 0, done: 0 });
    assert_eq!(get(store, two).await.shards, ShardTally { ready: 1, leased: 0, done: 0 });
    assert_eq!(claim(store, one).await.shard.index, 0);
    assert!(store.lease_job(one, TTL).await.unwrap().is_some());
}
