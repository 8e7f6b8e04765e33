//! Moments in whole seconds.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

use super::digits::pair;
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

/// Length of the one text of a time.
const TEXT_BYTES: usize = "2026-11-01T08:30:00Z".len();

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Days of 400 years, after which the calendar begins again.
const CYCLE_DAYS: u32 = 146_097;

/// From 1st of March in the year -400 until 1970.
const SECONDS_BEFORE_1970: i64 = (719_468 + CYCLE_DAYS as i64) * SECONDS_PER_DAY as i64;

/// Year, month and day, of a number of days after 1st of March in the year -400: years begin with March, so that a leap day
/// is the last, and months are a line that is rounded down. Source: Neri and Schneider, "Euclidean affine functions and their
/// application to calendar algorithms", 2022.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
#[inline]
fn date(days: u32) -> (u32, u32, u32) {
    let quarters = 4 * days + 3;
    let century = quarters / CYCLE_DAYS;
    // 2^32 / 1461, rounded up: 1461 is what four years have.
    let years = 2_939_745 * u64::from((quarters % CYCLE_DAYS) | 3);
    let day_of_year = years as u32 / 2_939_745 / 4;
    // 2141 is 2^16 × 5 / 153, rounded down: 153 days are five months.
    let months = 2_141 * day_of_year + 197_913;
    let is_next_year = u32::from(day_of_year >= 306);
    let year = 100 * century + (years >> 32) as u32 + is_next_year - 400;
    (year, (months >> 16) - 12 * is_next_year, (months & 0xFFFF) / 2_141 + 1)
}

/// Places of its parts: year, month, day, hour, minute, second.
const PLACES: [std::ops::Range<usize>; 6] = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19];

impl Timestamp {
    /// Writes the one text of the time.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are fewer than 4 million days, and 86,400 seconds in one"
    )]
    #[inline]
    pub(crate) fn write(self, bytes: &mut [u8; TEXT_BYTES]) {
        // Counted from a year before all that there are, so that it is not negative.
        let seconds = u64::try_from(self.unix_seconds() + SECONDS_BEFORE_1970).unwrap_or_default();
        let (year, month, day) = date((seconds / SECONDS_PER_DAY) as u32);
        let second = (seconds % SECONDS_PER_DAY) as u32;
        *bytes = *b"0000-00-00T00:00:00Z";
        [bytes[0], bytes[1]] = pair(year / 100);
        [bytes[2], bytes[3]] = pair(year % 100);
        [bytes[5], bytes[6]] = pair(month);
        [bytes[8], bytes[9]] = pair(day);
        [bytes[11], bytes[12]] = pair(second / 3600);
        [bytes[14], bytes[15]] = pair(second / 60 % 60);
        [bytes[17], bytes[18]] = pair(second % 60);
    }

    /// Reads the one form in which times are written here and by COS; others are left to the library.
    fn from_usual_text(text: &str) -> Option<Self> {
        let bytes: &[u8; TEXT_BYTES] = text.as_bytes().try_into().ok()?;
        let mut parts = [0i16; PLACES.len()];
        for (place, part) in PLACES.into_iter().zip(&mut parts) {
            for byte in &bytes[place] {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                *part = *part * 10 + i16::from(digit);
            }
        }
        if [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16], bytes[19]] != *b"--T::Z" {
            return None;
        }
        let [year, small @ ..] = parts;
        let [month, day, hour, minute, second] = small.map(|part| i8::try_from(part).unwrap_or(i8::MAX));
        let moment = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        Self::from_unix_seconds(Offset::UTC.to_timestamp(moment).ok()?.as_second()).ok()
    }
}

impl FromStr for Timestamp {
    type Err = ValidationError;

    /// Reads RFC 3339 with any offset; fractions of a second are dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(moment) = Self::from_usual_text(text) {
            return Ok(moment);
        }
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
        // Digits and punctuation are ASCII.
        let mut text = [0; TEXT_BYTES];
        self.write(&mut text);
        f.write_str(str::from_utf8(&text).unwrap_or_default())
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
    fn every_day_is_written_as_the_library_counts_it() {
        let days = Timestamp::MIN_UNIX_SECONDS / 86_400..=Timestamp::MAX_UNIX_SECONDS / 86_400;
        for (day, second) in days.zip((0..86_400).step_by(61).cycle()) {
            let Ok(moment) = Timestamp::from_unix_seconds(day * 86_400 + second) else { continue };
            let expected = Offset::UTC.to_datetime(moment.0);
            let mut text = [0; TEXT_BYTES];
            moment.write(&mut text);
            let number = |place: std::ops::Range<usize>| {
                text[place].iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0'))
            };
            assert_eq!(
                PLACES.map(number),
                [
                    expected.year(),
                    expected.month().into(),
                    expected.day().into(),
                    expected.hour().into(),
                    expected.minute().into(),
                    expected.second().into(),
                ]
            );
        }
    }

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
    fn the_short_way_reads_and_writes_what_the_library_does() {
        let day = 86_400;
        let edges = [Timestamp::MIN_UNIX_SECONDS, -1, 0, 951_782_399, 951_782_400, Timestamp::MAX_UNIX_SECONDS];
        let steps = (0..400).map(|step| Timestamp::MIN_UNIX_SECONDS + step * (911 * day + 12_345));
        for seconds in edges.into_iter().chain(steps) {
            let moment = Timestamp::from_unix_seconds(seconds).unwrap();
            assert_eq!(moment.to_string(), moment.0.to_string());
            assert_eq!(Timestamp::from_usual_text(&moment.to_string()), Some(moment));
        }
        // Looks usual, and is no day, or has a second that the library makes another of.
        for text in ["2026-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z"] {
            assert_eq!(Timestamp::from_usual_text(text), None, "{text}");
        }
        for text in ["2026/01-01T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00z", "+026-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::from_usual_text(text), None, "{text}");
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
