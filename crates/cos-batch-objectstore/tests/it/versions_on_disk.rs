//! Crashes and hands in a bucket that keeps versions.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt as _};

use bytes::Bytes;
use cos_batch_objectstore::{
    DeleteOutcome, DeleteRequest, Directive, ErrorKind, GetRequest, LegalHoldRequest, ObjectStore, OperationId,
    PutRequest, Tag, TagRequest, VersionSelector,
};

use crate::fixtures::{InFolder, run};

const B: &str = "b-1";

fn fixture() -> InFolder {
    let f = InFolder::new();
    f.store.create_bucket(B).unwrap();
    f.store.set_versioning(B, true).unwrap();
    f
}

fn put(f: &InFolder, body: &'static str) -> String {
    run(f.store.put(PutRequest::new(B, "k", Bytes::from_static(body.as_bytes())))).unwrap().version_id.unwrap()
}

fn get(f: &InFolder, version: &VersionSelector) -> Result<Bytes, ErrorKind> {
    let request = GetRequest { bucket: B, key: "k", version, range: 0..99, pin: None };
    run(f.store.get_range(request)).map_err(|e| e.kind())
}

fn delete(f: &InFolder, version: &VersionSelector, row: Option<u64>) -> DeleteOutcome {
    let operation = row.map(|row| OperationId { job: 1, row });
    run(f.store.delete(DeleteRequest { bucket: B, key: "k", version, operation })).unwrap()
}

fn id(version: &str) -> VersionSelector {
    VersionSelector::Id(version.to_owned())
}

const LATEST: VersionSelector = VersionSelector::Latest;

/// Names in the hidden folder of the key's older versions.
fn archived(f: &InFolder) -> Vec<String> {
    let Ok(entries) = fs::read_dir(f.path(B, ".cos-batch/versions/fk")) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_writer_that_died_between_keeping_the_old_and_placing_the_new() {
    let f = fixture();
    let one = put(&f, "one");
    // It had given the current file its second name.
    let leftover = format!(".cos-batch/versions/fk/{:016x}-{one}", 0);
    let link = || {
        fs::create_dir_all(f.path(B, ".cos-batch/versions/fk")).unwrap();
        fs::hard_link(f.path(B, "k"), f.path(B, &leftover)).unwrap();
    };
    link();
    assert_eq!(get(&f, &LATEST).unwrap(), "one");
    let two = put(&f, "two");
    assert_eq!(archived(&f).len(), 1, "one older version, not two");
    assert_eq!(get(&f, &id(&one)).unwrap(), "one");
    // The same again, with an older version below.
    fs::hard_link(f.path(B, "k"), f.path(B, &format!(".cos-batch/versions/fk/{:016x}-{two}", 9))).unwrap();
    delete(&f, &id(&two), None);
    assert_eq!(get(&f, &LATEST).unwrap(), "one");
    // Deleting the version removes both names.
    link();
    delete(&f, &id(&one), None);
    assert_eq!(get(&f, &LATEST).unwrap_err(), ErrorKind::NoSuchKey);
    assert_eq!(get(&f, &id(&one)).unwrap_err(), ErrorKind::NoSuchVersion);
    assert_eq!(archived(&f), Vec::<String>::new());
}

#[test]
fn a_delete_that_died_before_its_marker_is_finished_by_its_repeat() {
    let f = fixture();
    let one = put(&f, "one");
    let marker = delete(&f, &LATEST, Some(5));
    let names = archived(&f);
    assert_eq!(names.len(), 2);
    fs::remove_file(f.path(B, &format!(".cos-batch/versions/fk/{}", names[1]))).unwrap();
    assert_eq!(get(&f, &LATEST).unwrap_err(), ErrorKind::NoSuchKey, "deleted all the same");
    assert_eq!(get(&f, &id(&one)).unwrap(), "one");
    assert_eq!(delete(&f, &LATEST, Some(5)), marker);
    assert_eq!(archived(&f), names);
    delete(&f, &id(&marker.version_id.unwrap()), None);
    assert_eq!(get(&f, &LATEST).unwrap(), "one");
}

#[test]
fn a_file_put_by_hand_is_the_null_version() {
    let f = fixture();
    let one = put(&f, "one");
    fs::write(f.path(B, "k"), "by hand").unwrap();
    let meta = run(f.store.head(B, "k", &LATEST)).unwrap();
    assert_eq!(meta.version_id.as_deref(), Some("null"));
    put(&f, "two");
    assert_eq!(get(&f, &id("null")).unwrap(), "by hand");
    assert_eq!(get(&f, &id(&one)).unwrap_err(), ErrorKind::NoSuchVersion, "changed in place: there is no copy of it");
    // A second one replaces the first: there is one null version.
    fs::remove_file(f.path(B, "k")).unwrap();
    assert_eq!(get(&f, &LATEST).unwrap_err(), ErrorKind::NoSuchKey);
    fs::write(f.path(B, "k"), "again").unwrap();
    put(&f, "three");
    assert_eq!(get(&f, &id("null")).unwrap(), "again");
    assert_eq!(archived(&f).len(), 1);
}

#[test]
fn what_a_crash_left_in_the_hidden_area_stays_hidden() {
    let f = fixture();
    put(&f, "one");
    // A writer died after it had moved the object to its own path, before it removed it here.
    fs::create_dir_all(f.path(B, ".cos-batch/odd")).unwrap();
    fs::write(f.path(B, ".cos-batch/odd/fk"), "stale").unwrap();
    assert_eq!(get(&f, &LATEST).unwrap(), "one");
    delete(&f, &LATEST, None);
    assert_eq!(get(&f, &LATEST).unwrap_err(), ErrorKind::NoSuchKey);
}

#[test]
fn a_late_repeat_leaves_no_folders() {
    let f = fixture();
    let operation = Some(OperationId { job: 1, row: 1 });
    let put = || run(f.store.put(PutRequest { operation, ..PutRequest::new(B, "a/b/c", Bytes::new()) })).unwrap();
    let done = put();
    run(f.store.delete(DeleteRequest { bucket: B, key: "a/b/c", version: &LATEST, operation: None })).unwrap();
    assert_eq!(put(), done);
    assert!(!f.path(B, "a").exists());
}

/// The inode of each file that holds something of the key, by its name: the current object is `k`.
fn inodes(f: &InFolder) -> BTreeMap<String, u64> {
    let inode = |path| fs::symlink_metadata(path).ok().map(|meta: fs::Metadata| meta.ino());
    let mut inodes: BTreeMap<_, _> = inode(f.path(B, "k")).map(|inode| ("k".to_owned(), inode)).into_iter().collect();
    for name in archived(f) {
        let path = f.path(B, ".cos-batch/versions/fk").join(&name);
        inodes.insert(name, inode(path).unwrap());
    }
    inodes
}

/// A sync that fails may have lost a file that goes on being shown: what is done again must be a new one, or it would be lost for good.
#[test]
fn a_repeat_is_written_anew_under_the_same_version_wherever_that_is() {
    let f = fixture();
    put(&f, "one");
    let operation = Some(OperationId { job: 1, row: 1 });
    let write = |body: &'static str| {
        let request = PutRequest { operation, ..PutRequest::new(B, "k", Bytes::from_static(body.as_bytes())) };
        run(f.store.put(request)).unwrap().version_id.unwrap()
    };
    let version = id(&write("two"));
    let (key, tag) = ("k", Tag { key: "colour".to_owned(), value: "red".to_owned() });
    let tags = Directive::Replace(std::slice::from_ref(&tag));
    run(f.store.put_tags(TagRequest { bucket: B, key, version: &version, tags })).unwrap();
    let hold = |on| run(f.store.put_legal_hold(LegalHoldRequest { bucket: B, key, version: &version, on })).unwrap();
    hold(true);
    let is_the_same = |before: &BTreeMap<String, u64>, anew: &str, body: &str| {
        let after = inodes(&f);
        assert!(after.keys().eq(before.keys()), "{before:?}, then {after:?}");
        let changed: Vec<_> = after.iter().filter(|(name, inode)| before[*name] != **inode).collect();
        assert!(changed.len() == 1 && changed[0].0.contains(anew), "{before:?}, then {after:?}");
        assert_eq!(get(&f, &version).unwrap(), body);
        assert_eq!(run(f.store.get_tags(B, key, &version)).unwrap(), std::slice::from_ref(&tag));
        let sidecars = fs::read_dir(f.path(B, ".cos-batch/meta")).unwrap().count();
        assert_eq!(sidecars, after.keys().filter(|name| !name.ends_with(".m")).count(), "{after:?}");
    };
    let current = inodes(&f);
    assert_eq!(id(&write("two")), version);
    is_the_same(&current, "k", "two");
    assert!(run(f.store.get_lock(B, key, &version)).unwrap().legal_hold);
    // What is held is not replaced by anything else.
    let held = inodes(&f);
    assert_eq!(id(&write("other")), version);
    assert_eq!((inodes(&f), get(&f, &version).unwrap()), (held, Bytes::from_static(b"two")));
    put(&f, "three");
    let older = inodes(&f);
    let VersionSelector::Id(name) = &version else { unreachable!() };
    assert_eq!(id(&write("other")), version);
    assert_eq!((inodes(&f), get(&f, &version).unwrap()), (older.clone(), Bytes::from_static(b"two")));
    hold(false);
    // The source was another one by then: the row is reported with what was copied last.
    assert_eq!(id(&write("other")), version);
    is_the_same(&older, name, "other");
    assert_eq!(get(&f, &LATEST).unwrap(), "three");
    let marker = delete(&f, &LATEST, Some(2));
    let deleted = inodes(&f);
    assert_eq!(delete(&f, &LATEST, Some(2)), marker);
    is_the_same(&deleted, ".m", "other");
}

#[test]
fn all_versions_gone_leaves_nothing() {
    let f = fixture();
    let versions = [put(&f, "one"), put(&f, "two"), delete(&f, &LATEST, None).version_id.unwrap(), put(&f, "three")];
    for version in &versions {
        delete(&f, &id(version), None);
    }
    f.assert_nothing_left();
}
