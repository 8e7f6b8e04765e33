//! Legal holds and retentions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{BUCKET, Bucket, Fixture, LATEST, id, refused};
use crate::{
    CompleteRequest, CompletedPart, CopyRequest, CopySource, DeleteRequest, Directive, ErrorKind, LegalHoldRequest,
    ObjectLock, PartRequest, PutRequest, Retention, RetentionMode, RetentionRequest, StoreError, UploadId,
    VersionSelector,
};

/// Stores take the time from themselves; what is kept in these cases is kept for an hour.
const HOUR: Duration = Duration::from_secs(3600);

#[expect(clippy::disallowed_methods, reason = "the store takes the time from the machine")]
fn from_now(time: Duration) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from((now + time).as_secs()).unwrap()
}

impl Bucket<'_> {
    async fn locking<'a>(fixture: &'a dyn Fixture) -> Bucket<'a> {
        fixture.create_locking_bucket(BUCKET).await;
        Bucket { store: fixture.store(), name: BUCKET }
    }

    async fn hold(&self, key: &str, version: &VersionSelector, on: bool) -> Result<(), StoreError> {
        self.store.put_legal_hold(LegalHoldRequest { bucket: self.name, key, version, on }).await
    }

    async fn retain(
        &self,
        key: &str,
        version: &VersionSelector,
        retention: Option<Retention>,
        bypass_governance: bool,
    ) -> Result<(), StoreError> {
        let request = RetentionRequest { bucket: self.name, key, version, retention, bypass_governance };
        self.store.put_retention(request).await
    }

    async fn lock(&self, key: &str, version: &VersionSelector) -> ObjectLock {
        self.store.get_lock(self.name, key, version).await.unwrap()
    }

    async fn try_delete(&self, key: &str, version: &VersionSelector) -> Result<(), StoreError> {
        let request = DeleteRequest { bucket: self.name, key, version, operation: None };
        self.store.delete(request).await.map(drop)
    }
}

fn kept(mode: RetentionMode, time: Duration) -> Option<Retention> {
    Some(Retention { mode, until: from_now(time) })
}

/// Where nothing is kept beside it, an object that is held or retained is neither deleted nor replaced, in whatever way; and
/// can be again once nothing keeps it.
pub async fn kept_objects_are_not_removed(fixture: &dyn Fixture) {
    if !fixture.store().capabilities().lock || fixture.lacks().locks_without_versions {
        return;
    }
    let b = Bucket::locking(fixture).await;
    let s = b.store;
    b.put("other", "other").await;
    refused(b.hold("none", LATEST, true).await, ErrorKind::NoSuchKey);
    refused(b.retain("none", LATEST, kept(RetentionMode::Governance, HOUR), false).await, ErrorKind::NoSuchKey);
    // A name that is a path, and one that cannot be.
    for key in ["k", "k//"] {
        for held in [true, false] {
            b.put(key, "first").await;
            assert_eq!(b.lock(key, LATEST).await, ObjectLock::default());
            if held {
                b.hold(key, LATEST, true).await.unwrap();
                b.hold(key, LATEST, true).await.unwrap();
            } else {
                b.retain(key, LATEST, kept(RetentionMode::Governance, HOUR), false).await.unwrap();
            }
            let lock = b.lock(key, LATEST).await;
            assert_eq!((lock.legal_hold, lock.retention.is_some()), (held, !held));
            let put = PutRequest::new(b.name, key, Bytes::from_static(b"second"));
            refused(s.put(put.clone()).await, ErrorKind::AccessDenied);
            let mut pieces = s.begin_put(put).await.unwrap();
            pieces.write(Bytes::from_static(b"third")).await.unwrap();
            refused(pieces.finish().await, ErrorKind::AccessDenied);
            let copy = CopyRequest {
                source: CopySource { bucket: b.name, key: "other", version: LATEST },
                target_bucket: b.name,
                target_key: key,
                metadata: Directive::Copy,
                tags: Directive::Copy,
                grants: Directive::Copy,
                canned_acl: None,
                storage_class: None,
                conditions: crate::Conditions::default(),
                operation: None,
            };
            refused(s.copy(copy).await, ErrorKind::AccessDenied);
            if s.capabilities().multipart {
                let upload = s.create_multipart(super::multipart::request(&b, key)).await.unwrap();
                let upload = UploadId { bucket: b.name, key, id: &upload };
                let part = PartRequest { upload, number: 1, body: Bytes::from_static(b"part") };
                let etag = s.upload_part(part).await.unwrap().etag;
                let parts = [CompletedPart { number: 1, etag }];
                let done = s.complete_multipart(CompleteRequest { upload, parts: &parts }).await;
                refused(done, ErrorKind::AccessDenied);
                // It can be completed later, or dropped.
                s.abort_multipart(upload).await.unwrap();
            }
            refused(b.try_delete(key, LATEST).await, ErrorKind::AccessDenied);
            assert_eq!((b.get(key).await.unwrap().as_str(), b.lock(key, LATEST).await), ("first", lock));
            b.hold(key, LATEST, false).await.unwrap();
            b.retain(key, LATEST, None, true).await.unwrap();
            b.put(key, "second").await;
            b.try_delete(key, LATEST).await.unwrap();
        }
    }
}

/// In a bucket that keeps versions, a kept one stays; newer ones and markers may come.
pub async fn kept_versions_are_not_removed(fixture: &dyn Fixture) {
    if !fixture.store().capabilities().lock || !fixture.store().capabilities().versions {
        return;
    }
    let b = Bucket::locking(fixture).await;
    fixture.set_versioning(b.name, true).await;
    let first = id(&b.put("k", "first").await.version_id.unwrap());
    b.hold("k", &first, true).await.unwrap();
    let second = id(&b.put("k", "second").await.version_id.unwrap());
    assert_eq!(b.lock("k", LATEST).await, ObjectLock::default(), "a new version is kept by nothing");
    refused(b.try_delete("k", &first).await, ErrorKind::AccessDenied);
    let marker = id(&b.delete("k").await.version_id.unwrap());
    refused(b.try_delete("k", &first).await, ErrorKind::AccessDenied);
    b.try_delete("k", &marker).await.unwrap();
    b.retain("k", &second, kept(RetentionMode::Compliance, HOUR), false).await.unwrap();
    refused(b.try_delete("k", &second).await, ErrorKind::AccessDenied);
    assert_eq!(b.get_version("k", &first).await.unwrap(), "first");
    assert_eq!(b.get("k").await.unwrap(), "second");
    b.hold("k", &first, false).await.unwrap();
    b.try_delete("k", &first).await.unwrap();
    refused(b.get_version("k", &first).await, ErrorKind::NoSuchVersion);
    let gone = b.hold("k", &first, true).await.unwrap_err().kind();
    assert!(matches!(gone, ErrorKind::NoSuchVersion | ErrorKind::NoSuchKey), "{gone:?}");
    if fixture.lacks().locks_without_versions {
        return;
    }
    // What is written while no versions are kept replaces what was written so before.
    let null = id("null");
    fixture.set_versioning(b.name, false).await;
    b.put("n", "null").await;
    b.hold("n", LATEST, true).await.unwrap();
    let put = PutRequest::new(b.name, "n", Bytes::from_static(b"again"));
    refused(b.store.put(put).await, ErrorKind::AccessDenied);
    refused(b.try_delete("n", LATEST).await, ErrorKind::AccessDenied);
    fixture.set_versioning(b.name, true).await;
    b.put("n", "newer").await;
    refused(b.try_delete("n", &null).await, ErrorKind::AccessDenied);
    fixture.set_versioning(b.name, false).await;
    let put = PutRequest::new(b.name, "n", Bytes::from_static(b"again"));
    refused(b.store.put(put).await, ErrorKind::AccessDenied);
    assert_eq!(b.get("n").await.unwrap(), "newer");
    b.hold("n", &null, false).await.unwrap();
    b.put("n", "again").await;
    assert_eq!(b.get_version("n", &null).await.unwrap(), "again");
}

/// One in the mode GOVERNANCE by whoever says so, one in the mode COMPLIANCE by nobody.
pub async fn retentions_get_weaker_only_where_they_may(fixture: &dyn Fixture) {
    if !fixture.store().capabilities().lock {
        return;
    }
    let b = Bucket::locking(fixture).await;
    b.put("k", "body").await;
    let (governance, compliance) = (RetentionMode::Governance, RetentionMode::Compliance);
    let long = kept(governance, 2 * HOUR);
    b.retain("k", LATEST, long, false).await.unwrap();
    assert_eq!(b.lock("k", LATEST).await, ObjectLock { legal_hold: false, retention: long });
    refused(b.retain("k", LATEST, kept(governance, HOUR), false).await, ErrorKind::AccessDenied);
    refused(b.retain("k", LATEST, None, false).await, ErrorKind::AccessDenied);
    assert_eq!(b.lock("k", LATEST).await.retention, long);
    let shorter = kept(governance, HOUR);
    b.retain("k", LATEST, shorter, true).await.unwrap();
    assert_eq!(b.lock("k", LATEST).await.retention, shorter);
    let strict = kept(compliance, 2 * HOUR);
    b.retain("k", LATEST, strict, false).await.unwrap();
    refused(b.retain("k", LATEST, kept(compliance, HOUR), true).await, ErrorKind::AccessDenied);
    refused(b.retain("k", LATEST, None, true).await, ErrorKind::AccessDenied);
    let longer = kept(compliance, 3 * HOUR);
    b.retain("k", LATEST, longer, false).await.unwrap();
    assert_eq!(b.lock("k", LATEST).await.retention, longer);
    let over = Some(Retention { mode: governance, until: from_now(HOUR) - 2 * 3600 });
    b.put("other", "body").await;
    refused(b.retain("other", LATEST, over, false).await, ErrorKind::InvalidArgument);
}
