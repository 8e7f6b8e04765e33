//! What a loss of power leaves of what was being written: to objects, and to the spool.
//!
//! What was answered as durable stays. The rest stays as well, or is as it was before, or only its beginning is there. What a
//! sync failed for is lost, as disks and systems have it: the next sync of the same process knows nothing of it, and says that
//! all is well.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use cos_batch_objectstore::{
    DeleteRequest, Directive, GetRequest, MemoryStore, ObjectStore as _, PutRequest, Tag, TagRequest, VersionSelector,
};
use tokio::time::sleep;

use crate::{Fault, world::World};

/// How long it takes at most until something that was written lasts: as long as a call may take that is answered at once.
const SYNC_MICROS: u64 = 3000;

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
    fn store<'w>(&self, world: &'w World) -> &'w MemoryStore {
        if self.spool { &world.spool } else { &world.objects }
    }

    /// What is there.
    pub(crate) async fn content(&self, world: &World) -> Content {
        let (store, bucket, key, version) = (self.store(world), &*self.bucket, &*self.key, &VersionSelector::Latest);
        let body = store.get_range(GetRequest { bucket, key, version, range: 0..u64::MAX, pin: None }).await.ok()?;
        let tags = store.get_tags(bucket, key, version).await.unwrap_or_default();
        Some((body, tags))
    }

    /// Makes it what it is to be. The stores are in memory and have the bucket: that nothing is there to be deleted is all
    /// that can go wrong.
    async fn set(&self, world: &World, content: Content) {
        let (store, bucket, key, version) = (self.store(world), &*self.bucket, &*self.key, &VersionSelector::Latest);
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
struct Change {
    number: u64,
    before: Content,
    /// A sync of it failed: it never will last.
    is_doomed: bool,
}

#[derive(Default)]
struct State {
    /// For each place its changes in order.
    changes: BTreeMap<Place, Vec<Change>>,
    /// Changes so far.
    number: u64,
    /// How often the power went.
    cuts: u64,
    /// Syncs of buckets that failed: how often, and which of these each process was told of. One that opened the bucket before is
    /// told, once.
    failed: BTreeMap<(bool, String), u64>,
    told: BTreeMap<(usize, bool, String), u64>,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        // One thread, and nothing panics under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes what is there before a process changes it. The number of the change.
pub(crate) async fn changes(world: &World, process: usize, place: &Place) -> u64 {
    let before = place.content(world).await;
    let mut state = world.disk.lock();
    let failed = state.failed.get(&(place.spool, place.bucket.clone())).copied().unwrap_or(0);
    state.told.entry((process, place.spool, place.bucket.clone())).or_insert(failed);
    state.number += 1;
    let number = state.number;
    state.changes.entry(place.clone()).or_default().push(Change { number, before, is_doomed: false });
    number
}

/// What a sync is for.
pub(crate) enum Wanted<'a> {
    /// The changes of one place, up to this number.
    Place(&'a Place, u64),
    /// Those of a bucket that have been made so far, for this process.
    Bucket { process: usize, spool: bool, bucket: &'a str },
}

impl Wanted<'_> {
    fn has(&self, place: &Place) -> bool {
        match self {
            Self::Place(wanted, _) => place == *wanted,
            Self::Bucket { spool, bucket, .. } => place.spool == *spool && place.bucket == *bucket,
        }
    }
}

/// Makes changes last. It takes a moment, in which the power may go: then nothing is known of them. False: it failed, and they
/// will not last whatever is done about them later.
pub(crate) async fn sync(world: &World, wanted: Wanted<'_>) -> bool {
    let (cuts, newest) = {
        let state = world.disk.lock();
        let newest = if let Wanted::Place(_, number) = wanted { number } else { state.number };
        (state.cuts, newest)
    };
    sleep(Duration::from_micros(world.draw(0..=SYNC_MICROS))).await;
    if world.meets(Fault::SyncCut) {
        cut(world).await;
    }
    let fails = world.meets(Fault::SyncFailed);
    let mut state = world.disk.lock();
    if state.cuts != cuts {
        return true;
    }
    let mut was_told = true;
    if let Wanted::Bucket { process, spool, bucket } = wanted {
        let failed = state.failed.entry((spool, bucket.to_owned())).or_default();
        *failed += u64::from(fails);
        let failed = *failed;
        was_told = state.told.insert((process, spool, bucket.to_owned()), failed).is_none_or(|told| told == failed);
    }
    for (place, changes) in &mut state.changes {
        if !wanted.has(place) {
            continue;
        }
        if fails {
            changes.iter_mut().filter(|change| change.number <= newest).for_each(|change| change.is_doomed = true);
        } else if let Some(last) = changes.iter().rposition(|change| change.number <= newest && !change.is_doomed) {
            // What was there before it is of no account any more.
            changes.drain(..=last);
        }
    }
    state.changes.retain(|_, changes| !changes.is_empty());
    was_told && !fails
}

/// The end of a story: all that does not last is taken back.
pub(crate) async fn lose(world: &World) {
    let changes = std::mem::take(&mut world.disk.lock().changes);
    for (place, changes) in changes {
        if let Some(first) = changes.into_iter().next() {
            place.set(world, first.before).await;
        }
    }
}

/// The power goes: all processes are killed, and of what does not last yet each change is there, is not, or is in part.
pub(crate) async fn cut(world: &World) {
    let changes = {
        let mut state = world.disk.lock();
        state.cuts += 1;
        std::mem::take(&mut state.changes)
    };
    world.kill_all();
    for (number, (place, changes)) in changes.into_iter().enumerate() {
        // Names that have chance in them tell nothing.
        let name = if place.spool { format!("file {number} of the spool") } else { format!("object {number}") };
        let now = place.content(world).await;
        let lasting = changes.first().and_then(|change| change.before.as_ref());
        let is_doomed = changes.last().is_some_and(|change| change.is_doomed);
        if let Some((body, tags)) = &now
            && !body.is_empty()
            && lasting.is_none_or(|(lasting, _)| lasting != body)
            && world.meets(Fault::WriteTorn)
        {
            // Shorter than the body, and so no longer than a number holds.
            let left = usize::try_from(world.draw(0..=body.len() as u64 - 1)).unwrap_or(0);
            world.note(format!("{left} of {} bytes are left of {name}", body.len()));
            place.set(world, Some((body.slice(..left), tags.clone()))).await;
        } else if is_doomed || world.meets(Fault::WriteLost) {
            let last = changes.len() as u64 - 1;
            let chosen = usize::try_from(world.draw(0..=last)).unwrap_or(0);
            let Some(change) = changes.into_iter().nth(chosen) else { continue };
            world.note(format!("lost {name}"));
            place.set(world, change.before).await;
        }
    }
}
