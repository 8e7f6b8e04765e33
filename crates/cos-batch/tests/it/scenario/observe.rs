//! Telling the story to a store, and looking at what is there afterwards. Through the store's own interface: what a
//! person would do with a client.

use std::collections::BTreeMap;

use bytes::Bytes;
use cos_batch_objectstore::{
    ErrorKind, GetRequest, Grant, Metadata, ObjectStore, PutRequest, StorageClass, Tag, VersionSelector,
};

use super::story::Object;

const LATEST: &VersionSelector = &VersionSelector::Latest;

/// Puts an object as the story has it, and gives its version where the bucket keeps versions.
pub(crate) async fn put(store: &dyn ObjectStore, bucket: &str, object: &Object) -> Option<String> {
    let request = PutRequest {
        metadata: Metadata {
            content_type: object.content_type.clone(),
            cache_control: object.cache_control.clone(),
            content_disposition: object.content_disposition.clone(),
            content_encoding: object.content_encoding.clone(),
            expires: object.expires.clone(),
            user: object.user.clone().unwrap_or_default(),
            ..Metadata::default()
        },
        tags: object.tags.iter().flatten().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect(),
        storage_class: object.storage_class.as_deref().map_or_else(StorageClass::default, StorageClass::new),
        ..PutRequest::new(bucket, &object.key, Bytes::from(object.body.clone().unwrap_or_default()))
    };
    store.put(request).await.unwrap().version_id
}

/// The content of an object.
pub(crate) async fn get(store: &dyn ObjectStore, bucket: &str, key: &str) -> String {
    content(store, bucket, key, LATEST).await
}

async fn content(store: &dyn ObjectStore, bucket: &str, key: &str, version: &VersionSelector) -> String {
    let request = GetRequest { bucket, key, version, range: 0..u64::MAX, pin: None };
    String::from_utf8(store.get_range(request).await.unwrap().to_vec()).unwrap()
}

/// What is there must be what the story says.
pub(crate) async fn assert_is(
    store: &dyn ObjectStore,
    bucket: &str,
    expected: &Object,
    version: &VersionSelector,
    told: &str,
) {
    let told = format!("{told}: {}", expected.key);
    let meta = match store.head(bucket, &expected.key, version).await {
        Err(error) if expected.gone => {
            assert!(matches!(error.kind(), ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion), "{told}: {error}");
            return;
        }
        meta => meta.unwrap_or_else(|error| panic!("{told}: {error}")),
    };
    assert!(!expected.gone, "{told} is still there");
    if let Some(body) = &expected.body {
        assert_eq!(content(store, bucket, &expected.key, version).await, *body, "{told}");
    }
    let access = match (&expected.canned_acl, &expected.grants) {
        (None, None) => None,
        _ => Some(store.get_acl(bucket, &expected.key, version).await.unwrap()),
    };
    let fields = [
        (&expected.content_type, &meta.metadata.content_type),
        (&expected.cache_control, &meta.metadata.cache_control),
        (&expected.content_disposition, &meta.metadata.content_disposition),
        (&expected.content_encoding, &meta.metadata.content_encoding),
        (&expected.expires, &meta.metadata.expires),
        (&expected.encryption, &meta.metadata.server_side_encryption),
        (&expected.storage_class, &Some(meta.storage_class.0.clone())),
    ];
    for (expected, seen) in fields {
        if expected.is_some() {
            assert_eq!(seen, expected, "{told}");
        }
    }
    if let Some(user) = &expected.user {
        assert_eq!(meta.metadata.user, *user, "{told}");
    }
    if let Some(tags) = &expected.tags {
        let seen = store.get_tags(bucket, &expected.key, version).await.unwrap();
        let seen: BTreeMap<_, _> = seen.into_iter().map(|tag| (tag.key, tag.value)).collect();
        assert_eq!(seen, *tags, "{told}");
    }
    if let Some(grants) = &expected.grants {
        // An owner has full control anyway, and COS lists that.
        let seen = access.iter().flat_map(|access| &access.grants).filter(|grant| grant.permission != "FULL_CONTROL");
        let seen: BTreeMap<_, _> = seen.map(|grant| (grant.grantee.clone(), grant.permission.clone())).collect();
        assert_eq!(seen, *grants, "{told}");
    }
    if let Some(canned) = &expected.canned_acl {
        // Over HTTP a canned list is what it stands for.
        let open = |grant: &Grant| grant.permission == "READ" && grant.grantee.ends_with("/groups/global/AllUsers");
        let seen = access.map(|access| match access.canned {
            None if access.grants.iter().any(open) => "public-read".to_owned(),
            canned => canned.unwrap_or_default(),
        });
        assert_eq!(seen.as_ref(), Some(canned), "{told}");
    }
}
