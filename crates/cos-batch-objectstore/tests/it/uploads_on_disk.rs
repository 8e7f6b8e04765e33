//! Uploads in parts: crashes, hands, other processes.

use std::fs;

use bytes::Bytes;
use cos_batch_objectstore::{
    CompleteRequest, CompletedPart, ErrorKind, FolderStore, GetRequest, ListUploadsRequest, Metadata, MultipartRequest,
    ObjectStore, PartRequest, PutOutcome, StorageClass, StoreError, UploadId,
};

use crate::{
    fixtures::{InFolder, run},
    folder::{B, LATEST, delete, fixture, get, keys, put, refused},
};

fn begin(store: &dyn ObjectStore, key: &str) -> String {
    let request = MultipartRequest {
        bucket: B,
        key,
        metadata: Metadata::default(),
        tags: Vec::new(),
        storage_class: StorageClass::default(),
        grants: Vec::new(),
        canned_acl: None,
        operation: None,
    };
    run(store.create_multipart(request)).unwrap()
}

fn id<'a>(key: &'a str, id: &'a str) -> UploadId<'a> {
    UploadId { bucket: B, key, id }
}

fn part(store: &dyn ObjectStore, upload: UploadId<'_>, number: u16, body: &'static str) -> CompletedPart {
    let request = PartRequest { upload, number, body: Bytes::from_static(body.as_bytes()) };
    CompletedPart { number, etag: run(store.upload_part(request)).unwrap().etag }
}

fn complete(store: &dyn ObjectStore, upload: UploadId<'_>, parts: &[CompletedPart]) -> Result<PutOutcome, StoreError> {
    run(store.complete_multipart(CompleteRequest { upload, parts }))
}

fn uploads(store: &dyn ObjectStore) -> Vec<String> {
    let request = ListUploadsRequest { bucket: B, prefix: "", after: None, limit: 100 };
    run(store.list_uploads(request)).unwrap().uploads.into_iter().map(|upload| upload.key).collect()
}

fn folder_of(f: &InFolder, name: &str, upload: &str) -> std::path::PathBuf {
    f.path(B, ".cos-batch/uploads").join(name).join(upload)
}

#[test]
fn an_upload_goes_on_in_another_process_and_leaves_nothing() {
    let f = fixture();
    let upload = begin(&f.store, "a/b");
    let one = part(&f.store, id("a/b", &upload), 1, "hello");
    let again = FolderStore::open(f.root()).unwrap().with_min_part_bytes(1);
    assert_eq!(uploads(&again), ["a/b"]);
    assert_eq!(keys(&again), Vec::<String>::new());
    let two = part(&again, id("a/b", &upload), 2, " world");
    complete(&again, id("a/b", &upload), &[one, two]).unwrap();
    assert_eq!(fs::read(f.path(B, "a/b")).unwrap(), b"hello world");
    assert!(!f.path(B, ".cos-batch/uploads/fa%2Fb").exists());
    delete(&f.store, "a/b").unwrap();
    f.assert_nothing_left();
}

#[test]
fn a_completion_that_died_after_its_rename_leaves_an_upload_to_abort() {
    let f = fixture();
    let upload = begin(&f.store, "k");
    let parts = [part(&f.store, id("k", &upload), 1, "content")];
    let folder = folder_of(&f, "fk", &upload);
    let kept: Vec<_> = ["upload.json", "00001"].map(|name| (name, fs::read(folder.join(name)).unwrap())).into();
    complete(&f.store, id("k", &upload), &parts).unwrap();
    assert!(!folder.exists());
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in kept {
        fs::write(folder.join(name), bytes).unwrap();
    }
    assert_eq!(uploads(&f.store), ["k"]);
    assert_eq!(get(&f.store, "k").unwrap(), "content");
    run(f.store.abort_multipart(id("k", &upload))).unwrap();
    assert_eq!(uploads(&f.store), Vec::<String>::new());
    assert_eq!(get(&f.store, "k").unwrap(), "content");
    delete(&f.store, "k").unwrap();
    f.assert_nothing_left();
}

#[test]
fn parts_that_a_loss_of_power_cut_are_no_parts() {
    let f = fixture();
    let upload = begin(&f.store, "k");
    let parts = [part(&f.store, id("k", &upload), 1, "content"), part(&f.store, id("k", &upload), 2, "more")];
    let file = folder_of(&f, "fk", &upload).join("00001");
    let whole = fs::read(&file).unwrap();
    for cut in [&whole[..0], &whole[..15], &whole[..whole.len() - 1], &vec![0; whole.len()][..]] {
        fs::write(&file, cut).unwrap();
        refused(complete(&f.store, id("k", &upload), &parts), ErrorKind::InvalidPart);
    }
    refused(get(&f.store, "k"), ErrorKind::NoSuchKey);
    let again = part(&f.store, id("k", &upload), 1, "content");
    complete(&f.store, id("k", &upload), &[again, parts[1].clone()]).unwrap();
    assert_eq!(get(&f.store, "k").unwrap(), "contentmore");
}

#[test]
fn a_change_by_hand_takes_the_etag_of_the_parts_with_it() {
    let f = fixture();
    let upload = begin(&f.store, "k");
    let parts = [part(&f.store, id("k", &upload), 1, "abcdef")];
    let etag = complete(&f.store, id("k", &upload), &parts).unwrap().etag;
    assert_eq!(run(f.store.head(B, "k", LATEST)).unwrap().etag, etag);
    fs::write(f.path(B, "k"), "abc").unwrap();
    assert_eq!(run(f.store.head(B, "k", LATEST)).unwrap().etag, "900150983cd24fb0d6963f7d28e17f72");
}

#[test]
fn concurrent_completions_of_one_upload_make_one_version() {
    let f = std::sync::Arc::new(fixture());
    f.store.set_versioning(B, true).unwrap();
    for _ in 0..20 {
        let upload = begin(&f.store, "k");
        let parts = [part(&f.store, id("k", &upload), 1, "content")];
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (f, upload, parts) = (std::sync::Arc::clone(&f), upload.clone(), parts.clone());
                std::thread::spawn(move || complete(&f.store, id("k", &upload), &parts).is_ok())
            })
            .collect();
        let done = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|done| *done).count();
        assert_eq!(done, 1);
    }
    let request = cos_batch_objectstore::ListVersionsRequest { bucket: B, prefix: "", after: None, limit: 100 };
    assert_eq!(run(f.store.list_versions(request)).unwrap().versions.len(), 20);
}

#[test]
fn parts_and_aborts_at_the_same_time_leave_nothing() {
    let f = std::sync::Arc::new(fixture());
    for _ in 0..50 {
        let upload = begin(&f.store, "a/b");
        let writer = {
            let (f, upload) = (std::sync::Arc::clone(&f), upload.clone());
            std::thread::spawn(move || {
                for number in 1..20 {
                    let request = PartRequest { upload: id("a/b", &upload), number, body: Bytes::from_static(b"x") };
                    if let Err(error) = run(f.store.upload_part(request)) {
                        assert_eq!(error.kind(), ErrorKind::NoSuchUpload);
                    }
                }
            })
        };
        run(f.store.abort_multipart(id("a/b", &upload))).unwrap();
        writer.join().unwrap();
        assert_eq!(uploads(&f.store), Vec::<String>::new());
        f.assert_nothing_left();
    }
}

#[test]
fn a_bucket_with_something_foreign_in_it_is_not_deleted() {
    let f = fixture();
    fs::create_dir_all(f.path(B, "empty/folders")).unwrap();
    std::os::unix::fs::symlink("nowhere", f.path(B, "link")).unwrap();
    f.store.set_versioning(B, true).unwrap();
    refused(run(f.store.delete_bucket(B)), ErrorKind::BucketNotEmpty);
    assert!(f.path(B, "link").is_symlink());
    assert!(run(f.store.get_versioning(B)).unwrap().is_some(), "its settings are there still");
    fs::remove_file(f.path(B, "link")).unwrap();
    put(&f.store, "k", "x").unwrap();
    delete(&f.store, "k").unwrap();
    refused(run(f.store.delete_bucket(B)), ErrorKind::BucketNotEmpty);
    let request = GetRequest { bucket: B, key: "k", version: LATEST, range: 0..1, pin: None };
    refused(run(f.store.get_range(request)), ErrorKind::NoSuchKey);
    let versions = run(f.store.list_versions(cos_batch_objectstore::ListVersionsRequest {
        bucket: B,
        prefix: "",
        after: None,
        limit: 10,
    }));
    for version in versions.unwrap().versions {
        let version = cos_batch_objectstore::VersionSelector::Id(version.version_id);
        run(f.store.delete(cos_batch_objectstore::DeleteRequest {
            bucket: B,
            key: "k",
            version: &version,
            operation: None,
        }))
        .unwrap();
    }
    run(f.store.delete_bucket(B)).unwrap();
    assert_eq!(fs::read_dir(f.root()).unwrap().count(), 0);
}
