//! When to try again, and how long to wait before.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use cos_batch_model::{ApiError, ErrorCode};
use http::StatusCode;

use crate::error::is_transient;
use crate::{BuildError, Error, TransportErrorKind};

/// Most attempts that a policy may ask for. With the longest pauses that is more than an hour for one call.
///
/// Source: ours.
pub const ATTEMPTS_MAX: u32 = 32;

/// How often and when a call is tried again.
///
/// Before the n-th repeat the client waits between half and all of `base` · 2ⁿ⁻¹, at most `cap`; which, is random, so
/// that clients that failed together do not come back together. What is repeated at all depends on the action: see the
/// [crate's documentation](crate#what-is-repeated).
///
/// ```
/// use std::time::Duration;
///
/// use cos_batch_client::RetryPolicy;
///
/// let patient = RetryPolicy { attempts: 10, cap: Duration::from_secs(60), ..RetryPolicy::default() };
/// assert!(patient.base < patient.cap);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most attempts, the first one included: 1 to [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Longest pause before the first repeat.
    pub base: Duration,
    /// Longest pause at all.
    pub cap: Duration,
}

impl RetryPolicy {
    /// One attempt and no more.
    pub const NEVER: Self = Self { attempts: 1, base: Duration::ZERO, cap: Duration::ZERO };

    /// Refuses what makes no sense.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if (1..=ATTEMPTS_MAX).contains(&self.attempts) {
            return Ok(());
        }
        let actual = self.attempts.to_string();
        Err(BuildError::Setting { setting: "retry", rule: "a policy of 1 to 32 attempts", actual })
    }

    /// The pause before a repeat, which is counted from 1.
    pub(crate) fn pause(&self, repeat: u32, random: u64) -> Duration {
        let doubled = 2_u32.saturating_pow(repeat.saturating_sub(1));
        let longest = self.base.saturating_mul(doubled).min(self.cap);
        let half = longest / 2;
        let part = u32::try_from(random >> 32).unwrap_or(u32::MAX);
        // The product needs more than the 64 bits of a long pause in nanoseconds.
        let more = half.as_nanos() * u128::from(part) / u128::from(u32::MAX);
        half.saturating_add(Duration::from_nanos(u64::try_from(more).unwrap_or(u64::MAX)))
    }
}

impl Default for RetryPolicy {
    /// Four attempts; pauses of up to 0.2, 0.4 and 0.8 s.
    fn default() -> Self {
        Self { attempts: 4, base: Duration::from_millis(200), cap: Duration::from_secs(10) }
    }
}

/// Randomness for spreading repeats; nothing secret depends on it.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(())
}

/// Which attempts of an action may be followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Every one: carried out twice is carried out once.
    Always,
    /// Not one whose answer was lost.
    IfAnswered,
}

/// What an attempt without success may have done at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    /// Nothing.
    None,
    /// Perhaps everything: the server failed, but it is not known when.
    Answered,
    /// Perhaps everything: there is no answer that could be read.
    Lost,
}

impl Doubt {
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Transport { kind, .. } if kind.is_unsent() => Self::None,
            Error::Transport { .. } | Error::Decode(_) => Self::Lost,
            Error::Api(error) => Self::of_answer(error),
            Error::AmbiguousCreate { .. } => Self::Lost,
            Error::Build(_) | Error::GaveUp { .. } => Self::None,
        }
    }

    /// A 5xx may come from anywhere on the way, or after the work (COS Batch API: InternalError is a response that
    /// could not be built). Three codes say that nothing was begun.
    pub(crate) fn of_answer(error: &ApiError) -> Self {
        let refused = matches!(error.code, ErrorCode::SlowDown | ErrorCode::TooManyJobs | ErrorCode::NotImplemented);
        if error.status >= StatusCode::INTERNAL_SERVER_ERROR && !refused { Self::Answered } else { Self::None }
    }
}

/// What to know of an attempt without success.
pub(crate) struct Failure {
    is_transient: bool,
    pub(crate) doubt: Doubt,
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        Self { is_transient: error.is_retryable(), doubt: Doubt::of(error) }
    }

    pub(crate) fn of_answer(error: &ApiError) -> Self {
        Self { is_transient: is_transient(&error.code), doubt: Doubt::of_answer(error) }
    }

    /// Whether another attempt is of use, and safe.
    pub(crate) fn may_repeat(&self, repeat: Repeat) -> bool {
        self.is_transient && (repeat == Repeat::Always || self.doubt < Doubt::Lost)
    }
}

/// Whether an answer came that says that the request was carried out, but not what came of it.
pub(crate) fn is_unreadable(error: &Error) -> bool {
    use TransportErrorKind::{Protocol, TooLarge};
    matches!(error, Error::Decode(_) | Error::Transport { kind: Protocol | TooLarge, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_lie_in_their_upper_half() {
        let policy = RetryPolicy { attempts: 9, base: Duration::from_millis(100), cap: Duration::from_millis(500) };
        for (repeat, longest) in [(1, 100), (2, 200), (3, 400), (4, 500), (5, 500), (u32::MAX, 500)] {
            let longest = Duration::from_millis(longest);
            assert_eq!(policy.pause(repeat, 0), longest / 2, "{repeat}");
            assert_eq!(policy.pause(repeat, u64::MAX), longest, "{repeat}");
            let middle = policy.pause(repeat, u64::MAX / 2);
            assert!(longest / 2 < middle && middle < longest, "{repeat}: {middle:?}");
        }
    }

    #[test]
    fn extreme_policies_do_not_overflow() {
        let endless = RetryPolicy { attempts: ATTEMPTS_MAX, base: Duration::MAX, cap: Duration::MAX };
        assert!(endless.pause(ATTEMPTS_MAX, u64::MAX) >= Duration::MAX / 2);
        assert_eq!(RetryPolicy::NEVER.pause(5, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn the_number_of_attempts_is_bounded() {
        for (attempts, legal) in [(0, false), (1, true), (2, true), (31, true), (32, true), (33, false)] {
            let policy = RetryPolicy { attempts, ..RetryPolicy::default() };
            assert_eq!(policy.check().is_ok(), legal, "{attempts}");
        }
    }

    #[test]
    fn every_code_of_the_api_and_what_follows_from_it() {
        let mut table = String::new();
        for code in ErrorCode::ALL {
            let failure = Failure::of_answer(&ApiError::new(code.clone(), ""));
            let again = if failure.is_transient { "again" } else { "final" };
            table.push_str(&format!("{:<24} {again}, doubt: {:?}\n", code.as_str(), failure.doubt));
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn repeats_differ() {
        let (first, second, third) = (random(), random(), random());
        assert!(first != second || second != third);
    }
}
