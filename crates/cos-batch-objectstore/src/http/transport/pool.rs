//! The connections that are open and have no request.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use hyper::client::conn::http1::{self, SendRequest};
use tokio::{
    sync::{AcquireError, Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout},
};

use super::{body::Outgoing, connect::Stream, failure::Failure};

/// Most bytes of an answer's head. Real ones have some hundred; metadata of 2 KB and tags fit many times.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Headers of an answer at most: an object may have some hundred of user metadata within its 2 KB.
const HEADERS_MAX: usize = 512;

/// How long a kept connection may take to be ready: its task has only to see that the answer before is over. One that is busy
/// with anything else, as with a body that nobody reads, is of no use.
const READY_WITHIN: Duration = Duration::from_millis(100);

/// Of so many connections one is kept apart from operations: enough of them that no manifest waits for a job, few enough that
/// no job misses them.
const APART_OF: usize = 16;

/// Who may use which connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// An operation of a job: as many as there are slots begin at once.
    Operation,
    /// Content and listings, which a job needs to go on.
    Apart,
}

/// A connection without a request.
#[derive(Debug)]
pub(super) struct Connection {
    /// Whom it leads to.
    host: Box<str>,
    pub(super) sender: SendRequest<Outgoing>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

/// What the pool and its connections' tasks share.
#[derive(Debug)]
struct Shared {
    /// Used from the end: the one that was used last is the least likely to have been closed.
    idle: Mutex<Vec<Idle>>,
    connections_max: usize,
    idle_timeout: Duration,
}

/// A bounded set of connections, to any number of hosts.
#[derive(Debug)]
pub(super) struct Pool {
    /// One permit for each request in flight that any request may have.
    slots: Semaphore,
    /// And for each that no operation may have.
    apart: Semaphore,
    shared: Arc<Shared>,
}

impl Pool {
    pub(super) fn new(connections_max: usize, idle_timeout: Duration) -> Self {
        let shared = Shared { idle: Mutex::default(), connections_max, idle_timeout };
        let operations = Self::operations_max(connections_max);
        let (slots, apart) = (Semaphore::new(operations), Semaphore::new(connections_max - operations));
        Self { slots, apart, shared: Arc::new(shared) }
    }

    /// Operations in flight at most, of this many connections.
    pub(super) fn operations_max(connections_max: usize) -> usize {
        connections_max - connections_max / APART_OF
    }

    /// A place for one more request, in turn.
    pub(super) async fn slot(&self, lane: Lane) -> Result<SemaphorePermit<'_>, AcquireError> {
        match lane {
            Lane::Operation => self.slots.acquire().await,
            Lane::Apart => tokio::select! {
                biased;
                slot = self.slots.acquire() => slot,
                slot = self.apart.acquire() => slot,
            },
        }
    }

    /// A kept connection to the host that takes a request now.
    pub(super) async fn take(&self, host: &str) -> Option<Connection> {
        loop {
            let mut connection = self.shared.pop(host)?;
            // Its task may still be busy with the end of the answer before, or have noticed the server's goodbye.
            if matches!(timeout(READY_WITHIN, connection.sender.ready()).await, Ok(Ok(()))) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(super) fn give_back(&self, connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.shared.lock();
        if idle.len() >= self.shared.connections_max {
            // The one that waits longest; hosts that are no longer asked for lose theirs in this way.
            idle.remove(0);
        }
        idle.push(Idle { connection, since: Instant::now() });
    }

    /// Begins HTTP on a new stream, and starts the task that drives it. The task ends with the connection: when the server
    /// closes it, when its sender is dropped, or when the pool lets go of it.
    pub(super) async fn adopt(&self, host: &str, stream: Stream) -> Result<Connection, Failure> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake::<_, Outgoing>(stream)
            .await
            .map_err(|error| Failure::unsent(&error))?;
        let shared = Arc::downgrade(&self.shared);
        let idle_timeout = self.shared.idle_timeout;
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            loop {
                let mut tick = pin!(sleep(idle_timeout));
                let ended = poll_fn(|context| {
                    // How it ended is told to whoever waits for an answer.
                    if connection.as_mut().poll(context).is_ready() {
                        return std::task::Poll::Ready(true);
                    }
                    tick.as_mut().poll(context).map(|()| false)
                });
                if ended.await {
                    return;
                }
                Shared::sweep(&shared);
            }
        });
        Ok(Connection { host: host.into(), sender })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing between lock and unlock leaves the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to the host that was used last, if it is not too old.
    fn pop(&self, host: &str) -> Option<Connection> {
        let mut idle = self.lock();
        let at = idle.iter().rposition(|idle| *idle.connection.host == *host)?;
        if idle[at].since.elapsed() >= self.idle_timeout {
            // All others to this host are older.
            idle.retain(|idle| *idle.connection.host != *host);
            return None;
        }
        Some(idle.remove(at).connection)
    }

    /// Closes what was not used for too long. Every connection's task does so from time to time, so that connections of a
    /// store that nobody uses any more go away.
    fn sweep(shared: &Weak<Self>) {
        if let Some(shared) = shared.upgrade() {
            shared.lock().retain(|idle| idle.since.elapsed() < shared.idle_timeout);
        }
    }
}
