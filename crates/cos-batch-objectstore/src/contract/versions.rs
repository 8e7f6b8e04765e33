//! Versions and delete markers.

use bytes::Bytes;

use super::{BUCKET, Bucket, Fixture, LATEST, id, possible, refused};
use crate::{
    Conditions, CopyRequest, CopySource, DeleteRequest, Directive, ErrorKind, GetRequest, Metadata, OperationId,
    PutRequest, Tag, TagRequest,
};

/// A bucket that keeps versions; none if the store cannot.
async fn versioned(fixture: &dyn Fixture) -> Option<Bucket<'_>> {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().versions {
        return None;
    }
    fixture.set_versioning(BUCKET, true).await;
    Some(b)
}

async fn put(b: &Bucket<'_>, key: &str, body: &str) -> String {
    b.put(key, body).await.version_id.unwrap()
}

/// Keys that live at their own path, below folders, and in odd places.
fn keys(fixture: &dyn Fixture) -> Vec<&'static str> {
    possible(fixture, ["k", "a/b/c", "a/b/", ".."])
}

/// Each write makes a version that can be read by its id.
pub async fn versions_are_kept(fixture: &dyn Fixture) {
    let Some(b) = versioned(fixture).await else { return };
    for key in keys(fixture) {
        let one = put(&b, key, "one").await;
        let two = put(&b, key, "two!").await;
        assert_ne!(one, two);
        assert_eq!(b.get(key).await.unwrap(), "two!");
        let meta = b.head(key).await.unwrap();
        assert_eq!((meta.version_id.as_deref(), meta.size), (Some(two.as_str()), 4));
        assert_eq!(b.get_version(key, &id(&one)).await.unwrap(), "one");
        assert_eq!(b.get_version(key, &id(&two)).await.unwrap(), "two!");
        let old = b.head_version(key, &id(&one)).await.unwrap();
        assert_eq!((old.version_id.as_deref(), old.size), (Some(one.as_str()), 3));
        refused(b.head_version(key, &id("null")).await, ErrorKind::NoSuchVersion);
        // A pin taken while it was the newest still holds when it is not.
        let pin = b.head_version(key, &id(&two)).await.unwrap().pin;
        put(&b, key, "three").await;
        let version = id(&two);
        let request = GetRequest { bucket: b.name, key, version: &version, range: 0..9, pin: Some(&pin) };
        assert_eq!(b.store.get_range(request).await.unwrap(), b"two!"[..]);
        let request = GetRequest { bucket: b.name, key, version: LATEST, range: 0..9, pin: Some(&pin) };
        refused(b.store.get_range(request).await, ErrorKind::PreconditionFailed);
    }
    let mut keys = keys(fixture);
    keys.sort_unstable();
    assert_eq!(b.keys("", 10).await, keys, "each key is listed once");
    // An older version can be the source of a copy, onto its own key too.
    let one = put(&b, "v", "one").await;
    put(&b, "v", "two").await;
    let version = id(&one);
    let copied = b.store.copy(copy("v", &version, "v", None)).await.unwrap().version_id.unwrap();
    assert_eq!(b.get("v").await.unwrap(), "one");
    assert!(copied != one);
}

fn copy<'a>(
    from: &'a str,
    version: &'a crate::VersionSelector,
    to: &'a str,
    operation: Option<OperationId>,
) -> CopyRequest<'a> {
    CopyRequest {
        source: CopySource { bucket: BUCKET, key: from, version },
        target_bucket: BUCKET,
        target_key: to,
        metadata: Directive::Copy,
        tags: Directive::Copy,
        grants: Directive::Replace(&[]),
        canned_acl: None,
        storage_class: None,
        conditions: Conditions::default(),
        operation,
    }
}

/// A delete adds a marker, over an object, over nothing and over a marker; the versions stay.
pub async fn delete_leaves_a_marker(fixture: &dyn Fixture) {
    let Some(b) = versioned(fixture).await else { return };
    for key in keys(fixture) {
        let one = put(&b, key, "one").await;
        let outcome = b.delete(key).await;
        assert!(outcome.delete_marker);
        let marker = outcome.version_id.unwrap();
        refused(b.head(key).await, ErrorKind::NoSuchKey);
        refused(b.head_version(key, &id(&marker)).await, ErrorKind::NoSuchKey);
        assert_eq!(b.get_version(key, &id(&one)).await.unwrap(), "one");
        let second = b.delete(key).await.version_id.unwrap();
        assert_ne!(marker, second);
        // Removing the older marker changes nothing, removing the newer one brings the object back.
        assert!(b.delete_version(key, &id(&marker)).await.delete_marker);
        refused(b.head(key).await, ErrorKind::NoSuchKey);
        let outcome = b.delete_version(key, &id(&second)).await;
        assert_eq!((outcome.delete_marker, outcome.version_id.as_deref()), (true, Some(second.as_str())));
        assert_eq!(b.get(key).await.unwrap(), "one");
        assert_eq!(b.head(key).await.unwrap().version_id.as_deref(), Some(one.as_str()));
    }
    // Removing a marker from below the newest brings nothing back.
    let first = b.delete("between").await.version_id.unwrap();
    put(&b, "between", "body").await;
    let last = b.delete("between").await.version_id.unwrap();
    b.delete_version("between", &id(&first)).await;
    refused(b.head("between").await, ErrorKind::NoSuchKey);
    b.delete_version("between", &id(&last)).await;
    assert_eq!(b.get("between").await.unwrap(), "body");
    b.delete("between").await;

    let marker = b.delete("never").await.version_id.unwrap();
    refused(b.head("never").await, ErrorKind::NoSuchKey);
    refused(b.head_version("never", &id(&marker)).await, ErrorKind::NoSuchKey);
    b.delete_version("never", &id(&marker)).await;
    refused(b.head_version("never", &id(&marker)).await, ErrorKind::NoSuchVersion);
    let mut keys = keys(fixture);
    keys.sort_unstable();
    assert_eq!(b.keys("", 10).await, keys);
}

/// Deleting versions by id, from the newest down.
pub async fn removing_the_newest_brings_back_the_one_before(fixture: &dyn Fixture) {
    let Some(b) = versioned(fixture).await else { return };
    for key in keys(fixture) {
        let ids = [put(&b, key, "0").await, put(&b, key, "1").await, put(&b, key, "2").await, put(&b, key, "3").await];
        // One from the middle first.
        let outcome = b.delete_version(key, &id(&ids[1])).await;
        assert_eq!((outcome.delete_marker, outcome.version_id.as_deref()), (false, Some(ids[1].as_str())));
        refused(b.head_version(key, &id(&ids[1])).await, ErrorKind::NoSuchVersion);
        for (newest, next) in [(3, Some("2")), (2, Some("0")), (0, None)] {
            assert_eq!(b.get(key).await.unwrap(), newest.to_string());
            b.delete_version(key, &id(&ids[newest])).await;
            refused(b.head_version(key, &id(&ids[newest])).await, ErrorKind::NoSuchVersion);
            match next {
                Some(body) => assert_eq!(b.get(key).await.unwrap(), body),
                None => refused(b.head(key).await, ErrorKind::NoSuchKey),
            }
        }
        b.delete_version(key, &id(&ids[0])).await;
    }
    assert_eq!(b.keys("", 10).await, Vec::<String>::new());
}

/// What was written while no versions were kept is the version `null`, of which there is one.
pub async fn null_versions(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().versions || fixture.lacks().null_versions {
        return;
    }
    let null = id("null");
    for key in keys(fixture) {
        b.put(key, "before").await;
    }
    fixture.set_versioning(BUCKET, true).await;
    for key in keys(fixture) {
        assert_eq!(b.head(key).await.unwrap().version_id.as_deref(), Some("null"));
        put(&b, key, "v1").await;
        assert_eq!(b.get_version(key, &null).await.unwrap(), "before");
    }
    fixture.set_versioning(BUCKET, false).await;
    for key in keys(fixture) {
        let v1 = b.head(key).await.unwrap().version_id.unwrap();
        assert_eq!(b.put(key, "suspended").await.version_id, None);
        assert_eq!(b.get(key).await.unwrap(), "suspended");
        assert_eq!(b.get_version(key, &null).await.unwrap(), "suspended", "the older null version is replaced");
        assert_eq!(b.head(key).await.unwrap().version_id.as_deref(), Some("null"));
        assert_eq!(b.get_version(key, &id(&v1)).await.unwrap(), "v1");
        let outcome = b.delete(key).await;
        assert_eq!((outcome.delete_marker, outcome.version_id.as_deref()), (true, Some("null")));
        refused(b.head(key).await, ErrorKind::NoSuchKey);
        if fixture.lacks().null_markers {
            continue;
        }
        refused(b.head_version(key, &null).await, ErrorKind::NoSuchKey);
        // Without the marker, v1 is the newest again.
        assert!(b.delete_version(key, &null).await.delete_marker);
        assert_eq!(b.get(key).await.unwrap(), "v1");
        // A delete while suspended keeps what has an id of its own.
        b.delete(key).await;
        assert_eq!(b.get_version(key, &id(&v1)).await.unwrap(), "v1");
        b.put(key, "again").await;
        assert_eq!(b.get_version(key, &null).await.unwrap(), "again");
    }
}

/// The same operation done again, as after a crash, leaves one version; another row makes another.
pub async fn repeated_operations_leave_one_version(fixture: &dyn Fixture) {
    if fixture.lacks().operation_ids {
        return;
    }
    let Some(b) = versioned(fixture).await else { return };
    let operation = |row| Some(OperationId { job: 7 << 100, row });
    put(&b, "from", "source").await;
    for key in keys(fixture) {
        put(&b, key, "old").await;
        let first = b.store.copy(copy("from", LATEST, key, operation(0))).await.unwrap().version_id.unwrap();
        let again = b.store.copy(copy("from", LATEST, key, operation(0))).await.unwrap().version_id.unwrap();
        assert_eq!(first, again);
        let other = b.store.copy(copy("from", LATEST, key, operation(1))).await.unwrap().version_id.unwrap();
        assert_ne!(first, other);
        // Late repeats leave the order as it is.
        put(&b, key, "newer").await;
        let late = b.store.copy(copy("from", LATEST, key, operation(0))).await.unwrap().version_id.unwrap();
        assert_eq!(first, late);
        assert_eq!(b.get(key).await.unwrap(), "newer");

        let delete = async || {
            let request = DeleteRequest { bucket: b.name, key, version: LATEST, operation: operation(2) };
            b.store.delete(request).await.unwrap()
        };
        let marker = delete().await;
        assert_eq!(delete().await, marker);
        assert!(marker.delete_marker);
        // From the newest down there are: one marker, newer, row 1, row 0, old.
        b.delete_version(key, &id(&marker.version_id.unwrap())).await;
        for expected in ["newer", "source", "source", "old"] {
            assert_eq!(b.get(key).await.unwrap(), expected);
            let newest = b.head(key).await.unwrap().version_id.unwrap();
            b.delete_version(key, &id(&newest)).await;
        }
        refused(b.head(key).await, ErrorKind::NoSuchKey);
    }
    let typed = |kind: &str| Metadata { content_type: Some(kind.to_owned()), ..Metadata::default() };
    let request = |body: Bytes| {
        // As another source has another one.
        let metadata = typed(if body.len() == 3 { "of/one" } else { "of/other" });
        PutRequest { operation: operation(9), metadata, ..PutRequest::new(b.name, "put", body) }
    };
    let one = b.store.put(request(Bytes::from_static(b"one"))).await.unwrap();
    assert_eq!(b.store.put(request(Bytes::from_static(b"one"))).await.unwrap(), one);
    // It has what the last one wrote, and what somebody set on it.
    let version = id(&one.version_id.unwrap());
    let tag = Tag { key: "colour".to_owned(), value: "red".to_owned() };
    let tags = Directive::Replace(std::slice::from_ref(&tag));
    b.store.put_tags(TagRequest { bucket: b.name, key: "put", version: &version, tags }).await.unwrap();
    let other = b.store.put(request(Bytes::from_static(b"other"))).await.unwrap();
    assert_eq!(id(&other.version_id.unwrap()), version);
    assert_eq!(b.get("put").await.unwrap(), "other");
    let head = b.head("put").await.unwrap();
    assert_eq!((head.etag, head.metadata), (other.etag, typed("of/other")));
    assert_eq!(b.store.get_tags(b.name, "put", &version).await.unwrap(), [tag]);
    b.delete_version("put", &version).await;
    refused(b.head("put").await, ErrorKind::NoSuchKey);
}

/// Metadata and tags belong to a version.
pub async fn versions_have_their_own_attributes(fixture: &dyn Fixture) {
    let Some(b) = versioned(fixture).await else { return };
    for key in keys(fixture) {
        let metadata = Metadata { content_type: Some("a/b".into()), ..Metadata::default() };
        let request =
            PutRequest { metadata: metadata.clone(), ..PutRequest::new(b.name, key, Bytes::from_static(b"1")) };
        let one = id(&b.store.put(request).await.unwrap().version_id.unwrap());
        put(&b, key, "2").await;
        assert_eq!(b.head_version(key, &one).await.unwrap().metadata, metadata);
        assert_eq!(b.head(key).await.unwrap().metadata, Metadata::default());
        if b.store.capabilities().tagging {
            let tags = [Tag { key: "t".into(), value: "1".into() }];
            let request = TagRequest { bucket: b.name, key, version: &one, tags: Directive::Replace(&tags) };
            b.store.put_tags(request).await.unwrap();
            assert_eq!(b.store.get_tags(b.name, key, LATEST).await.unwrap(), []);
            assert_eq!(b.store.get_tags(b.name, key, &one).await.unwrap(), tags);
        }
        let newest = b.head(key).await.unwrap().version_id.unwrap();
        b.delete_version(key, &id(&newest)).await;
        assert_eq!(b.head(key).await.unwrap().metadata, metadata, "brought back with its metadata");
    }
}
