//! What to do when no connection can be accepted.

use std::{io, time::Duration};

/// How long to wait after accepting failed for want of a resource, which time may bring back.
const PAUSE: Duration = Duration::from_millis(100);

/// After how many failures in a row the listener is given up, unless they are for want of a resource: with the pauses
/// between them, some minute.
const FAILURES_MAX: u32 = 600;

/// Of how many failures in a row one is told: with the pauses between them, one in a minute.
const TOLD_EVERY: u32 = 600;

/// The table of this process, and that of the system, is full; memory, and room for buffers, is short. Linux, where the
/// last is 105, the BSDs and macOS, where it is 55, and Windows.
const SHORT_OF_RESOURCES: [i32; 7] = [24, 23, 12, 105, 55, 10_024, 10_055];

/// Failures to accept, since one was last accepted.
#[derive(Debug, Default)]
pub(super) struct Failures(u32);

/// What to do after a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It was the matter of one connection.
    GoOn,
    /// Try again after this.
    Wait(Duration),
    /// The listener is of no use any more.
    GiveUp,
}

impl Failures {
    pub(super) fn then(&mut self, error: &io::Error) -> Then {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        // The client was gone before it was accepted.
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return Then::GoOn;
        }
        let short = error.raw_os_error().is_some_and(|code| SHORT_OF_RESOURCES.contains(&code));
        if !short && self.0 >= FAILURES_MAX {
            return Then::GiveUp;
        }
        if self.0.is_multiple_of(TOLD_EVERY) {
            tracing::warn!(%error, failures = self.0, "cannot accept a connection");
        }
        self.0 = self.0.saturating_add(1);
        Then::Wait(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_resources_is_waited_out_however_long_it_lasts() {
        for code in SHORT_OF_RESOURCES {
            let mut failures = Failures::default();
            for _ in 0..FAILURES_MAX * 10 {
                assert_eq!(failures.then(&io::Error::from_raw_os_error(code)), Then::Wait(PAUSE), "{code}");
            }
        }
    }

    #[test]
    fn anything_else_is_not_for_ever() {
        let mut failures = Failures::default();
        let broken = io::Error::from(io::ErrorKind::InvalidInput);
        for _ in 0..FAILURES_MAX {
            assert_eq!(failures.then(&broken), Then::Wait(PAUSE));
        }
        assert_eq!(failures.then(&broken), Then::GiveUp);
        assert_eq!(Failures::default().then(&io::ErrorKind::ConnectionReset.into()), Then::GoOn);
    }
}
