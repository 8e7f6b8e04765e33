//! How the names of headers are signed.

use std::borrow::Cow;

use percent_encoding::percent_encode;

use crate::percent::{ENCODED, stands_bare};

/// A name as it is signed and listed: percent-encoded, which seldom changes anything, and in lower case.
pub(crate) fn canonical(name: &str) -> Cow<'_, str> {
    if stands_bare(name.as_bytes()) && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(percent_encode(name.as_bytes(), ENCODED).to_string().to_ascii_lowercase())
}

/// Whether a name comes before another one. Most that stand side by side differ in their first byte, and a function for two
/// texts of any length is not called for that.
#[inline]
pub(crate) fn is_before(left: &[u8], right: &[u8]) -> bool {
    match (left, right) {
        ([left, ..], [right, ..]) if left != right => left < right,
        _ => left < right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_bare_is_encoded_in_lower_case() {
        for (name, signed) in [("x-a", "x-a"), ("X-a", "x-a"), ("x!A", "x%21a"), ("x*", "x%2a"), ("", "")] {
            assert_eq!(canonical(name), signed);
        }
    }
}
