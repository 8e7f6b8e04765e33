//! Content that comes in pieces.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use super::{
    Inner,
    transport::{Task, leave_to_itself},
};
use crate::{
    BoxFuture, CompleteRequest, CompletedPart, ErrorKind, Grant, Metadata, MultipartRequest, ObjectWriter, OperationId,
    PartOutcome, PartRequest, PutOutcome, PutRequest, StorageClass, StoreError, Tag, UploadId, fail::Fail, rules,
    upload,
};

/// Bytes of an object that are kept in memory. What has no more is put in one request; more goes in parts of this size, which is
/// above the least part of S3 (5 MiB), and of which 10,000 are more than one request may write.
const OBJECT_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of a part that are kept in memory where its size is not known beforehand, at most: clients send parts of 1 to 64 MiB, and
/// neither dialect has a request without a length.
const PART_BUFFER_BYTES: usize = 64 * 1024 * 1024;

/// Pieces on their way to a connection at most.
const PIECES_MAX: usize = 4;

/// An object in the making.
pub(super) struct PutWriter {
    inner: Arc<Inner>,
    bucket: String,
    key: String,
    metadata: Metadata,
    tags: Vec<Tag>,
    storage_class: StorageClass,
    grants: Vec<Grant>,
    canned_acl: Option<String>,
    operation: Option<OperationId>,
    buffer: BytesMut,
    size: u64,
    /// Once there is more than the buffer holds.
    upload: Option<Open>,
}

/// An upload that was begun. One that is given up is aborted.
struct Open {
    inner: Arc<Inner>,
    bucket: String,
    key: String,
    id: String,
    parts: Vec<CompletedPart>,
    is_complete: bool,
}

impl PutWriter {
    /// What is wrong with a name or an attribute is said at once; whether there is such a bucket, with the first request.
    pub(super) fn begin(inner: &Arc<Inner>, request: PutRequest<'_>) -> Result<Self, StoreError> {
        let PutRequest { bucket, key, body, metadata, tags, storage_class, grants, canned_acl, operation, .. } =
            request;
        let named = |fail: Fail| fail.about(bucket, key);
        if !rules::is_bucket_name(bucket) {
            return Err(named(Fail::new(ErrorKind::NoSuchBucket, "no bucket can have this name")));
        }
        inner.check_key(key).map_err(named)?;
        rules::check_metadata(&metadata).map_err(named)?;
        rules::check_grants(&grants, canned_acl).map_err(named)?;
        rules::check_class(&storage_class).map_err(named)?;
        let tags = rules::checked_tags(&tags).map_err(named)?;
        rules::check_put_size(body.len() as u64).map_err(named)?;
        Ok(Self {
            inner: Arc::clone(inner),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            metadata,
            tags,
            storage_class,
            grants,
            canned_acl: canned_acl.map(str::to_owned),
            operation,
            size: body.len() as u64,
            buffer: body.into(),
            upload: None,
        })
    }

    async fn add(&mut self, piece: Bytes) -> Result<(), StoreError> {
        self.size = self.size.saturating_add(piece.len() as u64);
        rules::check_put_size(self.size).map_err(|fail| fail.about(&self.bucket, &self.key))?;
        self.buffer.extend_from_slice(&piece);
        // Something is always left for the last part.
        while self.buffer.len() > OBJECT_BUFFER_BYTES {
            let part = self.buffer.split_to(OBJECT_BUFFER_BYTES).freeze();
            self.send_part(part).await?;
        }
        Ok(())
    }

    async fn send_part(&mut self, body: Bytes) -> Result<(), StoreError> {
        let open = match &mut self.upload {
            Some(open) => open,
            None => {
                let open = self.open().await?;
                self.upload.insert(open)
            }
        };
        open.add(body).await
    }

    async fn open(&mut self) -> Result<Open, StoreError> {
        if !self.inner.capabilities.multipart {
            let reason = format!(
                "the store takes no uploads in parts, and content that comes in pieces has more than {OBJECT_BUFFER_BYTES} bytes"
            );
            return Err(Fail::new(ErrorKind::EntityTooLarge, reason).about(&self.bucket, &self.key));
        }
        let request = MultipartRequest {
            bucket: &self.bucket,
            key: &self.key,
            metadata: self.metadata.clone(),
            tags: self.tags.clone(),
            storage_class: self.storage_class.clone(),
            grants: self.grants.clone(),
            canned_acl: self.canned_acl.as_deref(),
            operation: self.operation,
        };
        let id = self.inner.create_multipart(&request).await?;
        let (inner, bucket, key) = (Arc::clone(&self.inner), self.bucket.clone(), self.key.clone());
        Ok(Open { inner, bucket, key, id, parts: Vec::new(), is_complete: false })
    }

    async fn end(mut self) -> Result<PutOutcome, StoreError> {
        let rest = std::mem::take(&mut self.buffer).freeze();
        if let Some(mut open) = self.upload.take() {
            open.add(rest).await?;
            return open.complete().await;
        }
        let request = PutRequest {
            metadata: self.metadata,
            tags: self.tags,
            storage_class: self.storage_class,
            grants: self.grants,
            canned_acl: self.canned_acl.as_deref(),
            operation: self.operation,
            ..PutRequest::new(&self.bucket, &self.key, rest)
        };
        self.inner.put(request).await
    }
}

impl Open {
    fn named(&self) -> UploadId<'_> {
        UploadId { bucket: &self.bucket, key: &self.key, id: &self.id }
    }

    async fn add(&mut self, body: Bytes) -> Result<(), StoreError> {
        // At most 5 GB in parts of 8 MiB.
        let number = u16::try_from(self.parts.len() + 1).unwrap_or(u16::MAX);
        let part = self.inner.upload_part(PartRequest { upload: self.named(), number, body }).await?;
        self.parts.push(CompletedPart { number, etag: part.etag });
        Ok(())
    }

    async fn complete(mut self) -> Result<PutOutcome, StoreError> {
        let request = CompleteRequest { upload: self.named(), parts: &self.parts };
        let outcome = self.inner.complete_multipart(&request).await?;
        self.is_complete = true;
        Ok(outcome)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        let inner = Arc::clone(&self.inner);
        let (bucket, key, id) =
            (std::mem::take(&mut self.bucket), std::mem::take(&mut self.key), std::mem::take(&mut self.id));
        leave_to_itself(async move {
            match inner.abort_multipart(UploadId { bucket: &bucket, key: &key, id: &id }).await {
                Err(error) if error.kind() != ErrorKind::NoSuchUpload => {
                    tracing::warn!(bucket, key, %error, "an upload in parts was given up and could not be aborted");
                }
                _ => {}
            }
        });
    }
}

impl ObjectWriter for PutWriter {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.add(piece))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>> {
        Box::pin((*self).end())
    }
}

/// Which part of which upload.
struct Target {
    bucket: String,
    key: String,
    id: String,
    number: u16,
}

impl Target {
    fn new(upload: UploadId<'_>, number: u16) -> Result<Self, StoreError> {
        upload::check_number(number).map_err(|fail| fail.about(upload.bucket, upload.key))?;
        let UploadId { bucket, key, id } = upload;
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), id: id.to_owned(), number })
    }

    fn upload(&self) -> UploadId<'_> {
        UploadId { bucket: &self.bucket, key: &self.key, id: &self.id }
    }

    fn fail(&self, kind: ErrorKind, reason: String) -> StoreError {
        Fail::new(kind, reason).about(&self.bucket, &self.key)
    }
}

/// A part in the making that is kept until it is whole.
pub(super) struct PartWriter {
    inner: Arc<Inner>,
    target: Target,
    buffer: BytesMut,
}

impl PartWriter {
    pub(super) fn begin(inner: &Arc<Inner>, upload: UploadId<'_>, number: u16) -> Result<Self, StoreError> {
        Ok(Self { inner: Arc::clone(inner), target: Target::new(upload, number)?, buffer: BytesMut::new() })
    }

    fn add(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        let size = self.buffer.len() + piece.len();
        if size > PART_BUFFER_BYTES {
            let reason = format!(
                "a part whose size is not told beforehand has at most {PART_BUFFER_BYTES} bytes, these are at least {size}"
            );
            return Err(self.target.fail(ErrorKind::EntityTooLarge, reason));
        }
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    async fn end(self) -> Result<PutOutcome, StoreError> {
        let Target { number, .. } = self.target;
        let request = PartRequest { upload: self.target.upload(), number, body: self.buffer.freeze() };
        Ok(of_part(self.inner.upload_part(request).await?))
    }
}

impl ObjectWriter for PartWriter {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(self.add(&piece)))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>> {
        Box::pin((*self).end())
    }
}

/// A part in the making that is sent as it comes.
pub(super) struct SizedPartWriter {
    target: Target,
    size: u64,
    left: u64,
    /// The last piece that came. It is kept back until the end, so that no store takes a part for whole whose writer is given
    /// up after its last byte, as where a checksum is wrong.
    held: Bytes,
    pieces: mpsc::Sender<Bytes>,
    /// Broken off, with its connection, if this is given up.
    request: Task<Result<PartOutcome, StoreError>>,
}

impl SizedPartWriter {
    pub(super) fn begin(inner: &Arc<Inner>, upload: UploadId<'_>, number: u16, size: u64) -> Result<Self, StoreError> {
        let target = Target::new(upload, number)?;
        rules::check_put_size(size).map_err(|fail| fail.about(upload.bucket, upload.key))?;
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        let (inner, to) = (Arc::clone(inner), Target::new(upload, number)?);
        let request = Task::start(async move { inner.upload_pieces(to.upload(), number, size, receiver).await });
        Ok(Self { target, size, left: size, held: Bytes::new(), pieces: sender, request })
    }

    fn odd(&self, what: &str) -> StoreError {
        self.target
            .fail(ErrorKind::InvalidArgument, format!("a part of {} bytes was announced, and {what} came", self.size))
    }

    async fn add(&mut self, piece: Bytes) -> Result<(), StoreError> {
        if piece.is_empty() {
            return Ok(());
        }
        let left = self.left.checked_sub(piece.len() as u64);
        self.left = left.ok_or_else(|| self.odd("more"))?;
        let before = std::mem::replace(&mut self.held, piece);
        self.hand_over(before).await
    }

    async fn hand_over(&mut self, piece: Bytes) -> Result<(), StoreError> {
        if piece.is_empty() || self.pieces.send(piece).await.is_ok() {
            return Ok(());
        }
        // Nobody takes it any more: the store has answered before it had everything.
        ended(&mut self.request).await?;
        let reason = "the store took a part before it had the whole of it".to_owned();
        Err(self.target.fail(ErrorKind::InternalError, reason))
    }

    async fn end(mut self) -> Result<PutOutcome, StoreError> {
        if self.left > 0 {
            return Err(self.odd("less"));
        }
        let last = std::mem::take(&mut self.held);
        self.hand_over(last).await?;
        let Self { pieces, mut request, .. } = self;
        drop(pieces);
        ended(&mut request).await.map(of_part)
    }
}

impl ObjectWriter for SizedPartWriter {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.add(piece))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>> {
        Box::pin((*self).end())
    }
}

async fn ended(request: &mut Task<Result<PartOutcome, StoreError>>) -> Result<PartOutcome, StoreError> {
    request.ended().await.unwrap_or_else(|reason| {
        let reason = format!("the request for a part was broken off: {reason}");
        Err(StoreError::new(ErrorKind::Unreachable, reason))
    })
}

fn of_part(part: PartOutcome) -> PutOutcome {
    PutOutcome { etag: part.etag, version_id: None }
}
