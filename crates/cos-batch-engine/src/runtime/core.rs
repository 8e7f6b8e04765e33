//! What all parts of a running engine share.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cos_batch_model::JobStatus;
use cos_batch_objectstore::ObjectStore;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    gate::{Endpoint, Gate, Turnstile},
    pulse::Pulses,
    stop::{Level, Stop},
    trace,
    trouble::Troubles,
};
use crate::{
    access::Access,
    buckets::Buckets,
    config::Config,
    job::JobRecord,
    lifecycle::{self, Command, Effect, Refusal},
    report::spool::Spool,
    statistics::Statistics,
    store::{BoxFuture, JobChange, JobStore, StoreError},
};

/// How often a command is worked out anew because the job changed meanwhile. Each time somebody else got ahead, so
/// something moves; more often than this is a defect.
const CONFLICTS_MAX: u32 = 64;

/// After a renewal that failed a lease is renewed so often in the time that it lasts.
pub(crate) const RENEWALS_OF_A_LEASE: u32 = 30;

/// Shared by the driver, its workers and the API.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) buckets: Buckets,
    pub(crate) access: Arc<Access>,
    pub(crate) spool: Spool,
    pub(crate) config: Config,
    /// There may be something to do.
    pub(crate) wake: Notify,
    endpoints: Vec<Arc<Endpoint>>,
    /// The cap on operations per second of all jobs.
    turnstile: Option<Arc<Turnstile>>,
    /// Those of jobs that somebody works on, or that owe for what they began just now.
    turnstiles: Mutex<BTreeMap<Uuid, Arc<Turnstile>>>,
    /// The engine is going down: begin nothing.
    pub(crate) stopping: Stop,
    running: Mutex<BTreeMap<Piece, Running>>,
    /// A piece of work ended.
    pub(crate) ended: Notify,
    /// A job waits for somebody who prepares it.
    preparer_wanted: AtomicBool,
    pub(crate) troubles: Troubles,
    /// How far jobs had come when.
    pub(crate) pulses: Pulses,
}

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Piece {
    pub(crate) job: Uuid,
    pub(crate) kind: Kind,
}

/// Kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Prepare,
    /// Reading files of a job that somebody else prepares.
    Help,
    Shard(u32),
    Finish,
}

/// A piece of work in this process.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) tenant: String,
    pub(crate) priority: u32,
    pub(crate) stop: Arc<Stop>,
    /// It waits before another try, and needs no worker meanwhile.
    pub(crate) resting: bool,
}

/// Why a command had no effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Core {
    pub(crate) fn new(
        store: Arc<dyn JobStore>,
        buckets: Buckets,
        access: Access,
        spool: Spool,
        config: Config,
    ) -> Self {
        let endpoints = buckets.stores().into_iter().map(|store| Arc::new(Endpoint::new(store, &config))).collect();
        Self {
            store,
            buckets,
            access: Arc::new(access),
            spool,
            wake: Notify::new(),
            endpoints,
            turnstile: config.operations_per_second.map(|most| Arc::new(Turnstile::new(most))),
            turnstiles: Mutex::default(),
            config,
            stopping: Stop::default(),
            running: Mutex::default(),
            ended: Notify::new(),
            preparer_wanted: AtomicBool::new(false),
            troubles: Troubles::default(),
            pulses: Pulses::default(),
        }
    }

    /// What operations of a job on this store pass before they begin.
    pub(crate) fn gate(&self, job: &JobRecord, store: &Arc<dyn ObjectStore>) -> Gate {
        let endpoint = self.endpoints.iter().find(|endpoint| endpoint.is(store));
        let endpoint = endpoint.map_or_else(|| Arc::new(Endpoint::new(Arc::clone(store), &self.config)), Arc::clone);
        let of_job = self.config.job_operations_per_second(&job.tenant).map(|most| {
            // Consistent after every statement.
            let mut turnstiles = self.turnstiles.lock().unwrap_or_else(PoisonError::into_inner);
            turnstiles.retain(|_, turnstile| Arc::strong_count(turnstile) > 1 || !turnstile.is_idle());
            Arc::clone(turnstiles.entry(job.id).or_insert_with(|| Arc::new(Turnstile::new(most))))
        });
        Gate::new(endpoint, of_job.into_iter().chain(self.turnstile.clone()).collect())
    }

    /// Applies a command to a job and writes the result.
    pub(crate) async fn command(&self, job: Uuid, command: Command) -> Result<JobRecord, CommandError> {
        self.change(job, command, JobChange::default()).await
    }

    /// Applies a command; what else of the job changes in the same step, and under which lease, stands in `also`.
    pub(crate) async fn change(&self, job: Uuid, command: Command, also: JobChange) -> Result<JobRecord, CommandError> {
        for _ in 0..CONFLICTS_MAX {
            let record = self.store.get(job).await?.ok_or(StoreError::NoSuchJob)?;
            let (state, effects) = lifecycle::apply(&record.state, command.clone(), self.store.now())?;
            let change = JobChange { state: Some(state), ..also.clone() };
            match self.store.transition(job, record.version, change).await {
                Err(StoreError::Conflict) => {}
                result => {
                    let changed = result?;
                    let (from, to) = (&record.state.status, &changed.state.status);
                    if from != to {
                        tracing::info!(%job, appid = changed.tenant, %from, %to, "status");
                        if to.is_final() {
                            trace::job(&changed);
                        }
                    }
                    let record = changed;
                    self.perform(job, &effects);
                    return Ok(record);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Does work under a lease, which it renews for as long as the work takes: a disk or a network may well be slower
    /// than the lease is long. A store that does not answer is asked again and again: what was done is worth keeping, and
    /// where somebody else has the lease by then, its epoch keeps this work out of the books.
    pub(crate) async fn holding<'a, T, R, E: From<StoreError>>(
        &self,
        renew: impl Fn() -> BoxFuture<'a, Result<R, StoreError>>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let renewing = async {
            let mut wait = self.config.lease / 3;
            loop {
                tokio::time::sleep(wait).await;
                wait = match renew().await {
                    Ok(_) => self.config.lease / 3,
                    Err(StoreError::Failed(error)) => {
                        tracing::debug!(error, "a lease could not be renewed; trying again");
                        self.config.lease / RENEWALS_OF_A_LEASE
                    }
                    Err(error) => return error,
                };
            }
        };
        tokio::select! {
            biased;
            result = work => result,
            error = renewing => Err(error.into()),
        }
    }

    fn perform(&self, job: Uuid, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Interrupt => self.stop_job(job, Level::Cancel),
                Effect::Yield => self.stop_job(job, Level::Yield),
                Effect::Wake => self.wake.notify_one(),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Piece, Running>> {
        // The map is consistent after every statement, so a panic elsewhere leaves nothing half done.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs in this process.
    pub(crate) fn running(&self) -> Vec<(Piece, Running)> {
        self.lock().iter().map(|(piece, running)| (*piece, running.clone())).collect()
    }

    /// What of some kind runs in this process.
    pub(crate) fn running_of(&self, wanted: impl Fn(Kind) -> bool) -> Vec<(Piece, Running)> {
        let running = self.lock();
        let wanted = running.iter().filter(|(piece, _)| wanted(piece.kind));
        wanted.map(|(piece, running)| (*piece, running.clone())).collect()
    }

    /// Whether anything of this job runs in this process.
    pub(crate) fn is_busy(&self, job: Uuid) -> bool {
        let first = Piece { job, kind: Kind::Prepare };
        self.lock().range(first..).next().is_some_and(|(piece, _)| piece.job == job)
    }

    pub(crate) fn is_running(&self, piece: Piece) -> bool {
        self.lock().contains_key(&piece)
    }

    pub(crate) fn begin(&self, piece: Piece, running: Running) {
        self.lock().insert(piece, running);
    }

    /// Leaves a piece of work alone for a time, under its lease, and lets its worker go meanwhile. Ends early when it is
    /// asked to stop. Fails when the lease is lost.
    pub(crate) async fn rest<'a, R>(
        &self,
        piece: Piece,
        stop: &Stop,
        time: Duration,
        renew: impl Fn() -> BoxFuture<'a, Result<R, StoreError>>,
    ) -> Result<(), StoreError> {
        if let Some(running) = self.lock().get_mut(&piece) {
            running.resting = true;
        }
        self.wake.notify_one();
        let wait = async {
            tokio::select! {
                biased;
                () = tokio::time::sleep(time) => {}
                () = stop.above(Level::Run) => {}
                () = self.stopping.above(Level::Run) => {}
            }
            Ok(())
        };
        self.holding(renew, wait).await
    }

    /// Pieces of a job that rest in this process.
    pub(crate) fn resting(&self, job: Uuid) -> usize {
        let first = Piece { job, kind: Kind::Prepare };
        let running = self.lock();
        running.range(first..).take_while(|(piece, _)| piece.job == job).filter(|(_, running)| running.resting).count()
    }

    /// Whether a job waits that nobody is free to prepare: then those who help with others make room.
    pub(crate) fn is_preparer_wanted(&self) -> bool {
        self.preparer_wanted.load(Ordering::Relaxed)
    }

    pub(crate) fn want_preparer(&self, wanted: bool) {
        // A hint, looked at between two files.
        self.preparer_wanted.store(wanted, Ordering::Relaxed);
    }

    /// The scheduler compares what runs with what waits: keep it up to date.
    pub(crate) fn set_priority(&self, job: Uuid, priority: u32) {
        for (piece, running) in &mut *self.lock() {
            if piece.job == job {
                running.priority = priority;
            }
        }
    }

    pub(crate) fn end(&self, piece: Piece) {
        self.lock().remove(&piece);
        self.ended.notify_waiters();
        self.wake.notify_one();
    }

    /// What is done here now, and what was done with each store.
    pub(crate) fn statistics(&self) -> Statistics {
        let running = self.lock();
        let count = |wanted: fn(Kind) -> bool| running.keys().filter(|piece| wanted(piece.kind)).count();
        Statistics {
            preparing: count(|kind| matches!(kind, Kind::Prepare | Kind::Help)),
            shards: count(|kind| matches!(kind, Kind::Shard(_))),
            finishing: count(|kind| kind == Kind::Finish),
            resting: running.values().filter(|running| running.resting).count(),
            stores: self.endpoints.iter().map(|endpoint| endpoint.statistics()).collect(),
        }
    }

    /// Stops all work on a job in this process.
    pub(crate) fn stop_job(&self, job: Uuid, level: Level) {
        for (piece, running) in &*self.lock() {
            if piece.job == job && piece.kind != Kind::Finish {
                running.stop.raise(level);
            }
        }
    }

    /// Stops all work in this process.
    pub(crate) fn stop_all(&self, level: Level) {
        for running in self.lock().values() {
            running.stop.raise(level);
        }
    }
}

/// How a worker has to stop when its job is in this status; none: not at all.
pub(crate) fn stop_level(status: JobStatus) -> Option<Level> {
    match status {
        JobStatus::Active | JobStatus::Completing => None,
        JobStatus::Cancelling | JobStatus::Failing | JobStatus::Cancelled | JobStatus::Failed => Some(Level::Cancel),
        _ => Some(Level::Yield),
    }
}
