//! What the bounded texts keep.

use std::borrow::Cow;
use std::fmt;

use super::rules::suspects;

/// A text that was checked, and what the writer of XML asks about it: it is read once and written many times.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Held {
    text: String,
    is_plain: bool,
}

impl Held {
    /// Keeps a text; `is_plain` if it is known to have [nothing that may be markup](may_be_markup).
    pub(super) fn checked(text: Cow<'_, str>, is_plain: bool) -> Self {
        Self { text: text.into_owned(), is_plain }
    }

    /// Keeps a text of which nothing is known.
    pub(super) fn new(text: String) -> Self {
        let is_plain = !suspects(text.as_bytes(), may_be_markup);
        Self { text, is_plain }
    }

    #[inline]
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// Whether it stands in XML as it is.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// `&`, `<`, `>` or a carriage return, without a branch: what has to be written as a reference, in a text without what XML
/// cannot carry.
#[inline]
pub(super) fn may_be_markup(byte: u8) -> bool {
    (byte == b'&') | (byte & !2 == b'<') | (byte == b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_markup_is_just_that() {
        let found: Vec<_> = (0..=u8::MAX).filter(|byte| may_be_markup(*byte)).collect();
        assert_eq!(found, *b"\r&<>");
    }
}
