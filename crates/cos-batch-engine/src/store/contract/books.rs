//! The books of a job under any sequence of events, compared with a simple model of them.

use std::{collections::BTreeMap, future::Future, time::Duration};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use uuid::Uuid;

use super::kit::{Fixture, active, get, recorded, step};
use crate::{
    clock::{Clock, UnixMillis},
    job::ShardTally,
    store::{Checkpoint, Cursor, Segment, ShardLease, StoreError},
};

/// Sequences of events that are tried.
pub const BOOKS: u32 = 48;

/// The same, where each statement goes to a server and back.
pub const BOOKS_TOGETHER: u32 = 10;

const SHARDS: [u64; 3] = [4, 1, 9];
const TTL: Duration = Duration::from_millis(100);

#[derive(Clone, Debug)]
enum Event {
    Claim { job: usize },
    Checkpoint { lease: usize, succeeded: u64, failed: u64, code: u8, segment: bool },
    Renew { lease: usize },
    Finish { lease: usize },
    Release { lease: usize },
    Wait { millis: u64 },
    Reap { all: bool },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..2usize).prop_map(|job| Event::Claim { job }),
        6 => (0..64usize, 0..4u64, 0..3u64, 0..3u8, any::<bool>()).prop_map(|(lease, succeeded, failed, code, segment)| {
            Event::Checkpoint { lease, succeeded, failed, code, segment }
        }),
        1 => (0..64usize).prop_map(|lease| Event::Renew { lease }),
        2 => (0..64usize).prop_map(|lease| Event::Finish { lease }),
        1 => (0..64usize).prop_map(|lease| Event::Release { lease }),
        1 => (0..120u64).prop_map(|millis| Event::Wait { millis }),
        1 => proptest::bool::weighted(0.3).prop_map(|all| Event::Reap { all }),
    ]
}

#[derive(Clone, Debug, Default)]
struct ModelShard {
    epoch: u64,
    held_until: Option<UnixMillis>,
    done: bool,
    cursor: Cursor,
    segments: Vec<Segment>,
}

impl ModelShard {
    fn holds(&self, lease: &ShardLease) -> bool {
        self.held_until.is_some() && self.epoch == lease.epoch
    }
}

#[derive(Debug, Default)]
struct ModelJob {
    shards: Vec<ModelShard>,
    succeeded: u64,
    failed: u64,
    codes: BTreeMap<String, u64>,
}

impl ModelJob {
    fn tally(&self) -> ShardTally {
        let count = |of: &dyn Fn(&ModelShard) -> bool| {
            u64::try_from(self.shards.iter().filter(|shard| of(shard)).count()).unwrap()
        };
        ShardTally {
            ready: count(&|shard| !shard.done && shard.held_until.is_none()),
            leased: count(&|shard| shard.held_until.is_some()),
            done: count(&|shard| shard.done),
        }
    }
}

/// Whatever happens to two jobs and their shards, in whatever order — claims, checkpoints, lost leases, reaping,
/// finishing, writes of those who lost their lease — the store's books are those of the model, and a job's counts are
/// the sum of its shards' cursors.
pub fn books_stay_exact<F: Future<Output = Fixture>>(cases: u32, make: impl Fn() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let events = proptest::collection::vec(event(), 1..80);
    let outcome = runner.run(&events, |events| {
        runtime.block_on(async { Play::new(make().await).await.run(&events).await });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

struct Play {
    fixture: Fixture,
    ids: [Uuid; 2],
    jobs: [ModelJob; 2],
    /// All leases there ever were, and the job of each.
    leases: Vec<(usize, ShardLease)>,
}

impl Play {
    async fn new(fixture: Fixture) -> Self {
        let mut ids = [Uuid::nil(); 2];
        for (number, id) in ids.iter_mut().enumerate() {
            let (job, prepare) = active(&*fixture.store, &number.to_string(), &SHARDS).await;
            fixture.store.release_job(&prepare).await.unwrap();
            *id = job;
        }
        let model = || ModelJob { shards: vec![ModelShard::default(); SHARDS.len()], ..ModelJob::default() };
        Self { fixture, ids, jobs: [model(), model()], leases: Vec::new() }
    }

    async fn run(mut self, events: &[Event]) {
        for event in events {
            self.one(event).await;
            self.compare_counts().await;
        }
        self.compare_rest().await;
    }

    async fn one(&mut self, event: &Event) {
        let store = self.fixture.store.clone();
        let until = self.fixture.clock.now() + 100;
        match *event {
            Event::Claim { job } => {
                let lease = store.claim_shard(self.ids[job], TTL).await.unwrap();
                let ready = |shard: &&mut ModelShard| !shard.done && shard.held_until.is_none();
                let expected = self.jobs[job].shards.iter_mut().enumerate().find(|(_, shard)| ready(shard));
                assert_eq!(lease.is_some(), expected.is_some());
                let (Some(lease), Some((index, shard))) = (lease, expected) else { return };
                assert_eq!(usize::try_from(lease.shard.index).unwrap(), index);
                assert!(lease.epoch > shard.epoch);
                assert_eq!(lease.cursor, shard.cursor);
                assert_eq!(usize::try_from(lease.next_segment).unwrap(), shard.segments.len());
                (shard.epoch, shard.held_until) = (lease.epoch, Some(until));
                self.leases.push((job, lease));
            }
            Event::Checkpoint { lease, succeeded, failed, code, segment } => {
                let Some((job, lease)) = pick(&self.leases, lease) else { return };
                let job = &mut self.jobs[*job];
                let shard = &mut job.shards[usize::try_from(lease.shard.index).unwrap()];
                let mut step = step(shard.cursor, succeeded, failed);
                step.codes = BTreeMap::from([(format!("Code{code}"), failed)]);
                if segment {
                    step = recorded(lease, u32::try_from(shard.segments.len()).unwrap(), step);
                }
                let answer = store.checkpoint(lease, step.clone(), TTL).await;
                if !shard.holds(lease) {
                    assert!(matches!(answer, Err(StoreError::LeaseLost)), "{answer:?}");
                } else if step.cursor.rows > lease.shard.rows {
                    assert!(matches!(answer, Err(StoreError::Misuse(_))), "{answer:?}");
                } else {
                    let progress = answer.unwrap().progress;
                    shard.held_until = Some(until);
                    commit(shard, &mut job.codes, step);
                    job.succeeded += succeeded;
                    job.failed += failed;
                    assert_eq!((progress.succeeded, progress.failed), (job.succeeded, job.failed));
                }
            }
            Event::Renew { lease } => {
                let Some((job, lease)) = pick(&self.leases, lease) else { return };
                let shard = &mut self.jobs[*job].shards[usize::try_from(lease.shard.index).unwrap()];
                let answer = store.renew_shard(lease, TTL).await;
                if shard.holds(lease) {
                    answer.unwrap();
                    shard.held_until = Some(until);
                } else {
                    assert!(matches!(answer, Err(StoreError::LeaseLost)), "{answer:?}");
                }
            }
            Event::Finish { lease } => {
                let Some((job, lease)) = pick(&self.leases, lease) else { return };
                let model = &mut self.jobs[*job];
                let shard = &mut model.shards[usize::try_from(lease.shard.index).unwrap()];
                let answer = store.finish_shard(lease, vec![]).await;
                if !shard.holds(lease) {
                    assert!(matches!(answer, Err(StoreError::LeaseLost)), "{answer:?}");
                } else if shard.cursor.rows < lease.shard.rows {
                    assert!(matches!(answer, Err(StoreError::Misuse(_))), "{answer:?}");
                } else {
                    (shard.done, shard.held_until) = (true, None);
                    assert_eq!(answer.unwrap(), model.tally().left());
                }
            }
            Event::Release { lease } => {
                let Some((job, lease)) = pick(&self.leases, lease) else { return };
                store.release_shard(lease).await.unwrap();
                let shard = &mut self.jobs[*job].shards[usize::try_from(lease.shard.index).unwrap()];
                if shard.holds(lease) {
                    shard.held_until = None;
                }
            }
            Event::Wait { millis } => self.fixture.clock.advance(Duration::from_millis(millis)),
            Event::Reap { all } => {
                let now = self.fixture.clock.now();
                let mut ended = 0;
                for shard in self.jobs.iter_mut().flat_map(|job| &mut job.shards) {
                    if shard.held_until.is_some_and(|until| all || until <= now) {
                        shard.held_until = None;
                        ended += 1;
                    }
                }
                assert_eq!(store.reap(all).await.unwrap(), ended);
            }
        }
    }

    async fn compare_counts(&self) {
        for (id, model) in self.ids.iter().zip(&self.jobs) {
            let job = get(&*self.fixture.store, *id).await;
            assert_eq!((job.progress.succeeded, job.progress.failed), (model.succeeded, model.failed));
            assert_eq!(job.shards, model.tally());
            let cursors: u64 = model.shards.iter().map(|shard| shard.cursor.rows).sum();
            assert_eq!(job.progress.executed(), cursors);
        }
    }

    async fn compare_rest(&self) {
        let store = &*self.fixture.store;
        for (id, model) in self.ids.iter().zip(&self.jobs) {
            let codes: BTreeMap<_, _> = store.codes(*id).await.unwrap().into_iter().collect();
            assert_eq!(codes, model.codes);
            let mut cut_off = Vec::new();
            for (index, shard) in (0..).zip(&model.shards) {
                assert_eq!(store.segments(*id, index).await.unwrap(), shard.segments);
                if !shard.done && !shard.segments.is_empty() {
                    cut_off.push(index);
                }
            }
            assert_eq!(store.cut_off_shards(*id, None, 10).await.unwrap(), cut_off);
        }
    }
}

fn pick(leases: &[(usize, ShardLease)], number: usize) -> Option<&(usize, ShardLease)> {
    leases.get(number.checked_rem(leases.len())?)
}

fn commit(shard: &mut ModelShard, codes: &mut BTreeMap<String, u64>, step: Checkpoint) {
    shard.cursor = step.cursor;
    shard.segments.extend(step.segment);
    for (code, tasks) in step.codes {
        if tasks > 0 {
            *codes.entry(code).or_default() += tasks;
        }
    }
}
