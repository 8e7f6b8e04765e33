//! Content that comes in pieces. A store that cannot take it says NotImplemented, and its cases do nothing.

use bytes::Bytes;

use super::{Bucket, Fixture, LATEST, multipart::request, possible, refused};
use crate::{
    CompleteRequest, CompletedPart, ErrorKind, ListUploadsRequest, Metadata, ObjectWriter, PutOutcome, PutRequest,
    StoreError, Tag, UploadId,
};

/// None if the store cannot.
fn able<T>(begun: Result<T, StoreError>) -> Option<T> {
    match begun {
        Err(error) if error.kind() == ErrorKind::NotImplemented => None,
        begun => Some(begun.unwrap()),
    }
}

/// What becomes of a writer that is given nothing.
async fn to_the_end(begun: Result<Box<dyn ObjectWriter>, StoreError>) -> Result<PutOutcome, StoreError> {
    begun?.finish().await
}

async fn write(writer: &mut Box<dyn ObjectWriter>, pieces: &[&'static str]) {
    for piece in pieces {
        writer.write(Bytes::from_static(piece.as_bytes())).await.unwrap();
    }
}

/// The object is as if it had been put at once, and not there before it is finished.
pub async fn content_comes_in_pieces(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    for key in possible(fixture, ["k", "a/b/c", "a//", ".."]) {
        b.put(key, "before").await;
        let request = PutRequest {
            metadata: Metadata { content_type: Some("a/b".into()), ..Metadata::default() },
            tags: vec![Tag { key: "t".into(), value: "1".into() }],
            ..PutRequest::new(b.name, key, Bytes::from_static(b"he"))
        };
        let Some(mut writer) = able(b.store.begin_put(request).await) else { return };
        write(&mut writer, &["l", "", "lo"]).await;
        assert_eq!(b.get(key).await.unwrap(), "before");
        let outcome = writer.finish().await.unwrap();
        assert_eq!((outcome.etag.as_str(), outcome.version_id), ("5d41402abc4b2a76b9719d911017c592", None));
        assert_eq!(b.get(key).await.unwrap(), "hello");
        let meta = b.head(key).await.unwrap();
        assert_eq!((meta.etag, meta.metadata.content_type.as_deref()), (outcome.etag, Some("a/b")));
        assert_eq!(b.store.get_tags(b.name, key, LATEST).await.unwrap().len(), 1);
    }
    let elsewhere = PutRequest::new("no-such-bucket-1250000001", "k", Bytes::new());
    refused(to_the_end(b.store.begin_put(elsewhere).await).await, ErrorKind::NoSuchBucket);
    refused(b.store.begin_put(PutRequest::new(b.name, "", Bytes::new())).await.map(drop), ErrorKind::InvalidObjectName);
    if b.store.capabilities().versions {
        fixture.set_versioning(b.name, true).await;
        let writer = b.store.begin_put(PutRequest::new(b.name, "k", Bytes::new())).await.unwrap();
        let version = writer.finish().await.unwrap().version_id;
        assert!(version.is_some());
        assert_eq!(b.head("k").await.unwrap().version_id, version);
    }
}

/// Parts, too.
pub async fn parts_come_in_pieces(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if !b.store.capabilities().multipart {
        return;
    }
    let id = b.store.create_multipart(request(&b, "k")).await.unwrap();
    let id = UploadId { bucket: b.name, key: "k", id: &id };
    let Some(mut writer) = able(b.store.begin_part(id, 1).await) else { return };
    write(&mut writer, &["hel", "lo"]).await;
    let etag = writer.finish().await.unwrap().etag;
    assert_eq!(etag, "5d41402abc4b2a76b9719d911017c592");
    for number in [0, 10_001] {
        refused(b.store.begin_part(id, number).await.map(drop), ErrorKind::InvalidArgument);
        refused(b.store.begin_sized_part(id, number, 5).await.map(drop), ErrorKind::InvalidArgument);
    }
    // Of a size that is told, in pieces of any size; the same number again replaces the part.
    for (body, pieces) in [("", &[][..]), ("hello", &["", "h", "ello"]), ("hello", &["hello"])] {
        let mut writer = b.store.begin_sized_part(id, 1, body.len() as u64).await.unwrap();
        write(&mut writer, pieces).await;
        let part = writer.finish().await.unwrap();
        assert_eq!((part.etag == etag, part.version_id), (body == "hello", None), "{body:?}");
    }
    // The upload ends while a part is on its way.
    let late = b.store.begin_part(id, 2).await.unwrap();
    let parts = [CompletedPart { number: 1, etag }];
    b.store.complete_multipart(CompleteRequest { upload: id, parts: &parts }).await.unwrap();
    refused(late.finish().await, ErrorKind::NoSuchUpload);
    refused(to_the_end(b.store.begin_part(id, 2).await).await, ErrorKind::NoSuchUpload);
    refused(to_the_end(b.store.begin_sized_part(id, 2, 0).await).await, ErrorKind::NoSuchUpload);
    assert_eq!(b.get("k").await.unwrap(), "hello");
    let request = ListUploadsRequest { bucket: b.name, prefix: "", after: None, limit: 10 };
    assert_eq!(b.store.list_uploads(request).await.unwrap().uploads, []);
}

/// A writer that is dropped has done nothing.
pub async fn unfinished_content_leaves_nothing(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    b.put("k", "before").await;
    for key in possible(fixture, ["k", "new", "odd//"]) {
        let Some(mut writer) = able(b.store.begin_put(PutRequest::new(b.name, key, Bytes::new())).await) else {
            return;
        };
        write(&mut writer, &["half of an obj"]).await;
        drop(writer);
    }
    assert_eq!(b.keys("", 10).await, ["k"]);
    assert_eq!(b.get("k").await.unwrap(), "before");
}
