//! Put, get, head, delete.

use bytes::Bytes;

use super::{BUCKET, Bucket, Fixture, LATEST, id, possible, refused};
use crate::{
    DeleteRequest, Directive, ErrorKind, GetRequest, ListRequest, Metadata, Pin, PutRequest, StorageClass, Tag,
    TagRequest,
};

/// What was put is there, with its size, MD5 and metadata.
pub async fn put_then_head_and_get(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    let outcome = b.put("in/a.txt", "hello").await;
    assert_eq!(outcome.etag, "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(outcome.version_id, None);
    let meta = b.head("in/a.txt").await.unwrap();
    assert_eq!((meta.size, meta.etag.as_str()), (5, "5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(meta.version_id, None);
    assert_eq!(meta.metadata, Metadata::default());
    assert!(meta.storage_class.is_standard());
    assert!(meta.last_modified > 1_500_000_000, "a time of our days, in seconds: {}", meta.last_modified);
    assert_eq!(b.get("in/a.txt").await.unwrap(), "hello");
    assert_eq!(b.store.get_tags(b.name, "in/a.txt", LATEST).await.unwrap(), []);

    b.put("empty", "").await;
    assert_eq!(b.head("empty").await.unwrap().etag, "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(b.get("empty").await.unwrap(), "");

    let metadata = Metadata {
        content_type: Some("image/jpeg".into()),
        expires: Some("Thu, 01 Dec 2033 16:00:00 GMT".into()),
        user: [("camera".to_owned(), "Ö \"1\"".to_owned())].into(),
        ..Metadata::default()
    };
    let tags = vec![Tag { key: "b".into(), value: "2".into() }, Tag { key: "a".into(), value: "1".into() }];
    for durable in [false, true] {
        let request = PutRequest {
            metadata: metadata.clone(),
            tags: tags.clone(),
            storage_class: StorageClass::new("STANDARD_IA"),
            durable,
            ..PutRequest::new(b.name, "in/full", Bytes::from_static(b"full"))
        };
        b.store.put(request).await.unwrap();
        let meta = b.head("in/full").await.unwrap();
        assert_eq!(meta.metadata, metadata);
        assert_eq!(meta.storage_class.0, "STANDARD_IA");
        let found = b.store.get_tags(b.name, "in/full", LATEST).await.unwrap();
        assert_eq!(found, [tags[1].clone(), tags[0].clone()], "ordered by key");
    }
    assert!(b.store.bucket_exists(b.name).await.unwrap());
    b.store.barrier(b.name).await.unwrap();
}

/// Nothing of the replaced object stays: not its tags, not its class.
pub async fn a_put_replaces_everything(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    let request = PutRequest {
        metadata: Metadata { content_type: Some("a/b".into()), ..Metadata::default() },
        tags: vec![Tag { key: "t".into(), value: String::new() }],
        storage_class: StorageClass::new("ARCHIVE"),
        ..PutRequest::new(b.name, "k", Bytes::from_static(b"one"))
    };
    b.store.put(request).await.unwrap();
    b.put("k", "two").await;
    let meta = b.head("k").await.unwrap();
    assert_eq!(meta.metadata, Metadata::default());
    assert!(meta.storage_class.is_standard());
    assert_eq!(b.store.get_tags(b.name, "k", LATEST).await.unwrap(), []);
    assert_eq!(b.get("k").await.unwrap(), "two");
}

/// Ranges are cut at the end; a start at the size gives nothing, a start past it is refused.
pub async fn get_gives_ranges(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    b.put("k", "0123456789").await;
    b.put("empty", "").await;
    let get = async |key, range| {
        let request = GetRequest { bucket: b.name, key, version: LATEST, range, pin: None };
        b.store.get_range(request).await
    };
    for (range, expected) in
        [(0..10, "0123456789"), (0..1, "0"), (3..7, "3456"), (9..10, "9"), (9..99, "9"), (10..20, ""), (4..4, "")]
    {
        assert_eq!(get("k", range.clone()).await.unwrap(), expected.as_bytes(), "{range:?}");
    }
    assert_eq!(get("empty", 0..u64::MAX).await.unwrap(), b""[..]);
    refused(get("k", 11..12).await, ErrorKind::InvalidRange);
    refused(get("empty", 1..2).await, ErrorKind::InvalidRange);
}

/// A pin from head or list gives the object it was taken from, and nothing else.
pub async fn a_pin_holds_one_content(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    b.put("k", "one").await;
    b.put("other", "one").await;
    let pin = b.head("k").await.unwrap().pin;
    let get = async |key, pin: &Pin| {
        let request = GetRequest { bucket: b.name, key, version: LATEST, range: 0..9, pin: Some(pin) };
        b.store.get_range(request).await
    };
    assert_eq!(get("k", &pin).await.unwrap(), b"one"[..]);
    let request = ListRequest { bucket: b.name, prefix: "k", after: None, limit: 1 };
    let listed = b.store.list(request).await.unwrap().objects.remove(0).1;
    assert_eq!(listed.pin, pin);
    assert_eq!(listed.size, 3);
    refused(get("other", &pin).await, ErrorKind::PreconditionFailed);
    b.put("k", "two").await;
    refused(get("k", &pin).await, ErrorKind::PreconditionFailed);
    refused(get("k", &Pin("no pin".into())).await, ErrorKind::PreconditionFailed);
    b.delete("k").await;
    refused(get("k", &pin).await, ErrorKind::NoSuchKey);
}

/// What is deleted is gone; deleting what does not exist succeeds.
pub async fn delete_removes(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    for key in ["a", "a-", "d/e/f", "d/e/g"] {
        b.put(key, key).await;
    }
    let outcome = b.delete("d/e/f").await;
    assert!(!outcome.delete_marker);
    assert_eq!(outcome.version_id, None);
    refused(b.head("d/e/f").await, ErrorKind::NoSuchKey);
    assert_eq!(b.keys("", 10).await, ["a", "a-", "d/e/g"]);
    b.delete("d/e/f").await;
    b.delete("never").await;
    b.delete("never/there").await;
    b.delete("a/under").await;
    b.delete("d/e").await;
    b.delete("d").await;
    assert_eq!(b.keys("", 10).await, ["a", "a-", "d/e/g"]);
    b.delete("d/e/g").await;
    b.put("d", "now a key of its own").await;
    assert_eq!(b.keys("", 10).await, ["a", "a-", "d"]);
    if b.store.capabilities().versions && !fixture.lacks().version_names_in_plain_buckets {
        b.delete_version("a", &id("no-such-version")).await;
        assert_eq!(b.get("a").await.unwrap(), "a");
        b.delete_version("a", &id("null")).await;
        refused(b.head("a").await, ErrorKind::NoSuchKey);
    }
}

/// No bucket, no key, no version: each with its code, in each method.
pub async fn missing_things_have_their_codes(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    b.put("k", "x").await;
    let none = "no-such-bucket-1250000001";
    let s = b.store;
    assert!(!s.bucket_exists(none).await.unwrap());
    for bucket in [none, "..", "", ".", "a/b"] {
        let get = GetRequest { bucket, key: "k", version: LATEST, range: 0..1, pin: None };
        let list = ListRequest { bucket, prefix: "", after: None, limit: 1 };
        let tags = TagRequest { bucket, key: "k", version: LATEST, tags: Directive::Replace(&[]) };
        let delete = DeleteRequest { bucket, key: "k", version: LATEST, operation: None };
        refused(s.head(bucket, "k", LATEST).await, ErrorKind::NoSuchBucket);
        refused(s.get_range(get).await, ErrorKind::NoSuchBucket);
        refused(s.put(PutRequest::new(bucket, "k", Bytes::new())).await, ErrorKind::NoSuchBucket);
        refused(s.list(list).await, ErrorKind::NoSuchBucket);
        refused(s.put_tags(tags).await, ErrorKind::NoSuchBucket);
        refused(s.get_tags(bucket, "k", LATEST).await, ErrorKind::NoSuchBucket);
        refused(s.delete(delete).await, ErrorKind::NoSuchBucket);
    }
    for key in ["none", "k/below", "none/below"] {
        let get = GetRequest { bucket: BUCKET, key, version: LATEST, range: 0..1, pin: None };
        let one = [Tag { key: "t".into(), value: String::new() }];
        let tags = TagRequest { bucket: BUCKET, key, version: LATEST, tags: Directive::Replace(&one) };
        refused(b.head(key).await, ErrorKind::NoSuchKey);
        refused(s.get_range(get).await, ErrorKind::NoSuchKey);
        refused(s.put_tags(tags).await, ErrorKind::NoSuchKey);
        refused(s.get_tags(BUCKET, key, LATEST).await, ErrorKind::NoSuchKey);
    }
    if s.capabilities().versions && !fixture.lacks().version_names_in_plain_buckets {
        for version in ["none", "", "../k", "a/b", "\0", &"9".repeat(500)] {
            refused(b.head_version("k", &id(version)).await, ErrorKind::NoSuchVersion);
        }
        refused(b.head_version("none", &id("none")).await, ErrorKind::NoSuchVersion);
    }
    let error = b.head("none").await.unwrap_err();
    assert!(error.message().contains(BUCKET) && error.message().contains("none"), "{error}");
}

/// 1 to 850 bytes, in COS.
pub async fn key_lengths(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    let max = fixture.max_key_bytes();
    let longest = |unit: &str| unit.repeat(max / unit.len());
    let keys = ["x".repeat(max - 1), longest("x"), longest("é"), longest("/"), longest("a/"), "y/".repeat(max / 2 - 1)];
    for key in keys.iter().filter(|key| fixture.allows_key(key)) {
        b.put(key, "body").await;
        assert_eq!(b.get(key).await.unwrap(), "body");
        assert_eq!(b.keys(key, 1).await, [key.as_str()]);
    }
    for key in [String::new(), "x".repeat(max + 1), "é".repeat(max / 2 + 1), "x".repeat(100_000)] {
        let put = PutRequest::new(b.name, &key, Bytes::new());
        let delete = DeleteRequest { bucket: b.name, key: &key, version: LATEST, operation: None };
        refused(b.store.put(put).await, ErrorKind::InvalidObjectName);
        refused(b.head(&key).await, ErrorKind::InvalidObjectName);
        refused(b.store.delete(delete).await, ErrorKind::InvalidObjectName);
    }
}

/// Keys that are no paths, and keys that are in each other's way, are keys as all others.
pub async fn unusual_keys(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    let long = "n".repeat(256);
    let keys = [
        "a",
        "a/",
        "a//",
        "a//b",
        "a/b",
        "a/b/",
        "/",
        "//",
        "/a",
        ".",
        "..",
        "../x",
        "a/../../x",
        "./a",
        "a/.",
        ".cos-batch",
        ".cos-batch/",
        ".cos-batch/tmp/x",
        ".cos-batch/odd/fa",
        "%2F",
        "a%2Fb",
        "a\u{0}b",
        "\n",
        "\\",
        "~",
        "a~1",
        " ",
        "d",
        "f",
        "é",
        "e\u{301}",
        "\u{10FFFF}",
        "a-",
        "a.",
        "A",
        &long,
        "con",
        "NUL",
        "a:b",
        "x/y/z",
        "x/y",
        "x",
    ];
    let mut keys = possible(fixture, keys);
    for key in &keys {
        b.put(key, key).await;
    }
    for key in &keys {
        assert_eq!(b.get(key).await.unwrap(), **key, "{key:?}");
    }
    keys.sort_unstable();
    if fixture.lacks().byte_order {
        assert_eq!(b.keys("", 1000).await.sorted(), keys);
        return;
    }
    for limit in [1, 7, 1000] {
        assert_eq!(b.keys("", limit).await, keys);
    }
    let below = keys.iter().filter(|key| key.starts_with("a/")).copied().collect::<Vec<_>>();
    assert_eq!(b.keys("a/", 1000).await, below);
    while let Some(key) = keys.pop() {
        b.delete(key).await;
        refused(b.head(key).await, ErrorKind::NoSuchKey);
        assert_eq!(b.keys("", 1000).await, keys);
    }
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl<T: Ord> Sorted for Vec<T> {
    fn sorted(mut self) -> Self {
        self.sort_unstable();
        self
    }
}
