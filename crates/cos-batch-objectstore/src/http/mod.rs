//! Stores behind HTTP: Tencent COS, and what speaks the dialect of S3.

mod call;
mod config;
mod credentials;
mod dialect;
mod encoding;
mod endpoint;
mod fault;
mod head;
mod ops;
mod settings;
mod signer;
mod transport;
mod writer;
mod xml;

use std::{collections::BTreeMap, future::ready, sync::Arc};

use bytes::Bytes;

pub use self::{
    config::{HttpDialect, HttpStoreBuilder, HttpStoreError, Style},
    credentials::{CommandCredentials, CredentialsSource, Fetched, FileCredentials, StaticCredentials, UrlCredentials},
    settings::HttpSettings,
};
use self::{
    dialect::Dialect,
    endpoint::Endpoint,
    signer::Signer,
    transport::Transport,
    writer::{PartWriter, PutWriter, SizedPartWriter},
};
use crate::{
    Acl, AclRequest, BoxFuture, BucketInfo, BucketVersioning, Capabilities, CompleteRequest, CopyOutcome, CopyRequest,
    DeleteOutcome, DeleteRequest, Execution, GetRequest, LegalHoldRequest, ListPage, ListRequest, ListUploadsRequest,
    ListVersionsRequest, MultipartRequest, ObjectLock, ObjectMeta, ObjectStore, ObjectWriter, Part, PartCopyRequest,
    PartOutcome, PartRequest, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, RetentionRequest, StoreError,
    Tag, TagRequest, UploadId, UploadPage, VersionPage, VersionSelector,
};

/// A store behind HTTP, in one of two dialects: COS (`q-sign`, `x-cos-*`) or S3 (Signature Version 4, `x-amz-*`).
///
/// ```no_run
/// use cos_batch_objectstore::{HttpDialect, HttpStore, StaticCredentials, Style};
/// use cos_signature::Credentials;
///
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let store = HttpStore::builder(HttpDialect::S3, "http://127.0.0.1:9000")
///     .style(Style::Path)
///     .credentials(StaticCredentials::new(Credentials::new("AKIDEXAMPLE", "exampleSecret")))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// It needs a runtime of tokio. Requests are not repeated, but for one case: a kept connection that the server closes just as it
/// is used, where the request was not sent yet or does no harm twice. Everything else is told, with whether another try is
/// worthwhile ([`ErrorKind::is_transient`](crate::ErrorKind::is_transient)) and whether the store may have done it all the same
/// ([`ErrorKind::Unreachable`](crate::ErrorKind::Unreachable)).
///
/// What differs from a local store, because the dialects have no way for it:
///
/// - [`OperationId`](crate::OperationId)s are not kept: a write or a delete that is done again in a bucket with versions leaves
///   one more version, or one more delete marker.
/// - `Add` for metadata reads the source first and binds the copy to what was read; for tags and grants nothing can be bound, so
///   that a change in between is lost.
/// - [`ObjectMeta::grants`] stay empty: lists are read by [`get_acl`](ObjectStore::get_acl).
/// - Content that comes in pieces and has more than 8 MiB is written as an upload in parts, so that its ETag is none of its MD5.
///   A part whose size is told beforehand is sent as it comes, and in the dialect of S3 its signature does not cover it; a part
///   whose size is not told has at most 64 MiB. Whether bucket and upload exist is known at the end.
/// - Names of user metadata have no upper case, and white space at the ends of values is not kept: so are headers.
#[derive(Debug)]
pub struct HttpStore {
    inner: Arc<Inner>,
}

/// What the methods share.
#[derive(Debug)]
struct Inner {
    dialect: &'static dyn Dialect,
    endpoint: Endpoint,
    style: Style,
    /// What a new bucket is told about where it is.
    location: Option<String>,
    /// Names of buckets that are other ones in the store.
    names: BTreeMap<String, String>,
    capabilities: Capabilities,
    signer: Signer,
    transport: Transport,
}

impl HttpStore {
    /// A store of this dialect at this endpoint: scheme, host and perhaps a port.
    #[must_use]
    pub fn builder(dialect: HttpDialect, endpoint: impl Into<String>) -> HttpStoreBuilder {
        HttpStoreBuilder::new(dialect, endpoint.into())
    }
}

impl Inner {
    /// What the store calls a bucket.
    fn wire_bucket<'a>(&'a self, bucket: &'a str) -> &'a str {
        self.names.get(bucket).map_or(bucket, String::as_str)
    }
}

impl ObjectStore for HttpStore {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities
    }

    fn operations_max(&self) -> Option<usize> {
        Some(self.inner.transport.operations_max())
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.inner.bucket_exists(bucket))
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(self.inner.head(bucket, key, version))
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move { self.inner.get_range(&request).await })
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(self.inner.put(request))
    }

    fn begin_put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        let writer = PutWriter::begin(&self.inner, request);
        Box::pin(ready(writer.map(|writer| Box::new(writer) as Box<dyn ObjectWriter>)))
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        Box::pin(async move { self.inner.copy(&request).await })
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        Box::pin(async move { self.inner.delete(&request).await })
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.inner.put_tags(&request).await })
    }

    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        Box::pin(self.inner.get_tags(bucket, key, version))
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        Box::pin(async move { self.inner.restore(&request).await })
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        Box::pin(async move { self.inner.list(&request).await })
    }

    fn put_acl<'a>(&'a self, request: AclRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.inner.put_acl(&request).await })
    }

    fn get_acl<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Acl, StoreError>> {
        Box::pin(self.inner.get_acl(bucket, key, version))
    }

    fn put_legal_hold<'a>(&'a self, request: LegalHoldRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.inner.put_legal_hold(&request).await })
    }

    fn put_retention<'a>(&'a self, request: RetentionRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.inner.put_retention(&request).await })
    }

    fn get_lock<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectLock, StoreError>> {
        Box::pin(self.inner.get_lock(bucket, key, version))
    }

    fn list_versions<'a>(&'a self, request: ListVersionsRequest<'a>) -> BoxFuture<'a, Result<VersionPage, StoreError>> {
        Box::pin(async move { self.inner.list_versions(&request).await })
    }

    fn create_multipart<'a>(&'a self, request: MultipartRequest<'a>) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(async move { self.inner.create_multipart(&request).await })
    }

    fn upload_part<'a>(&'a self, request: PartRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(self.inner.upload_part(request))
    }

    fn begin_part<'a>(
        &'a self,
        upload: UploadId<'a>,
        number: u16,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        let writer = PartWriter::begin(&self.inner, upload, number);
        Box::pin(ready(writer.map(|writer| Box::new(writer) as Box<dyn ObjectWriter>)))
    }

    fn begin_sized_part<'a>(
        &'a self,
        upload: UploadId<'a>,
        number: u16,
        size: u64,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        Box::pin(async move {
            let writer = SizedPartWriter::begin(&self.inner, upload, number, size)?;
            Ok(Box::new(writer) as Box<dyn ObjectWriter>)
        })
    }

    fn upload_part_copy<'a>(&'a self, request: PartCopyRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        Box::pin(async move { self.inner.upload_part_copy(&request).await })
    }

    fn complete_multipart<'a>(&'a self, request: CompleteRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(async move { self.inner.complete_multipart(&request).await })
    }

    fn abort_multipart<'a>(&'a self, upload: UploadId<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.inner.abort_multipart(upload))
    }

    fn list_parts<'a>(
        &'a self,
        upload: UploadId<'a>,
        after: u16,
        limit: usize,
    ) -> BoxFuture<'a, Result<(Vec<Part>, bool), StoreError>> {
        Box::pin(self.inner.list_parts(upload, after, limit))
    }

    fn list_uploads<'a>(&'a self, request: ListUploadsRequest<'a>) -> BoxFuture<'a, Result<UploadPage, StoreError>> {
        Box::pin(async move { self.inner.list_uploads(&request).await })
    }

    fn list_buckets<'a>(&'a self) -> BoxFuture<'a, Result<Vec<BucketInfo>, StoreError>> {
        Box::pin(self.inner.list_buckets())
    }

    fn put_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.inner.put_bucket(bucket))
    }

    fn delete_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.inner.delete_bucket(bucket))
    }

    fn get_versioning<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<Option<BucketVersioning>, StoreError>> {
        Box::pin(self.inner.get_versioning(bucket))
    }

    fn put_versioning<'a>(&'a self, bucket: &'a str, state: BucketVersioning) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.inner.put_versioning(bucket, state))
    }

    /// The store answers only when an object survives.
    fn barrier<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
