//! What tests of single requests do all the time.

use std::time::Duration;

use bytes::Bytes;
use cos_batch_objectstore::{
    Conditions, CopyRequest, CopySource, Directive, GetRequest, HttpDialect, HttpSettings, HttpStore, Metadata,
    ObjectStore as _, RestoreRequest, RestoreTier, StaticCredentials, StoreError, Tag, TagRequest, VersionSelector,
};

use super::{
    script::{Script, answer},
    signed::credentials,
};

pub(super) const LATEST: &VersionSelector = &VersionSelector::Latest;
pub(super) const ETAG_AND_TIME: &str = "etag: \"one\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
pub(super) const COPIED: &str = "<CopyObjectResult><ETag>\"5d41\"</ETag></CopyObjectResult>";

pub(super) fn quick() -> HttpSettings {
    HttpSettings {
        connect_timeout: Duration::from_millis(300),
        response_timeout: Duration::from_millis(300),
        work_timeout: Duration::from_millis(300),
        gap_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_millis(900),
        long_timeout: Duration::from_secs(3),
        ..HttpSettings::default()
    }
}

pub(super) fn store_with(script: &Script, settings: HttpSettings) -> HttpStore {
    HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address))
        .credentials(StaticCredentials::new(credentials()))
        .settings(settings)
        .build()
        .unwrap()
}

pub(super) fn store(script: &Script) -> HttpStore {
    store_with(script, HttpSettings::default())
}

pub(super) fn copy_request(metadata: Directive<&Metadata>) -> CopyRequest<'_> {
    CopyRequest {
        source: CopySource { bucket: "b-1", key: "from", version: LATEST },
        target_bucket: "b-1",
        target_key: "to",
        metadata,
        tags: Directive::Copy,
        grants: Directive::Replace(&[]),
        canned_acl: None,
        storage_class: None,
        conditions: Conditions::default(),
        operation: None,
    }
}

pub(super) async fn copy(store: &HttpStore) -> Result<(), StoreError> {
    store.copy(copy_request(Directive::Copy)).await.map(drop)
}

pub(super) async fn put_tags(store: &HttpStore) -> Result<(), StoreError> {
    let tags = [Tag { key: "k".into(), value: "v".into() }];
    store.put_tags(TagRequest { bucket: "b-1", key: "k", version: LATEST, tags: Directive::Replace(&tags) }).await
}

pub(super) async fn restore(store: &HttpStore, version: &VersionSelector) -> Result<(), StoreError> {
    let request = RestoreRequest { bucket: "b-1", key: "k", version, days: 1, tier: RestoreTier::Bulk };
    store.restore(request).await.map(drop)
}

pub(super) async fn get(store: &HttpStore) -> Result<Bytes, StoreError> {
    store.get_range(GetRequest { bucket: "b-1", key: "k", version: LATEST, range: 0..5, pin: None }).await
}

pub(super) fn part(body: &str) -> String {
    answer("206 Partial Content", &format!("etag: \"e\"\r\ncontent-range: bytes 0-{}/5\r\n", body.len() - 1), body)
}
