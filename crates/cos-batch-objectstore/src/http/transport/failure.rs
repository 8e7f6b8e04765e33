//! What can go wrong on the way, and whether the store may have done what it was asked for all the same.

use std::{error::Error as StdError, fmt::Write as _, iter::successors, time::Duration};

use super::shown;

/// Most errors inside one another that are looked at. Real chains have about five.
const CAUSES_MAX: usize = 16;

/// Most bytes of a chain of causes in a message: names of hosts and certificates make some hundred.
const TEXT_BYTES_MAX: usize = 512;

/// What a failure means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The request was surely not carried out.
    Unsent,
    /// It may have been carried out.
    Unknown,
    /// An answer came, but it cannot be used.
    Unusable,
    /// There was no free connection for it.
    Busy,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) reason: String,
}

impl Failure {
    /// Nobody knows what became of the request.
    pub(super) fn unknown(reason: String) -> Self {
        Self { kind: FailureKind::Unknown, reason }
    }

    pub(super) fn unsent(error: &(dyn StdError + 'static)) -> Self {
        Self { kind: FailureKind::Unsent, reason: chain(error) }
    }

    pub(super) fn unconnected(after: Duration) -> Self {
        Self { kind: FailureKind::Unsent, reason: format!("no connection {}", shown(after)) }
    }

    pub(super) fn unprepared(after: Duration) -> Self {
        Self { kind: FailureKind::Unsent, reason: format!("no credentials to sign with {}", shown(after)) }
    }

    pub(super) fn timeout(what: &str, after: Duration) -> Self {
        Self { kind: FailureKind::Unknown, reason: format!("{what} {}", shown(after)) }
    }

    pub(super) fn no_slot(max: usize, after: Duration) -> Self {
        let reason = format!("none of the {max} requests that may be in flight ended {}", shown(after));
        Self { kind: FailureKind::Busy, reason }
    }

    pub(super) fn too_large(max: usize) -> Self {
        Self { kind: FailureKind::Unusable, reason: format!("the answer has more than {max} bytes") }
    }
}

/// The cause of an error.
fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    error.source()
}

/// An error with its causes, each once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for cause in successors(error.source(), |error| inside(*error)).take(CAUSES_MAX) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            // Writing to a string does not fail.
            let _ = write!(text, ": {cause}");
        }
    }
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("connect")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn causes_are_told_in_one_line() {
        let failure = Failure::unsent(&Outer(io::Error::other("refused")));
        assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Unsent, "connect: refused"));
        let failure = Failure::unsent(&Outer(io::Error::other("ä".repeat(1000))));
        assert!((TEXT_BYTES_MAX - 1..=TEXT_BYTES_MAX).contains(&failure.reason.len()));
    }
}
