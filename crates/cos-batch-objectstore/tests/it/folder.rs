//! What only a folder has: files, links, hands that change them, crashes.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use cos_batch_objectstore::{
    Conditions, CopyRequest, CopySource, DeleteRequest, Directive, ErrorKind, FolderStore, GetRequest, ListRequest,
    Metadata, ObjectStore, PutRequest, StorageClass, StoreError, Tag, TagRequest, VersionSelector,
};

use crate::fixtures::{InFolder, run};

pub(crate) const B: &str = "b-1";
pub(crate) const LATEST: &VersionSelector = &VersionSelector::Latest;

pub(crate) fn fixture() -> InFolder {
    let fixture = InFolder::new();
    fixture.store.create_bucket(B).unwrap();
    fixture
}

pub(crate) fn put(store: &dyn ObjectStore, key: &str, body: &str) -> Result<(), StoreError> {
    run(store.put(PutRequest::new(B, key, Bytes::copy_from_slice(body.as_bytes())))).map(drop)
}

pub(crate) fn put_typed(store: &dyn ObjectStore, key: &str, body: &str) {
    let metadata = Metadata { content_type: Some("image/jpeg".into()), ..Metadata::default() };
    let request = PutRequest { metadata, ..PutRequest::new(B, key, Bytes::copy_from_slice(body.as_bytes())) };
    run(store.put(request)).unwrap();
}

pub(crate) fn get(store: &dyn ObjectStore, key: &str) -> Result<Bytes, StoreError> {
    run(store.get_range(GetRequest { bucket: B, key, version: LATEST, range: 0..u64::MAX, pin: None }))
}

pub(crate) fn delete(store: &dyn ObjectStore, key: &str) -> Result<(), StoreError> {
    run(store.delete(DeleteRequest { bucket: B, key, version: LATEST, operation: None })).map(drop)
}

pub(crate) fn copy<'a>(from: &'a str, to: &'a str) -> CopyRequest<'a> {
    CopyRequest {
        source: CopySource { bucket: B, key: from, version: LATEST },
        target_bucket: B,
        target_key: to,
        metadata: Directive::Copy,
        tags: Directive::Copy,
        grants: Directive::Replace(&[]),
        canned_acl: None,
        storage_class: None,
        conditions: Conditions::default(),
        operation: None,
    }
}

pub(crate) fn keys(store: &dyn ObjectStore) -> Vec<String> {
    let page = run(store.list(ListRequest { bucket: B, prefix: "", after: None, limit: 1000 })).unwrap();
    assert_eq!(page.next, None);
    page.objects.into_iter().map(|(key, _)| key).collect()
}

pub(crate) fn refused(result: Result<impl std::fmt::Debug, StoreError>, kind: ErrorKind) {
    assert_eq!(result.unwrap_err().kind(), kind);
}

#[test]
fn an_object_is_a_file_and_a_file_is_an_object() {
    let f = fixture();
    put(&f.store, "in/ä b.txt", "hello").unwrap();
    assert_eq!(fs::read(f.path(B, "in/ä b.txt")).unwrap(), b"hello");
    assert!(!f.path(B, ".cos-batch/meta").exists(), "nothing is kept that is not needed");

    fs::create_dir_all(f.path(B, "by/hand")).unwrap();
    fs::write(f.path(B, "by/hand/x"), "abc").unwrap();
    let meta = run(f.store.head(B, "by/hand/x", LATEST)).unwrap();
    assert_eq!((meta.size, meta.etag.as_str()), (3, "900150983cd24fb0d6963f7d28e17f72"));
    run(f.store.copy(copy("by/hand/x", "copied"))).unwrap();
    assert_eq!(fs::read(f.path(B, "copied")).unwrap(), b"abc");
    assert_eq!(keys(&f.store), ["by/hand/x", "copied", "in/ä b.txt"]);

    fs::remove_file(f.path(B, "copied")).unwrap();
    refused(get(&f.store, "copied"), ErrorKind::NoSuchKey);
    fs::create_dir(f.root().join("b-2")).unwrap();
    assert_eq!(f.store.buckets().unwrap(), ["b-1", "b-2"], "a folder made by hand is a bucket");
    assert!(run(f.store.bucket_exists("b-2")).unwrap());
}

#[test]
fn a_bucket_that_is_removed_or_replaced_by_hand_is_noticed() {
    let f = fixture();
    put(&f.store, "k", "old").unwrap();
    fs::rename(f.path(B, ""), f.root().join("away")).unwrap();
    refused(get(&f.store, "k"), ErrorKind::NoSuchBucket);
    refused(put(&f.store, "k", "x"), ErrorKind::NoSuchBucket);
    fs::create_dir(f.path(B, "")).unwrap();
    refused(get(&f.store, "k"), ErrorKind::NoSuchKey);
    put(&f.store, "k", "new").unwrap();
    assert_eq!(fs::read(f.path(B, "k")).unwrap(), b"new");
    assert_eq!(fs::read(f.root().join("away/k")).unwrap(), b"old");
    fs::remove_dir_all(f.path(B, ".cos-batch")).unwrap();
    put(&f.store, "..", "needs the hidden area").unwrap();
    assert_eq!(keys(&f.store), ["..", "k"]);
}

#[test]
fn a_change_by_hand_drops_the_sidecar() {
    let f = fixture();
    for (key, change) in [
        ("in place", (|path| fs::write(path, "new")) as fn(&std::path::Path) -> std::io::Result<()>),
        ("longer", |path| fs::write(path, "longer")),
        ("replaced", |path| {
            let other = path.with_extension("new");
            fs::write(&other, "new")?;
            fs::rename(other, path)
        }),
    ] {
        put_typed(&f.store, key, "old");
        let before = run(f.store.head(B, key, LATEST)).unwrap();
        assert_eq!(before.metadata.content_type.as_deref(), Some("image/jpeg"));
        change(&f.path(B, key)).unwrap();
        let after = run(f.store.head(B, key, LATEST)).unwrap();
        assert_eq!(after.metadata, Metadata::default(), "{key}");
        assert_ne!(after.etag, before.etag, "computed anew");
        let pinned = GetRequest { bucket: B, key, version: LATEST, range: 0..9, pin: Some(&before.pin) };
        refused(run(f.store.get_range(pinned)), ErrorKind::PreconditionFailed);
        // It can have attributes again.
        let tags = [Tag { key: "t".into(), value: String::new() }];
        let request = TagRequest { bucket: B, key, version: LATEST, tags: Directive::Replace(&tags) };
        run(f.store.put_tags(request)).unwrap();
        assert_eq!(run(f.store.get_tags(B, key, LATEST)).unwrap(), tags);
        assert_eq!(run(f.store.head(B, key, LATEST)).unwrap().etag, after.etag);
    }
}

#[test]
fn sidecars_go_with_their_objects() {
    let f = fixture();
    let sidecars = || fs::read_dir(f.path(B, ".cos-batch/meta")).unwrap().count();
    for key in ["k", "a//b", &"x".repeat(800)] {
        for _ in 0..3 {
            put_typed(&f.store, key, "body");
            assert_eq!(sidecars(), 1);
        }
        put(&f.store, key, "plain").unwrap();
        assert_eq!(sidecars(), 0, "{key}");
        put_typed(&f.store, key, "body");
        delete(&f.store, key).unwrap();
        assert_eq!(sidecars(), 0);
    }
    put_typed(&f.store, "k", "body");
    let set = |tags: &[Tag]| {
        let request = TagRequest { bucket: B, key: "plain", version: LATEST, tags: Directive::Replace(tags) };
        run(f.store.put_tags(request)).unwrap();
    };
    put(&f.store, "plain", "body").unwrap();
    set(&[Tag { key: "t".into(), value: String::new() }]);
    assert_eq!(sidecars(), 2);
    set(&[]);
    assert_eq!(sidecars(), 1);
}

#[test]
fn a_broken_sidecar_is_no_sidecar() {
    let f = fixture();
    put_typed(&f.store, "k", "body");
    let sidecar = fs::read_dir(f.path(B, ".cos-batch/meta")).unwrap().next().unwrap().unwrap().path();
    let good = fs::read_to_string(&sidecar).unwrap();
    let inode = fs::metadata(f.path(B, "k")).unwrap().ino().to_string();
    for broken in [String::new(), good[..good.len() / 2].to_owned(), good.replace(&inode, "1")] {
        fs::write(&sidecar, broken).unwrap();
        assert_eq!(run(f.store.head(B, "k", LATEST)).unwrap().metadata, Metadata::default());
    }
    fs::write(&sidecar, good).unwrap();
    assert!(run(f.store.head(B, "k", LATEST)).unwrap().metadata.content_type.is_some());
}

#[test]
fn what_a_crash_left_is_swept_but_not_what_is_being_written() {
    let f = fixture();
    put(&f.store, "k", "x").unwrap();
    let old = f.path(B, ".cos-batch/tmp/left-behind");
    let young = f.path(B, ".cos-batch/tmp/in-use");
    fs::write(&old, "half an obj").unwrap();
    fs::write(&young, "half an obj").unwrap();
    let hour = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    fs::File::options().write(true).open(&old).unwrap().set_modified(hour).unwrap();
    // Another process may be writing it: how long ago it began to does not tell.
    let root = f.root();
    let beside = FolderStore::open(&root).unwrap();
    assert!(old.exists());
    drop((f.store, beside));
    let again = FolderStore::open(&root).unwrap();
    assert!(!old.exists());
    assert!(young.exists());
    assert_eq!(keys(&again), ["k"]);
}

#[test]
fn the_order_of_a_commit_never_shows_wrong_metadata() {
    let f = fixture();
    put_typed(&f.store, "k", "old");
    // A writer that died after its sidecar and before its rename.
    let other = f.path(B, ".cos-batch/tmp/dead");
    fs::write(&other, "new").unwrap();
    let inode = fs::metadata(&other).unwrap().ino();
    let meta = f.path(B, ".cos-batch/meta");
    let sidecar = fs::read_dir(&meta).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&sidecar).unwrap().replace("image/jpeg", "text/plain");
    fs::write(meta.join(format!("fk~{inode}")), text).unwrap();
    let found = run(f.store.head(B, "k", LATEST)).unwrap();
    assert_eq!(found.metadata.content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(get(&f.store, "k").unwrap(), "old");
    // A writer that died after its rename and before it removed the old sidecar.
    fs::remove_file(meta.join(format!("fk~{inode}"))).unwrap();
    fs::rename(&other, f.path(B, "k")).unwrap();
    let found = run(f.store.head(B, "k", LATEST)).unwrap();
    assert_eq!(found.metadata, Metadata::default());
}

#[test]
fn two_stores_on_one_folder_see_each_other() {
    let f = fixture();
    let other = FolderStore::open(f.root()).unwrap();
    put(&f.store, "k", "one").unwrap();
    assert_eq!(get(&other, "k").unwrap(), "one");
    put_typed(&other, "k", "two");
    put(&other, "..", "odd").unwrap();
    let meta = run(f.store.head(B, "k", LATEST)).unwrap();
    assert_eq!(meta.metadata.content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(keys(&f.store), ["..", "k"]);
    other.set_versioning(B, true).unwrap();
    let outcome = run(f.store.put(PutRequest::new(B, "k", Bytes::new()))).unwrap();
    assert!(outcome.version_id.is_some(), "versioning is noticed");
    f.store.set_versioning(B, false).unwrap();
    assert_eq!(run(other.put(PutRequest::new(B, "k", Bytes::new()))).unwrap().version_id, None);
    other.create_bucket("b-2").unwrap();
    assert!(run(f.store.bucket_exists("b-2")).unwrap());
}

#[test]
fn folders_come_and_go_with_their_objects() {
    let f = fixture();
    put(&f.store, "a/b/c/d", "x").unwrap();
    put(&f.store, "a/e", "x").unwrap();
    delete(&f.store, "a/b/c/d").unwrap();
    assert!(!f.path(B, "a/b").exists());
    assert!(f.path(B, "a").exists());
    delete(&f.store, "a/e").unwrap();
    assert!(!f.path(B, "a").exists());
    assert!(f.path(B, "").exists());
    f.assert_nothing_left();
}

#[test]
pub(crate) fn puts_and_deletes_of_neighbours_do_not_disturb_each_other() {
    let f = Arc::new(fixture());
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let f = Arc::clone(&f);
            std::thread::spawn(move || {
                for round in 0..200 {
                    let key = format!("shared/{}/folder/{n}", round % 3);
                    put(&f.store, &key, &key).unwrap();
                    assert_eq!(get(&f.store, &key).unwrap(), key.as_bytes());
                    delete(&f.store, &key).unwrap();
                    refused(get(&f.store, &key), ErrorKind::NoSuchKey);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    f.assert_nothing_left();
}

#[test]
fn readers_see_one_object_or_the_other() {
    let f = Arc::new(fixture());
    let bodies = ["a".repeat(10), "b".repeat(1000)];
    let types = ["type/a", "type/b"];
    let write = |f: &InFolder, which: usize| {
        let metadata = Metadata { content_type: Some(types[which].into()), ..Metadata::default() };
        let body = Bytes::copy_from_slice(bodies[which].as_bytes());
        run(f.store.put(PutRequest { metadata, ..PutRequest::new(B, "k", body) })).unwrap();
    };
    write(&f, 0);
    let reader = {
        let f = Arc::clone(&f);
        std::thread::spawn(move || {
            for _ in 0..1500 {
                let meta = run(f.store.head(B, "k", LATEST)).unwrap();
                let expected = if meta.size == 10 { "type/a" } else { "type/b" };
                assert_eq!(meta.metadata.content_type.as_deref(), Some(expected));
                let body = get(&f.store, "k").unwrap();
                assert!(body.len() == 10 || body.len() == 1000);
                assert!(body.iter().all(|b| *b == body[0]));
            }
        })
    };
    let mut which = 0;
    while !reader.is_finished() {
        which = 1 - which;
        write(&f, which);
    }
    reader.join().unwrap();
}

#[test]
fn an_object_moves_to_its_own_path_when_that_is_free() {
    let f = fixture();
    put(&f.store, "a/x", "x").unwrap();
    put(&f.store, "a", "odd").unwrap();
    delete(&f.store, "a/x").unwrap();
    assert_eq!(fs::read(f.path(B, ".cos-batch/odd/fa")).unwrap(), b"odd");
    put(&f.store, "a", "ordinary").unwrap();
    assert_eq!(fs::read(f.path(B, "a")).unwrap(), b"ordinary");
    assert!(!f.path(B, ".cos-batch/odd/fa").exists());
}

#[test]
fn a_reader_does_not_miss_an_object_that_moves() {
    let f = Arc::new(fixture());
    // Even: the object exists.
    let turn = Arc::new(AtomicU64::new(1));
    let reader = {
        let (f, turn) = (Arc::clone(&f), Arc::clone(&turn));
        std::thread::spawn(move || {
            let mut seen = 0;
            while seen < 3000 {
                let before = turn.load(Ordering::SeqCst);
                let found = get(&f.store, "a");
                if before % 2 == 0 && turn.load(Ordering::SeqCst) == before {
                    found.unwrap();
                    seen += 1;
                }
            }
        })
    };
    while !reader.is_finished() {
        put(&f.store, "a/x", "x").unwrap();
        put(&f.store, "a", "odd").unwrap();
        turn.fetch_add(1, Ordering::SeqCst);
        delete(&f.store, "a/x").unwrap();
        put(&f.store, "a", "ordinary").unwrap();
        turn.fetch_add(1, Ordering::SeqCst);
        delete(&f.store, "a").unwrap();
    }
    reader.join().unwrap();
}

#[test]
fn the_time_of_a_copy_is_now() {
    let f = fixture();
    put(&f.store, "from", "x").unwrap();
    let hour = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    fs::File::options().write(true).open(f.path(B, "from")).unwrap().set_modified(hour).unwrap();
    run(f.store.copy(copy("from", "to"))).unwrap();
    assert_eq!(run(f.store.head(B, "from", LATEST)).unwrap().last_modified, 1_500_000_000);
    assert!(run(f.store.head(B, "to", LATEST)).unwrap().last_modified > 1_700_000_000);
}

#[test]
fn listings_show_what_is_known_without_reading_the_object() {
    let f = fixture();
    put(&f.store, "put", "abc").unwrap();
    fs::write(f.path(B, "by hand"), "abc").unwrap();
    let class = StorageClass::new("ARCHIVE");
    let request = PutRequest { storage_class: class.clone(), ..PutRequest::new(B, "cold", Bytes::from_static(b"abc")) };
    run(f.store.put(request)).unwrap();
    let page = run(f.store.list(ListRequest { bucket: B, prefix: "", after: None, limit: 10 })).unwrap();
    let [by_hand, cold, plain] = [0, 1, 2].map(|at| &page.objects[at].1);
    assert_eq!((cold.size, &cold.storage_class), (3, &class));
    assert_eq!(cold.etag, "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!((plain.size, plain.etag.as_str()), (3, "900150983cd24fb0d6963f7d28e17f72"));
    assert_eq!((by_hand.size, by_hand.etag.as_str()), (3, ""));
    let seen = run(f.store.head(B, "by hand", LATEST)).unwrap();
    let page = run(f.store.list(ListRequest { bucket: B, prefix: "by", after: None, limit: 10 })).unwrap();
    assert_eq!(page.objects[0].1.etag, seen.etag, "once it was computed it is known");
}

#[test]
fn a_restore_runs_out() {
    static NOW: AtomicI64 = AtomicI64::new(1_000_000);
    let f = InFolder::new();
    let store = FolderStore::open(f.root()).unwrap().with_clock(|| NOW.load(Ordering::SeqCst));
    store.create_bucket(B).unwrap();
    crate::memory::restore_runs_out(&store, &NOW);
}

#[test]
fn one_barrier_covers_many_writes() {
    let f = fixture();
    for n in 0..20 {
        put(&f.store, &format!("{n}/k"), "x").unwrap();
    }
    run(f.store.barrier(B)).unwrap();
    refused(run(f.store.barrier("none")), ErrorKind::NoSuchBucket);
    let durable = PutRequest { durable: true, ..PutRequest::new(B, "a/b/c/durable", Bytes::from_static(b"x")) };
    run(f.store.put(durable)).unwrap();
    assert_eq!(get(&f.store, "a/b/c/durable").unwrap(), "x");
}
