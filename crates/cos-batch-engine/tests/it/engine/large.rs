//! Copies of objects that one request cannot copy.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use cos_batch_engine::{Config, Engine, Spool};
use cos_batch_model::{
    CreateJobRequest, Directive, Grantee, GranteeId, GranteeType, JobId, JobStatus, Operation, Permission,
    RequestedJobStatus, StorageClass, Tag, TagKey, TagValue, Timestamp,
};
use cos_batch_objectstore::{
    ErrorKind, Execution, FolderStore, GetRequest, Grant, ListRequest, MemoryStore, Metadata, ObjectStore, PutRequest,
    VersionSelector,
};

use super::{
    faulty::Faulty,
    parted::Parted,
    world::{self, SOURCE, TARGET, World},
};

/// Bytes of a part here.
const PART: u64 = 80;

fn config() -> Config {
    Config { copy_part_bytes: PART, ..world::config() }
}

async fn parted_world(config: Config) -> (World, Arc<Parted>) {
    let parted: Mutex<Option<Arc<Parted>>> = Mutex::new(None);
    let world = World::over(config, |memory| {
        let store = Arc::new(Parted::new(memory));
        *parted.lock().unwrap() = Some(Arc::clone(&store));
        store
    })
    .await;
    let parted = parted.into_inner().unwrap().unwrap();
    (world, parted)
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

/// A copy of one object of so many bytes.
async fn one(world: &World, length: usize) -> CreateJobRequest {
    world.put(SOURCE, "big", content(length)).await;
    world.copy_request(&format!("{SOURCE},big\n")).await
}

/// Notes of uploads in the spool.
async fn noted(world: &World) -> usize {
    let list = ListRequest { bucket: "segments", prefix: "uploads/", after: None, limit: 1000 };
    world.spool.store().list(list).await.unwrap().objects.len()
}

async fn code(world: &World, id: &JobId) -> String {
    world.until_status(id, JobStatus::Complete).await;
    world.report(id).await.remove(0).2
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_beyond_one_request_is_copied_in_parts() {
    let (world, parted) = parted_world(config()).await;
    let metadata = Metadata {
        content_type: Some("image/png".to_owned()),
        user: [("a".to_owned(), "1".to_owned())].into(),
        ..Metadata::default()
    };
    let tags = vec![cos_batch_objectstore::Tag { key: "old".to_owned(), value: "x".to_owned() }];
    let put = PutRequest { metadata, tags, ..PutRequest::new(SOURCE, "big", content(1000).into()) };
    world.memory.put(put).await.unwrap();
    let mut request = world.copy_request(&format!("{SOURCE},big\n{SOURCE},small\n")).await;
    world.put(SOURCE, "small", "s").await;
    let Operation::PutObjectCopy(copy) = &mut request.operation else { panic!() };
    copy.storage_class = Some(StorageClass::StandardIa.into());
    copy.tagging_directive = Some(Directive::Add.into());
    copy.new_object_tagging = vec![Tag { key: TagKey::new("new").unwrap(), value: TagValue::new("y").unwrap() }];
    parted.failing.store(3, Ordering::SeqCst);
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 2);
    assert_eq!(world.get(TARGET, "big").await.unwrap(), content(1000));
    let head = world.memory.head(TARGET, "big", &VersionSelector::Latest).await.unwrap();
    assert_eq!(head.metadata.content_type.as_deref(), Some("image/png"));
    assert_eq!(head.metadata.user["a"], "1");
    assert_eq!(head.storage_class.0, "STANDARD_IA");
    let tags = world.memory.get_tags(TARGET, "big", &VersionSelector::Latest).await.unwrap();
    assert_eq!(tags.iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>(), ["new", "old"]);
    assert_eq!((parted.begun.load(Ordering::SeqCst), parted.parts.load(Ordering::SeqCst)), (1, 13));
    assert!((2..=8).contains(&parted.most_under_way.load(Ordering::SeqCst)));
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_completing_is_no_failure() {
    let (world, parted) = parted_world(config()).await;
    parted.lose_answer.store(true, Ordering::SeqCst);
    let id = world.create(one(&world, 161).await).await;
    assert_eq!(code(&world, &id).await, "", "what is there is what was to be made");
    assert_eq!(parted.begun.load(Ordering::SeqCst), 1, "it is not made again for a look that fails in passing");
    assert_eq!(world.get(TARGET, "big").await.unwrap(), content(161));
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_in_parts_says_why_and_leaves_nothing() {
    let (world, parted) = parted_world(config()).await;
    parted.failing.store(1000, Ordering::SeqCst);
    let id = world.create(one(&world, 500).await).await;
    assert_eq!(code(&world, &id).await, "InternalError");
    assert_eq!((parted.open(), noted(&world).await, parted.aborted.load(Ordering::SeqCst)), (0, 0, 1));
    assert!(world.get(TARGET, "big").await.is_none());

    let mut request = one(&world, 500).await;
    let Operation::PutObjectCopy(copy) = &mut request.operation else { panic!() };
    copy.modified_since_constraint = Some(Timestamp::from_unix_seconds(4_000_000_000).unwrap());
    let id = world.create(request).await;
    assert_eq!(code(&world, &id).await, "PreconditionFailed");

    parted.multipart.store(false, Ordering::SeqCst);
    let id = world.create(one(&world, 500).await).await;
    assert_eq!(code(&world, &id).await, "EntityTooLarge");

    // A refusal for another reason: the object is one that a request could copy.
    parted.multipart.store(true, Ordering::SeqCst);
    *parted.refusal.lock().unwrap() = ErrorKind::InvalidRequest;
    let id = world.create(one(&world, 500).await).await;
    assert_eq!(code(&world, &id).await, "InvalidRequest");
    assert_eq!(parted.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_in_the_middle_is_not_mixed() {
    let (world, parted) = parted_world(config()).await;
    parted.gated.store(true, Ordering::SeqCst);
    let id = world.create(one(&world, 2000).await).await;
    parted.gate.add_permits(3);
    world.until(&id, |_| parted.parts.load(Ordering::SeqCst) == 3).await;
    world.put(SOURCE, "big", content(2001)).await;
    parted.gate.add_permits(1000);
    assert_eq!(code(&world, &id).await, "PreconditionFailed");
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
    assert!(world.get(TARGET, "big").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_aborts_the_upload() {
    let (world, parted) = parted_world(config()).await;
    parted.gated.store(true, Ordering::SeqCst);
    let id = world.create(one(&world, 2000).await).await;
    parted.gate.add_permits(3);
    world.until(&id, |_| parted.parts.load(Ordering::SeqCst) == 3).await;
    assert_eq!(noted(&world).await, 1, "noted before the first part");
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    parted.gate.add_permits(1000);
    let job = world.until_status(&id, JobStatus::Cancelled).await;
    assert_eq!(job.progress_summary.number_of_tasks_failed + job.progress_summary.number_of_tasks_succeeded, 0);
    assert!(parted.parts.load(Ordering::SeqCst) <= 11, "no part begins after the cancel");
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_takes_longer_than_a_lease_keeps_it() {
    let config = Config { lease: Duration::from_millis(600), ..config() };
    let (world, parted) = parted_world(config).await;
    *parted.part_takes.lock().unwrap() = Duration::from_millis(500);
    let id = world.create(one(&world, 2000).await).await;
    assert_eq!(code(&world, &id).await, "");
    assert_eq!((parted.begun.load(Ordering::SeqCst), parted.parts.load(Ordering::SeqCst)), (1, 25));
}

/// Stops the engine after three of 25 parts.
async fn stopped_in_the_middle() -> (World, Arc<Parted>, JobId) {
    let (world, parted) = parted_world(config()).await;
    parted.gated.store(true, Ordering::SeqCst);
    let id = world.create(one(&world, 2000).await).await;
    parted.gate.add_permits(3);
    world.until(&id, |_| parted.parts.load(Ordering::SeqCst) == 3).await;
    // What is under way ends.
    tokio::join!(world.engine.shutdown(), async { parted.gate.add_permits(8) });
    assert_eq!((parted.open(), noted(&world).await), (1, 1), "somebody goes on with it");
    parted.gate.close();
    (world, parted, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_made_room_goes_on_where_it_was() {
    let (mut world, parted, id) = stopped_in_the_middle().await;
    world.restart().await;
    assert_eq!(code(&world, &id).await, "");
    assert_eq!(world.get(TARGET, "big").await.unwrap(), content(2000));
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::SeqCst);
    assert_eq!((count(&parted.begun), count(&parted.parts), count(&parted.aborted)), (1, 25, 0));
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_other_content_is_not_gone_on_with() {
    let (mut world, parted, id) = stopped_in_the_middle().await;
    let other: Vec<u8> = content(2000).into_iter().rev().collect();
    world.put(SOURCE, "big", other.clone()).await;
    world.restart().await;
    assert_eq!(code(&world, &id).await, "");
    assert_eq!(world.get(TARGET, "big").await.unwrap(), other);
    assert_eq!((parted.begun.load(Ordering::SeqCst), parted.aborted.load(Ordering::SeqCst)), (2, 1));
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}

/// A holder hangs in the middle of a copy; whoever takes its shard over goes on with what it left.
#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_goes_on_with_what_a_dead_holder_left() {
    let (mut world, parted) = parted_world(config()).await;
    parted.gated.store(true, Ordering::SeqCst);
    let id = world.create(one(&world, 2000).await).await;
    parted.gate.add_permits(3);
    world.until(&id, |_| parted.parts.load(Ordering::SeqCst) == 3).await;
    // It does not come to its end: what it waits for never comes.
    let successor = Engine::start(world.parts(), true).await.unwrap();
    let dead = std::mem::replace(&mut world.engine, successor);
    world.until(&id, |_| parted.listed.load(Ordering::SeqCst) == 2).await;
    parted.gate.add_permits(1000);
    world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(world.get(TARGET, "big").await.unwrap(), content(2000));
    drop(dead);
    let clean = async {
        while parted.open() + noted(&world).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), clean).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_in_parts_keep_grants_and_add_to_them() {
    let (world, _parted) = parted_world(config()).await;
    let grant = |number: u32, permission: &str| Grant {
        grantee: format!("qcs::cam::uin/10000000000{number}:uin/10000000000{number}"),
        permission: permission.to_owned(),
    };
    let old = vec![grant(1, "READ")];
    let body = content(300).into();
    world.memory.put(PutRequest { grants: old.clone(), ..PutRequest::new(SOURCE, "big", body) }).await.unwrap();
    for (directive, expected) in [
        (Directive::Copy, vec![grant(1, "READ")]),
        (Directive::Add, vec![grant(1, "READ"), grant(2, "FULL_CONTROL")]),
        (Directive::Replaced, vec![grant(2, "FULL_CONTROL")]),
    ] {
        let mut request = world.copy_request(&format!("{SOURCE},big\n")).await;
        let Operation::PutObjectCopy(copy) = &mut request.operation else { panic!() };
        if directive != Directive::Copy {
            copy.access_control_grants = vec![cos_batch_model::Grant {
                grantee: Grantee {
                    display_name: None,
                    identifier: GranteeId::new(grant(2, "").grantee).unwrap(),
                    type_identifier: GranteeType::Id.into(),
                },
                permission: Permission::FullControl.into(),
            }];
        }
        copy.access_control_directive = Some(directive.into());
        let id = world.create(request).await;
        assert_eq!(code(&world, &id).await, "", "{directive:?}");
        let acl = world.memory.get_acl(TARGET, "big", &VersionSelector::Latest).await.unwrap();
        assert_eq!(acl.grants, expected, "{directive:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_too_slow_for_one_request_goes_in_parts() {
    let (world, parted) = parted_world(Config { slow_copy: Duration::ZERO, ..config() }).await;
    *parted.refusal.lock().unwrap() = ErrorKind::Unreachable;
    let id = world.create(one(&world, 500).await).await;
    assert_eq!(code(&world, &id).await, "");
    assert_eq!(world.get(TARGET, "big").await.unwrap(), content(500));
    assert_eq!(parted.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_parts_are_waited_for_while_others_get_through() {
    let (world, parted) = parted_world(config()).await;
    *parted.failing_so.lock().unwrap() = ErrorKind::SlowDown;
    parted.failing.store(20, Ordering::SeqCst);
    let id = world.create(one(&world, 1000).await).await;
    assert_eq!(code(&world, &id).await, "");
    assert_eq!((parted.begun.load(Ordering::SeqCst), parted.parts.load(Ordering::SeqCst)), (1, 13));
}

/// On stores of our own, with their own uploads in parts.
async fn on(store: Arc<dyn ObjectStore>) {
    let world = World::over(config(), |_| Arc::clone(&store)).await;
    let rows = format!("{SOURCE},big\n{SOURCE},small\n");
    let request = world.copy_request(&rows).await;
    let puts: [(&str, Vec<u8>); 3] =
        [("manifest.csv", rows.into_bytes()), ("big", content(1000)), ("small", content(10))];
    for (key, body) in puts {
        let tags = vec![cos_batch_objectstore::Tag { key: "of".to_owned(), value: key.replace('.', "") }];
        store.put(PutRequest { tags, ..PutRequest::new(SOURCE, key, body.into()) }).await.unwrap();
    }
    let id = world.create(request).await;
    let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
    assert_eq!(progress.number_of_tasks_succeeded, 2);
    let head = store.head(TARGET, "big", &VersionSelector::Latest).await.unwrap();
    assert_eq!(head.size, 1000);
    assert!(head.etag.ends_with("-13"), "{}", head.etag);
    let (bucket, version) = (TARGET, &VersionSelector::Latest);
    let get = GetRequest { bucket, key: "big", version, range: 0..2000, pin: None };
    assert_eq!(store.get_range(get).await.unwrap(), content(1000));
    assert_eq!(store.get_tags(TARGET, "big", version).await.unwrap()[0].value, "big");
    assert_eq!(noted(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_stores_copy_in_parts_as_well() {
    let memory = MemoryStore::new().with_max_copy_bytes(100).with_min_part_bytes(1);
    for bucket in [SOURCE, TARGET] {
        memory.create_bucket(bucket).unwrap();
    }
    on(Arc::new(memory)).await;
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path()).unwrap().with_max_copy_bytes(100).with_min_part_bytes(1);
    for bucket in [SOURCE, TARGET] {
        store.create_bucket(bucket).unwrap();
    }
    on(Arc::new(store)).await;
}

/// More uploads than one listing tells, left at the very end of a job, are found without it.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_a_job_left_are_aborted_later() {
    let (mut world, _parted) = parted_world(config()).await;
    let id = world.create(one(&world, 500).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    world.engine.shutdown().await;
    for number in 0..1001 {
        let key = format!("uploads/{id}/{number}-1");
        let body = format!(
            r#"{{"bucket": "{TARGET}", "key": "k", "id": "gone-{number}", "source": "e", "size": 1, "parts": 1}}"#
        );
        world.spool.store().put(PutRequest::new("segments", &key, body.into())).await.unwrap();
    }
    world.restart().await;
    let clean = async {
        while noted(&world).await > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), clean).await.unwrap();
}

/// A row that nobody does again: its holder died, and then the job was cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_job_aborts_what_is_left() {
    let (mut world, parted) = parted_world(config()).await;
    parted.gated.store(true, Ordering::SeqCst);
    let id = world.create(one(&world, 2000).await).await;
    parted.gate.add_permits(3);
    world.until(&id, |_| parted.parts.load(Ordering::SeqCst) == 3).await;
    let mut parts = world.parts();
    parts.config.workers = 0;
    let successor = Engine::start(parts, true).await.unwrap();
    let dead = std::mem::replace(&mut world.engine, successor);
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    world.until_status(&id, JobStatus::Cancelled).await;
    let clean = async {
        while parted.open() + noted(&world).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), clean).await.unwrap();
    assert_eq!(parted.aborted.load(Ordering::SeqCst), 1);
    drop(dead);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_fails_no_copy_in_parts() {
    let (world, parted) = parted_world(config()).await;
    *parted.failing_so.lock().unwrap() = ErrorKind::InsufficientStorage;
    parted.failing.store(5, Ordering::SeqCst);
    let id = world.create(one(&world, 2000).await).await;
    assert_eq!(code(&world, &id).await, "");
    assert_eq!(world.get(TARGET, "big").await.unwrap(), content(2000));
    let (begun, aborted) = (parted.begun.load(Ordering::SeqCst), parted.aborted.load(Ordering::SeqCst));
    assert!(
        begun >= 2 && aborted == begun - 1,
        "what takes room does not wait for some: {begun} begun, {aborted} aborted"
    );
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}

/// For much longer than a row is tried for.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_gone_fails_no_copy_in_parts_and_what_it_has_is_gone_on_with() {
    let (world, parted) = parted_world(config()).await;
    parted.gated.store(true, Ordering::SeqCst);
    let id = world.create(one(&world, 2000).await).await;
    parted.gate.add_permits(3);
    world.until(&id, |_| parted.parts.load(Ordering::SeqCst) == 3).await;
    parted.down.store(true, Ordering::SeqCst);
    parted.gate.close();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let job = world.describe(&id).await;
    assert_eq!(job.status.known(), Some(&JobStatus::Active), "{job:?}");
    parted.down.store(false, Ordering::SeqCst);
    assert_eq!(code(&world, &id).await, "");
    assert_eq!(world.get(TARGET, "big").await.unwrap(), content(2000));
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::SeqCst);
    assert_eq!((count(&parted.begun), count(&parted.parts), count(&parted.aborted)), (1, 25, 0));
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_spool_that_takes_no_note_fails_no_copy_in_parts() {
    for kind in [ErrorKind::InternalError, ErrorKind::AccessDenied, ErrorKind::InsufficientStorage] {
        let (mut world, parted) = parted_world(config()).await;
        world.engine.shutdown().await;
        let spool = Arc::new(Faulty::new(Arc::clone(world.spool.store()), Execution::Async));
        world.spool = Spool::new(Arc::clone(&spool) as Arc<dyn ObjectStore>, "segments");
        world.restart().await;
        // That of the first row, under the first lease.
        *spool.refuse_puts.lock().unwrap() = Some("/0-1");
        *spool.refuse_puts_so.lock().unwrap() = kind;
        let id = world.create(one(&world, 2000).await).await;
        assert_eq!(code(&world, &id).await, "", "{kind:?}");
        assert_eq!(world.get(TARGET, "big").await.unwrap(), content(2000));
        let (begun, aborted) = (parted.begun.load(Ordering::SeqCst), parted.aborted.load(Ordering::SeqCst));
        assert_eq!((begun, aborted), (2, 1), "nobody would have found it again");
        assert_eq!((parted.open(), noted(&world).await), (0, 0));
    }
}

/// What is in its place was there before: an earlier copy of an object of the same size.
#[tokio::test(start_paused = true)]
async fn an_older_object_does_not_pass_for_a_copy_that_the_store_refused() {
    let (world, parted) = parted_world(config()).await;
    let id = world.create(one(&world, 500).await).await;
    assert_eq!(code(&world, &id).await, "");
    let other: Vec<u8> = content(500).into_iter().rev().collect();
    parted.refuses_to_complete.store(true, Ordering::SeqCst);
    world.put(SOURCE, "big", other.clone()).await;
    let id = world.create(world.copy_request(&format!("{SOURCE},big\n")).await).await;
    world.until(&id, |_| parted.completed.load(Ordering::SeqCst) > 1).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    let progress = world.until_status(&id, JobStatus::Cancelled).await.progress_summary;
    assert_eq!(progress.number_of_tasks_succeeded, 0);
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
    // And nothing passes for one that somebody else has ended: it is begun anew.
    let id = world.create(world.copy_request(&format!("{SOURCE},big\n")).await).await;
    let completed = parted.completed.load(Ordering::SeqCst);
    world.until(&id, |_| parted.completed.load(Ordering::SeqCst) > completed).await;
    parted.end_all();
    parted.refuses_to_complete.store(false, Ordering::SeqCst);
    assert_eq!(code(&world, &id).await, "");
    assert_eq!(world.get(TARGET, "big").await.unwrap(), other);
}

/// Its turn under a cap comes a second after the last part, and the cancel before that.
#[tokio::test(start_paused = true)]
async fn completing_that_waits_for_its_turn_does_not_begin_after_a_cancel() {
    let cap = NonZeroU32::new(1);
    let (world, parted) = parted_world(Config { operations_per_second: cap, ..config() }).await;
    let id = world.create(one(&world, 161).await).await;
    world.until(&id, |_| parted.parts.load(Ordering::SeqCst) == 3).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    let progress = world.until_status(&id, JobStatus::Cancelled).await.progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, parted.completed.load(Ordering::SeqCst)), (0, 0));
    assert!(world.get(TARGET, "big").await.is_none());
    assert_eq!((parted.open(), noted(&world).await), (0, 0));
}
