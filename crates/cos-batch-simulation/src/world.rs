//! What outlives a process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use cos_batch_engine::{JobStore as _, MemoryJobStore, store::Checkpoint};
use cos_batch_objectstore::{
    DeleteRequest, Directive, GetRequest, MemoryStore, ObjectStore as _, PutRequest, Tag, TagRequest, VersionSelector,
};
use fastrand::Rng;
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use crate::{Aim, Call, Fault, Plan, Sabotage, clock::SimulatedClock, life::Life, trace::Trace, witness::Witness};

pub(crate) const SOURCE: &str = "source-1250000000";
pub(crate) const TARGET: &str = "target-1250000000";
pub(crate) const SPOOL: &str = "spool";

/// Which of the world's stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plane {
    Jobs,
    Objects,
    Spool,
}

/// How an object was before it was changed; none: it was not there.
type Prior = Option<(Bytes, Vec<Tag>)>;

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) jobs: MemoryJobStore,
    pub(crate) objects: MemoryStore,
    pub(crate) spool: MemoryStore,
    pub(crate) witness: Witness,
    /// A process was killed.
    pub(crate) killed: Notify,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    trace: Trace,
    fired: BTreeMap<Fault, u64>,
    /// Calls that change something, how often each came so far: before it happens, and after.
    reached: BTreeMap<(Call, Fault), u64>,
    /// A process was killed where the plan says.
    hit: bool,
    /// Nothing goes wrong any more.
    calm: bool,
    /// No store of this plane answers before then.
    jobs_out: Option<Instant>,
    objects_out: Option<Instant>,
    lives: Vec<Arc<Life>>,
    /// What a loss of power takes back: objects that were changed since their bucket was made durable, by bucket and key.
    unsynced: BTreeMap<(String, String), Prior>,
    violations: Vec<String>,
    /// What each process has counted of each job, where that is broken on purpose.
    counted: BTreeMap<(usize, Uuid), (u64, u64)>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// Violations that are kept: the first says most.
const VIOLATIONS_MAX: usize = 20;

/// Objects get this time of change: Unix seconds.
fn object_clock() -> i64 {
    1_790_000_000
}

impl World {
    pub(crate) fn new(plan: Plan) -> Arc<Self> {
        let clock = Arc::new(SimulatedClock::new());
        let objects = MemoryStore::new().with_clock(object_clock);
        let spool = MemoryStore::new().with_clock(object_clock);
        for (store, bucket) in [(&objects, SOURCE), (&objects, TARGET), (&spool, SPOOL)] {
            // The stores are new: there is no such bucket yet, and the names are legal.
            let _ = store.create_bucket(bucket);
        }
        let state = State {
            // Not the numbers that the plan was drawn with.
            rng: Rng::with_seed(plan.seed.wrapping_add(0x9e37_79b9_7f4a_7c15)),
            trace: Trace::default(),
            fired: BTreeMap::new(),
            reached: BTreeMap::new(),
            hit: false,
            calm: false,
            jobs_out: None,
            objects_out: None,
            lives: Vec::new(),
            unsynced: BTreeMap::new(),
            violations: Vec::new(),
            counted: BTreeMap::new(),
        };
        let jobs = MemoryJobStore::new(Arc::clone(&clock) as _);
        let (witness, killed) = (Witness::default(), Notify::new());
        Arc::new(Self { plan, clock, jobs, objects, spool, witness, killed, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // One thread, and nothing panics under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, line: impl Into<String>) {
        self.note_so(&line.into(), true);
    }

    /// What changes nothing counts, but says little.
    pub(crate) fn note_so(&self, line: &str, keep: bool) {
        let at = self.clock.elapsed();
        self.lock().trace.note(at, line, keep);
    }

    pub(crate) fn violated(&self, rule: impl Into<String>) {
        let rule = rule.into();
        self.note(format!("VIOLATION {rule}"));
        let mut state = self.lock();
        if state.violations.len() < VIOLATIONS_MAX {
            state.violations.push(rule);
        }
    }

    /// A number out of this range.
    pub(crate) fn draw(&self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.lock().rng.u64(range)
    }

    /// Whether this goes wrong now.
    pub(crate) fn meets(&self, fault: Fault) -> bool {
        let rate = self.plan.rate(fault);
        let mut state = self.lock();
        if rate == 0 || state.calm || state.rng.u16(0..10_000) >= rate {
            return false;
        }
        *state.fired.entry(fault).or_default() += 1;
        drop(state);
        self.note(format!("{fault:?}"));
        true
    }

    /// A call that changes something is about to happen, or has happened. Whether its process is killed for it, as the plan says.
    pub(crate) fn reaches(&self, call: Call, when: Fault) -> bool {
        let mut state = self.lock();
        let count = state.reached.entry((call, when)).or_default();
        let number = *count;
        *count += 1;
        let is_it = self.plan.aim == Some(Aim { call, when, number });
        state.hit |= is_it;
        drop(state);
        if is_it {
            self.note(format!("{when:?}, as planned"));
        }
        is_it
    }

    /// Whether a fault was met so far.
    pub(crate) fn has_met(&self, faults: &[Fault]) -> bool {
        let state = self.lock();
        faults.iter().any(|fault| state.fired.contains_key(fault))
    }

    /// From now on all goes well.
    pub(crate) fn calm(&self) {
        let mut state = self.lock();
        state.calm = true;
        (state.jobs_out, state.objects_out) = (None, None);
        drop(state);
        self.note("calm");
    }

    pub(crate) fn is_out(&self, plane: Plane) -> bool {
        let state = self.lock();
        let until = match plane {
            Plane::Jobs => state.jobs_out,
            Plane::Objects => state.objects_out,
            Plane::Spool => None,
        };
        until.is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn goes_out(&self, plane: Plane, time: Duration) {
        let until = Some(Instant::now() + time);
        let mut state = self.lock();
        match plane {
            Plane::Jobs => state.jobs_out = until,
            Plane::Objects => state.objects_out = until,
            Plane::Spool => {}
        }
    }

    /// A new process.
    pub(crate) fn begin(&self) -> Arc<Life> {
        let mut state = self.lock();
        let life = Arc::new(Life::new(state.lives.len()));
        state.lives.push(Arc::clone(&life));
        life
    }

    /// Ends a process.
    pub(crate) fn kill(&self, life: &Life) {
        if life.end() {
            self.note(format!("{} killed", life.process));
            self.killed.notify_one();
        }
    }

    /// Remembers how an object is before it is changed.
    pub(crate) async fn remember(&self, bucket: &str, key: &str) {
        let at = (bucket.to_owned(), key.to_owned());
        if self.lock().unsynced.contains_key(&at) {
            return;
        }
        let prior = self.content(bucket, key).await;
        self.lock().unsynced.entry(at).or_insert(prior);
    }

    /// An object and its tags, if it is there.
    pub(crate) async fn content(&self, bucket: &str, key: &str) -> Prior {
        let version = &VersionSelector::Latest;
        let request = GetRequest { bucket, key, version, range: 0..u64::MAX, pin: None };
        let body = self.objects.get_range(request).await.ok()?;
        let tags = self.objects.get_tags(bucket, key, version).await.unwrap_or_default();
        Some((body, tags))
    }

    /// What was done in this bucket survives a loss of power.
    pub(crate) fn synced(&self, bucket: &str) {
        self.lock().unsynced.retain(|(of, _), _| of != bucket);
    }

    /// Kills all processes, and takes back some of what was not made durable.
    pub(crate) async fn power_cut(&self) {
        let (lives, unsynced) = {
            let mut state = self.lock();
            let unsynced = std::mem::take(&mut state.unsynced);
            let lost: Vec<_> = unsynced.into_iter().filter(|_| state.rng.bool()).collect();
            (state.lives.clone(), lost)
        };
        for life in lives {
            self.kill(&life);
        }
        for ((bucket, key), prior) in unsynced {
            self.note(format!("lost {bucket}/{key}"));
            let version = VersionSelector::Latest;
            match prior {
                // It is there, since it was changed.
                None => {
                    let request = DeleteRequest { bucket: &bucket, key: &key, version: &version, operation: None };
                    let _ = self.objects.delete(request).await;
                }
                Some((body, tags)) => {
                    let _ = self.objects.put(PutRequest::new(&bucket, &key, body)).await;
                    let request =
                        TagRequest { bucket: &bucket, key: &key, version: &version, tags: Directive::Replace(&tags) };
                    let _ = self.objects.put_tags(request).await;
                }
            }
        }
    }

    /// Holds what the job store says against what it said before.
    pub(crate) async fn look(&self) {
        for id in self.witness.known() {
            // It is in memory, and never fails.
            let Ok(mut record) = self.jobs.get(id).await else { continue };
            if let Some(record) = record.as_mut().filter(|_| self.counts_in_memory()) {
                (record.progress.succeeded, record.progress.failed) = self.remembered(id);
            }
            if let Err(rule) = self.witness.look(id, record.as_ref()) {
                self.violated(rule);
            }
        }
    }

    fn counts_in_memory(&self) -> bool {
        self.plan.sabotage == Some(Sabotage::CountersInMemory)
    }

    /// A process has counted this.
    pub(crate) fn count_in_memory(&self, process: usize, job: Uuid, step: &Checkpoint) {
        if self.counts_in_memory() {
            let mut state = self.lock();
            let counted = state.counted.entry((process, job)).or_default();
            *counted = (counted.0 + step.succeeded, counted.1 + step.failed);
        }
    }

    /// What those who live have counted.
    fn remembered(&self, job: Uuid) -> (u64, u64) {
        let state = self.lock();
        let live = |process: usize| state.lives.iter().any(|life| life.process == process && !life.is_over());
        let counted = state.counted.iter().filter(|((process, of), _)| *of == job && live(*process));
        counted.fold((0, 0), |sum, (_, counted)| (sum.0 + counted.0, sum.1 + counted.1))
    }

    pub(crate) fn ends(&self) -> Ends {
        let state = self.lock();
        Ends {
            hash: state.trace.hash(),
            events: state.trace.events(),
            last: state.trace.last(),
            fired: state.fired.clone(),
            reached: state.reached.clone(),
            hit: state.hit,
            violations: state.violations.clone(),
        }
    }
}

/// What is left of a world.
pub(crate) struct Ends {
    pub(crate) hash: u64,
    pub(crate) events: u64,
    pub(crate) last: Vec<String>,
    pub(crate) fired: BTreeMap<Fault, u64>,
    pub(crate) reached: BTreeMap<(Call, Fault), u64>,
    pub(crate) hit: bool,
    pub(crate) violations: Vec<String>,
}
