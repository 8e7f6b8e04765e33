//! The one thread that writes, and the queue before it.

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use cos_batch_engine::{
    Clock, UnixMillis,
    store::{StoreError, ids::JobIds},
};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use uuid::Uuid;

use super::{Statistics, renditions::Renditions};
use crate::fault::Fault;

/// API calls that may wait; further callers wait for a place. As all that waits becomes one transaction, this and
/// [`WORK_WAITING_MAX`] also bound a transaction.
pub(super) const API_WAITING_MAX: usize = 64;

/// Other changes that may wait.
const WORK_WAITING_MAX: usize = 192;

/// Which changes are served first when both kinds wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Somebody waits for the answer: first.
    Api,
    /// Workers' leases and checkpoints.
    Work,
}

/// What a transaction works with.
pub(super) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(super) ids: &'a mut JobIds,
    pub(super) now: UnixMillis,
    /// Jobs of which something changes that is shown of them; more are no fault.
    pub(super) touched: &'a mut Vec<Uuid>,
}

/// The queue and its thread. The thread ends when this is dropped, after all that was asked before.
pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        ids: JobIds,
        clock: Arc<dyn Clock>,
        renditions: Arc<Renditions>,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let served = queue.clone();
        let thread = std::thread::Builder::new()
            .name("job-store".to_owned())
            .spawn(move || Server { connection, ids, clock, queue: served, renditions }.serve())?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Carries out a change in the next transaction and answers once it is committed.
    pub(super) async fn write<T, F>(&self, lane: Lane, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let stopped = || StoreError::Failed("it has stopped".to_owned());
        let places = match lane {
            Lane::Api => &self.queue.api_places,
            Lane::Work => &self.queue.work_places,
        };
        let place = places.clone().acquire_owned().await.map_err(|_| stopped())?;
        let (reply, answer) = oneshot::channel();
        self.queue.add(lane, Box::new(Change { change: Some(change), outcome: None, reply, _place: place }));
        answer.await.map_err(|_| stopped())?
    }

    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            commits: self.queue.commits.load(Ordering::Relaxed),
            changes: self.queue.changes.load(Ordering::Relaxed),
        }
    }

    /// Changes that wait now.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> (usize, usize) {
        let waiting = self.queue.waiting();
        (waiting.api.len(), waiting.work.len())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}

/// One change that waits, is carried out, and is answered.
trait Request: Send {
    /// Carries it out. An error says why it was refused and must be undone.
    fn carry_out(&mut self, session: &mut Session<'_>) -> Result<(), String>;

    /// Answers; `failure` says why the transaction was not committed.
    fn answer(self: Box<Self>, failure: Option<&str>);
}

struct Change<T, F> {
    change: Option<F>,
    outcome: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    /// Its place in the queue, given back with the answer.
    _place: OwnedSemaphorePermit,
}

impl<T, F> Request for Change<T, F>
where
    T: Send,
    F: FnOnce(&mut Session<'_>) -> Result<T, Fault> + Send,
{
    fn carry_out(&mut self, session: &mut Session<'_>) -> Result<(), String> {
        let Some(change) = self.change.take() else { return Err("it was carried out before".to_owned()) };
        self.outcome.insert(change(session)).as_ref().map(drop).map_err(Fault::to_string)
    }

    fn answer(self: Box<Self>, failure: Option<&str>) {
        let answer = match (failure, self.outcome) {
            (None, Some(outcome)) => outcome.map_err(StoreError::from),
            (Some(failure), _) => Err(StoreError::Failed(failure.to_owned())),
            (None, None) => Err(StoreError::Failed("it has stopped".to_owned())),
        };
        // Whoever asked may have gone.
        let _ = self.reply.send(answer);
    }
}

struct Queue {
    waiting: Mutex<Waiting>,
    added: Condvar,
    api_places: Arc<Semaphore>,
    work_places: Arc<Semaphore>,
    commits: AtomicU64,
    changes: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    api: VecDeque<Box<dyn Request>>,
    work: VecDeque<Box<dyn Request>>,
    closed: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            added: Condvar::new(),
            api_places: Arc::new(Semaphore::new(API_WAITING_MAX)),
            work_places: Arc::new(Semaphore::new(WORK_WAITING_MAX)),
            commits: AtomicU64::new(0),
            changes: AtomicU64::new(0),
        }
    }
}

impl Queue {
    /// The lists are whole between any two statements, also where a thread panicked.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, lane: Lane, request: Box<dyn Request>) {
        let mut waiting = self.waiting();
        // A request that is dropped tells its sender that the store has stopped.
        if !waiting.closed {
            match lane {
                Lane::Api => waiting.api.push_back(request),
                Lane::Work => waiting.work.push_back(request),
            }
            self.added.notify_one();
        }
    }

    /// Waits until something is there; false: nothing is, and nothing will be.
    fn wait(&self) -> bool {
        let mut waiting = self.waiting();
        while waiting.api.is_empty() && waiting.work.is_empty() && !waiting.closed {
            waiting = self.added.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        !(waiting.api.is_empty() && waiting.work.is_empty())
    }

    /// Everything that waits, API calls first.
    fn take(&self) -> Vec<Box<dyn Request>> {
        let mut waiting = self.waiting();
        let mut all = mem::take(&mut waiting.api);
        all.append(&mut waiting.work);
        all.into()
    }

    fn close(&self) {
        self.waiting().closed = true;
        self.api_places.close();
        self.work_places.close();
        self.added.notify_all();
    }
}

/// What the thread owns.
struct Server {
    connection: Connection,
    ids: JobIds,
    clock: Arc<dyn Clock>,
    queue: Arc<Queue>,
    renditions: Arc<Renditions>,
}

impl Server {
    fn serve(mut self) {
        while self.queue.wait() {
            let mut group = Vec::new();
            let failure = self.transaction(&mut group).err().map(|fault| fault.to_string());
            if let Some(failure) = &failure {
                // What could not be begun leaves its requests in the queue: they are failed too, or they would wait
                // for a disk that may never come back.
                group.append(&mut self.queue.take());
                tracing::error!(changes = group.len(), failure, "the job store failed to commit");
            }
            for request in group {
                request.answer(failure.as_deref());
            }
        }
    }

    /// Carries out all that waits as one transaction.
    fn transaction(&mut self, group: &mut Vec<Box<dyn Request>>) -> Result<(), Fault> {
        if !self.connection.is_autocommit() {
            // Left over from a transaction that could not even be undone.
            self.execute("ROLLBACK")?;
        }
        self.execute("BEGIN IMMEDIATE")?;
        // Only now, so that all who came while the lock was waited for are of the party.
        *group = self.queue.take();
        let mut touched = Vec::new();
        let outcome = self.carry_out(group, &mut touched).and_then(|()| {
            self.renditions.begin(touched.into_iter());
            let committed = self.execute("COMMIT");
            self.renditions.end();
            committed
        });
        if outcome.is_ok() {
            self.queue.commits.fetch_add(1, Ordering::Relaxed);
            self.queue.changes.fetch_add(u64::try_from(group.len()).unwrap_or(0), Ordering::Relaxed);
        } else if !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        outcome
    }

    fn carry_out(&mut self, group: &mut [Box<dyn Request>], touched: &mut Vec<Uuid>) -> Result<(), Fault> {
        for request in group {
            self.execute("SAVEPOINT change")?;
            let now = self.clock.now();
            let mut session = Session { connection: &self.connection, ids: &mut self.ids, now, touched };
            let outcome = request.carry_out(&mut session);
            if self.connection.is_autocommit() {
                // A full disk, for one, ends the whole transaction at once.
                let reason = outcome.err().unwrap_or_default();
                return Err(Fault::Corrupt(format!("the transaction was given up: {reason}")));
            }
            if outcome.is_err() {
                self.execute("ROLLBACK TO change")?;
            }
            self.execute("RELEASE change")?;
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> Result<(), Fault> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

impl Drop for Server {
    /// However the thread ends, nobody waits for it in vain.
    fn drop(&mut self) {
        self.queue.close();
        drop(self.queue.take());
    }
}
