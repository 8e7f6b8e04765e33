//! What is shown of jobs, kept in memory and true at every moment.
//!
//! Kept is what a reader wrote from a record it had just read. The writer drops what a transaction will make untrue before
//! it commits, and lets nothing of these jobs be kept until the commit is over. So, for every job:
//!
//! - What is kept was read after the last commit that changed the job, and no commit that changes it has begun since. An
//!   answer from here is the one that the database would give.
//! - A reader announces itself before it reads. If a commit that changes the job begins later, its announcement is gone,
//!   and what it read is answered (it may have read before the commit, which is then not yet acknowledged), but not kept.
//!   If such a commit is under way, the reader sees that after it announced itself, and does not keep it either. If the
//!   commit is over, so that neither holds, its change was there to be read.
//! - Whoever is told that a change was made is told so after the commit, when nothing older is kept any more.
//!
//! A commit that fails, or of which nobody knows whether it failed, drops more than it had to, and nothing else.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_batch_engine::store::{Rendition, StoreError};
use quick_cache::{
    Weighter,
    sync::{Cache, GuardResult},
};
use uuid::Uuid;

/// Bytes of renditions that are kept: some ten thousand jobs, which is more than are looked at again and again, in a small
/// part of what a server may take.
pub(super) const KEPT_BYTES_MAX: u64 = 32 << 20;

/// What the cache itself needs to keep one: its key once more, links, and counts of references.
const OVERHEAD_BYTES: u64 = 96;

/// Bytes of an ordinary rendition: from this the cache estimates how many there will be.
const ORDINARY_BYTES: u64 = 3 << 10;

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Uuid, Arc<Rendition>> for Bytes {
    fn weight(&self, _: &Uuid, rendition: &Arc<Rendition>) -> u64 {
        OVERHEAD_BYTES + rendition.bytes() as u64
    }
}

/// Renditions by job.
#[derive(Debug)]
pub(super) struct Renditions {
    kept: Cache<Uuid, Arc<Rendition>, Bytes>,
    /// Jobs that the commit which is under way changes.
    changing: Mutex<BTreeSet<Uuid>>,
}

impl Renditions {
    pub(super) fn new(bytes: u64) -> Self {
        let jobs = usize::try_from(bytes / ORDINARY_BYTES).unwrap_or(usize::MAX);
        Self { kept: Cache::with_weighter(jobs, bytes, Bytes), changing: Mutex::default() }
    }

    /// What is kept of a job, else what `read` reads, which is then kept if it is still true.
    pub(super) fn get(
        &self,
        id: Uuid,
        read: impl FnOnce() -> Result<Option<Rendition>, StoreError>,
    ) -> Result<Option<Arc<Rendition>>, StoreError> {
        let announced = match self.kept.get_value_or_guard(&id, Some(Duration::ZERO)) {
            GuardResult::Value(rendition) => return Ok(Some(rendition)),
            GuardResult::Guard(announced) => Some(announced),
            // Somebody else reads it just now. He may have begun before the last commit.
            GuardResult::Timeout => None,
        };
        // Only now: a commit that begins after this finds the announcement.
        let announced = announced.filter(|_| !self.changing().contains(&id));
        let rendition = read()?.map(Arc::new);
        if let (Some(announced), Some(rendition)) = (announced, &rendition) {
            // Refused where a commit has begun meanwhile, and where it is too large to be kept.
            let _ = announced.insert(Arc::clone(rendition));
        }
        Ok(rendition)
    }

    /// A commit that changes these jobs begins. Must be called before it can be seen by any reader.
    pub(super) fn begin(&self, jobs: impl Iterator<Item = Uuid>) {
        let mut changing = self.changing();
        changing.extend(jobs);
        // In this order: who announces himself after his job was removed finds it among those that change.
        for job in &*changing {
            self.kept.remove(job);
        }
    }

    /// The commit is over, or it was given up. Must be called before anybody is told that it was made.
    pub(super) fn end(&self) {
        self.changing().clear();
    }

    /// The set is whole between any two statements, also where a thread panicked.
    fn changing(&self) -> MutexGuard<'_, BTreeSet<Uuid>> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, u64) {
        (self.kept.len(), self.kept.weight())
    }
}
