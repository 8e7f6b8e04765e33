//! Uploads in parts.

use bytes::Bytes;

use super::{BUCKET, Bucket, Fixture, LATEST, possible, refused};
use crate::{
    CompleteRequest, CompletedPart, Conditions, CopyRequest, CopySource, Directive, ErrorKind, Grant,
    ListUploadsRequest, MAX_PART_NUMBER, Metadata, MultipartRequest, OperationId, PartCopyRequest, PartRequest,
    PutOutcome, PutRequest, StorageClass, StoreError, Tag, UploadId,
};

/// Keys that live at their own path, below folders, and in odd places.
fn keys(fixture: &dyn Fixture) -> Vec<&'static str> {
    possible(fixture, ["k", "a/b/c", "a/b/", ".."])
}

pub(super) fn request<'a>(b: &Bucket<'_>, key: &'a str) -> MultipartRequest<'a> {
    MultipartRequest {
        bucket: b.name,
        key,
        metadata: Metadata::default(),
        tags: Vec::new(),
        storage_class: StorageClass::default(),
        grants: Vec::new(),
        canned_acl: None,
        operation: None,
    }
}

/// An upload in the making, and the parts of it.
struct Upload<'a> {
    b: &'a Bucket<'a>,
    key: &'a str,
    id: String,
}

impl<'a> Upload<'a> {
    async fn begin(b: &'a Bucket<'a>, key: &'a str) -> Self {
        Self::begin_as(b, request(b, key)).await
    }

    async fn begin_as(b: &'a Bucket<'a>, request: MultipartRequest<'a>) -> Self {
        let key = request.key;
        Self { b, key, id: b.store.create_multipart(request).await.unwrap() }
    }

    fn id(&self) -> UploadId<'_> {
        UploadId { bucket: self.b.name, key: self.key, id: &self.id }
    }

    async fn try_part(&self, number: u16, body: &[u8]) -> Result<CompletedPart, StoreError> {
        let request = PartRequest { upload: self.id(), number, body: Bytes::copy_from_slice(body) };
        self.b.store.upload_part(request).await.map(|part| CompletedPart { number, etag: part.etag })
    }

    async fn part(&self, number: u16, body: &[u8]) -> CompletedPart {
        self.try_part(number, body).await.unwrap()
    }

    async fn copied(
        &self,
        number: u16,
        key: &str,
        range: Option<std::ops::Range<u64>>,
        source_etag: Option<&str>,
    ) -> Result<CompletedPart, StoreError> {
        let source = CopySource { bucket: self.b.name, key, version: LATEST };
        let request = PartCopyRequest { upload: self.id(), number, source, range, source_etag };
        self.b.store.upload_part_copy(request).await.map(|part| CompletedPart { number, etag: part.etag })
    }

    async fn complete(&self, parts: &[CompletedPart]) -> Result<PutOutcome, StoreError> {
        self.b.store.complete_multipart(CompleteRequest { upload: self.id(), parts }).await
    }

    async fn abort(&self) -> Result<(), StoreError> {
        self.b.store.abort_multipart(self.id()).await
    }
}

/// Content of a part that need not be the last.
fn large(fixture: &dyn Fixture, byte: u8) -> Vec<u8> {
    vec![byte; usize::try_from(fixture.min_part_bytes()).unwrap()]
}

/// A bucket; none if the store cannot put objects together from parts.
async fn bucket(fixture: &dyn Fixture) -> Option<Bucket<'_>> {
    let b = Bucket::new(fixture).await;
    b.store.capabilities().multipart.then_some(b)
}

async fn uploads(b: &Bucket<'_>) -> Vec<(String, String)> {
    let request = ListUploadsRequest { bucket: b.name, prefix: "", after: None, limit: 1000 };
    let page = b.store.list_uploads(request).await.unwrap();
    assert_eq!(page.next, None);
    page.uploads.into_iter().map(|upload| (upload.key, upload.id)).collect()
}

/// The content is that of the parts in their order, the ETag tells how many they were, and nothing shows before.
pub async fn parts_become_one_object(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    let (one, two) = (large(fixture, b'1'), large(fixture, b'2'));
    for key in keys(fixture) {
        b.put(key, "before").await;
        let upload = Upload::begin(&b, key).await;
        // In any order, and numbers may begin anywhere.
        let third = upload.part(3, b"end").await;
        let second = upload.part(2, &two).await;
        assert_eq!(b.get(key).await.unwrap(), "before");
        let first = upload.part(1, &one).await;
        let outcome = upload.complete(&[first, second, third]).await.unwrap();
        assert!(outcome.etag.ends_with("-3"), "{}", outcome.etag);
        assert_eq!(outcome.version_id, None);
        let body = [&one[..], &two, b"end"].concat();
        assert_eq!(b.get(key).await.unwrap().as_bytes(), body);
        let meta = b.head(key).await.unwrap();
        assert_eq!((meta.size, &meta.etag), (body.len() as u64, &outcome.etag));
        refused(upload.complete(&[]).await, ErrorKind::NoSuchUpload);
        refused(upload.try_part(1, b"late").await, ErrorKind::NoSuchUpload);
        // What is copied from it, and what is changed about it, has its ETag still.
        let tags = [Tag { key: "t".into(), value: "1".into() }];
        if b.store.capabilities().tagging {
            let request = crate::TagRequest { bucket: b.name, key, version: LATEST, tags: Directive::Replace(&tags) };
            b.store.put_tags(request).await.unwrap();
            assert_eq!(b.head(key).await.unwrap().etag, outcome.etag);
        }
        // One part that is small and the last.
        let upload = Upload::begin(&b, key).await;
        let only = upload.part(7, b"").await;
        assert!(upload.complete(&[only]).await.unwrap().etag.ends_with("-1"));
        assert_eq!(b.get(key).await.unwrap(), "");
    }
    assert_eq!(uploads(&b).await, []);
    let mut keys = keys(fixture);
    keys.sort_unstable();
    assert_eq!(b.keys("", 10).await, keys);
}

/// 1–10,000; the same number again replaces the part.
pub async fn parts_have_numbers_and_can_be_replaced(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    b.put("source", "from another object").await;
    let upload = Upload::begin(&b, "k").await;
    for number in [0, MAX_PART_NUMBER + 1, u16::MAX] {
        refused(upload.try_part(number, b"x").await, ErrorKind::InvalidArgument);
        refused(upload.copied(number, "source", None, None).await, ErrorKind::InvalidArgument);
    }
    let first = upload.part(1, &large(fixture, b'a')).await;
    let last = if fixture.lacks().gaps_between_parts { 2 } else { MAX_PART_NUMBER };
    let old = upload.part(last, b"old and longer").await;
    let new = upload.part(last, b"new").await;
    assert_ne!(old.etag, new.etag);
    refused(upload.complete(&[first.clone(), old]).await, ErrorKind::InvalidPart);
    upload.complete(&[first, new]).await.unwrap();
    let expected = [&large(fixture, b'a')[..], b"new"].concat();
    assert_eq!(b.get("k").await.unwrap().as_bytes(), expected);
}

/// Order, presence, ETag, size; what is refused leaves upload and object as they are.
pub async fn completing_checks_the_parts(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    b.put("k", "before").await;
    let upload = Upload::begin(&b, "k").await;
    let one = upload.part(1, &large(fixture, b'1')).await;
    let two = upload.part(2, &large(fixture, b'2')).await;
    let small = upload.part(3, &large(fixture, b'3')[1..]).await;
    let missing = CompletedPart { number: 4, etag: one.etag.clone() };
    let other = CompletedPart { number: 1, etag: two.etag.clone() };
    for (parts, kind) in [
        (vec![two.clone(), one.clone()], ErrorKind::InvalidPartOrder),
        (vec![one.clone(), one.clone()], ErrorKind::InvalidPartOrder),
        (vec![one.clone(), two.clone(), missing], ErrorKind::InvalidPart),
        (vec![other, two.clone()], ErrorKind::InvalidPart),
    ] {
        refused(upload.complete(&parts).await, kind);
        assert_eq!(b.get("k").await.unwrap(), "before");
    }
    let four = upload.part(4, b"end").await;
    refused(upload.complete(&[one.clone(), two.clone(), small.clone(), four]).await, ErrorKind::EntityTooSmall);
    for id in ["", "none", "../k", "a/b", "\0", &"9".repeat(500)] {
        let id = UploadId { bucket: b.name, key: "k", id };
        let request = PartRequest { upload: id, number: 1, body: Bytes::new() };
        refused(b.store.upload_part(request).await, ErrorKind::NoSuchUpload);
        refused(b.store.abort_multipart(id).await, ErrorKind::NoSuchUpload);
        refused(b.store.list_parts(id, 0, 10).await, ErrorKind::NoSuchUpload);
        let parts = [one.clone()];
        refused(
            b.store.complete_multipart(CompleteRequest { upload: id, parts: &parts }).await,
            ErrorKind::NoSuchUpload,
        );
    }
    let of_another_key = UploadId { key: "other", ..upload.id() };
    refused(b.store.abort_multipart(of_another_key).await, ErrorKind::NoSuchUpload);
    // A part need not be named: it is dropped.
    upload.complete(&[one, two, small]).await.unwrap();
    assert_eq!(b.head("k").await.unwrap().size, 3 * fixture.min_part_bytes() - 1);
}

/// Metadata, tags, class and access are set at the beginning.
pub async fn uploads_carry_attributes(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    let metadata = Metadata {
        content_type: Some("image/jpeg".into()),
        user: [("camera".to_owned(), "one".to_owned())].into(),
        ..Metadata::default()
    };
    let tags = vec![Tag { key: "b".into(), value: "2".into() }, Tag { key: "a".into(), value: "1".into() }];
    let grants = vec![Grant { grantee: "qcs::cam::uin/1:uin/1".into(), permission: "READ".into() }];
    let full = MultipartRequest {
        metadata: metadata.clone(),
        tags: tags.clone(),
        storage_class: StorageClass::new("STANDARD_IA"),
        grants: grants.clone(),
        canned_acl: Some("private"),
        ..request(&b, "k")
    };
    let upload = Upload::begin_as(&b, full).await;
    let part = upload.part(1, b"content").await;
    upload.complete(&[part]).await.unwrap();
    let meta = b.head("k").await.unwrap();
    assert_eq!((meta.metadata, meta.storage_class.0.as_str()), (metadata, "STANDARD_IA"));
    if b.store.capabilities().tagging {
        assert_eq!(b.store.get_tags(b.name, "k", LATEST).await.unwrap(), [tags[1].clone(), tags[0].clone()]);
    }
    if b.store.capabilities().acl {
        let acl = b.store.get_acl(b.name, "k", LATEST).await.unwrap();
        let told = if fixture.lacks().canned_lists_beside_grants { None } else { Some("private") };
        assert_eq!((acl.grants, acl.canned.as_deref()), (grants, told));
    }
    // An object that had more before has what the upload says.
    let upload = Upload::begin(&b, "k").await;
    let part = upload.part(1, b"plain").await;
    upload.complete(&[part]).await.unwrap();
    assert_eq!(b.head("k").await.unwrap().metadata, Metadata::default());
    let many = (0..11).map(|n| Tag { key: n.to_string(), value: String::new() }).collect();
    refused(b.store.create_multipart(MultipartRequest { tags: many, ..request(&b, "k") }).await, ErrorKind::InvalidTag);
    refused(b.store.create_multipart(request(&b, "")).await, ErrorKind::InvalidObjectName);
    let elsewhere = MultipartRequest { bucket: "no-such-bucket-1250000001", ..request(&b, "k") };
    refused(b.store.create_multipart(elsewhere).await, ErrorKind::NoSuchBucket);
}

/// The upload is gone with its parts, the object stays, and other uploads of the key go on.
pub async fn an_abort_drops_the_parts(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    for key in keys(fixture) {
        b.put(key, "before").await;
        let (one, two) = (Upload::begin(&b, key).await, Upload::begin(&b, key).await);
        assert_ne!(one.id, two.id);
        one.part(1, b"one").await;
        let part = two.part(1, b"two").await;
        one.abort().await.unwrap();
        refused(one.abort().await, ErrorKind::NoSuchUpload);
        refused(one.try_part(2, b"late").await, ErrorKind::NoSuchUpload);
        refused(b.store.list_parts(one.id(), 0, 10).await, ErrorKind::NoSuchUpload);
        assert_eq!(b.get(key).await.unwrap(), "before");
        assert_eq!(uploads(&b).await, [(key.to_owned(), two.id.clone())]);
        two.complete(&[part]).await.unwrap();
        assert_eq!(b.get(key).await.unwrap(), "two");
    }
    assert_eq!(uploads(&b).await, []);
}

/// Parts by number; uploads by key, then by id, from after any place.
pub async fn uploads_and_parts_are_listed_in_pages(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    let upload = Upload::begin(&b, "parts").await;
    for number in [9, 2, 300, MAX_PART_NUMBER, 1] {
        upload.part(number, number.to_string().as_bytes()).await;
    }
    let list = async |after, limit| {
        let (parts, more) = b.store.list_parts(upload.id(), after, limit).await.unwrap();
        (parts.into_iter().map(|part| (part.number, part.size)).collect::<Vec<_>>(), more)
    };
    assert_eq!(list(0, 1000).await, (vec![(1, 1), (2, 1), (9, 1), (300, 3), (MAX_PART_NUMBER, 5)], false));
    assert_eq!(list(0, 2).await, (vec![(1, 1), (2, 1)], true));
    assert_eq!(list(2, 3).await, (vec![(9, 1), (300, 3), (MAX_PART_NUMBER, 5)], false));
    assert_eq!(list(MAX_PART_NUMBER, 3).await, (vec![], false));
    let (parts, _) = b.store.list_parts(upload.id(), 8, 1).await.unwrap();
    assert_eq!(parts[0].etag, upload.part(9, b"9").await.etag);
    assert!(parts[0].last_modified > 1_500_000_000);
    for limit in [0, 1001] {
        refused(b.store.list_parts(upload.id(), 0, limit).await, ErrorKind::InvalidArgument);
    }
    upload.abort().await.unwrap();

    let mut begun = Vec::new();
    for key in ["a", "a/b", "b//", "b/c", "b/c", "b/c", "z"] {
        let class = MultipartRequest { storage_class: StorageClass::new("STANDARD_IA"), ..request(&b, key) };
        begun.push((key.to_owned(), b.store.create_multipart(class).await.unwrap()));
    }
    begun.sort();
    for prefix in ["", "b", "b/", "b/c", "b/c/", "x"] {
        let expected: Vec<_> = begun.iter().filter(|(key, _)| key.starts_with(prefix)).cloned().collect();
        for limit in 1..=begun.len() + 1 {
            let mut found: Vec<(String, String)> = Vec::new();
            let mut after: Option<(String, String)> = None;
            loop {
                let place = after.as_ref().map(|(key, id)| (key.as_str(), id.as_str()));
                let request = ListUploadsRequest { bucket: b.name, prefix, after: place, limit };
                let page = b.store.list_uploads(request).await.unwrap();
                assert!(page.uploads.len() <= limit && page.uploads.iter().all(|u| u.storage_class.0 == "STANDARD_IA"));
                found.extend(page.uploads.into_iter().map(|upload| (upload.key, upload.id)));
                match page.next {
                    None => break,
                    Some(next) => assert!(after.replace(next.clone()).is_none_or(|after| after < next)),
                }
            }
            assert_eq!(found, expected, "prefix {prefix:?} by pages of {limit}");
        }
    }
    let request = ListUploadsRequest { bucket: b.name, prefix: "", after: Some(("b/c", "")), limit: 10 };
    let page = b.store.list_uploads(request).await.unwrap();
    assert_eq!(page.uploads.len(), 1, "an empty id: after all of the key");
    assert!(page.uploads[0].initiated > 1_500_000_000);
}

/// Ranges of an object become parts, as long as it is the object that was meant.
pub async fn large_objects_are_copied_in_parts(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    let min = fixture.min_part_bytes();
    let body: String = ('a'..='z').cycle().take(usize::try_from(2 * min + 3).unwrap()).collect();
    b.put("from", &body).await;
    let etag = b.head("from").await.unwrap().etag;
    let size = body.len() as u64;
    let upload = Upload::begin(&b, "to").await;
    let mut parts = Vec::new();
    for (number, range) in [(1, 0..min), (2, min..2 * min), (3, 2 * min..size)] {
        parts.push(upload.copied(number, "from", Some(range), Some(&etag)).await.unwrap());
    }
    let whole = upload.copied(4, "from", None, None).await.unwrap();
    assert_eq!(whole.etag, upload.part(4, body.as_bytes()).await.etag, "copied or uploaded, the same content");
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    let reversed = 2..1;
    for range in [reversed, 3..3, 0..size + 1, size..size + 1] {
        refused(upload.copied(5, "from", Some(range), None).await, ErrorKind::InvalidRange);
    }
    refused(upload.copied(5, "from", None, Some("another")).await, ErrorKind::PreconditionFailed);
    refused(upload.copied(5, "none", None, None).await, ErrorKind::NoSuchKey);
    upload.complete(&parts).await.unwrap();
    assert_eq!(b.get("to").await.unwrap(), body);
    b.put("from", "replaced meanwhile").await;
    let upload = Upload::begin(&b, "to").await;
    refused(upload.copied(1, "from", Some(0..min), Some(&etag)).await, ErrorKind::PreconditionFailed);
    if b.store.capabilities().restore {
        let class = StorageClass::new("ARCHIVE");
        b.store.put(PutRequest { storage_class: class, ..PutRequest::new(b.name, "cold", body.into()) }).await.unwrap();
        refused(upload.copied(1, "cold", None, None).await, ErrorKind::InvalidObjectState);
    }
    upload.abort().await.unwrap();
}

/// More is copied in parts.
pub async fn copies_have_a_size_limit(fixture: &dyn Fixture) {
    let Some((b, max)) = bucket(fixture).await.zip(fixture.max_copy_bytes()) else { return };
    let copy = async |to| {
        let request = CopyRequest {
            source: CopySource { bucket: BUCKET, key: "from", version: LATEST },
            target_bucket: BUCKET,
            target_key: to,
            metadata: Directive::Copy,
            tags: Directive::Copy,
            grants: Directive::Replace(&[]),
            canned_acl: None,
            storage_class: None,
            conditions: Conditions::default(),
            operation: None,
        };
        b.store.copy(request).await
    };
    b.put("from", &"x".repeat(usize::try_from(max).unwrap())).await;
    copy("to").await.unwrap();
    b.put("from", &"x".repeat(usize::try_from(max + 1).unwrap())).await;
    refused(copy("too large").await, ErrorKind::EntityTooLarge);
    refused(b.head("too large").await, ErrorKind::NoSuchKey);
    let upload = Upload::begin(&b, "too large").await;
    refused(upload.copied(1, "from", None, None).await, ErrorKind::EntityTooLarge);
    let parts = [
        upload.copied(1, "from", Some(0..max), None).await.unwrap(),
        upload.copied(2, "from", Some(max..max + 1), None).await.unwrap(),
    ];
    upload.complete(&parts).await.unwrap();
    assert_eq!(b.head("too large").await.unwrap().size, max + 1);
}

/// An operation that is done again, as after a crash, makes one version, through whatever upload it goes.
pub async fn repeated_completions_leave_one_version(fixture: &dyn Fixture) {
    let Some(b) = bucket(fixture).await else { return };
    if !b.store.capabilities().versions || fixture.lacks().operation_ids {
        return;
    }
    fixture.set_versioning(BUCKET, true).await;
    for key in keys(fixture) {
        let old = b.put(key, "old").await.version_id.unwrap();
        let complete = async |row| {
            let operation = Some(OperationId { job: 7 << 100, row });
            let upload = Upload::begin_as(&b, MultipartRequest { operation, ..request(&b, key) }).await;
            let part = upload.part(1, b"content").await;
            upload.complete(&[part]).await.unwrap().version_id.unwrap()
        };
        let first = complete(0).await;
        assert_eq!(complete(0).await, first);
        let other = complete(1).await;
        assert_ne!(other, first);
        assert_eq!(complete(0).await, first, "a late repeat");
        assert_eq!(b.head(key).await.unwrap().version_id.as_ref(), Some(&other));
        for version in [other, first, old] {
            assert_eq!(b.head(key).await.unwrap().version_id.as_ref(), Some(&version));
            b.delete_version(key, &super::id(&version)).await;
        }
        refused(b.head(key).await, ErrorKind::NoSuchKey);
        // Without an operation each is a version of its own.
        let upload = Upload::begin(&b, key).await;
        let part = upload.part(1, b"1").await;
        let version = upload.complete(&[part]).await.unwrap().version_id.unwrap();
        assert_eq!(b.get_version(key, &super::id(&version)).await.unwrap(), "1");
    }
    assert_eq!(uploads(&b).await, []);
}
