//! Uploads that are being completed: one call at a time puts the parts of an upload together.
//!
//! A client that waited too long for its answer asks again while the first call still copies. A second copy would only slow
//! the first one down and be thrown away; so the second call waits until the first has ended, and then finds no upload.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, PoisonError},
};

use super::bucket::Bucket;
use crate::UploadId;

/// The bucket's folder, the key, the id.
type Name = ((u64, u64), String, String);

/// Shared by all stores of the process, as the locks of keys are. As many as calls are under way.
static NAMES: Mutex<BTreeSet<Name>> = Mutex::new(BTreeSet::new());
static ENDED: Condvar = Condvar::new();

/// The right to complete an upload, until it is dropped.
pub(super) struct Turn(Name);

impl Turn {
    /// Waits until nobody else of this process completes this upload.
    pub(super) fn take(bucket: &Bucket, id: UploadId<'_>) -> Self {
        let name = (bucket.identity, id.key.to_owned(), id.id.to_owned());
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names = ENDED.wait_while(names, |names| names.contains(&name)).unwrap_or_else(PoisonError::into_inner);
        names.insert(name.clone());
        Self(name)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        NAMES.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        ENDED.notify_all();
    }
}
