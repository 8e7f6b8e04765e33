//! The time that a connection may take for the head of a request.
//!
//! hyper asks for a new time with each request, long before which it will almost always be told to forget it. To enter and
//! strike out each of them with the runtime costs more than all else that a listener does for a request. So a connection
//! has one entry there, which is moved only when it comes up: a time that lies behind it needs no entry of its own.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Instant,
};

use hyper::rt::{Sleep, Timer};

/// The one entry of a connection; none before it is needed.
type Entry = Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>;

/// A timer for one connection, whose times are waited for by one task.
#[derive(Default)]
pub(super) struct ConnectionTimer(Entry);

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: std::time::Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { entry: Arc::clone(&self.0), deadline })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        *sleep = self.sleep_until(deadline);
    }
}

struct Until {
    entry: Entry,
    deadline: Instant,
}

impl Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = tokio::time::Instant::from_std(self.deadline);
        // Whole between any two statements, also where a thread panicked.
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entry.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if entry.deadline() > deadline {
            entry.as_mut().reset(deadline);
        }
        loop {
            ready!(entry.as_mut().poll(context));
            if entry.deadline() >= deadline {
                return Poll::Ready(());
            }
            // It was an earlier request's.
            entry.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_time_comes_when_it_was_asked_for() {
        let timer = ConnectionTimer::default();
        let begin = tokio::time::Instant::now();
        timer.sleep(Duration::from_secs(60)).await;
        assert_eq!(begin.elapsed().as_secs(), 60);
        // The entry is over, and is made anew.
        timer.sleep(Duration::from_secs(5)).await;
        assert_eq!(begin.elapsed().as_secs(), 65);
    }

    #[tokio::test(start_paused = true)]
    async fn times_that_are_forgotten_do_not_come() {
        let timer = ConnectionTimer::default();
        let begin = tokio::time::Instant::now();
        for _ in 0..100 {
            let mut forgotten = timer.sleep(Duration::from_secs(60));
            assert!(futures_util::poll!(&mut forgotten).is_pending());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        timer.sleep(Duration::from_secs(60)).await;
        assert_eq!(begin.elapsed().as_secs(), 160);
        // An earlier time than the one that is entered.
        let mut forgotten = timer.sleep(Duration::from_secs(60));
        assert!(futures_util::poll!(&mut forgotten).is_pending());
        timer.sleep(Duration::from_secs(1)).await;
        assert_eq!(begin.elapsed().as_secs(), 161);
    }
}
