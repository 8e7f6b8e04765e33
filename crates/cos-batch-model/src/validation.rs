//! A value that breaks a rule of its type.

use std::fmt;

/// Why a value was refused: names the field, the rule and what was found.
///
/// All lengths are in bytes of UTF-8.
///
/// ```
/// use cos_batch_model::{Description, ValidationError};
///
/// let error = Description::new("好".repeat(100)).unwrap_err();
/// assert_eq!(error, ValidationError::Length { field: "Description", min: 1, max: 256, actual: 300 });
/// assert_eq!(error.to_string(), "Description must be 1 to 256 bytes, not 300 bytes");
/// assert_eq!(error.field(), "Description");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValidationError {
    /// A text is shorter or longer than the field allows.
    Length {
        /// Wire name of the field.
        field: &'static str,
        /// Fewest bytes allowed.
        min: usize,
        /// Most bytes allowed.
        max: usize,
        /// Bytes found.
        actual: usize,
    },
    /// A number is not a whole number inside the field's range.
    Range {
        /// Wire name of the field.
        field: &'static str,
        /// Smallest number allowed.
        min: i64,
        /// Largest number allowed.
        max: i64,
        /// The text or number found, shortened.
        actual: String,
    },
    /// A text is none of the field's allowed values.
    OneOf {
        /// Wire name of the field.
        field: &'static str,
        /// Every value allowed.
        allowed: &'static [&'static str],
        /// The text found, shortened.
        actual: String,
    },
    /// A text has a character that the field cannot carry.
    Characters {
        /// Wire name of the field.
        field: &'static str,
        /// Which characters are allowed or refused.
        rule: &'static str,
        /// Byte offset of the first offending character.
        at_byte: usize,
    },
    /// A text does not have the field's form.
    Format {
        /// Wire name of the field.
        field: &'static str,
        /// The form expected.
        rule: &'static str,
        /// The text found, shortened.
        actual: String,
    },
    /// A required value is missing or empty.
    Missing {
        /// Wire name of the field.
        field: &'static str,
    },
    /// A rule between fields does not hold.
    Rule {
        /// Wire name of the field at fault.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
    /// A list has too many entries.
    TooMany {
        /// Wire name of the list.
        field: &'static str,
        /// Most entries allowed.
        max: usize,
        /// Entries found.
        actual: usize,
    },
}

impl ValidationError {
    /// Wire name of the field at fault.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Length { field, .. }
            | Self::Range { field, .. }
            | Self::OneOf { field, .. }
            | Self::Characters { field, .. }
            | Self::Format { field, .. }
            | Self::Missing { field }
            | Self::Rule { field, .. }
            | Self::TooMany { field, .. } => field,
        }
    }

    /// The same error about another field: for a query parameter whose type is shared.
    pub(crate) fn about(mut self, name: &'static str) -> Self {
        match &mut self {
            Self::Length { field, .. }
            | Self::Range { field, .. }
            | Self::OneOf { field, .. }
            | Self::Characters { field, .. }
            | Self::Format { field, .. }
            | Self::Missing { field }
            | Self::Rule { field, .. }
            | Self::TooMany { field, .. } => *field = name,
        }
        self
    }
}

impl std::error::Error for ValidationError {}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { field, min, max, actual } => {
                let unit = if *actual == 1 { "byte" } else { "bytes" };
                write!(f, "{field} must be {min} to {max} bytes, not {actual} {unit}")
            }
            Self::Range { field, min, max, actual } => {
                write!(f, "{field} must be a whole number in {min}\u{2013}{max}, not `{actual}`")
            }
            Self::OneOf { field, allowed, actual } => match allowed {
                [only] => write!(f, "{field} must be {only}, not `{actual}`"),
                _ => {
                    write!(f, "{field} must be one of ")?;
                    for (index, value) in allowed.iter().enumerate() {
                        let comma = if index == 0 { "" } else { ", " };
                        write!(f, "{comma}{value}")?;
                    }
                    write!(f, "; not `{actual}`")
                }
            },
            Self::Characters { field, rule, at_byte } => write!(f, "{field} {rule}; see its byte {at_byte}"),
            Self::Format { field, rule, actual } => write!(f, "{field} must be {rule}, not `{actual}`"),
            Self::Missing { field } => write!(f, "{field} is missing or empty"),
            Self::Rule { field, rule } => write!(f, "{field} {rule}"),
            Self::TooMany { field, max, actual } => {
                write!(f, "{field} may have at most {max} entries, not {actual}")
            }
        }
    }
}

/// Most bytes of a refused text that an error repeats: enough to recognise it, too little to
/// flood a log.
const SHOWN_BYTES: usize = 64;

/// The beginning of a text, for an error message.
pub(crate) fn shorten(text: &str) -> String {
    shorten_to(text, SHOWN_BYTES)
}

/// The beginning of a text, in at most so many bytes.
pub(crate) fn shorten_to(text: &str, max: usize) -> String {
    const MARK: &str = "\u{2026}";
    if text.len() <= max {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(max - MARK.len());
    format!("{}{MARK}", &text[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_bounded_in_bytes_and_cut_between_characters() {
        assert_eq!(shorten(&"a".repeat(64)), "a".repeat(64));
        for text in ["a".repeat(65), "é".repeat(33), "好".repeat(30)] {
            let shown = shorten(&text);
            assert!(shown.len() <= 64, "{} bytes", shown.len());
            assert!(text.starts_with(shown.trim_end_matches('…')));
        }
    }

    #[test]
    fn about_renames_every_kind() {
        let errors = [
            ValidationError::Missing { field: "A" },
            ValidationError::Rule { field: "A", rule: "" },
            ValidationError::TooMany { field: "A", max: 1, actual: 2 },
        ];
        for error in errors {
            assert_eq!(error.about("B").field(), "B");
        }
    }
}
