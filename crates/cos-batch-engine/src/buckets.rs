//! Which store serves which bucket.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, StoreError,
    Tag, TagRequest, VersionSelector,
};

/// Routes buckets to stores. What users write only ever selects among these; it never becomes an address.
#[derive(Clone, Debug)]
pub struct Buckets {
    default: Arc<dyn ObjectStore>,
    by_name: BTreeMap<String, Arc<dyn ObjectStore>>,
    /// Shared by its clones.
    syncs: Syncs,
}

impl Buckets {
    /// All buckets are in this store.
    #[must_use]
    pub fn new(default: Arc<dyn ObjectStore>) -> Self {
        Self { default, by_name: BTreeMap::new(), syncs: Syncs::default() }
    }

    /// There are no buckets but those that are named one by one ([`with`](Self::with)); any other is refused by its name.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Arc::new(Unconfigured))
    }

    /// This bucket is in another store.
    #[must_use]
    pub fn with(mut self, bucket: impl Into<String>, store: Arc<dyn ObjectStore>) -> Self {
        self.by_name.insert(bucket.into(), store);
        self
    }

    /// The store of all buckets that are not named one by one.
    pub(crate) fn default_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.default)
    }

    /// Names of the buckets that are named one by one.
    pub(crate) fn configured(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Each store once.
    pub(crate) fn stores(&self) -> Vec<Arc<dyn ObjectStore>> {
        let mut stores = vec![Arc::clone(&self.default)];
        for store in self.by_name.values() {
            if !stores.iter().any(|known| Arc::ptr_eq(known, store)) {
                stores.push(Arc::clone(store));
            }
        }
        stores
    }

    /// Who makes durable what was done.
    pub(crate) fn syncs(&self) -> &Syncs {
        &self.syncs
    }

    /// The store that has the bucket, if any has.
    #[must_use]
    pub fn store(&self, bucket: &str) -> Arc<dyn ObjectStore> {
        Arc::clone(self.by_name.get(bucket).unwrap_or(&self.default))
    }
}

/// Barriers, and how many of each bucket failed: no more entries than buckets that somebody wrote to.
///
/// A system that could not write something takes it as written from then on: one caller is told, and the next sync returns as
/// if all were well. So nobody who changed the bucket before may believe a later one ([`lost`](Self::lost)).
#[derive(Clone, Debug, Default)]
pub(crate) struct Syncs(Arc<Mutex<BTreeMap<String, u64>>>);

impl Syncs {
    /// Waits until what was done in a bucket is durable, and counts it where that fails.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn barrier(&self, store: &dyn ObjectStore, bucket: &str) -> Result<(), StoreError> {
        let result = store.barrier(bucket).await;
        // Where the bucket is gone there is nothing to be lost.
        if result.as_ref().is_err_and(|error| error.kind() != ErrorKind::NoSuchBucket) {
            // One number is all that changes under it.
            let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *lost.entry(bucket.to_owned()).or_default() += 1;
        }
        result
    }

    /// How often what was done in a bucket may have been lost so far.
    pub(crate) fn lost(&self, bucket: &str) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).copied().unwrap_or(0)
    }
}

/// The store of buckets that nobody has configured: it says so.
#[derive(Debug)]
struct Unconfigured;

fn refuse<'a, T: Send + 'a>(bucket: &str) -> BoxFuture<'a, Result<T, StoreError>> {
    let message = format!("bucket {bucket:?} is not configured on this server");
    Box::pin(ready(Err(StoreError::new(ErrorKind::NoSuchBucket, message))))
}

impl ObjectStore for Unconfigured {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    /// What is missing is the bucket, not an ability.
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        refuse(bucket)
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        _: &'a str,
        _: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        refuse(bucket)
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        refuse(request.bucket)
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        refuse(request.bucket)
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        refuse(request.source.bucket)
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        refuse(request.bucket)
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        refuse(request.bucket)
    }

    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        _: &'a str,
        _: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        refuse(bucket)
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        refuse(request.bucket)
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        refuse(request.bucket)
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        refuse(bucket)
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_bucket_that_is_not_configured_is_refused_by_name() {
        let store = Arc::new(MemoryStore::new());
        store.create_bucket("known-1").unwrap();
        let buckets = Buckets::none().with("known-1", store);
        assert!(buckets.store("known-1").bucket_exists("known-1").await.unwrap());
        let error = buckets.store("other-1").bucket_exists("other-1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchBucket);
        assert_eq!(error.message(), "bucket \"other-1\" is not configured on this server");
        let version = VersionSelector::Latest;
        assert_eq!(buckets.store("x").head("x", "k", &version).await.unwrap_err().kind(), ErrorKind::NoSuchBucket);
    }
}
