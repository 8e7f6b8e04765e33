//! Reading and writing beside the rows of a manifest, tried again while it fails in passing.

use std::time::Duration;

use cos_batch_objectstore::StoreError;
use tokio::time::Instant;

use crate::task::retry::{self, Class, PATIENCE, Tries};

/// An error that says of itself whether another try may work.
pub(crate) trait Retried {
    /// Whether it may, and how soon.
    fn class(&self) -> Class;

    /// How long whoever answered asked to wait.
    fn retry_after(&self) -> Option<Duration>;
}

impl Retried for StoreError {
    fn class(&self) -> Class {
        retry::classify(self)
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after()
    }
}

/// Tries it until it works, cannot, or has failed for too long.
pub(crate) async fn patiently<T, E, F>(attempt: impl Fn() -> F) -> Result<T, E>
where
    E: Retried,
    F: Future<Output = Result<T, E>>,
{
    let mut tries = Tries::lasting(PATIENCE);
    loop {
        let began = Instant::now();
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match tries.failed(error.class(), error.retry_after(), began.elapsed()) {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use cos_batch_objectstore::ErrorKind;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trouble_of_minutes_passes_and_what_is_refused_does_not() {
        let began = Instant::now();
        let outage = || async {
            if began.elapsed() < PATIENCE * 9 / 10 {
                return Err(StoreError::new(ErrorKind::InternalError, "in passing"));
            }
            Ok(7)
        };
        assert_eq!(patiently(outage).await.unwrap(), 7);
        let tries = AtomicU32::new(0);
        let failing = |kind| {
            tries.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Err::<(), _>(StoreError::new(kind, "no")))
        };
        patiently(|| failing(ErrorKind::AccessDenied)).await.unwrap_err();
        assert_eq!(tries.swap(0, Ordering::SeqCst), 1);
        let began = Instant::now();
        patiently(|| failing(ErrorKind::Unreachable)).await.unwrap_err();
        assert!(began.elapsed() <= PATIENCE && began.elapsed() >= PATIENCE * 9 / 10, "{:?}", began.elapsed());
        assert!(tries.into_inner() < 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_asks_for_time_gets_it() {
        let began = Instant::now();
        let busy = || async {
            let error = StoreError::new(ErrorKind::SlowDown, "later").with_retry_after(Duration::from_secs(20));
            if began.elapsed() < Duration::from_secs(20) { Err(error) } else { Ok(()) }
        };
        patiently(busy).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }
}
