//! Which failures are tried again, how often and for how long: one table.

use std::time::Duration;

use cos_batch_objectstore::ErrorKind;

/// What a failure means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Another try would end the same way.
    Permanent,
    /// May go away by itself at once.
    Transient,
    /// The store asks for fewer requests.
    Throttled,
}

/// Tries of one task, the first included. With the waits below the last one begins within three seconds, so that a
/// failing row cannot hold up its shard's checkpoints for long.
pub const ATTEMPTS_MAX: u32 = 6;

/// Wait before the second try; it doubles for each further one.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(50);

/// Longest wait between two tries.
pub const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// The class of a failure.
#[must_use]
pub fn classify(kind: ErrorKind) -> Class {
    match kind {
        ErrorKind::SlowDown => Class::Throttled,
        // 409 PathConflict: somebody else is writing the same key this very moment.
        ErrorKind::InternalError | ErrorKind::ServiceUnavailable | ErrorKind::PathConflict => Class::Transient,
        _ => Class::Permanent,
    }
}

/// How long to wait after `attempts` failed tries; none: give up.
#[must_use]
pub fn wait(kind: ErrorKind, attempts: u32) -> Option<Duration> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }
    let doubled = BACKOFF_FIRST * 2_u32.pow(attempts.saturating_sub(1).min(10));
    match classify(kind) {
        Class::Permanent => None,
        Class::Transient => Some(doubled.min(BACKOFF_MAX)),
        Class::Throttled => Some((doubled * 4).min(BACKOFF_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_bounded_in_number_and_time() {
        assert_eq!(wait(ErrorKind::NoSuchKey, 1), None);
        for kind in [ErrorKind::InternalError, ErrorKind::SlowDown] {
            let waits: Vec<_> = (1..).map_while(|attempts| wait(kind, attempts)).collect();
            assert_eq!(waits.len() + 1, ATTEMPTS_MAX as usize);
            assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
            assert!(waits.iter().sum::<Duration>() < Duration::from_secs(5));
        }
    }
}
