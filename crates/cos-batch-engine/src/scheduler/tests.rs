use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn waiting(job: u128, tenant: &str, priority: u32) -> Waiting<'_> {
    Waiting { job: Uuid::from_u128(job), tenant, priority, ready: 1 }
}

fn working(job: u128, tenant: &str, priority: u32) -> Working<'_> {
    Working { job: Uuid::from_u128(job), tenant, priority, promised: false }
}

fn picked(jobs: &[Waiting<'_>], workers: &[Working<'_>]) -> Option<u128> {
    pick(jobs, workers).map(|place| jobs[place].job.as_u128())
}

fn stands_aside(job: u128, urgent: u128) -> Option<Room> {
    Some(Room::Job { job: Uuid::from_u128(job), urgent: Uuid::from_u128(urgent) })
}

#[test]
fn fewest_workers_then_priority_then_age() {
    assert_eq!(picked(&[], &[]), None);
    let mut jobs = [waiting(3, "a", 5), waiting(2, "a", 9), waiting(1, "a", 9), waiting(4, "b", 0)];
    assert_eq!(picked(&jobs, &[]), Some(1));
    assert_eq!(picked(&jobs, &[working(1, "a", 9)]), Some(4));
    assert_eq!(picked(&jobs, &[working(1, "a", 9), working(4, "b", 0)]), Some(1));
    jobs[2].ready = 0;
    assert_eq!(picked(&jobs, &[]), Some(2));
}

#[test]
fn a_worker_is_taken_from_who_has_two_more() {
    let all_a = [working(1, "a", 9), working(2, "a", 3), working(1, "a", 9)];
    assert_eq!(make_room(&[waiting(9, "b", 0)], &all_a), Some(Room::Worker(1)), "the least urgent of them");
    let shared = [working(1, "a", 9), working(9, "b", 0)];
    assert_eq!(make_room(&[waiting(8, "b", 0), waiting(1, "a", 9)], &shared), None, "even shares stay");
}

#[test]
fn a_worker_is_taken_for_higher_priority_of_the_same_owner_only() {
    let workers = [working(1, "a", 5), working(2, "b", 0)];
    assert_eq!(make_room(&[waiting(3, "a", 6)], &workers), stands_aside(1, 3));
    assert_eq!(make_room(&[waiting(3, "a", 5)], &workers), None);
    assert_eq!(make_room(&[waiting(1, "a", 5)], &workers), None);
    // Another owner's job that waits with a higher priority is no reason for it to wait.
    let workers = [working(1, "a", 9), working(2, "b", 0)];
    assert_eq!(make_room(&[waiting(1, "a", 9), waiting(3, "b", 6)], &workers), stands_aside(2, 3));
}

#[test]
fn a_job_stands_aside_only_if_all_its_workers_are_needed() {
    let workers = [working(1, "a", 5), working(1, "a", 5), working(1, "a", 5)];
    let mut urgent = waiting(3, "a", 6);
    urgent.ready = 2;
    assert_eq!(make_room(&[urgent.clone()], &workers), Some(Room::Worker(0)));
    assert_eq!(make_room(&[urgent.clone(), waiting(4, "a", 7)], &workers), stands_aside(1, 4), "both together do");
    assert_eq!(make_room(&[urgent.clone(), waiting(4, "b", 7)], &workers), Some(Room::Worker(2)), "for b");
    urgent.ready = 3;
    assert_eq!(make_room(&[urgent], &workers), stands_aside(1, 3));
}

#[test]
fn nobody_makes_room_that_another_owner_would_take() {
    let workers = [working(1, "a", 0)];
    assert_eq!(make_room(&[waiting(2, "a", 1), waiting(3, "b", 2)], &workers), None);
    assert_eq!(make_room(&[waiting(2, "a", 2), waiting(3, "b", 2)], &workers), stands_aside(1, 2), "the older");
}

#[test]
fn places_that_are_being_left_are_given_out_once() {
    let mut jobs = [waiting(3, "a", 6)];
    let mut workers = vec![working(1, "a", 5)];
    promise(&mut jobs, &mut workers, 2);
    assert_eq!(workers.len(), 2);
    assert!(workers[1].promised);
    assert_eq!(make_room(&jobs, &workers), None, "nobody makes room a second time");
}

/// What a driver does with the decisions, without time: whoever is asked to make room has done so at once.
#[derive(Debug)]
struct World {
    jobs: Vec<(usize, u32, u64)>,
    workers: Vec<usize>,
    paused: BTreeSet<usize>,
    pauses: usize,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

impl World {
    fn waiting(&self) -> Vec<Waiting<'static>> {
        let view = |(place, &(tenant, priority, ready)): (usize, &(usize, u32, u64))| Waiting {
            job: Uuid::from_u128(place as u128),
            tenant: NAMES[tenant],
            priority,
            ready,
        };
        self.jobs.iter().enumerate().map(view).collect()
    }

    fn working(&self) -> Vec<Working<'static>> {
        let view = |&place: &usize| working(place as u128, NAMES[self.jobs[place].0], self.jobs[place].1);
        self.workers.iter().map(view).collect()
    }

    /// Fills `slots` workers.
    fn fill(&mut self, slots: usize) {
        while self.workers.len() < slots
            && let Some(place) = pick(&self.waiting(), &self.working())
        {
            self.jobs[place].2 -= 1;
            self.paused.remove(&place);
            self.workers.push(place);
        }
    }

    /// Makes room once; whether anybody had to.
    fn step(&mut self) -> bool {
        match make_room(&self.waiting(), &self.working()) {
            None => return false,
            Some(Room::Worker(place)) => {
                let job = self.workers.remove(place);
                self.jobs[job].2 += 1;
            }
            Some(Room::Job { job, .. }) => {
                let job = usize::try_from(job.as_u128()).unwrap();
                let before = self.workers.len();
                self.workers.retain(|worker| *worker != job);
                self.jobs[job].2 += (before - self.workers.len()) as u64;
                assert!(self.paused.insert(job), "what is paused has no workers");
                self.pauses += 1;
            }
        }
        true
    }
}

proptest! {
    /// Making room and giving it to the next job never makes room for taking it back; nobody pauses twice for the same
    /// jobs, and who is paused in the end has more urgent work of its owner at work.
    #[test]
    fn preemption_settles(
        jobs in prop::collection::vec((0usize..3, 0u32..4, 0u64..5), 1..8),
        running in prop::collection::vec(0usize..8, 1..6),
    ) {
        let workers: Vec<usize> = running.iter().map(|place| place % jobs.len()).collect();
        let slots = workers.len();
        let mut world = World { jobs, workers, paused: BTreeSet::new(), pauses: 0 };
        let mut steps = 0;
        while world.step() {
            world.fill(slots);
            steps += 1;
            prop_assert!(steps < 100, "goes round in circles: {world:?}");
        }
        prop_assert!(world.pauses <= world.jobs.len(), "a job pauses again and again: {world:?}");
        for &place in &world.paused {
            let (tenant, priority, _) = world.jobs[place];
            let above = |(job, &(owner, urgency, ready)): (usize, &(usize, u32, u64))| {
                owner == tenant && urgency > priority && (ready > 0 || world.workers.contains(&job))
            };
            prop_assert!(world.jobs.iter().enumerate().any(above), "{place} waits for nobody: {world:?}");
        }
    }

    /// Whenever a worker ends its shard, the next one is given out; all work ends, and nothing stays paused.
    #[test]
    fn who_is_paused_comes_back(
        jobs in prop::collection::vec((0usize..3, 0u32..4, 0u64..5), 1..8),
        ends in prop::collection::vec(0usize..6, 0..40),
        slots in 1usize..6,
    ) {
        let mut world = World { jobs, workers: vec![], paused: BTreeSet::new(), pauses: 0 };
        world.fill(slots);
        let mut ends = ends.into_iter();
        let mut steps = 0;
        while !world.workers.is_empty() {
            while world.step() {
                world.fill(slots);
                steps += 1;
                prop_assert!(steps < 1000, "goes round in circles: {world:?}");
            }
            world.workers.remove(ends.next().unwrap_or(0) % world.workers.len());
            world.fill(slots);
        }
        prop_assert!(world.paused.is_empty(), "{world:?}");
        prop_assert!(world.jobs.iter().all(|job| job.2 == 0), "{world:?}");
    }
}
