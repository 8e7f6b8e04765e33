//! Where the time comes from.

use std::time::{SystemTime, UNIX_EPOCH};

/// A clock that gives Unix seconds; stores take another one so that tests can let a restore run out.
pub(crate) type Clock = fn() -> i64;

/// Unix seconds by the machine's clock: the only place in this crate that reads it.
#[expect(clippy::disallowed_methods, reason = "the default clock; every store can be given another")]
pub(crate) fn wall_clock() -> i64 {
    let seconds = |d: std::time::Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => seconds(since),
        Err(before) => -seconds(before.duration()),
    }
}
