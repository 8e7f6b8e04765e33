//! Who goes next: pure decisions over what is ready and what is running.
//!
//! A free worker goes to the APPID with the fewest workers, there to the job with the highest priority, there to the
//! oldest. A worker is taken away (at its next checkpoint) only for an APPID that has at least two fewer, or for a job
//! of the same APPID with a higher priority. Where work of higher priority can fill all workers of a job, the job as a
//! whole stands aside (Pausing, Paused); it is a candidate like any other then, and comes back when its turn comes,
//! that is when no work of higher priority waits. So it never takes back what it gave up: things settle.

use std::{cmp::Reverse, collections::BTreeMap};

use uuid::Uuid;

/// A job with shards that wait for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting<'a> {
    /// Id.
    pub job: Uuid,
    /// The APPID that owns it.
    pub tenant: &'a str,
    /// Priority.
    pub priority: u32,
    /// How many of its shards wait.
    pub ready: u64,
}

/// A worker on a shard of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Working<'a> {
    /// Id of the job.
    pub job: Uuid,
    /// The APPID that owns it.
    pub tenant: &'a str,
    /// Priority of the job.
    pub priority: u32,
    /// It has not begun: the place is still being left by another. It counts, but gives nothing up.
    pub promised: bool,
}

/// How room is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// This worker gives up its shard; the number is its place among those working.
    Worker(usize),
    /// This job stands aside with all its workers, for another one.
    Job {
        /// The job.
        job: Uuid,
        /// The job of higher priority that needs the room.
        urgent: Uuid,
    },
}

fn workers_of<'a>(working: &[Working<'a>]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for worker in working {
        *counts.entry(worker.tenant).or_default() += 1;
    }
    counts
}

/// The place in `waiting` of the job that a free worker goes to.
#[must_use]
pub fn pick(waiting: &[Waiting<'_>], working: &[Working<'_>]) -> Option<usize> {
    let workers = workers_of(working);
    let candidates = waiting.iter().enumerate().filter(|(_, job)| job.ready > 0);
    candidates
        .min_by_key(|(_, job)| (workers.get(job.tenant).copied().unwrap_or(0), Reverse(job.priority), job.job))
        .map(|(place, _)| place)
}

/// Gives out places that are still being left, as they will be taken.
pub fn promise<'a>(waiting: &mut [Waiting<'a>], working: &mut Vec<Working<'a>>, places: usize) {
    for _ in 0..places {
        let Some(job) = pick(waiting, working).and_then(|place| waiting.get_mut(place)) else { return };
        job.ready -= 1;
        working.push(Working { job: job.job, tenant: job.tenant, priority: job.priority, promised: true });
    }
}

/// With no worker free: who should make room, if anybody should.
#[must_use]
pub fn make_room(waiting: &[Waiting<'_>], working: &[Working<'_>]) -> Option<Room> {
    let next = waiting.get(pick(waiting, working)?)?;
    let workers = workers_of(working);
    let count = |tenant: &str| workers.get(tenant).copied().unwrap_or(0);
    let held = || working.iter().enumerate().filter(|(_, worker)| !worker.promised);
    // Of the APPID with the most workers, its least urgent, there the youngest.
    let most = held().max_by_key(|(_, worker)| (count(worker.tenant), Reverse(worker.priority), worker.job));
    if let Some((place, victim)) = most
        && count(victim.tenant) >= count(next.tenant) + 2
    {
        return Some(Room::Worker(place));
    }
    // Otherwise only a less urgent job of the same APPID makes room, for the most urgent job that finds one.
    let mut pairs: Vec<_> = waiting
        .iter()
        .filter(|urgent| urgent.ready > 0)
        .filter_map(|urgent| {
            let own = held().filter(|(_, worker)| worker.tenant == urgent.tenant);
            let (place, victim) = own.min_by_key(|(_, worker)| (worker.priority, Reverse(worker.job)))?;
            (victim.priority < urgent.priority).then_some((urgent, place, victim))
        })
        .collect();
    pairs.sort_by_key(|(urgent, ..)| (Reverse(urgent.priority), urgent.job));
    pairs.into_iter().find_map(|(urgent, place, victim)| {
        let whole = |(_, worker): &(usize, &Working<'_>)| worker.job == victim.job;
        if filled(waiting, working, victim, whole) {
            return Some(Room::Job { job: victim.job, urgent: urgent.job });
        }
        let one = |(number, _): &(usize, &Working<'_>)| *number == place;
        filled(waiting, working, victim, one).then_some(Room::Worker(place))
    })
}

/// Would more urgent work of the victim's APPID take all places that these workers leave?
fn filled<'a>(
    waiting: &[Waiting<'a>],
    working: &[Working<'a>],
    victim: &Working<'_>,
    leaves: impl Fn(&(usize, &Working<'a>)) -> bool,
) -> bool {
    let mut waiting = waiting.to_vec();
    let staying = working.iter().enumerate().filter(|place| !leaves(place));
    let mut after: Vec<_> = staying.map(|(_, worker)| worker.clone()).collect();
    let left = after.len();
    promise(&mut waiting, &mut after, working.len() - left);
    let above = |worker: &Working<'_>| worker.tenant == victim.tenant && worker.priority > victim.priority;
    after.len() == working.len() && after[left..].iter().all(above)
}

#[cfg(test)]
mod tests;
