//! The window of time in which a signature is valid.

use std::{fmt, str::FromStr, time::Duration};

/// The window of time in which a signature is valid: `q-key-time` and `q-sign-time`, Unix seconds, both ends included.
///
/// One value has exactly one text, `start;end` without signs or leading zeros, since the text itself is signed.
///
/// ```
/// use std::time::Duration;
///
/// use cos_signature::{KeyTime, KeyTimeError};
///
/// let hour = KeyTime::starting_at(1_700_000_000, Duration::from_secs(3600));
/// assert_eq!(hour.to_string(), "1700000000;1700003600");
/// assert_eq!("1700000000;1700003600".parse(), Ok(hour));
/// assert_eq!((hour.start(), hour.end(), hour.seconds()), (1_700_000_000, 1_700_003_600, 3600));
/// assert_eq!(KeyTime::new(2, 1), Err(KeyTimeError::Backwards { start: 2, end: 1 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyTime {
    start: i64,
    end: i64,
}

/// Why two numbers or a text are not a [`KeyTime`].
///
/// See [`KeyTime`] for an example. Source: COS documentation, request signature; one text for each value is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTimeError {
    /// The start is before 1970.
    #[error("the start of a key time must not be before 1970, not {start}")]
    Negative {
        /// The start that was given, Unix seconds.
        start: i64,
    },
    /// The window ends before it starts.
    #[error("the key time ends at {end}, before it starts at {start}")]
    Backwards {
        /// The start that was given, Unix seconds.
        start: i64,
        /// The end that was given, Unix seconds.
        end: i64,
    },
    /// The text is not two decimal numbers with a semicolon between.
    #[error("a key time is written `start;end` in Unix seconds, without signs, spaces or leading zeros")]
    Syntax,
}

impl KeyTime {
    /// The window from `start` to `end`, both Unix seconds and both included.
    pub fn new(start: i64, end: i64) -> Result<Self, KeyTimeError> {
        if start < 0 {
            return Err(KeyTimeError::Negative { start });
        }
        if end < start {
            return Err(KeyTimeError::Backwards { start, end });
        }
        Ok(Self { start, end })
    }

    /// The window that starts at `now` (Unix seconds) and lasts `lifetime`; parts of a second do not count. A time
    /// before 1970 counts as 1970.
    pub fn starting_at(now: i64, lifetime: Duration) -> Self {
        let start = now.max(0);
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Self { start, end: start.saturating_add(seconds) }
    }

    /// First second of the window, Unix seconds.
    pub fn start(self) -> i64 {
        self.start
    }

    /// Last second of the window, Unix seconds.
    pub fn end(self) -> i64 {
        self.end
    }

    /// Length of the window in seconds.
    pub fn seconds(self) -> i64 {
        self.end - self.start
    }
}

impl fmt::Display for KeyTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.start, self.end)
    }
}

impl FromStr for KeyTime {
    type Err = KeyTimeError;

    fn from_str(text: &str) -> Result<Self, KeyTimeError> {
        let (start, rest) = seconds(text.as_bytes())?;
        let (end, rest) = seconds(rest.strip_prefix(b";").ok_or(KeyTimeError::Syntax)?)?;
        if rest.is_empty() { Self::new(start, end) } else { Err(KeyTimeError::Syntax) }
    }
}

/// Digits of the longest number: of `i64::MAX`, and no number of so many digits is more than a `u64` holds.
pub(crate) const DIGITS_MAX: usize = 19;

/// A decimal number in its only form, and what stands after it.
fn seconds(text: &[u8]) -> Result<(i64, &[u8]), KeyTimeError> {
    let mut number = 0u64;
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        // What has too many digits for it is refused below.
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        rest = after;
    }
    let length = text.len() - rest.len();
    if !(1..=DIGITS_MAX).contains(&length) || (length > 1 && text[0] == b'0') {
        return Err(KeyTimeError::Syntax);
    }
    Ok((i64::try_from(number).map_err(|_| KeyTimeError::Syntax)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_are_one_to_one() {
        for text in ["0;0", "1700000000;1700003600", "5;9223372036854775807"] {
            assert_eq!(text.parse::<KeyTime>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            ";",
            "1",
            "1;",
            ";1",
            "01;2",
            "1;02",
            "+1;2",
            "-1;2",
            " 1;2",
            "1;2;3",
            "1;9223372036854775808",
            "1;9999999999999999999",
            "1;10000000000000000000",
            "1,2",
        ] {
            assert_eq!(text.parse::<KeyTime>(), Err(KeyTimeError::Syntax), "{text:?}");
        }
        assert_eq!("2;1".parse::<KeyTime>(), Err(KeyTimeError::Backwards { start: 2, end: 1 }));
        assert_eq!(KeyTime::new(-1, 2), Err(KeyTimeError::Negative { start: -1 }));
    }

    #[test]
    fn a_lifetime_cannot_overflow() {
        let hour = KeyTime::starting_at(100, Duration::from_millis(3_600_999));
        assert_eq!((hour.start(), hour.end(), hour.seconds()), (100, 3700, 3600));
        assert_eq!(KeyTime::starting_at(5, Duration::MAX).end(), i64::MAX);
        assert_eq!(KeyTime::starting_at(-5, Duration::from_secs(1)).to_string(), "0;1");
    }
}
