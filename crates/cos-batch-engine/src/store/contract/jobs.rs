//! Making, changing and forgetting jobs.

use std::time::Duration;

use cos_batch_model::JobStatus;
use cos_batch_objectstore::{Pin, Tag};
use uuid::Uuid;

use super::kit::{
    Fixture, START, TTL, active, assert_refused, briefs, claim, create, file, get, listed, new_job, recorded,
    set_status, step,
};
use crate::{
    checks::Finding,
    job::{Failure, JobEvent, JobState, PinnedManifest, Progress, ShardTally},
    spec::{Column, Dialect, ManifestFormat, ObjectFilter, TaskOperation},
    store::{EVENTS_MAX, JobChange, StoreError, rules::COUNT_MAX},
};

const TENANT: &str = "1250000000";

/// A job begins as New with nothing done; there is no other.
pub async fn a_new_job_is_as_asked(fixture: Fixture) {
    let store = fixture.store;
    assert_eq!(store.now(), START);
    let mut new = new_job(TENANT, "token-1");
    new.priority = 2_147_483_647;
    let job = store.create(new.clone()).await.unwrap();
    assert_eq!((job.tenant.as_str(), job.token.as_str(), job.priority), (TENANT, "token-1", 2_147_483_647));
    assert_eq!(*job.spec, new.spec);
    assert_eq!(job.state, JobState::new());
    assert_eq!((job.version, job.created_at, job.deleted), (0, START, false));
    assert_eq!((job.progress, job.shards), (Progress::default(), ShardTally::default()));
    assert_eq!(store.get(job.id).await.unwrap(), Some(job.clone()));
    assert_eq!(store.get(Uuid::nil()).await.unwrap(), None);
    let born = JobEvent { at: START, status: JobStatus::New, reason: None };
    assert_eq!(store.events(job.id).await.unwrap(), [born]);
}

/// Ids are UUIDs of version 7 and go up, within a millisecond and when the clock goes back.
pub async fn ids_follow_creation(fixture: Fixture) {
    let mut last = Uuid::nil();
    for (number, offset) in [0, 0, 0, 5, 5, -5000, -5000, 6, 5].into_iter().enumerate() {
        fixture.clock.set(START + offset);
        let job = create(&*fixture.store, TENANT, &format!("token-{number}")).await;
        assert_eq!(job.id.get_version_num(), 7);
        assert_eq!(job.created_at, START + offset);
        assert!(job.id > last, "{} after {last}", job.id);
        last = job.id;
    }
}

/// A token is unique for its tenant, until its job is purged.
pub async fn a_token_makes_one_job(fixture: Fixture) {
    let store = &*fixture.store;
    let first = create(store, TENANT, "same").await.id;
    assert_refused!(store.create(new_job(TENANT, "same")).await, StoreError::TokenUsed { job } if job == first);
    create(store, "1259999999", "same").await;
    create(store, TENANT, "Same").await;

    let job = set_status(store, first, JobStatus::Complete).await.unwrap();
    let delete = JobChange { delete: true, ..JobChange::default() };
    store.transition(first, job.version, delete).await.unwrap();
    assert_refused!(store.create(new_job(TENANT, "same")).await, StoreError::TokenUsed { job } if job == first);

    store.purge(first).await.unwrap();
    let again = create(store, TENANT, "same").await;
    assert!(again.id > first);
}

/// Only jobs that have not ended count towards a tenant's limit; deleted ones do.
pub async fn jobs_that_have_not_ended_are_limited(fixture: Fixture) {
    let store = &*fixture.store;
    let limited = |token: &str| {
        let mut job = new_job(TENANT, token);
        job.live_jobs_max = 2;
        job
    };
    let first = store.create(limited("1")).await.unwrap();
    let second = store.create(limited("2")).await.unwrap();
    assert_refused!(store.create(limited("3")).await, StoreError::TooManyJobs { limit: 2 });
    // Which job it was is more useful than that there are too many.
    assert_refused!(store.create(limited("1")).await, StoreError::TokenUsed { .. });
    create(store, "1259999999", "3").await;

    store.transition(first.id, 0, JobChange { delete: true, ..JobChange::default() }).await.unwrap();
    assert_refused!(store.create(limited("3")).await, StoreError::TooManyJobs { limit: 2 });
    set_status(store, first.id, JobStatus::Cancelled).await.unwrap();
    store.create(limited("3")).await.unwrap();
    assert_refused!(store.create(limited("4")).await, StoreError::TooManyJobs { limit: 2 });

    // What has ended is not counted down again.
    store.purge(first.id).await.unwrap();
    assert_refused!(store.create(limited("4")).await, StoreError::TooManyJobs { limit: 2 });
    set_status(store, second.id, JobStatus::Failed).await.unwrap();
    store.create(limited("4")).await.unwrap();
}

/// A transition changes what it names, leaves the rest, and raises the version by one.
pub async fn a_change_changes_what_it_names(fixture: Fixture) {
    let store = &*fixture.store;
    let mut job = create(store, TENANT, "1").await;
    let other = create(store, TENANT, "2").await;

    let changed = store.transition(job.id, 0, JobChange { priority: Some(7), ..JobChange::default() }).await.unwrap();
    (job.version, job.priority) = (1, 7);
    assert_eq!(changed, job);
    let changed = store.transition(job.id, 1, JobChange { total: Some(12), ..JobChange::default() }).await.unwrap();
    (job.version, job.progress.total) = (2, 12);
    assert_eq!(changed, job);
    let state = JobState { status: JobStatus::Preparing, ..JobState::new() };
    let change = JobChange { state: Some(state.clone()), ..JobChange::default() };
    let changed = store.transition(job.id, 2, change).await.unwrap();
    (job.version, job.state) = (3, state);
    assert_eq!(changed, job);
    let tags = vec![Tag { key: "k".to_owned(), value: String::new() }];
    let change = JobChange { tags: Some(tags.clone()), ..JobChange::default() };
    let changed = store.transition(job.id, 3, change).await.unwrap();
    (job.version, job.state.tags) = (4, Some(tags));
    assert_eq!(changed, job);
    let state = JobState { status: JobStatus::Suspended, ..job.state.clone() };
    let change = JobChange { state: Some(state.clone()), tags: Some(Vec::new()), ..JobChange::default() };
    let changed = store.transition(job.id, 4, change).await.unwrap();
    (job.version, job.state) = (5, JobState { tags: Some(Vec::new()), ..state });
    assert_eq!(changed, job, "tags are written over those of the state");
    let changed = store.transition(job.id, 5, JobChange { delete: true, ..JobChange::default() }).await.unwrap();
    (job.version, job.deleted) = (6, true);
    assert_eq!(changed, job);
    let changed = store.transition(job.id, 6, JobChange::default()).await.unwrap();
    job.version = 7;
    assert_eq!(changed, job, "what is deleted stays deleted");

    assert_eq!(get(store, job.id).await, job);
    assert_eq!(get(store, other.id).await, other);
}

/// A change worked out from an older version is refused.
pub async fn a_stale_version_changes_nothing(fixture: Fixture) {
    let store = &*fixture.store;
    let job = create(store, TENANT, "1").await;
    let change = JobChange { priority: Some(7), delete: true, ..JobChange::default() };
    assert_refused!(store.transition(job.id, 1, change.clone()).await, StoreError::Conflict);
    assert_refused!(store.transition(Uuid::nil(), 0, change.clone()).await, StoreError::NoSuchJob);
    let too_many = JobChange { total: Some(COUNT_MAX + 1), ..change.clone() };
    assert_refused!(store.transition(job.id, 0, too_many).await, StoreError::Misuse(_));
    assert_eq!(get(store, job.id).await, job);
    store.transition(job.id, 0, change.clone()).await.unwrap();
    assert_refused!(store.transition(job.id, 0, change).await, StoreError::Conflict);
}

/// State and spec come back as they were put in, whatever text is in them.
pub async fn everything_of_a_job_is_kept(fixture: Fixture) {
    let store = &*fixture.store;
    let text = "\u{0}\"'; DROP TABLE job; -- 名 \u{1f980}\r\n";
    let mut new = new_job(text, text);
    new.spec.description = Some(text.to_owned());
    new.spec.manifest.key = text.to_owned();
    new.spec.request = text.repeat(500);
    new.spec.dialect = Dialect::S3Control;
    new.spec.tags = vec![Tag { key: text.to_owned(), value: text.to_owned() }];
    new.spec.operation = TaskOperation::Acl { grants: Vec::new(), canned: Some(text.to_owned()) };
    let filter = ObjectFilter { prefixes: vec![text.to_owned()], larger_than: Some(-1), ..ObjectFilter::default() };
    new.spec.manifest.format = ManifestFormat::Listed(filter);
    let job = store.create(new).await.unwrap();
    let state = JobState {
        status: JobStatus::Failing,
        confirmed: true,
        reason: Some(text.to_owned()),
        suspended_cause: Some(String::new()),
        suspended_at: Some(-1),
        terminated_at: Some(i64::MAX),
        failures: vec![Failure { code: text.to_owned(), reason: text.to_owned() }; 3],
        findings: vec![Finding::warning("rows", "3 rows repeat another one")],
        manifest: Some(PinnedManifest {
            size: u64::MAX,
            pin: Pin(text.to_owned()),
            version: Some(text.to_owned()),
            columns: Some(vec![Column::Appid, Column::Key, Column::Ignore]),
            source_bucket: "a-1250000000".to_owned(),
        }),
        tags: Some(vec![Tag { key: text.to_owned(), value: String::new() }]),
    };
    let change = JobChange { state: Some(state.clone()), ..JobChange::default() };
    let changed = store.transition(job.id, 0, change).await.unwrap();
    assert_eq!(changed.state, state);
    assert_eq!(changed.spec, job.spec);
    assert_eq!((job.tags(), changed.tags()), (&*job.spec.tags, &*state.tags.unwrap()));
    assert_eq!(get(store, job.id).await, changed);
    assert_eq!(listed(store, text).await, [job.id]);
    assert_eq!(store.events(job.id).await.unwrap()[1].reason.as_deref(), Some(text));
}

/// Only a change of status is an event, with the reason it gives and the store's time.
pub async fn changes_of_status_make_the_timeline(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, TENANT, "1").await.id;
    fixture.clock.advance(Duration::from_secs(1));
    let state = JobState { status: JobStatus::Cancelling, reason: Some("enough".to_owned()), ..JobState::new() };
    store.transition(id, 0, JobChange { state: Some(state.clone()), ..JobChange::default() }).await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    let same_status = JobState { reason: Some("more than enough".to_owned()), ..state };
    store.transition(id, 1, JobChange { state: Some(same_status), ..JobChange::default() }).await.unwrap();
    store.transition(id, 2, JobChange { priority: Some(9), ..JobChange::default() }).await.unwrap();
    let cancelling = JobEvent { at: START + 1000, status: JobStatus::Cancelling, reason: Some("enough".to_owned()) };
    let born = JobEvent { at: START, status: JobStatus::New, reason: None };
    assert_eq!(store.events(id).await.unwrap(), [born, cancelling]);
    assert_eq!(store.events(Uuid::nil()).await.unwrap(), []);
}

/// The oldest events make room for new ones, but for the first of all.
pub async fn the_timeline_is_bounded(fixture: Fixture) {
    let store = &*fixture.store;
    let id = create(store, TENANT, "1").await.id;
    let changes = EVENTS_MAX + 10;
    for change in 1..=changes {
        fixture.clock.advance(Duration::from_millis(1));
        let status = if change % 2 == 1 { JobStatus::Active } else { JobStatus::Pausing };
        set_status(store, id, status).await.unwrap();
    }
    let events = store.events(id).await.unwrap();
    assert_eq!(events.len(), EVENTS_MAX);
    assert_eq!((events[0].at, events[0].status), (START, JobStatus::New));
    let times: Vec<_> = events[1..].iter().map(|event| usize::try_from(event.at - START).unwrap()).collect();
    let kept: Vec<_> = (changes + 2 - EVENTS_MAX..=changes).collect();
    assert_eq!(times, kept);
}

/// Purging takes a final job and all that hangs on it, and nothing else.
pub async fn a_job_that_ended_can_be_forgotten(fixture: Fixture) {
    let store = &*fixture.store;
    let (id, lease) = active(store, "1", &[2, 2, 2]).await;
    let (other, _) = active(store, "2", &[2]).await;
    let done = claim(store, id).await;
    store.checkpoint(&done, recorded(&done, 0, step(done.cursor, 1, 1)), TTL).await.unwrap();
    store.finish_shard(&done, vec![file(0, false, 1), file(0, true, 1)]).await.unwrap();
    let held = claim(store, id).await;
    store.checkpoint(&held, recorded(&held, 0, step(held.cursor, 1, 0)), TTL).await.unwrap();

    assert_refused!(store.purge(id).await, StoreError::Misuse(_));
    set_status(store, id, JobStatus::Failing).await.unwrap();
    assert_refused!(store.purge(id).await, StoreError::Misuse(_));
    set_status(store, id, JobStatus::Failed).await.unwrap();
    store.purge(id).await.unwrap();

    assert_refused!(store.purge(id).await, StoreError::NoSuchJob);
    assert_eq!(store.get(id).await.unwrap(), None);
    assert_eq!(listed(store, TENANT).await, [other]);
    assert_eq!(briefs(store, JobStatus::ALL, 10).await.len(), 1);
    assert_eq!(store.events(id).await.unwrap(), []);
    assert_eq!(store.codes(id).await.unwrap(), []);
    assert_eq!(store.results(id, None, 10).await.unwrap(), []);
    assert_eq!(store.segments(id, 0).await.unwrap(), []);
    assert_eq!(store.cut_off_shards(id, None, 10).await.unwrap(), [0u32; 0]);
    assert_eq!(store.claim_shard(id, TTL).await.unwrap(), None);
    assert_refused!(store.lease_job(id, TTL).await, StoreError::NoSuchJob);
    assert_refused!(store.renew_job(&lease, TTL).await, StoreError::LeaseLost);
    assert_refused!(store.renew_shard(&held, TTL).await, StoreError::LeaseLost);
    assert_refused!(store.checkpoint(&held, step(held.cursor, 2, 0), TTL).await, StoreError::LeaseLost);
    assert_eq!(get(store, other).await.shards, ShardTally { ready: 1, leased: 0, done: 0 });
}

/// Final jobs may be forgotten when they ended before the time named, or are deleted; those that ended first come first.
pub async fn jobs_that_may_be_forgotten_are_found(fixture: Fixture) {
    let store = &*fixture.store;
    let mut ids = Vec::new();
    for (number, (status, ended, delete)) in [
        (JobStatus::Complete, Some(30), false),
        (JobStatus::Failed, Some(10), false),
        (JobStatus::Cancelled, Some(20), true),
        (JobStatus::Cancelled, Some(40), true),
        (JobStatus::Complete, Some(10), false),
        (JobStatus::Active, None, true),
        (JobStatus::New, None, false),
    ]
    .into_iter()
    .enumerate()
    {
        let id = create(store, if number % 2 == 0 { TENANT } else { "1259999999" }, &number.to_string()).await.id;
        let state = JobState { status, terminated_at: ended, ..JobState::new() };
        let change = JobChange { state: Some(state), delete, ..JobChange::default() };
        store.transition(id, 0, change).await.unwrap();
        ids.push(id);
    }
    let found = async |before, limit| {
        let found = store.purgeable(before, limit).await.unwrap();
        found.iter().map(|id| ids.iter().position(|known| known == id).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found(100, 10).await, [1, 4, 2, 0, 3]);
    assert_eq!(found(100, 2).await, [1, 4]);
    assert_eq!(found(30, 10).await, [1, 4, 2], "the time itself is not before it");
    assert_eq!(found(0, 10).await, [0; 0], "a deleted job waits as long as others");
    for number in [1, 2, 4] {
        store.purge(ids[number]).await.unwrap();
    }
    assert_eq!(found(41, 10).await, [0, 3]);
}
