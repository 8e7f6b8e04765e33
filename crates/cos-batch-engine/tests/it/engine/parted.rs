//! A store whose requests copy little, with uploads in parts over a store in memory, counted and made to fail.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use cos_batch_objectstore::{
    Acl, AclRequest, BoxFuture, Capabilities, CompleteRequest, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest,
    ErrorKind, Execution, GetRequest, ListPage, ListRequest, MemoryStore, MultipartRequest, ObjectMeta, ObjectStore,
    Part, PartCopyRequest, PartOutcome, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, StoreError, Tag,
    TagRequest, UploadId, VersionSelector,
};
use tokio::sync::Semaphore;

/// Bytes that one request copies.
pub(super) const COPY_BYTES_MAX: u64 = 100;

#[derive(Debug)]
pub(super) struct Parted {
    inner: Arc<MemoryStore>,
    pub(super) multipart: AtomicBool,
    uploads: Mutex<BTreeMap<String, Upload>>,
    /// Parts of each object that was put together, by key.
    whole: Mutex<BTreeMap<String, usize>>,
    /// Uploads begun.
    pub(super) begun: AtomicU64,
    pub(super) aborted: AtomicU64,
    /// Parts copied, and the most at the same time.
    pub(super) parts: AtomicU64,
    under_way: AtomicU64,
    pub(super) most_under_way: AtomicU64,
    /// The next so many parts fail so.
    pub(super) failing: AtomicU64,
    pub(super) failing_so: Mutex<ErrorKind>,
    /// Uploads whose parts were listed.
    pub(super) listed: AtomicU64,
    /// The next answer to a completing is lost.
    pub(super) lose_answer: AtomicBool,
    /// Completing is refused, as by a fault of the store's own; and how often it was asked for.
    pub(super) refuses_to_complete: AtomicBool,
    pub(super) completed: AtomicU64,
    /// The next so many looks at an object fail in passing; so do two after an answer to a completing was lost.
    failing_looks: AtomicU64,
    /// Nothing is answered.
    pub(super) down: AtomicBool,
    /// Parts wait here for a permit.
    pub(super) gate: Semaphore,
    pub(super) gated: AtomicBool,
    /// How a copy is refused.
    pub(super) refusal: Mutex<ErrorKind>,
    /// How long a part takes.
    pub(super) part_takes: Mutex<Duration>,
}

#[derive(Debug, Default)]
struct Upload {
    key: String,
    put: Attributes,
    parts: BTreeMap<u16, Bytes>,
}

#[derive(Debug, Default)]
struct Attributes {
    metadata: cos_batch_objectstore::Metadata,
    tags: Vec<Tag>,
    class: cos_batch_objectstore::StorageClass,
    grants: Vec<cos_batch_objectstore::Grant>,
    canned_acl: Option<String>,
    operation: Option<cos_batch_objectstore::OperationId>,
}

impl Parted {
    pub(super) fn new(inner: Arc<MemoryStore>) -> Self {
        Self {
            inner,
            multipart: AtomicBool::new(true),
            uploads: Mutex::default(),
            whole: Mutex::default(),
            begun: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            parts: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
            most_under_way: AtomicU64::new(0),
            failing: AtomicU64::new(0),
            failing_so: Mutex::new(ErrorKind::InternalError),
            listed: AtomicU64::new(0),
            lose_answer: AtomicBool::new(false),
            refuses_to_complete: AtomicBool::new(false),
            completed: AtomicU64::new(0),
            failing_looks: AtomicU64::new(0),
            down: AtomicBool::new(false),
            gate: Semaphore::new(0),
            gated: AtomicBool::new(false),
            refusal: Mutex::new(ErrorKind::EntityTooLarge),
            part_takes: Mutex::default(),
        }
    }

    /// Uploads that nobody has completed or aborted.
    pub(super) fn open(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }

    /// Ends all uploads, as a rule of a bucket does.
    pub(super) fn end_all(&self) {
        self.uploads.lock().unwrap().clear();
    }

    fn is_up(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::new(ErrorKind::Unreachable, "nobody answers"));
        }
        Ok(())
    }

    fn no_such_upload() -> StoreError {
        StoreError::new(ErrorKind::NoSuchUpload, "no such upload")
    }

    async fn copy_part(&self, request: PartCopyRequest<'_>) -> Result<PartOutcome, StoreError> {
        if self.gated.load(Ordering::SeqCst)
            && let Ok(permit) = self.gate.acquire().await
        {
            permit.forget();
        }
        let takes = *self.part_takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        self.is_up()?;
        if self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::new(*self.failing_so.lock().unwrap(), "in passing"));
        }
        let source = request.source;
        let head = self.inner.head(source.bucket, source.key, source.version).await?;
        if request.source_etag.is_some_and(|etag| etag != head.etag) {
            return Err(StoreError::new(ErrorKind::PreconditionFailed, "the source has changed"));
        }
        let range = request.range.unwrap_or(0..head.size);
        assert!(range.end - range.start <= COPY_BYTES_MAX && range.end <= head.size);
        let get = GetRequest { bucket: source.bucket, key: source.key, version: source.version, range, pin: None };
        let body = self.inner.get_range(get).await?;
        let mut uploads = self.uploads.lock().unwrap();
        let upload = uploads.get_mut(request.upload.id).ok_or_else(Self::no_such_upload)?;
        assert_eq!(upload.key, request.upload.key);
        upload.parts.insert(request.number, body);
        self.parts.fetch_add(1, Ordering::SeqCst);
        Ok(PartOutcome { etag: format!("part-{}", request.number) })
    }
}

impl ObjectStore for Parted {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multipart: self.multipart.load(Ordering::SeqCst), ..self.inner.capabilities() }
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(async move {
            self.is_up()?;
            let less = |left: u64| left.checked_sub(1);
            if self.failing_looks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
                return Err(StoreError::new(ErrorKind::InternalError, "in passing"));
            }
            let mut head = self.inner.head(bucket, key, version).await?;
            // As in stores over HTTP, whose answer does not have them.
            (head.grants, head.canned_acl) = (Vec::new(), None);
            if let Some(parts) = self.whole.lock().unwrap().get(key).filter(|_| bucket == super::world::TARGET) {
                head.etag = format!("{}-{parts}", head.etag);
            }
            Ok(head)
        })
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        Box::pin(async move {
            self.is_up()?;
            let source = &request.source;
            if self.inner.head(source.bucket, source.key, source.version).await?.size > COPY_BYTES_MAX {
                let kind = *self.refusal.lock().unwrap();
                return Err(StoreError::new(kind, "more than one request can copy"));
            }
            self.inner.copy(request).await
        })
    }

    fn list_parts<'a>(
        &'a self,
        upload: UploadId<'a>,
        after: u16,
        _limit: usize,
    ) -> BoxFuture<'a, Result<(Vec<Part>, bool), StoreError>> {
        // A page of two, so that there are several.
        const PAGE: usize = 2;
        Box::pin(async move {
            self.is_up()?;
            self.listed.fetch_add(1, Ordering::SeqCst);
            let uploads = self.uploads.lock().unwrap();
            let upload = uploads.get(upload.id).ok_or_else(Self::no_such_upload)?;
            let mut parts = upload.parts.range(after + 1..).map(|(number, body)| Part {
                number: *number,
                etag: format!("part-{number}"),
                size: body.len() as u64,
                last_modified: 0,
            });
            let page: Vec<_> = parts.by_ref().take(PAGE).collect();
            let more = parts.next().is_some();
            Ok((page, more))
        })
    }

    fn create_multipart<'a>(&'a self, request: MultipartRequest<'a>) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(async move {
            self.is_up()?;
            let id = format!("upload-{}", self.begun.fetch_add(1, Ordering::SeqCst));
            let put = Attributes {
                metadata: request.metadata,
                tags: request.tags,
                class: request.storage_class,
                grants: request.grants,
                canned_acl: request.canned_acl.map(str::to_owned),
                operation: request.operation,
            };
            let upload = Upload { key: request.key.to_owned(), put, parts: BTreeMap::new() };
            self.uploads.lock().unwrap().insert(id.clone(), upload);
            Ok(id)
        })
    }

    fn upload_part_copy<'a>(&'a self, request: PartCopyRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(async move {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_under_way.fetch_max(now, Ordering::SeqCst);
            let result = self.copy_part(request).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            result
        })
    }

    fn complete_multipart<'a>(&'a self, request: CompleteRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(async move {
            self.is_up()?;
            self.completed.fetch_add(1, Ordering::SeqCst);
            if self.refuses_to_complete.load(Ordering::SeqCst) {
                return Err(StoreError::new(ErrorKind::InternalError, "not now"));
            }
            let upload = self.uploads.lock().unwrap().remove(request.upload.id).ok_or_else(Self::no_such_upload)?;
            let mut body = BytesMut::new();
            for (number, part) in (1..).zip(request.parts) {
                assert_eq!((part.number, part.etag.as_str()), (number, format!("part-{number}").as_str()));
                body.extend_from_slice(&upload.parts[&number]);
            }
            assert_eq!(upload.parts.len(), request.parts.len());
            let put = PutRequest {
                metadata: upload.put.metadata,
                tags: upload.put.tags,
                storage_class: upload.put.class,
                grants: upload.put.grants,
                canned_acl: upload.put.canned_acl.as_deref(),
                operation: upload.put.operation,
                ..PutRequest::new(request.upload.bucket, request.upload.key, body.freeze())
            };
            let outcome = self.inner.put(put).await?;
            self.whole.lock().unwrap().insert(request.upload.key.to_owned(), request.parts.len());
            if self.lose_answer.swap(false, Ordering::SeqCst) {
                self.failing_looks.store(2, Ordering::SeqCst);
                return Err(StoreError::new(ErrorKind::ServiceUnavailable, "the answer was lost"));
            }
            Ok(outcome)
        })
    }

    fn abort_multipart<'a>(&'a self, upload: UploadId<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.is_up()?;
            self.uploads.lock().unwrap().remove(upload.id).ok_or_else(Self::no_such_upload)?;
            self.aborted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.is_up()?;
            self.inner.bucket_exists(bucket).await
        })
    }

    passes_on! {
        get_range(request: GetRequest<'a>) -> Bytes;
        put(request: PutRequest<'a>) -> PutOutcome;
        delete(request: DeleteRequest<'a>) -> DeleteOutcome;
        put_tags(request: TagRequest<'a>) -> ();
        get_tags(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Vec<Tag>;
        restore(request: RestoreRequest<'a>) -> RestoreOutcome;
        list(request: ListRequest<'a>) -> ListPage;
        get_acl(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Acl;
        put_acl(request: AclRequest<'a>) -> ();
        barrier(bucket: &'a str) -> ();
    }
}
