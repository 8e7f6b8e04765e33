//! What a loss of power leaves of what was being written: to objects, and to the spool.
//!
//! What was answered as durable stays. The rest stays as well, or is as it was before, or only its beginning is there. What a
//! sync failed for is lost, as disks and systems have it: the next sync of the same process knows nothing of it, and says that
//! all is well.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    Fault,
    disk::{Change, Place},
    world::World,
};

/// How long it takes at most until something that was written lasts: as long as a call may take that is answered at once.
const SYNC_MICROS: u64 = 3000;

/// Notes what is there before a process changes it. The number of the change.
pub(crate) async fn changes(world: &World, process: usize, place: &Place) -> u64 {
    let before = place.content(world.store(place.spool)).await;
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
    // Whoever has a file open is told of what could not be written of it, whichever sync that was found by.
    let is_doomed = matches!(wanted, Wanted::Place(place, number)
        if state.changes.get(place).is_some_and(|changes| changes.iter().any(|change| change.number == number && change.is_doomed)));
    was_told && !fails && !is_doomed
}

/// The end of a story: all that does not last is taken back.
pub(crate) async fn lose(world: &World) {
    let changes = std::mem::take(&mut world.disk.lock().changes);
    for (place, changes) in changes {
        if let Some(first) = changes.into_iter().next() {
            place.set(world.store(place.spool), first.before).await;
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
        let now = place.content(world.store(place.spool)).await;
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
            place.set(world.store(place.spool), Some((body.slice(..left), tags.clone()))).await;
        } else if is_doomed || world.meets(Fault::WriteLost) {
            let last = changes.len() as u64 - 1;
            let chosen = usize::try_from(world.draw(0..=last)).unwrap_or(0);
            let Some(change) = changes.into_iter().nth(chosen) else { continue };
            world.note(format!("lost {name}"));
            place.set(world.store(place.spool), change.before).await;
        }
    }
}
