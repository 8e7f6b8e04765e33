//! The bounded numbers of the protocol.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::ValidationError;
use crate::validation::shorten;

/// Reads a whole number written in decimal digits alone; white space around it does not count.
pub(crate) fn whole_number(field: &'static str, min: u64, max: u64, text: &str) -> Result<u64, ValidationError> {
    let trimmed = text.trim_ascii();
    // `parse` would also take a plus sign, which no other client of the protocol accepts.
    let number = if trimmed.bytes().all(|b| b.is_ascii_digit()) { trimmed.parse().ok() } else { None };
    number.filter(|n| (min..=max).contains(n)).ok_or_else(|| out_of_range(field, min, max, shorten(trimmed)))
}

fn out_of_range(field: &'static str, min: u64, max: u64, actual: String) -> ValidationError {
    ValidationError::Range {
        field,
        min: i64::try_from(min).unwrap_or(i64::MAX),
        max: i64::try_from(max).unwrap_or(i64::MAX),
        actual,
    }
}

macro_rules! number_scalar {
    ($(#[$meta:meta])* $name:ident($inner:ident), $field:literal, $min:literal..=$max:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($inner);

        impl $name {
            /// Name of the field on the wire, as errors give it.
            pub const FIELD: &'static str = $field;
            /// Smallest number allowed.
            pub const MIN: $inner = $min;
            /// Largest number allowed.
            pub const MAX: $inner = $max;

            /// Checks and keeps a number.
            ///
            /// # Errors
            ///
            /// [`ValidationError::Range`].
            pub fn new(number: $inner) -> Result<Self, ValidationError> {
                if (Self::MIN..=Self::MAX).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(Self::refused(number))
                }
            }

            fn refused(actual: impl ToString) -> ValidationError {
                out_of_range(
                    Self::FIELD,
                    u64::from(Self::MIN),
                    u64::from(Self::MAX),
                    actual.to_string(),
                )
            }

            /// The number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = ValidationError;

            /// Reads decimal digits; white space around them does not count.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let min = u64::from(Self::MIN);
                let max = u64::from(Self::MAX);
                let number = whole_number(Self::FIELD, min, max, text)?;
                Self::try_from(number)
            }
        }

        impl TryFrom<u64> for $name {
            type Error = ValidationError;

            fn try_from(number: u64) -> Result<Self, Self::Error> {
                $inner::try_from(number)
                    .map_err(|_| Self::refused(number))
                    .and_then(Self::new)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = ValidationError;

            fn try_from(number: i64) -> Result<Self, Self::Error> {
                $inner::try_from(number)
                    .map_err(|_| Self::refused(number))
                    .and_then(Self::new)
            }
        }

        impl TryFrom<u32> for $name {
            type Error = ValidationError;

            fn try_from(number: u32) -> Result<Self, Self::Error> {
                Self::try_from(u64::from(number))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(u64::from(self.0))
            }
        }
    };
}

number_scalar! {
    /// How urgent a job is: 0–2147483647, larger first (COS Batch API, CreateJob).
    Priority(u32), "Priority", 0..=2_147_483_647
}

number_scalar! {
    /// Most jobs on one page of a list: 1–1000, 1000 when not given (COS Batch API, ListJobs).
    MaxResults(u16), "maxResults", 1..=1000
}

number_scalar! {
    /// Days for which a restored object can be read: 1–365 (COS Batch API, common elements).
    Days(u16), "ExpirationInDays", 1..=365
}

impl Default for Priority {
    /// The least urgent: 0.
    fn default() -> Self {
        Self(0)
    }
}

impl Default for MaxResults {
    /// What a list uses when nothing is asked for: 1000.
    fn default() -> Self {
        Self(Self::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_their_edges() {
        let mut lines = String::new();
        let mut say = |name: &str, text: &str, outcome: Result<String, ValidationError>| {
            let outcome = outcome.unwrap_or_else(|error| error.to_string());
            lines.push_str(&format!("{name} {text:?}: {outcome}\n"));
        };
        for text in ["-1", "0", "1", "2147483646", "2147483647", "2147483648"] {
            say("Priority", text, text.parse::<Priority>().map(|n| n.to_string()));
        }
        for text in ["0", "1", "2", "999", "1000", "1001"] {
            say("MaxResults", text, text.parse::<MaxResults>().map(|n| n.to_string()));
        }
        for text in ["0", "1", "2", "364", "365", "366"] {
            say("Days", text, text.parse::<Days>().map(|n| n.to_string()));
        }
        for text in ["", " 7\n", "007", "+7", "7.0", "0x7", "7 7", "٧", "18446744073709551616"] {
            say("Priority", text, text.parse::<Priority>().map(|n| n.to_string()));
        }
        insta::assert_snapshot!(lines);
    }

    #[test]
    fn conversions_refuse_what_the_constructor_refuses() {
        assert!(Priority::try_from(-1_i64).is_err());
        assert!(Priority::try_from(u64::MAX).is_err());
        assert!(Priority::try_from(2_147_483_648_u32).is_err());
        assert_eq!(Priority::try_from(7_i64).unwrap().get(), 7);
        assert!(MaxResults::try_from(65_537_u32).is_err(), "must not wrap around");
        assert_eq!(MaxResults::default().get(), 1000);
        assert_eq!(Priority::default().get(), 0);
    }
}
