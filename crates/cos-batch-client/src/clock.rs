//! Time as an argument.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the client reads the time for its signatures, so that tests can set it.
///
/// A closure is a clock, too: `builder.clock(|| 1_700_000_000)`.
///
/// ```
/// use cos_batch_client::{Clock, SystemClock};
///
/// assert_eq!((|| 1_700_000_000).unix_seconds(), 1_700_000_000);
/// assert!(SystemClock.unix_seconds() > 1_700_000_000);
/// ```
pub trait Clock: Send + Sync {
    /// The time now, in seconds since 1970-01-01T00:00:00Z.
    fn unix_seconds(&self) -> i64;
}

/// The machine's clock.
///
/// See [`Clock`] for an example. Source: ours.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place of the client that reads the machine's clock")]
    fn unix_seconds(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(_) => 0,
        }
    }
}

impl<F: Fn() -> i64 + Send + Sync> Clock for F {
    fn unix_seconds(&self) -> i64 {
        self()
    }
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
