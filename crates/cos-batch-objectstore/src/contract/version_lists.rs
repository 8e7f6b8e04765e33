//! Listings of versions, access lists, buckets.

use super::{BUCKET, Bucket, Fixture, LATEST, OTHER_BUCKET, multipart, refused};
use crate::{
    Acl, AclRequest, BucketVersioning, ErrorKind, Grant, ListVersionsRequest, ObjectVersion, UploadId, VersionKind,
};

async fn listed(b: &Bucket<'_>, prefix: &str, limit: usize) -> Vec<ObjectVersion> {
    let mut found = Vec::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let place = after.as_ref().map(|(key, id)| (key.as_str(), id.as_str()));
        let request = ListVersionsRequest { bucket: b.name, prefix, after: place, limit };
        let page = b.store.list_versions(request).await.unwrap();
        assert!(page.versions.len() <= limit);
        found.extend(page.versions);
        match page.next {
            None => return found,
            Some(next) => {
                assert_ne!(after.as_ref(), Some(&next), "the listing does not advance");
                after = Some(next);
            }
        }
    }
}

fn shape(version: &ObjectVersion) -> (&str, &str, bool, Option<u64>) {
    let size = match &version.kind {
        VersionKind::Object { size, .. } => Some(*size),
        VersionKind::Marker => None,
    };
    (&version.key, &version.version_id, version.is_latest, size)
}

/// Objects that never had versions are their own only version; then every write and delete adds one at the top.
pub async fn versions_are_listed(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().versions {
        return;
    }
    b.put("b/c", "null").await;
    b.put("a", "null").await;
    let never: Vec<_> = listed(&b, "", 10).await;
    assert_eq!(
        never.iter().map(shape).collect::<Vec<_>>(),
        [("a", "null", true, Some(4)), ("b/c", "null", true, Some(4))]
    );
    fixture.set_versioning(BUCKET, true).await;
    let one = b.put("b/c", "1").await.version_id.unwrap();
    let marker = b.delete("b/c").await.version_id.unwrap();
    let two = b.put("b/c", "22").await.version_id.unwrap();
    let gone = b.delete("odd//").await.version_id.unwrap();
    let found = listed(&b, "", 10).await;
    let expected = [
        ("a", "null", true, Some(4)),
        ("b/c", two.as_str(), true, Some(2)),
        ("b/c", marker.as_str(), false, None),
        ("b/c", one.as_str(), false, Some(1)),
        ("b/c", "null", false, Some(4)),
        ("odd//", gone.as_str(), true, None),
    ];
    assert_eq!(found.iter().map(shape).collect::<Vec<_>>(), expected);
    assert!(found.iter().all(|version| version.last_modified > 1_500_000_000));
    let last = b.delete("b/c").await.version_id.unwrap();
    let found = listed(&b, "b", 10).await;
    assert_eq!(shape(&found[0]), ("b/c", last.as_str(), true, None));
    assert_eq!(shape(&found[1]), ("b/c", two.as_str(), false, Some(2)));
    assert_eq!(listed(&b, "c", 10).await, []);
    for limit in [0, 1001] {
        let request = ListVersionsRequest { bucket: b.name, prefix: "", after: None, limit };
        refused(b.store.list_versions(request).await, ErrorKind::InvalidArgument);
    }
    let request = ListVersionsRequest { bucket: "no-such-bucket-1250000001", prefix: "", after: None, limit: 1 };
    refused(b.store.list_versions(request).await, ErrorKind::NoSuchBucket);
}

/// Pages of any size give the same, from after any version; after a key without a version comes the next key.
pub async fn versions_are_listed_in_pages(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().versions {
        return;
    }
    fixture.set_versioning(BUCKET, true).await;
    let keys = ["a", "a/b", "a/b/", "b", "b//c"];
    for round in 0..3 {
        for key in keys {
            if round == 1 {
                b.delete(key).await;
            } else {
                b.put(key, key).await;
            }
        }
    }
    let all = listed(&b, "", 1000).await;
    assert_eq!(all.len(), 15);
    for limit in 1..=16 {
        assert_eq!(listed(&b, "", limit).await, all, "by pages of {limit}");
    }
    for (at, version) in all.iter().enumerate() {
        let list = async |id| {
            let after = Some((version.key.as_str(), id));
            let request = ListVersionsRequest { bucket: b.name, prefix: "", after, limit: 100 };
            b.store.list_versions(request).await.unwrap().versions
        };
        assert_eq!(list(version.version_id.as_str()).await, all[at + 1..]);
        let next_key: Vec<_> = all.iter().filter(|v| v.key > version.key).cloned().collect();
        assert_eq!(list("").await, next_key);
    }
    let after = Some(("a/", "x"));
    let request = ListVersionsRequest { bucket: b.name, prefix: "a/", after, limit: 100 };
    assert_eq!(b.store.list_versions(request).await.unwrap().versions, all[3..9]);
}

/// What is set replaces what was there; the object stays as it is.
pub async fn access_lists_are_set(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().acl {
        return;
    }
    b.put("k", "body").await;
    let before = b.head("k").await.unwrap();
    let grants = [Grant { grantee: "qcs::cam::uin/1:uin/1".into(), permission: "READ".into() }];
    let set = async |key, grants, canned_acl| {
        b.store.put_acl(AclRequest { bucket: b.name, key, version: LATEST, grants, canned_acl }).await
    };
    set("k", &grants, None).await.unwrap();
    let acl = async || b.store.get_acl(b.name, "k", LATEST).await.unwrap();
    assert_eq!(acl().await, Acl { grants: grants.to_vec(), canned: None });
    set("k", &[], Some("public-read")).await.unwrap();
    assert_eq!(acl().await, Acl { grants: vec![], canned: Some("public-read".to_owned()) });
    let meta = b.head("k").await.unwrap();
    assert_eq!((meta.etag, meta.size), (before.etag, before.size));
    assert_eq!(b.get("k").await.unwrap(), "body");
    refused(set("none", &[], None).await, ErrorKind::NoSuchKey);
    let many = vec![grants[0].clone(); 101];
    refused(set("k", &many, None).await, ErrorKind::InvalidArgument);
}

/// Made once, listed by name, deleted when empty; a store whose buckets are made elsewhere says NotImplemented.
pub async fn buckets_come_and_go(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    let s = b.store;
    match s.put_bucket(OTHER_BUCKET).await {
        Err(error) if error.kind() == ErrorKind::NotImplemented => return,
        made => assert!(made.unwrap()),
    }
    assert!(!s.put_bucket(OTHER_BUCKET).await.unwrap(), "it was there");
    refused(s.put_bucket("Not_A_Name").await, ErrorKind::InvalidArgument);
    let names = async || {
        let buckets = s.list_buckets().await.unwrap();
        assert!(buckets.iter().all(|bucket| bucket.created > 1_500_000_000));
        buckets.into_iter().map(|bucket| bucket.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, [BUCKET, OTHER_BUCKET]);

    let not_empty = async || refused(s.delete_bucket(BUCKET).await, ErrorKind::BucketNotEmpty);
    b.put("a/b", "x").await;
    not_empty().await;
    assert_eq!(b.get("a/b").await.unwrap(), "x");
    b.delete("a/b").await;
    if s.capabilities().multipart {
        let id = s.create_multipart(multipart::request(&b, "k")).await.unwrap();
        not_empty().await;
        s.abort_multipart(UploadId { bucket: BUCKET, key: "k", id: &id }).await.unwrap();
    }
    if s.capabilities().versions {
        assert_eq!(s.get_versioning(BUCKET).await.unwrap(), None);
        s.put_versioning(BUCKET, BucketVersioning::Suspended).await.unwrap();
        assert_eq!(s.get_versioning(BUCKET).await.unwrap(), None, "it never kept any");
        for state in [BucketVersioning::Enabled, BucketVersioning::Suspended, BucketVersioning::Enabled] {
            s.put_versioning(BUCKET, state).await.unwrap();
            assert_eq!(s.get_versioning(BUCKET).await.unwrap(), Some(state));
        }
        let marker = b.delete("never").await.version_id.unwrap();
        not_empty().await;
        b.delete_version("never", &super::id(&marker)).await;
    }
    s.delete_bucket(BUCKET).await.unwrap();
    assert!(!s.bucket_exists(BUCKET).await.unwrap());
    refused(s.delete_bucket(BUCKET).await, ErrorKind::NoSuchBucket);
    refused(s.get_versioning(BUCKET).await, ErrorKind::NoSuchBucket);
    refused(b.head("k").await, ErrorKind::NoSuchBucket);
    assert_eq!(names().await, [OTHER_BUCKET]);
    assert!(s.put_bucket(BUCKET).await.unwrap());
    assert_eq!(s.get_versioning(BUCKET).await.unwrap_or(None), None, "nothing of the old one is left");
}
