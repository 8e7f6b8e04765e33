//! Nothing gets out of a bucket's folder, and what is no object is left alone.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
};

use cos_batch_objectstore::{ErrorKind, FolderStore, ListRequest, ObjectStore};

use crate::{
    fixtures::run,
    folder::{B, LATEST, copy, delete, fixture, get, keys, put, refused},
};

#[test]
fn links_and_special_files_are_no_objects() {
    let f = fixture();
    let secret = f.outside.path().join("root/secret");
    fs::write(&secret, "secret").unwrap();
    let elsewhere = f.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("file"), "theirs").unwrap();
    put(&f.store, "real/file", "ours").unwrap();
    symlink(&secret, f.path(B, "file-link")).unwrap();
    symlink(&elsewhere, f.path(B, "folder-link")).unwrap();
    symlink("real", f.path(B, "inner-link")).unwrap();
    symlink("nowhere", f.path(B, "dangling")).unwrap();
    symlink("../../secret", f.path(B, "real/up")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(f.path(B, "pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(f.path(B, "socket")).unwrap();

    assert_eq!(keys(&f.store), ["real/file"]);
    let prefixed = ListRequest { bucket: B, prefix: "folder-link/", after: None, limit: 10 };
    assert_eq!(run(f.store.list(prefixed)).unwrap().objects, []);
    put(&f.store, "mine", "mine").unwrap();
    for key in [
        "file-link",
        "folder-link/file",
        "folder-link/new",
        "folder-link/sub/new",
        "inner-link/file",
        "dangling",
        "real/up",
        "folder-link",
        "pipe",
        "socket",
    ] {
        refused(get(&f.store, key), ErrorKind::AccessDenied);
        refused(run(f.store.head(B, key, LATEST)), ErrorKind::AccessDenied);
        refused(put(&f.store, key, "x"), ErrorKind::AccessDenied);
        refused(run(f.store.copy(copy("mine", key))), ErrorKind::AccessDenied);
        refused(run(f.store.copy(copy(key, "mine"))), ErrorKind::AccessDenied);
        refused(delete(&f.store, key), ErrorKind::AccessDenied);
    }
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!(fs::read(elsewhere.join("file")).unwrap(), b"theirs");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
    for link in ["file-link", "folder-link", "inner-link", "dangling", "real/up"] {
        assert!(f.path(B, link).is_symlink(), "{link} is left alone");
    }
    // A bucket that is a link is none.
    symlink(&elsewhere, f.root().join("b-link")).unwrap();
    assert!(!run(f.store.bucket_exists("b-link")).unwrap());
    assert!(!f.store.buckets().unwrap().contains(&"b-link".to_owned()));
}

#[test]
fn a_link_for_the_hidden_area_is_not_followed() {
    let f = fixture();
    let elsewhere = f.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, f.path(B, ".cos-batch")).unwrap();
    refused(put(&f.store, "k", "x"), ErrorKind::AccessDenied);
    refused(put(&f.store, "..", "x"), ErrorKind::AccessDenied);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn hostile_keys_stay_inside() {
    let f = fixture();
    let parts = ["..", ".", "", "a", ".cos-batch", "tmp", "/", "\\..\\", "%2e%2e", "..\0", "\0", "~", "C:"];
    let mut hostile: Vec<String> = Vec::new();
    for one in parts {
        for two in parts {
            for three in ["..", "etc/passwd", "x", ""] {
                hostile.push([one, two, three].join("/"));
            }
        }
    }
    hostile.extend((1..60).map(|n| format!("{}x", "../".repeat(n))));
    hostile.extend((1..60).map(|n| format!("/{}", "../".repeat(n))));
    hostile.retain(|key| (1..=850).contains(&key.len()));
    hostile.sort_unstable();
    hostile.dedup();
    assert!(hostile.len() > 500, "{}", hostile.len());
    fs::write(f.path(B, "canary"), "c").unwrap();
    for key in &hostile {
        put(&f.store, key, key).unwrap();
    }
    f.assert_nothing_outside();
    assert_eq!(fs::read_dir(f.root()).unwrap().count(), 1, "nothing beside the bucket");
    for key in &hostile {
        assert_eq!(get(&f.store, key).unwrap(), key.as_bytes(), "{key:?}");
    }
    assert_eq!(keys(&f.store).len(), hostile.len() + 1);
    for key in &hostile {
        delete(&f.store, key).unwrap();
    }
    assert_eq!(keys(&f.store), ["canary"]);
    fs::remove_file(f.path(B, "canary")).unwrap();
    f.assert_nothing_left();
}

#[test]
fn names_that_are_no_keys_are_passed_over() {
    let f = fixture();
    fs::write(f.path(B, "").join(OsStr::from_bytes(b"not\xffutf8")), "x").unwrap();
    let mut deep = f.path(B, "");
    for _ in 0..5 {
        deep.push("n".repeat(200));
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("too long for a key"), "x").unwrap();
    fs::create_dir_all(f.path(B, "empty/folder")).unwrap();
    put(&f.store, "k", "x").unwrap();
    assert_eq!(keys(&f.store), ["k"]);
}

#[test]
fn messages_name_the_object_and_no_path_of_the_machine() {
    let f = fixture();
    symlink("/etc/passwd", f.path(B, "link\n")).unwrap();
    let error = get(&f.store, "link\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "AccessDenied: a symbolic link or special file is in the way; none is followed or replaced (bucket \"b-1\", key \"link\\n\")"
    );
    let error = FolderStore::open(f.root()).unwrap().set_versioning("../b-1", true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchBucket);
    assert!(!format!("{:?}", f.store).contains("root"));
    assert!(FolderStore::open(f.root().join("none")).is_err());
    fs::create_dir_all(f.path(B, ".cos-batch")).unwrap();
    fs::write(f.path(B, ".cos-batch/bucket.json"), "{}").unwrap();
    refused(put(&f.store, "k", "x"), ErrorKind::InternalError);
}
