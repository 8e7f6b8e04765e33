//! Who holds what, by the job store's clock: what must hold of leases at every step.
//!
//! - Epochs of a lease go up.
//! - Nobody is given what somebody else holds before the other one's time has run out.
//! - What is written under a lease is written under the newest one, which has not ended.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_batch_engine::{
    JobStore as _, MemoryJobStore, UnixMillis,
    store::{BoxFuture, FileLease, JobLease, ShardLease, StoreError, rules},
};
use uuid::Uuid;

/// What can be leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Job(Uuid),
    File(Uuid, u32),
    Shard(Uuid, u32),
}

impl Thing {
    pub(crate) fn job(self) -> Uuid {
        match self {
            Self::Job(job) | Self::File(job, _) | Self::Shard(job, _) => job,
        }
    }

    /// Without the job, whose id has chance in it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Job(_) => "job".to_owned(),
            Self::File(_, number) => format!("file {number}"),
            Self::Shard(_, index) => format!("shard {index}"),
        }
    }
}

/// A lease of any kind.
pub(crate) trait Lease: Clone {
    fn thing(&self) -> Thing;
    fn epoch(&self) -> u64;
    /// The same with another epoch.
    fn of_epoch(&self, epoch: u64) -> Self;
    /// The call that gives it back.
    const GIVE_BACK: &'static str;
    fn give_back<'a>(&'a self, jobs: &'a MemoryJobStore) -> BoxFuture<'a, Result<(), StoreError>>;
}

impl Lease for JobLease {
    fn thing(&self) -> Thing {
        Thing::Job(self.job)
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn of_epoch(&self, epoch: u64) -> Self {
        Self { epoch, ..self.clone() }
    }

    const GIVE_BACK: &'static str = "release_job";

    fn give_back<'a>(&'a self, jobs: &'a MemoryJobStore) -> BoxFuture<'a, Result<(), StoreError>> {
        jobs.release_job(self)
    }
}

impl Lease for FileLease {
    fn thing(&self) -> Thing {
        Thing::File(self.job, self.file.number)
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn of_epoch(&self, epoch: u64) -> Self {
        Self { epoch, ..self.clone() }
    }

    const GIVE_BACK: &'static str = "release_file";

    fn give_back<'a>(&'a self, jobs: &'a MemoryJobStore) -> BoxFuture<'a, Result<(), StoreError>> {
        jobs.release_file(self)
    }
}

impl Lease for ShardLease {
    fn thing(&self) -> Thing {
        Thing::Shard(self.job, self.shard.index)
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn of_epoch(&self, epoch: u64) -> Self {
        Self { epoch, ..self.clone() }
    }

    const GIVE_BACK: &'static str = "release_shard";

    fn give_back<'a>(&'a self, jobs: &'a MemoryJobStore) -> BoxFuture<'a, Result<(), StoreError>> {
        jobs.release_shard(self)
    }
}

/// The newest lease of something.
#[derive(Clone, Copy)]
struct Newest {
    epoch: u64,
    until: UnixMillis,
    /// It was given back, did what it was for, or was ended after its time.
    over: bool,
}

/// All leases that were ever given.
#[derive(Default)]
pub(crate) struct Leases {
    newest: Mutex<BTreeMap<Thing, Newest>>,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Thing, Newest>> {
        // One thread, and nothing panics under it.
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Epoch of the newest lease of something; 0: it never was leased.
    pub(crate) fn newest(&self, thing: Thing) -> u64 {
        self.lock().get(&thing).map_or(0, |newest| newest.epoch)
    }

    /// Somebody was given something for so long.
    pub(crate) fn given(&self, lease: &impl Lease, now: UnixMillis, ttl: Duration) -> Result<(), String> {
        let (thing, epoch) = (lease.thing(), lease.epoch());
        let given = Newest { epoch, until: rules::deadline(now, ttl), over: false };
        match self.lock().insert(thing, given) {
            Some(before) if before.epoch >= epoch => {
                Err(format!("epoch {epoch} of {} follows {}", thing.name(), before.epoch))
            }
            Some(before) if !before.over && before.until > now => {
                let early = before.until - now;
                Err(format!("{} was taken from its holder {early} ms before its time", thing.name()))
            }
            _ => Ok(()),
        }
    }

    /// A call under a lease was carried out.
    pub(crate) fn written(&self, call: &str, lease: &impl Lease) -> Result<(), String> {
        let (thing, epoch) = (lease.thing(), lease.epoch());
        let newest = self.lock().get(&thing).copied();
        match newest {
            Some(newest) if newest.epoch == epoch && !newest.over => Ok(()),
            Some(newest) if newest.epoch == epoch => {
                Err(format!("{call} of epoch {epoch} of {} was taken when its lease was over", thing.name()))
            }
            newest => {
                let newest = newest.map_or(0, |newest| newest.epoch);
                Err(format!("{call} of epoch {epoch} of {} was taken when {newest} held it", thing.name()))
            }
        }
    }

    /// A lease lasts anew.
    pub(crate) fn renewed(&self, lease: &impl Lease, now: UnixMillis, ttl: Duration) {
        if let Some(newest) = self.of(&mut self.lock(), lease) {
            newest.until = rules::deadline(now, ttl);
        }
    }

    /// A lease was given back by who has it, or is of no use any more.
    pub(crate) fn is_over(&self, lease: &impl Lease) {
        if let Some(newest) = self.of(&mut self.lock(), lease) {
            newest.over = true;
        }
    }

    fn of<'s>(&self, seen: &'s mut BTreeMap<Thing, Newest>, lease: &impl Lease) -> Option<&'s mut Newest> {
        seen.get_mut(&lease.thing()).filter(|newest| newest.epoch == lease.epoch())
    }

    /// Leases whose time had run out by then were ended.
    pub(crate) fn reaped(&self, by: UnixMillis) {
        for newest in self.lock().values_mut().filter(|newest| newest.until <= by) {
            newest.over = true;
        }
    }
}
