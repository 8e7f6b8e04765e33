//! What a loss of power leaves of what was being written: to objects, and to the spool.
//!
//! What was answered as durable stays. The rest stays as well, or is as it was before, or only its beginning is there.

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

#[derive(Default)]
struct State {
    /// For each place its changes in order: the number of each, and what was there before.
    changes: BTreeMap<Place, Vec<(u64, Content)>>,
    /// Changes so far.
    number: u64,
    /// How often the power went.
    cuts: u64,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        // One thread, and nothing panics under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes what is there before it is changed. The number of the change.
pub(crate) async fn changes(world: &World, place: &Place) -> u64 {
    let before = place.content(world).await;
    let mut state = world.disk.lock();
    state.number += 1;
    let number = state.number;
    state.changes.entry(place.clone()).or_default().push((number, before));
    number
}

/// What a sync is for.
pub(crate) enum Wanted<'a> {
    /// The changes of one place, up to this number.
    Place(&'a Place, u64),
    /// Those of a bucket that have been made so far.
    Bucket { spool: bool, bucket: &'a str },
}

/// Makes changes last. It takes a moment, in which the power may go: then nothing is known of them.
pub(crate) async fn sync(world: &World, wanted: Wanted<'_>) {
    let (cuts, all) = {
        let state = world.disk.lock();
        (state.cuts, state.number)
    };
    sleep(Duration::from_micros(world.draw(0..=SYNC_MICROS))).await;
    if world.meets(Fault::SyncCut) {
        cut(world).await;
    }
    let mut state = world.disk.lock();
    if state.cuts != cuts {
        return;
    }
    let last = |changes: &mut Vec<(u64, Content)>, number: u64| {
        changes.retain(|(of, _)| *of > number);
        !changes.is_empty()
    };
    match wanted {
        Wanted::Place(place, number) => {
            state.changes.retain(|of, changes| of != place || last(changes, number));
        }
        Wanted::Bucket { spool, bucket } => {
            let is_wanted = |of: &Place| of.spool == spool && of.bucket == bucket;
            state.changes.retain(|of, changes| !is_wanted(of) || last(changes, all));
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
        let lasting = changes.first().and_then(|(_, before)| before.as_ref());
        if let Some((body, tags)) = &now
            && !body.is_empty()
            && lasting.is_none_or(|(lasting, _)| lasting != body)
            && world.meets(Fault::WriteTorn)
        {
            // Shorter than the body, and so no longer than a number holds.
            let left = usize::try_from(world.draw(0..=body.len() as u64 - 1)).unwrap_or(0);
            world.note(format!("{left} of {} bytes are left of {name}", body.len()));
            place.set(world, Some((body.slice(..left), tags.clone()))).await;
        } else if world.meets(Fault::WriteLost) {
            let last = changes.len() as u64 - 1;
            let chosen = usize::try_from(world.draw(0..=last)).unwrap_or(0);
            let Some((_, before)) = changes.into_iter().nth(chosen) else { continue };
            world.note(format!("lost {name}"));
            place.set(world, before).await;
        }
    }
}
