//! Which store serves which bucket.

use std::{collections::BTreeMap, sync::Arc};

use cos_batch_objectstore::ObjectStore;

/// Routes buckets to stores. What users write only ever selects among these; it never becomes an address.
#[derive(Clone, Debug)]
pub struct Buckets {
    default: Arc<dyn ObjectStore>,
    by_name: BTreeMap<String, Arc<dyn ObjectStore>>,
}

impl Buckets {
    /// All buckets are in this store.
    #[must_use]
    pub fn new(default: Arc<dyn ObjectStore>) -> Self {
        Self { default, by_name: BTreeMap::new() }
    }

    /// This bucket is in another store.
    #[must_use]
    pub fn with(mut self, bucket: impl Into<String>, store: Arc<dyn ObjectStore>) -> Self {
        self.by_name.insert(bucket.into(), store);
        self
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

    /// The store that has the bucket, if any has.
    #[must_use]
    pub fn store(&self, bucket: &str) -> Arc<dyn ObjectStore> {
        Arc::clone(self.by_name.get(bucket).unwrap_or(&self.default))
    }
}
