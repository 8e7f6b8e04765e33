//! A store that does wrong what was ordered, and all else as the one inside it does.

use std::{future::ready, sync::Arc};

use bytes::Bytes;
use cos_batch_objectstore::{
    Acl, AclRequest, BoxFuture, BucketInfo, BucketVersioning, Capabilities, CompleteRequest, CopyOutcome, CopyRequest,
    DeleteOutcome, DeleteRequest, Execution, GetRequest, LegalHoldRequest, ListPage, ListRequest, ListUploadsRequest,
    ListVersionsRequest, MultipartRequest, ObjectLock, ObjectMeta, ObjectStore, ObjectWriter, Part, PartCopyRequest,
    PartOutcome, PartRequest, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, RetentionRequest, StoreError,
    Tag, TagRequest, UploadId, UploadPage, VersionPage, VersionSelector,
};

use crate::faults::{Call, Faults};

/// The store.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn ObjectStore>,
    faults: Faults,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    fn meet<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        key: &str,
        go_on: impl FnOnce(&'a dyn ObjectStore) -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        match self.faults.meet(call, key) {
            Ok(()) => go_on(&*self.inner),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

impl ObjectStore for Faulty {
    fn execution(&self) -> Execution {
        self.inner.execution()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn operations_max(&self) -> Option<usize> {
        self.inner.operations_max()
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.inner.bucket_exists(bucket)
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        self.meet(Call::Head, key, |inner| inner.head(bucket, key, version))
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        self.meet(Call::Get, request.key, |inner| inner.get_range(request))
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        self.meet(Call::Put, request.key, |inner| inner.put(request))
    }

    fn begin_put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        self.meet(Call::Put, request.key, |inner| inner.begin_put(request))
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        self.meet(Call::Copy, request.source.key, |inner| inner.copy(request))
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        self.meet(Call::Delete, request.key, |inner| inner.delete(request))
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.meet(Call::Tags, request.key, |inner| inner.put_tags(request))
    }

    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        self.meet(Call::Tags, key, |inner| inner.get_tags(bucket, key, version))
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        self.meet(Call::Restore, request.key, |inner| inner.restore(request))
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        self.inner.list(request)
    }

    fn put_acl<'a>(&'a self, request: AclRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.put_acl(request)
    }

    fn get_acl<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Acl, StoreError>> {
        self.inner.get_acl(bucket, key, version)
    }

    fn put_legal_hold<'a>(&'a self, request: LegalHoldRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.put_legal_hold(request)
    }

    fn put_retention<'a>(&'a self, request: RetentionRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.put_retention(request)
    }

    fn get_lock<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectLock, StoreError>> {
        self.inner.get_lock(bucket, key, version)
    }

    fn list_versions<'a>(&'a self, request: ListVersionsRequest<'a>) -> BoxFuture<'a, Result<VersionPage, StoreError>> {
        self.inner.list_versions(request)
    }

    fn create_multipart<'a>(&'a self, request: MultipartRequest<'a>) -> BoxFuture<'a, Result<String, StoreError>> {
        self.inner.create_multipart(request)
    }

    fn upload_part<'a>(&'a self, request: PartRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        self.inner.upload_part(request)
    }

    fn begin_part<'a>(
        &'a self,
        upload: UploadId<'a>,
        number: u16,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        self.inner.begin_part(upload, number)
    }

    fn begin_sized_part<'a>(
        &'a self,
        upload: UploadId<'a>,
        number: u16,
        size: u64,
    ) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        self.inner.begin_sized_part(upload, number, size)
    }

    fn upload_part_copy<'a>(&'a self, request: PartCopyRequest<'a>) -> BoxFuture<'a, Result<PartOutcome, StoreError>> {
        self.inner.upload_part_copy(request)
    }

    fn complete_multipart<'a>(&'a self, request: CompleteRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        self.inner.complete_multipart(request)
    }

    fn abort_multipart<'a>(&'a self, upload: UploadId<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.abort_multipart(upload)
    }

    fn list_parts<'a>(
        &'a self,
        upload: UploadId<'a>,
        after: u16,
        limit: usize,
    ) -> BoxFuture<'a, Result<(Vec<Part>, bool), StoreError>> {
        self.inner.list_parts(upload, after, limit)
    }

    fn list_uploads<'a>(&'a self, request: ListUploadsRequest<'a>) -> BoxFuture<'a, Result<UploadPage, StoreError>> {
        self.inner.list_uploads(request)
    }

    fn list_buckets<'a>(&'a self) -> BoxFuture<'a, Result<Vec<BucketInfo>, StoreError>> {
        self.inner.list_buckets()
    }

    fn put_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.inner.put_bucket(bucket)
    }

    fn delete_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.delete_bucket(bucket)
    }

    fn get_versioning<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<Option<BucketVersioning>, StoreError>> {
        self.inner.get_versioning(bucket)
    }

    fn put_versioning<'a>(&'a self, bucket: &'a str, state: BucketVersioning) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.put_versioning(bucket, state)
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.barrier(bucket)
    }
}
