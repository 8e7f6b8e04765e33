//! Places for children that may come in any order.

use super::Decoder;
use crate::{DecodeError, DecodeErrorKind, ValidationError};

/// What is known so far about one child of an element.
///
/// ```
/// use cos_batch_model::xml::Slot;
///
/// assert_eq!(Slot::Given(7).optional(), Some(7));
/// assert_eq!(Slot::<u32>::Empty(42).optional(), None);
/// assert_eq!(Slot::Given(String::new()).optional_text(), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot<T> {
    /// It has not come.
    Absent,
    /// It came, empty, and an empty text is no value of its type. Where.
    Empty(u64),
    /// It came.
    Given(T),
}

impl<T> Slot<T> {
    /// The value of a child that must be there.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::MissingElement`] if it has not come, [`ValidationError::Missing`] if
    /// it came empty.
    pub fn required(self, decoder: &Decoder<'_>, name: &'static str) -> Result<T, DecodeError> {
        match self {
            Self::Given(value) => Ok(value),
            Self::Absent => Err(decoder.error(DecodeErrorKind::MissingElement { name })),
            Self::Empty(offset) => Err(DecodeError {
                path: name.to_owned(),
                offset,
                kind: ValidationError::Missing { field: name }.into(),
            }),
        }
    }

    /// The value of a child that may be left out or empty.
    pub fn optional(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Empty(_) => None,
        }
    }
}

impl<T: AsRef<str>> Slot<T> {
    /// As [`Slot::optional`], for a text that may be empty: empty counts as left out.
    pub fn optional_text(self) -> Option<T> {
        self.optional().filter(|text| !text.as_ref().is_empty())
    }
}
