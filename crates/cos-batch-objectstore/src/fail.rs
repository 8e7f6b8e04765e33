//! An error before it is known which object it is about.

use std::borrow::Cow;

use crate::{ErrorKind, StoreError};

/// At most so many bytes of a key are shown in a message; a legal key is always shown whole.
const SHOWN_KEY_BYTES: usize = 850;

/// Kind and reason; [`about`](Self::about) adds the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) kind: ErrorKind,
    pub(crate) reason: Cow<'static, str>,
}

impl Fail {
    pub(crate) fn new(kind: ErrorKind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, reason: reason.into() }
    }

    pub(crate) fn no_such_key() -> Self {
        Self::new(ErrorKind::NoSuchKey, "no such object")
    }

    pub(crate) fn no_such_version() -> Self {
        Self::new(ErrorKind::NoSuchVersion, "the object has no such version")
    }

    /// The error as callers see it. Key and bucket are escaped, so that no control character reaches a terminal.
    pub(crate) fn about(self, bucket: &str, key: &str) -> StoreError {
        let mut end = key.len().min(SHOWN_KEY_BYTES);
        while !key.is_char_boundary(end) {
            end -= 1;
        }
        let more = if end < key.len() { "…" } else { "" };
        StoreError::new(self.kind, format!("{} (bucket {bucket:?}, key {:?}{more})", self.reason, &key[..end]))
    }

    /// The same for what concerns a whole bucket.
    pub(crate) fn about_bucket(self, bucket: &str) -> StoreError {
        StoreError::new(self.kind, format!("{} (bucket {bucket:?})", self.reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_and_cut_at_a_character() {
        let error = Fail::no_such_key().about("b-1", "a\n\u{1b}[31m\"");
        assert_eq!(error.message(), r#"no such object (bucket "b-1", key "a\n\u{1b}[31m\"")"#);
        let long = format!("{}é{}", "x".repeat(849), "y".repeat(5000));
        let error = Fail::no_such_key().about("b-1", &long);
        assert!(error.message().ends_with("x\"…)"), "{error}");
        assert!(error.message().len() < 1000);
    }
}
