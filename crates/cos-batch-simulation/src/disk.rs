//! What of objects and of the spool does not last yet.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use cos_batch_objectstore::{
    DeleteRequest, Directive, GetRequest, MemoryStore, ObjectStore as _, PutRequest, Tag, TagRequest, VersionSelector,
};
/// How an object is or was; none: it is not there.
pub(crate) type Content = Option<(Bytes, Vec<Tag>)>;

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) spool: bool,
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Place {
    /// What is there, in this store.
    pub(crate) async fn content(&self, store: &MemoryStore) -> Content {
        let (bucket, key, version) = (&*self.bucket, &*self.key, &VersionSelector::Latest);
        let body = store.get_range(GetRequest { bucket, key, version, range: 0..u64::MAX, pin: None }).await.ok()?;
        let tags = store.get_tags(bucket, key, version).await.unwrap_or_default();
        Some((body, tags))
    }

    /// Makes it what it is to be. The stores are in memory and have the bucket: that nothing is there to be deleted is all
    /// that can go wrong.
    pub(crate) async fn set(&self, store: &MemoryStore, content: Content) {
        let (bucket, key, version) = (&*self.bucket, &*self.key, &VersionSelector::Latest);
        match content {
            None => {
                let _ = store.delete(DeleteRequest { bucket, key, version, operation: None }).await;
            }
            Some((body, tags)) => {
                let _ = store.put(PutRequest::new(bucket, key, body)).await;
                let tags = Directive::Replace(&*tags);
                let _ = store.put_tags(TagRequest { bucket, key, version, tags }).await;
            }
        }
    }
}

/// Changes that do not last yet.
#[derive(Default)]
pub(crate) struct Disk {
    state: Mutex<State>,
}

/// A change that does not last yet.
pub(crate) struct Change {
    pub(crate) number: u64,
    /// What was there before.
    pub(crate) before: Content,
    /// A sync of it failed: it never will last.
    pub(crate) is_doomed: bool,
}

/// What is known of changes.
#[derive(Default)]
pub(crate) struct State {
    /// For each place its changes in order.
    pub(crate) changes: BTreeMap<Place, Vec<Change>>,
    /// Changes so far.
    pub(crate) number: u64,
    /// How often the power went.
    pub(crate) cuts: u64,
    /// Syncs of buckets that failed: how often, and which of these each process was told of. One that opened the bucket before is
    /// told, once.
    pub(crate) failed: BTreeMap<(bool, String), u64>,
    pub(crate) told: BTreeMap<(usize, bool, String), u64>,
}

impl Disk {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // One thread, and nothing panics under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
