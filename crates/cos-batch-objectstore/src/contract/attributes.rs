//! Tags and restore.

use bytes::Bytes;

use super::{Bucket, Fixture, LATEST, refused};
use crate::{
    Directive, ErrorKind, Metadata, PutRequest, RestoreOutcome, RestoreRequest, RestoreTier, StorageClass, Tag,
    TagRequest,
};

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

async fn set(b: &Bucket<'_>, tags: Directive<&[Tag]>) -> Result<(), crate::StoreError> {
    b.store.put_tags(TagRequest { bucket: b.name, key: "k", version: LATEST, tags }).await
}

/// The set is replaced or added to; the object itself stays as it is.
pub async fn tags_are_replaced_and_added(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().tagging {
        return;
    }
    let metadata = Metadata { content_type: Some("a/b".into()), ..Metadata::default() };
    let request = PutRequest { metadata, ..PutRequest::new(b.name, "k", Bytes::from_static(b"body")) };
    b.store.put(request).await.unwrap();
    let before = b.head("k").await.unwrap();
    for (tags, expected) in [
        (Directive::Replace(&[tag("b", "2"), tag("a", "1")][..]), &[tag("a", "1"), tag("b", "2")][..]),
        (Directive::Copy, &[tag("a", "1"), tag("b", "2")]),
        (Directive::Add(&[tag("c", "3"), tag("a", "eins")]), &[tag("a", "eins"), tag("b", "2"), tag("c", "3")]),
        (Directive::Add(&[]), &[tag("a", "eins"), tag("b", "2"), tag("c", "3")]),
        (Directive::Replace(&[tag("z", "")]), &[tag("z", "")]),
        (Directive::Replace(&[]), &[]),
    ] {
        set(&b, tags.clone()).await.unwrap();
        assert_eq!(b.store.get_tags(b.name, "k", LATEST).await.unwrap(), expected, "{tags:?}");
    }
    assert_eq!(b.head("k").await.unwrap(), before);
    assert_eq!(b.get("k").await.unwrap(), "body");
}

/// At most 10, keys of 1–128 bytes that occur once, values of at most 256 bytes; what is refused changes nothing.
pub async fn tags_have_limits(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().tagging {
        return;
    }
    b.put("k", "body").await;
    let ten: Vec<_> = (0..10).map(|n| tag(&n.to_string(), "x")).collect();
    set(&b, Directive::Replace(&ten)).await.unwrap();
    let eleven: Vec<_> = (0..11).map(|n| tag(&n.to_string(), "y")).collect();
    for refused_tags in [
        Directive::Replace(&eleven[..]),
        Directive::Add(&[tag("another", "")]),
        Directive::Replace(&[tag("", "")]),
        Directive::Replace(&[tag(&"k".repeat(129), "")]),
        Directive::Replace(&[tag("k", &"v".repeat(257))]),
        Directive::Replace(&[tag("k", "1"), tag("k", "2")]),
        Directive::Add(&[tag("1", "1"), tag("1", "2")]),
    ] {
        refused(set(&b, refused_tags).await, ErrorKind::InvalidTag);
        assert_eq!(b.store.get_tags(b.name, "k", LATEST).await.unwrap(), ten);
    }
    set(&b, Directive::Add(&[tag("1", "new")])).await.unwrap();
    set(&b, Directive::Replace(&[tag(&"k".repeat(128), &"v".repeat(256))])).await.unwrap();
    let put = PutRequest { tags: eleven, ..PutRequest::new(b.name, "k", Bytes::new()) };
    refused(b.store.put(put).await, ErrorKind::InvalidTag);
    assert_eq!(b.get("k").await.unwrap(), "body");
}

/// First restore, restore again, restore of what needs none.
pub async fn restore_is_for_archived_objects(fixture: &dyn Fixture) {
    const DAY: i64 = 86_400;
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().restore {
        return;
    }
    let restore = async |key, days| {
        b.store.restore(RestoreRequest { bucket: b.name, key, version: LATEST, days, tier: RestoreTier::Bulk }).await
    };
    b.put("warm", "body").await;
    refused(restore("warm", 1).await, ErrorKind::RestoreNonArchiveObject);
    refused(restore("none", 1).await, ErrorKind::NoSuchKey);
    for class in ["ARCHIVE", "DEEP_ARCHIVE"] {
        let put = PutRequest {
            storage_class: StorageClass::new(class),
            tags: vec![tag("t", "1")],
            ..PutRequest::new(b.name, "cold", Bytes::from_static(b"body"))
        };
        b.store.put(put).await.unwrap();
        let before = b.head("cold").await.unwrap();
        assert_eq!(before.restore, None);
        for days in [0, 366] {
            refused(restore("cold", days).await, ErrorKind::InvalidArgument);
        }
        assert_eq!(restore("cold", 2).await.unwrap(), RestoreOutcome::Started);
        let state = b.head("cold").await.unwrap().restore.unwrap();
        let expected = before.last_modified + 2 * DAY;
        assert!(state.ongoing || (expected - 60..expected + 600).contains(&state.expires), "{state:?}");
        if !state.ongoing {
            assert_eq!(restore("cold", 365).await.unwrap(), RestoreOutcome::Extended);
            let longer = b.head("cold").await.unwrap().restore.unwrap();
            assert!(longer.expires > state.expires + 300 * DAY);
            assert_eq!(b.get("cold").await.unwrap(), "body");
        }
        let after = b.head("cold").await.unwrap();
        assert_eq!((after.storage_class, after.etag), (before.storage_class, before.etag));
        assert_eq!(b.store.get_tags(b.name, "cold", LATEST).await.unwrap(), [tag("t", "1")]);
    }
}
