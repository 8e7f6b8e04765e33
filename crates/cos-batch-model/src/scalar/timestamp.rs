//! Moments in whole seconds.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::ValidationError;
use crate::validation::shorten;

/// A moment in UTC, in whole seconds, in the years 0000 to 9999: `2026-11-01T08:30:00Z`.
///
/// Every time in the protocol's samples has this form, without fraction or offset.
///
/// ```
/// use cos_batch_model::Timestamp;
///
/// let moment: Timestamp = "2026-11-01T16:30:00.5+08:00".parse()?;
/// assert_eq!(moment.to_string(), "2026-11-01T08:30:00Z");
/// assert_eq!(Timestamp::from_unix_seconds(moment.unix_seconds())?, moment);
/// # Ok::<(), cos_batch_model::ValidationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Seconds since 1970 of the earliest moment, 0000-01-01T00:00:00Z.
    pub const MIN_UNIX_SECONDS: i64 = -62_167_219_200;
    /// Seconds since 1970 of the latest moment, 9999-12-30T22:00:00Z: the time library stays
    /// a day clear of the year's end, so that every time zone can show it.
    pub const MAX_UNIX_SECONDS: i64 = 253_402_207_200;

    /// The moment so many seconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`ValidationError::Range`] outside the years 0000 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, ValidationError> {
        if (Self::MIN_UNIX_SECONDS..=Self::MAX_UNIX_SECONDS).contains(&seconds)
            && let Ok(moment) = jiff::Timestamp::from_second(seconds)
        {
            return Ok(Self(moment));
        }
        Err(ValidationError::Range {
            field: "timestamp",
            min: Self::MIN_UNIX_SECONDS,
            max: Self::MAX_UNIX_SECONDS,
            actual: seconds.to_string(),
        })
    }

    /// Seconds after 1970-01-01T00:00:00Z, negative before.
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Reads Unix seconds or RFC 3339: the documentation gives the constraint times of a copy
    /// as timestamps, clients send them as integers.
    pub(crate) fn from_seconds_or_text(text: &str) -> Result<Self, ValidationError> {
        match text.parse::<i64>() {
            Ok(seconds) => Self::from_unix_seconds(seconds),
            Err(_) => text.parse(),
        }
    }
}

impl FromStr for Timestamp {
    type Err = ValidationError;

    /// Reads RFC 3339 with any offset; fractions of a second are dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ValidationError::Format {
            field: "timestamp",
            rule: "a time like 2026-11-01T08:30:00Z",
            actual: shorten(text),
        };
        let moment: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        // Before 1970 the library counts fractions downwards; dropping the written fraction
        // means the earlier second.
        let seconds = moment.as_second() - i64::from(moment.subsec_nanosecond() < 0);
        Self::from_unix_seconds(seconds).map_err(|_| refused())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_and_out() {
        for (text, out) in [
            ("2019-12-19T18:00:30Z", "2019-12-19T18:00:30Z"),
            ("2019-12-19T18:00:30.999Z", "2019-12-19T18:00:30Z"),
            ("1969-12-31T23:59:58.5Z", "1969-12-31T23:59:58Z"),
            ("2019-12-20T02:00:30+08:00", "2019-12-19T18:00:30Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00Z"),
        ] {
            let moment: Timestamp = text.parse().unwrap();
            assert_eq!(moment.to_string(), out);
            let again = Timestamp::from_unix_seconds(moment.unix_seconds()).unwrap();
            assert_eq!(again, moment);
        }
    }

    #[test]
    fn refused_texts() {
        for text in ["", "now", "2019-12-19", "2019-12-19T18:00:30", "2019-13-01T00:00:00Z"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert!("-000001-12-31T23:59:59Z".parse::<Timestamp>().is_err());
    }

    #[test]
    fn seconds_at_their_edges() {
        for (seconds, fits) in [
            (Timestamp::MIN_UNIX_SECONDS - 1, false),
            (Timestamp::MIN_UNIX_SECONDS, true),
            (0, true),
            (Timestamp::MAX_UNIX_SECONDS, true),
            (Timestamp::MAX_UNIX_SECONDS + 1, false),
            (i64::MIN, false),
            (i64::MAX, false),
        ] {
            assert_eq!(Timestamp::from_unix_seconds(seconds).is_ok(), fits, "{seconds}");
        }
    }

    #[test]
    fn constraints_come_as_seconds_or_as_text() {
        let moment = Timestamp::from_unix_seconds(1_760_000_000).unwrap();
        assert_eq!(Timestamp::from_seconds_or_text("1760000000"), Ok(moment));
        assert_eq!(Timestamp::from_seconds_or_text("2025-10-09T08:53:20Z"), Ok(moment));
    }
}
