//! Copy.

use bytes::Bytes;

use super::{BUCKET, Bucket, Fixture, LATEST, OTHER_BUCKET, refused};
use crate::{
    Conditions, CopyRequest, CopySource, Directive, ErrorKind, Grant, Metadata, PutRequest, RestoreRequest,
    RestoreTier, StorageClass, Tag,
};

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

fn grant(to: &str) -> Grant {
    Grant { grantee: to.into(), permission: "READ".into() }
}

/// A plain copy, as a batch job does it when nothing else is asked for.
fn plain<'a>(from: &'a str, to: &'a str) -> CopyRequest<'a> {
    CopyRequest {
        source: CopySource { bucket: BUCKET, key: from, version: LATEST },
        target_bucket: BUCKET,
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

fn metadata(fixture: &dyn Fixture) -> Metadata {
    Metadata {
        content_type: Some("image/jpeg".into()),
        cache_control: Some("no-cache".into()),
        server_side_encryption: (!fixture.lacks().encryption).then(|| "AES256".into()),
        user: [("one".to_owned(), "1".to_owned()), ("two".to_owned(), "2".to_owned())].into(),
        ..Metadata::default()
    }
}

async fn put_full(fixture: &dyn Fixture, b: &Bucket<'_>, key: &str) {
    let request = PutRequest {
        metadata: metadata(fixture),
        tags: vec![tag("a", "1"), tag("b", "2")],
        storage_class: StorageClass::new("STANDARD_IA"),
        ..PutRequest::new(b.name, key, Bytes::from_static(b"full"))
    };
    b.store.put(request).await.unwrap();
}

/// Content, metadata and tags go along, in one bucket and across two; class and encryption are reset.
pub async fn copy_takes_content_and_metadata(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    let other = Bucket::named(fixture, OTHER_BUCKET).await;
    put_full(fixture, &b, "from").await;
    b.put("plain", "plain").await;
    b.put("empty", "").await;
    let large = "0123456789abcdef".repeat(20_000);
    b.put("large", &large).await;
    other.put("to/from", "what was there before").await;
    for (key, body) in [("from", "full"), ("plain", "plain"), ("empty", ""), ("large", large.as_str())] {
        for target in [&b, &other] {
            let to = format!("to/{key}");
            let request = CopyRequest { target_bucket: target.name, ..plain(key, &to) };
            assert_eq!(b.store.copy(request).await.unwrap().version_id, None);
            assert_eq!(target.get(&to).await.unwrap(), body);
            let (meta, source) = (target.head(&to).await.unwrap(), b.head(key).await.unwrap());
            assert_eq!(meta.etag, source.etag);
            let expected = Metadata { server_side_encryption: None, ..source.metadata };
            assert_eq!(meta.metadata, expected);
            assert!(meta.storage_class.is_standard());
            let tags = target.store.get_tags(target.name, &to, LATEST).await.unwrap();
            assert_eq!(tags, b.store.get_tags(b.name, key, LATEST).await.unwrap());
        }
    }
    // A target that had more than the source has loses it.
    b.store.copy(plain("plain", "from")).await.unwrap();
    assert_eq!(b.head("from").await.unwrap().metadata, Metadata::default());
    if !fixture.lacks().tags_reset_by_copies {
        assert_eq!(b.store.get_tags(b.name, "from", LATEST).await.unwrap(), []);
    }

    refused(b.store.copy(plain("none", "to")).await, ErrorKind::NoSuchKey);
    let none = "no-such-bucket-1250000001";
    let lost = b.store.copy(CopyRequest { target_bucket: none, ..plain("plain", "to") }).await;
    let unclear = fixture.lacks().codes_of_target_buckets;
    refused(lost, if unclear { ErrorKind::InternalError } else { ErrorKind::NoSuchBucket });
    let source = CopySource { bucket: none, key: "plain", version: LATEST };
    refused(b.store.copy(CopyRequest { source, ..plain("plain", "to") }).await, ErrorKind::NoSuchBucket);
    refused(b.store.copy(plain("plain", "")).await, ErrorKind::InvalidObjectName);
    refused(b.head("to").await, ErrorKind::NoSuchKey);
}

/// Copy, replace and add, for metadata, tags and grants.
pub async fn directives_of_a_copy(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    put_full(fixture, &b, "from").await;
    let new = Metadata {
        content_type: Some("text/plain".into()),
        server_side_encryption: (!fixture.lacks().encryption).then(|| "cos/kms".into()),
        user: [("two".to_owned(), "zwei".to_owned()), ("three".to_owned(), "3".to_owned())].into(),
        ..Metadata::default()
    };
    b.store.copy(CopyRequest { metadata: Directive::Replace(&new), ..plain("from", "to") }).await.unwrap();
    assert_eq!(b.head("to").await.unwrap().metadata, new);
    b.store.copy(CopyRequest { metadata: Directive::Add(&new), ..plain("from", "to") }).await.unwrap();
    let user = [("one", "1"), ("two", "zwei"), ("three", "3")];
    let expected = Metadata {
        cache_control: Some("no-cache".into()),
        user: user.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..new.clone()
    };
    assert_eq!(b.head("to").await.unwrap().metadata, expected);

    let class = StorageClass::new("INTELLIGENT_TIERING");
    b.store.copy(CopyRequest { storage_class: Some(class.clone()), ..plain("from", "to") }).await.unwrap();
    assert_eq!(b.head("to").await.unwrap().storage_class, class);

    if b.store.capabilities().tagging {
        let new = [tag("b", "zwei"), tag("c", "3")];
        let all = [tag("a", "1"), tag("b", "zwei"), tag("c", "3")];
        for (tags, expected) in [
            (Directive::Copy, &[tag("a", "1"), tag("b", "2")][..]),
            (Directive::Replace(&new[..]), &new[..]),
            (Directive::Add(&new[..]), &all[..]),
            (Directive::Replace(&[][..]), &[][..]),
        ] {
            b.store.copy(CopyRequest { tags, ..plain("from", "to") }).await.unwrap();
            assert_eq!(b.store.get_tags(b.name, "to", LATEST).await.unwrap(), expected);
        }
        let nine: Vec<_> = (0..9).map(|n| tag(&n.to_string(), "")).collect();
        let request = CopyRequest { tags: Directive::Add(&nine), ..plain("from", "too many") };
        refused(b.store.copy(request).await, ErrorKind::InvalidTag);
        refused(b.head("too many").await, ErrorKind::NoSuchKey);
    }
    if b.store.capabilities().acl {
        let (one, two) = ([grant("one")], [grant("two")]);
        let request =
            CopyRequest { grants: Directive::Replace(&one), canned_acl: Some("private"), ..plain("from", "g") };
        b.store.copy(request).await.unwrap();
        let acl = b.store.get_acl(b.name, "g", LATEST).await.unwrap();
        let told = if fixture.lacks().canned_lists_beside_grants { None } else { Some("private") };
        assert_eq!((acl.grants, acl.canned.as_deref()), (one.to_vec(), told));
        for (grants, expected) in [
            (Directive::Copy, vec![grant("one")]),
            (Directive::Add(&two[..]), vec![grant("one"), grant("two")]),
            (Directive::Replace(&[][..]), vec![]),
        ] {
            b.store.copy(CopyRequest { grants, ..plain("g", "to") }).await.unwrap();
            assert_eq!(b.store.get_acl(b.name, "to", LATEST).await.unwrap().grants, expected);
        }
        assert_eq!(b.store.get_acl(b.name, "to", LATEST).await.unwrap().canned, None);
    }
}

/// Unmet: 412, and the target stays as it is.
pub async fn conditions_on_the_source(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if fixture.lacks().times_in_conditions {
        return;
    }
    b.put("from", "new").await;
    b.put("to", "old").await;
    let t = b.head("from").await.unwrap().last_modified;
    for (modified_since, unmodified_since, met) in [
        (Some(t), None, false),
        (Some(t - 1), None, true),
        (None, Some(t), true),
        (None, Some(t - 1), false),
        (Some(t - 1), Some(t), true),
        (Some(t - 1), Some(t - 1), false),
    ] {
        b.put("to", "old").await;
        let conditions = Conditions { modified_since, unmodified_since };
        let copied = b.store.copy(CopyRequest { conditions, ..plain("from", "to") }).await;
        if met {
            copied.unwrap();
        } else {
            refused(copied, ErrorKind::PreconditionFailed);
        }
        assert_eq!(b.get("to").await.unwrap(), if met { "new" } else { "old" });
    }
}

/// Refused unless it changes something.
pub async fn copy_onto_itself(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    put_full(fixture, &b, "k").await;
    refused(b.store.copy(plain("k", "k")).await, ErrorKind::InvalidRequest);
    assert_eq!(b.head("k").await.unwrap().metadata, metadata(fixture));

    let new = Metadata { content_type: Some("text/plain".into()), ..Metadata::default() };
    b.store.copy(CopyRequest { metadata: Directive::Replace(&new), ..plain("k", "k") }).await.unwrap();
    assert_eq!(b.head("k").await.unwrap().metadata, new);
    assert_eq!(b.get("k").await.unwrap(), "full");
    assert_eq!(b.store.get_tags(b.name, "k", LATEST).await.unwrap(), [tag("a", "1"), tag("b", "2")]);

    let class = StorageClass::new("STANDARD_IA");
    b.store.copy(CopyRequest { storage_class: Some(class.clone()), ..plain("k", "k") }).await.unwrap();
    let meta = b.head("k").await.unwrap();
    assert_eq!((meta.storage_class, meta.metadata), (class, new));

    let tags = [tag("t", "")];
    b.store.copy(CopyRequest { tags: Directive::Replace(&tags), ..plain("k", "k") }).await.unwrap();
    assert_eq!(b.store.get_tags(b.name, "k", LATEST).await.unwrap(), tags);
    assert_eq!(b.keys("", 10).await, ["k"]);
}

/// An archived object cannot be read or copied until it is restored.
pub async fn archived_sources_need_a_restore(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().restore {
        return;
    }
    for class in ["ARCHIVE", "DEEP_ARCHIVE"] {
        b.put("from", "cold").await;
        let freeze = CopyRequest { storage_class: Some(StorageClass::new(class)), ..plain("from", "cold") };
        b.store.copy(freeze).await.unwrap();
        refused(b.store.copy(plain("cold", "to")).await, ErrorKind::InvalidObjectState);
        refused(b.get("cold").await, ErrorKind::InvalidObjectState);
        assert_eq!(b.head("cold").await.unwrap().storage_class.0, class);
        let request =
            RestoreRequest { bucket: b.name, key: "cold", version: LATEST, days: 1, tier: RestoreTier::Standard };
        b.store.restore(request).await.unwrap();
        assert_eq!(b.get("cold").await.unwrap(), "cold");
        b.store.copy(plain("cold", "to")).await.unwrap();
        let meta = b.head("to").await.unwrap();
        assert!(meta.storage_class.is_standard());
        assert_eq!(meta.restore, None);
    }
}
