//! What outlives a process.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_batch_engine::{
    JobStore as _, MemoryJobStore,
    job::{JobRecord, Progress},
    store::Checkpoint,
};
use cos_batch_objectstore::MemoryStore;
use fastrand::Rng;
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use crate::{
    Aim, Call, Fault, Plan, Sabotage,
    clock::{BEGIN, SimulatedClock},
    disk::{Content, Disk, Place},
    leases::Leases,
    life::Life,
    trace::Trace,
    witness::Witness,
};

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

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) jobs: MemoryJobStore,
    pub(crate) objects: MemoryStore,
    pub(crate) spool: MemoryStore,
    pub(crate) witness: Witness,
    pub(crate) leases: Leases,
    pub(crate) disk: Disk,
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
    /// Calls that came once more from somebody who had lost the lease, how often.
    late: BTreeMap<&'static str, u64>,
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

thread_local! {
    /// When the story began that is told on this thread: an object store takes its time from a function that knows nothing.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Time of change of objects, in Unix seconds: the object stores' own clock goes with the runtime's time and never jumps, so that
/// others are ahead of it or behind.
fn object_clock() -> i64 {
    let elapsed = BEGAN.get().map_or(0, |began| began.elapsed().as_secs());
    BEGIN / 1000 + i64::try_from(elapsed).unwrap_or(0)
}

impl World {
    pub(crate) fn new(plan: Plan) -> Arc<Self> {
        let clock = Arc::new(SimulatedClock::new());
        BEGAN.set(Some(Instant::now()));
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
            late: BTreeMap::new(),
            violations: Vec::new(),
            counted: BTreeMap::new(),
        };
        let jobs = MemoryJobStore::new(Arc::clone(&clock) as _);
        let (witness, leases, disk) = (Witness::default(), Leases::default(), Disk::default());
        let (killed, state) = (Notify::new(), Mutex::new(state));
        Arc::new(Self { plan, clock, jobs, objects, spool, witness, leases, disk, killed, state })
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

    /// Where objects are, or what is in the spool.
    pub(crate) fn store(&self, spool: bool) -> &MemoryStore {
        if spool { &self.spool } else { &self.objects }
    }

    /// Ends all processes.
    pub(crate) fn kill_all(&self) {
        let lives = self.lock().lives.clone();
        for life in lives {
            self.kill(&life);
        }
    }

    /// An object and its tags, if it is there.
    pub(crate) async fn content(&self, bucket: &str, key: &str) -> Content {
        Place { spool: false, bucket: bucket.to_owned(), key: key.to_owned() }.content(&self.objects).await
    }

    /// This call came once more from somebody who had lost the lease.
    pub(crate) fn was_late(&self, call: &'static str) {
        *self.lock().late.entry(call).or_default() += 1;
    }

    /// Holds what the job store says against what it said before.
    pub(crate) async fn look(&self) {
        for id in self.witness.known() {
            // It is in memory, and never fails.
            let Ok(record) = self.jobs.get(id).await else { continue };
            if let Err(rule) = self.witness.look(id, record.as_ref()) {
                self.violated(rule);
            }
            if let Some(record) = record {
                self.look_at_report(&record).await;
            }
        }
    }

    /// Whatever a job has counted has a row in the part of its report that is committed, and nothing else has: at every step,
    /// also where somebody is killed right after it.
    async fn look_at_report(&self, job: &JobRecord) {
        let Some(report) = &job.spec.report else { return };
        // Far more than a job of these has.
        let Ok(segments) = self.jobs.job_segments(job.id, false, None, usize::MAX).await else { return };
        let rows = segments.iter().fold((0, 0), |sum, part| (sum.0 + part.succeeded_rows, sum.1 + part.failed_rows));
        let succeeded = if report.all_tasks { job.progress.succeeded } else { 0 };
        if rows != (succeeded, job.progress.failed) {
            let name = self.witness.name(job.id);
            self.violated(format!("{name}: {rows:?} rows are in its report, and counted are {:?}", job.progress));
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

    /// Where counters are kept in memory, every answer has what those who live have counted in place of what is in the books.
    pub(crate) fn told(&self, job: Uuid, progress: Progress) -> Progress {
        if !self.counts_in_memory() {
            return progress;
        }
        let state = self.lock();
        let live = |process: usize| state.lives.iter().any(|life| life.process == process && !life.is_over());
        let counted = state.counted.iter().filter(|((process, of), _)| *of == job && live(*process));
        let (succeeded, failed) = counted.fold((0, 0), |sum, (_, counted)| (sum.0 + counted.0, sum.1 + counted.1));
        Progress { succeeded, failed, ..progress }
    }

    pub(crate) fn ends(&self) -> Ends {
        let state = self.lock();
        Ends {
            hash: state.trace.hash(),
            events: state.trace.events(),
            last: state.trace.last(),
            fired: state.fired.clone(),
            reached: state.reached.clone(),
            late: state.late.clone(),
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
    pub(crate) late: BTreeMap<&'static str, u64>,
    pub(crate) hit: bool,
    pub(crate) violations: Vec<String>,
}
