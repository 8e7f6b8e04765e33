//! A store in memory that can be slow, or changed by somebody else at the worst moment; notes what it is asked for.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use cos_batch_objectgateway::ObjectGateway;
use cos_batch_objectstore::*;

use crate::support::{BUCKET, NOW, keys};

/// What is done to the store after a look at an object, before anything else is.
type Change = Box<dyn Fn(Arc<MemoryStore>) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Default)]
pub(crate) struct Wrapped {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) after_head: Option<Change>,
    /// How long it takes to put an object together, to list, and to delete.
    pub(crate) complete_takes: Duration,
    pub(crate) list_takes: Duration,
    pub(crate) delete_takes: Duration,
    /// How much was asked for, and how much was there, each time something was listed.
    pub(crate) listed: Mutex<Vec<(usize, usize)>>,
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped")
    }
}

impl Wrapped {
    pub(crate) fn new() -> Self {
        let inner = MemoryStore::new().with_min_part_bytes(5);
        inner.create_bucket(BUCKET).unwrap();
        Self { inner: Arc::new(inner), ..Self::default() }
    }

    /// A gateway over it, without keys to speak of.
    pub(crate) fn gateway(self) -> (Arc<Self>, ObjectGateway) {
        let store = Arc::new(self);
        let builder = ObjectGateway::builder(Arc::clone(&store) as Arc<dyn ObjectStore>);
        (store, builder.authenticate(keys()).clock(|| NOW).build().unwrap())
    }
}

type Done<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl ObjectStore for Wrapped {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> Done<'a, bool> {
        self.inner.bucket_exists(bucket)
    }

    fn head<'a>(&'a self, bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Done<'a, ObjectMeta> {
        Box::pin(async move {
            let meta = self.inner.head(bucket, key, version).await;
            if let Some(change) = &self.after_head {
                change(Arc::clone(&self.inner)).await;
            }
            meta
        })
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> Done<'a, Bytes> {
        self.inner.get_range(request)
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> Done<'a, PutOutcome> {
        self.inner.put(request)
    }

    fn begin_put<'a>(&'a self, request: PutRequest<'a>) -> Done<'a, Box<dyn ObjectWriter>> {
        self.inner.begin_put(request)
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> Done<'a, CopyOutcome> {
        self.inner.copy(request)
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> Done<'a, DeleteOutcome> {
        Box::pin(async move {
            tokio::time::sleep(self.delete_takes).await;
            self.inner.delete(request).await
        })
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> Done<'a, ()> {
        self.inner.put_tags(request)
    }

    fn get_tags<'a>(&'a self, bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Done<'a, Vec<Tag>> {
        self.inner.get_tags(bucket, key, version)
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> Done<'a, RestoreOutcome> {
        self.inner.restore(request)
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> Done<'a, ListPage> {
        Box::pin(async move {
            tokio::time::sleep(self.list_takes).await;
            let limit = request.limit;
            let page = self.inner.list(request).await?;
            self.listed.lock().unwrap().push((limit, page.objects.len()));
            Ok(page)
        })
    }

    fn create_multipart<'a>(&'a self, request: MultipartRequest<'a>) -> Done<'a, String> {
        self.inner.create_multipart(request)
    }

    fn begin_part<'a>(&'a self, upload: UploadId<'a>, number: u16) -> Done<'a, Box<dyn ObjectWriter>> {
        self.inner.begin_part(upload, number)
    }

    fn complete_multipart<'a>(&'a self, request: CompleteRequest<'a>) -> Done<'a, PutOutcome> {
        Box::pin(async move {
            tokio::time::sleep(self.complete_takes).await;
            self.inner.complete_multipart(request).await
        })
    }

    fn get_versioning<'a>(&'a self, bucket: &'a str) -> Done<'a, Option<BucketVersioning>> {
        self.inner.get_versioning(bucket)
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> Done<'a, ()> {
        self.inner.barrier(bucket)
    }
}
