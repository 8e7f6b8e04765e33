//! Who goes next: pure decisions over what is ready and what is running.
//!
//! A free worker goes to the APPID with the fewest workers, there to the job with the highest priority, there to the
//! oldest. A worker is taken away (at its next checkpoint) only for an APPID that has at least two fewer, or for a job
//! of the same APPID with a higher priority.

use std::collections::BTreeMap;

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
}

fn workers_of<'a>(working: &[Working<'a>]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for worker in working {
        *counts.entry(worker.tenant).or_default() += 1;
    }
    counts
}

/// The job that a free worker goes to.
#[must_use]
pub fn pick(waiting: &[Waiting<'_>], working: &[Working<'_>]) -> Option<Uuid> {
    let workers = workers_of(working);
    waiting
        .iter()
        .min_by_key(|job| (workers.get(job.tenant).copied().unwrap_or(0), std::cmp::Reverse(job.priority), job.job))
        .map(|job| job.job)
}

/// With no worker free: the place in `working` of the worker that should give up its shard, if any should.
#[must_use]
pub fn preempt(waiting: &[Waiting<'_>], working: &[Working<'_>]) -> Option<usize> {
    let next = pick(waiting, working)?;
    let next = waiting.iter().find(|job| job.job == next)?;
    let workers = workers_of(working);
    let own = workers.get(next.tenant).copied().unwrap_or(0);
    // Of the APPID with the most workers, its least urgent.
    let (place, victim) = working.iter().enumerate().max_by_key(|(_, worker)| {
        (workers.get(worker.tenant).copied().unwrap_or(0), std::cmp::Reverse(worker.priority), worker.job)
    })?;
    if workers.get(victim.tenant).copied().unwrap_or(0) >= own + 2 {
        return Some(place);
    }
    // Otherwise only a less urgent job of the same APPID makes room, for the most urgent job that finds one.
    waiting
        .iter()
        .filter_map(|urgent| {
            let own = working.iter().enumerate().filter(|(_, worker)| worker.tenant == urgent.tenant);
            let (place, victim) = own.min_by_key(|(_, worker)| worker.priority)?;
            (victim.priority < urgent.priority).then_some((urgent.priority, place))
        })
        .max_by_key(|(priority, _)| *priority)
        .map(|(_, place)| place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waiting(job: u128, tenant: &str, priority: u32) -> Waiting<'_> {
        Waiting { job: Uuid::from_u128(job), tenant, priority }
    }

    fn working(job: u128, tenant: &str, priority: u32) -> Working<'_> {
        Working { job: Uuid::from_u128(job), tenant, priority }
    }

    fn picked(jobs: &[Waiting<'_>], workers: &[Working<'_>]) -> Option<u128> {
        pick(jobs, workers).map(|id| id.as_u128())
    }

    #[test]
    fn fewest_workers_then_priority_then_age() {
        assert_eq!(picked(&[], &[]), None);
        let jobs = [waiting(3, "a", 5), waiting(2, "a", 9), waiting(1, "a", 9), waiting(4, "b", 0)];
        assert_eq!(picked(&jobs, &[]), Some(1));
        assert_eq!(picked(&jobs, &[working(1, "a", 9)]), Some(4));
        assert_eq!(picked(&jobs, &[working(1, "a", 9), working(4, "b", 0)]), Some(1));
    }

    #[test]
    fn a_worker_is_taken_from_who_has_two_more() {
        let all_a = [working(1, "a", 9), working(2, "a", 3), working(1, "a", 9)];
        assert_eq!(preempt(&[waiting(9, "b", 0)], &all_a), Some(1), "the least urgent of them");
        let shared = [working(1, "a", 9), working(9, "b", 0)];
        assert_eq!(preempt(&[waiting(8, "b", 0), waiting(1, "a", 9)], &shared), None, "even shares stay");
    }

    #[test]
    fn a_worker_is_taken_for_higher_priority_of_the_same_owner_only() {
        let workers = [working(1, "a", 5), working(2, "b", 0)];
        assert_eq!(preempt(&[waiting(3, "a", 6)], &workers), Some(0));
        assert_eq!(preempt(&[waiting(3, "a", 5)], &workers), None);
        assert_eq!(preempt(&[waiting(1, "a", 5)], &workers), None);
        // Another owner's job that waits with a higher priority is no reason for it to wait.
        assert_eq!(
            preempt(&[waiting(1, "a", 9), waiting(3, "b", 6)], &[working(1, "a", 9), working(2, "b", 0)]),
            Some(1)
        );
    }

    proptest! {
        /// Taking the worker away and giving it to the next job never makes room for taking it back.
        #[test]
        fn preemption_settles(
            jobs in prop::collection::vec((0u128..9, 0usize..3, 0u32..4), 1..8),
            running in prop::collection::vec(0usize..8, 1..6),
        ) {
            let names = ["a", "b", "c"];
            let jobs: Vec<_> = jobs.iter().enumerate()
                .map(|(place, &(_, tenant, priority))| waiting(place as u128, names[tenant], priority)).collect();
            let mut workers: Vec<_> = running.iter().map(|&place| {
                let job = &jobs[place % jobs.len()];
                Working { job: job.job, tenant: job.tenant, priority: job.priority }
            }).collect();
            let mut steps = 0;
            while let Some(place) = preempt(&jobs, &workers) {
                workers.remove(place);
                let next = pick(&jobs, &workers).unwrap();
                let job = jobs.iter().find(|job| job.job == next).unwrap();
                workers.push(Working { job: job.job, tenant: job.tenant, priority: job.priority });
                steps += 1;
                prop_assert!(steps < 100, "goes round in circles: {workers:?}");
            }
        }
    }
}
