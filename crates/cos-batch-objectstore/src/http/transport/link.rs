//! One connection, driven by whoever waits for its answer.
//!
//! The usual way is a task for each connection and a channel to it. Then every request wakes two tasks, on other threads if
//! there are any. Here a request and its connection are one piece of work: it is woken once, when the answer is there. While
//! nobody waits for an answer, nothing moves on the connection; the pool looks at those from time to time.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
};
use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep},
};

use super::{body::Outgoing, connect::Stream, failure::Failure};

/// Most bytes of an answer's head. Real ones have some hundred; metadata of 2 KB and tags fit many times.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Headers of an answer with an object's metadata at most: it may have some hundred of its own within its 2 KB. Other answers
/// have some ten, and `hyper` takes a hundred; room for more than that it allocates for each answer.
const HEADERS_MAX: usize = 512;

/// So often a connection is polled again at once when it has woken itself; then others have their turn.
const TURNS_MAX: usize = 16;

/// What an alarm is set to that nobody has set yet: longer than anything waits.
const ALARM_UNSET: Duration = Duration::from_secs(24 * 60 * 60);

/// Which answers a connection takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// With a few headers.
    Plain,
    /// With those of an object's metadata.
    WithMetadata,
}

/// A connection.
pub(super) struct Link {
    /// Whom it leads to.
    host: Box<str>,
    answers: Answers,
    sender: SendRequest<Outgoing>,
    /// What moves bytes; none: it is over.
    driver: Option<http1::Connection<Stream, Outgoing>>,
    gate: Arc<Gate>,
    /// The gate's.
    waker: Waker,
    /// One timer for all that is ever waited for: it may ring early, and is then set anew. So a request that is answered in time
    /// sets none.
    alarm: Pin<Box<Sleep>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Link {
    /// Begins HTTP on a new stream.
    pub(super) async fn begin(host: &str, answers: Answers, stream: Stream) -> Result<Box<Self>, Failure> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES_MAX);
        if answers == Answers::WithMetadata {
            builder.max_headers(HEADERS_MAX);
        }
        let begun = builder.handshake::<_, Outgoing>(stream).await;
        let (sender, driver) = begun.map_err(|error| Failure::unsent(&error))?;
        let gate = Arc::<Gate>::default();
        let waker = Waker::from(Arc::clone(&gate));
        let alarm = Box::pin(sleep(ALARM_UNSET));
        Ok(Box::new(Self { host: host.into(), answers, sender, driver: Some(driver), gate, waker, alarm }))
    }

    /// Whether it leads there and takes such answers.
    pub(super) fn fits(&self, host: &str, answers: Answers) -> bool {
        self.answers == answers && *self.host == *host
    }

    /// Hands a request over. It moves only while it is [waited](Self::wait) for the answer.
    pub(super) fn send(
        &mut self,
        request: Request<Outgoing>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>> + use<> {
        self.sender.try_send_request(request)
    }

    /// Waits for something that this connection brings and nothing else does; none: it did not come until then.
    pub(super) async fn wait<T>(&mut self, until: Instant, what: impl Future<Output = T>) -> Option<T> {
        let mut what = pin!(what);
        // Whoever has used up its turn is told so by everything of the runtime, and would then wait for wakers that are not heard.
        unconstrained(poll_fn(|context| self.poll(context, until, what.as_mut()))).await
    }

    fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        until: Instant,
        mut what: Pin<&mut impl Future<Output = T>>,
    ) -> Poll<Option<T>> {
        self.gate.close();
        for _ in 0..TURNS_MAX {
            self.drive();
            // Only the driver brings it: there is nothing to be woken by.
            if let Poll::Ready(it) = what.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Poll::Ready(Some(it));
            }
            if self.is_late(until) {
                return Poll::Ready(None);
            }
            if self.gate.open(context.waker()) {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn drive(&mut self) {
        let over = self.driver.as_mut().is_some_and(|driver| {
            // How it ended is told to whoever waits for an answer.
            Pin::new(driver).poll(&mut Context::from_waker(&self.waker)).is_ready()
        });
        if over {
            // And so is what it has not begun with.
            self.driver = None;
        }
    }

    /// Whether it is so late; if not, the alarm is set.
    fn is_late(&mut self, until: Instant) -> bool {
        loop {
            if self.alarm.deadline() > until {
                self.alarm.as_mut().reset(until);
            }
            if self.alarm.as_mut().poll(&mut Context::from_waker(&self.waker)).is_pending() {
                return false;
            }
            if Instant::now() >= until {
                return true;
            }
            self.alarm.as_mut().reset(until);
        }
    }

    /// After an answer was read to its end, or after a while without a request: whether it takes another one now.
    pub(super) fn is_ready(&mut self) -> bool {
        self.sender.is_ready() || self.is_still_ready()
    }

    /// The same, with a look at what the server did meanwhile.
    pub(super) fn is_still_ready(&mut self) -> bool {
        self.drive();
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// Stands between a connection and the task that waits for it. What wakes the connection while it is polled makes it be polled
/// once more, and does not wake the task; while nobody waits, nobody is woken. And however many tasks use the connection, its
/// waker is the same.
#[derive(Default)]
struct Gate {
    state: AtomicU8,
    /// The task that waits.
    outer: Mutex<Option<Waker>>,
}

impl Gate {
    /// Nobody waits: whoever polls next will see what there is.
    const CLOSED: u8 = 0;
    /// Nobody waits, and it was woken.
    const WOKEN: u8 = 1;
    /// A task waits, and is told.
    const OPEN: u8 = 2;

    fn outer(&self) -> MutexGuard<'_, Option<Waker>> {
        // One assignment is all that happens under it.
        self.outer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polling begins.
    fn close(&self) {
        self.state.store(Self::CLOSED, Ordering::SeqCst);
    }

    /// Polling ends, and the task with this waker waits. False: it does not, for the connection was woken meanwhile.
    fn open(&self, waker: &Waker) -> bool {
        {
            let mut outer = self.outer();
            if !outer.as_ref().is_some_and(|outer| outer.will_wake(waker)) {
                *outer = Some(waker.clone());
            }
        }
        let opened = self.state.compare_exchange(Self::CLOSED, Self::OPEN, Ordering::SeqCst, Ordering::SeqCst);
        if opened.is_err() {
            self.close();
        }
        opened.is_ok()
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(Self::WOKEN, Ordering::SeqCst) == Self::OPEN {
            let outer = self.outer().clone();
            if let Some(outer) = outer {
                outer.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn who_wakes_is_heard_by_the_task_that_waits_and_by_whoever_polls() {
        let count = Arc::new(Count::default());
        let task = Waker::from(Arc::clone(&count));
        let gate = Arc::<Gate>::default();
        let waker = Waker::from(Arc::clone(&gate));
        let woken = || count.0.load(Ordering::SeqCst);
        gate.close();
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!((gate.open(&task), woken()), (false, 0), "to be polled again");
        assert_eq!((gate.open(&task), woken()), (true, 0));
        waker.wake_by_ref();
        assert_eq!(woken(), 1);
        waker.wake_by_ref();
        assert_eq!(woken(), 1, "once is enough until it polls");
        gate.close();
        waker.wake_by_ref();
        assert_eq!(woken(), 1, "nobody waits");
        gate.close();
        assert!(gate.open(Waker::noop()));
        waker.wake();
        assert_eq!(woken(), 1, "that was for another task");
    }
}
