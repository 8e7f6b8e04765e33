//! What the bounded texts have in common: the check, and the macro that declares one.

use std::borrow::Cow;

use super::held::may_be_markup;
use crate::ValidationError;

/// A text with a length in bytes and a set of characters.
pub(crate) trait TextScalar: Sized {
    /// Fewest bytes allowed; an empty element may stand for the value only when this is 0.
    const MIN: usize;

    /// Checks a text and keeps it; it is copied only after it has passed.
    fn from_cow(text: Cow<'_, str>) -> Result<Self, ValidationError>;

    fn text(&self) -> &str;

    /// Whether it stands in XML as it is, without references.
    fn is_plain(&self) -> bool;
}

/// Which characters a text may have.
#[derive(Clone, Copy)]
pub(super) enum Charset {
    /// All that XML 1.0 can carry.
    Xml,
    /// [`Charset::Xml`] without line ends: what an HTTP header can carry.
    Header,
    /// ASCII letters, digits, `-` and `_`: safe in headers and bucket names.
    Name,
    /// Visible ASCII that needs no care as one segment of a path.
    Segment,
    /// The characters of an HTTP token (RFC 9110 §5.6.2).
    Token,
}

impl Charset {
    const fn rule(self) -> &'static str {
        match self {
            Self::Xml => "has a character that XML 1.0 cannot carry",
            Self::Header => "has a line end or another character that a header cannot carry",
            Self::Name => "may only have ASCII letters, digits, - and _",
            Self::Segment => "may only have visible ASCII characters except / ? # % &, and not be . or ..",
            Self::Token => "may only have the characters of an HTTP token",
        }
    }

    fn first_refused(self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        match self {
            Self::Xml => first_not_xml(bytes),
            Self::Header => {
                let line_end = bytes.iter().position(|b| matches!(b, b'\r' | b'\n'));
                match (first_not_xml(bytes), line_end) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                }
            }
            Self::Name => bytes.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))),
            // Proxies take these two for a way up the path.
            Self::Segment if matches!(text, "." | "..") => Some(0),
            Self::Segment => {
                bytes.iter().position(|b| !b.is_ascii_graphic() || matches!(b, b'/' | b'?' | b'#' | b'%' | b'&'))
            }
            Self::Token => bytes.iter().position(|b| !(b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))),
        }
    }
}

/// Offset of the first byte that begins a character which XML 1.0 §2.2 leaves out: the C0
/// controls but tab, line feed and carriage return, and U+FFFE and U+FFFF.
pub(crate) fn first_not_xml(bytes: &[u8]) -> Option<usize> {
    // Most texts are short and clean: look for suspects first, decide about them afterwards.
    if !suspects(bytes, |byte| (byte < 0x20) | (byte == 0xEF)) {
        return None;
    }
    let mut from = 0;
    while let Some(found) = bytes[from..].iter().position(|b| *b < 0x20 || *b == 0xEF) {
        let at = from + found;
        match bytes[at] {
            b'\t' | b'\n' | b'\r' => {}
            0xEF => {
                if let [0xEF, 0xBF, 0xBE | 0xBF, ..] = bytes[at..] {
                    return Some(at);
                }
            }
            _ => return Some(at),
        }
        from = at + 1;
    }
    None
}

/// Bytes that are looked at at once.
const BLOCK: usize = 16;

/// Whether one of these bytes is suspect; the letter `a` must not be. Blocks are looked at without stopping within one,
/// which compilers turn into a few instructions for all of its bytes; `is_suspect` must be without branches for that.
#[inline]
pub(crate) fn suspects(bytes: &[u8], is_suspect: impl Fn(u8) -> bool) -> bool {
    let any = |block: &[u8; BLOCK]| block.iter().fold(false, |found, byte| found | is_suspect(*byte));
    match bytes.last_chunk() {
        // What is left after the last whole block is looked at with some of it.
        Some(last) => bytes.as_chunks().0.iter().any(any) || any(last),
        None => {
            let mut short = [b'a'; BLOCK];
            short[..bytes.len()].copy_from_slice(bytes);
            any(&short)
        }
    }
}

/// Hands on where the suspects are, one after the other.
#[inline]
pub(crate) fn for_each_found(bytes: &[u8], is_suspect: impl Fn(u8) -> bool, mut take: impl FnMut(usize)) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let marks = |block: &[u8; BLOCK]| u128::from_le_bytes(block.map(|byte| u8::from(is_suspect(byte))));
    let mut at = 0;
    loop {
        let (start, mut found) = match (blocks.get(at), bytes.last_chunk()) {
            (Some(block), _) => (at * BLOCK, marks(block)),
            _ if rest.is_empty() || at > blocks.len() => return,
            // What is left after the last whole block is looked at with some of it.
            (None, Some(last)) => {
                let seen = 8 * (BLOCK - rest.len());
                (bytes.len() - BLOCK, marks(last) >> seen << seen)
            }
            (None, None) => {
                let mut block = [b'a'; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                (0, marks(&block))
            }
        };
        // A byte for each, with a bit for a suspect.
        while found != 0 {
            take(start + found.trailing_zeros() as usize / 8);
            found &= found - 1;
        }
        at += 1;
    }
}

/// Whether a text has one of the two kinds of bytes that need a closer look: what XML may not carry, what may be markup.
/// Nearly all texts have neither, which takes one look.
fn is_ordinary(text: &str) -> bool {
    // Below 0x20 there is the carriage return, too.
    !suspects(text.as_bytes(), |byte| (byte < 0x20) | (byte == 0xEF) | (byte == b'&') | (byte & !2 == b'<'))
}

/// Whether the text may be kept, and if so, whether it [stands in XML as it is](TextScalar::is_plain).
pub(super) fn check(
    field: &'static str,
    min: usize,
    max: usize,
    charset: Charset,
    text: &str,
) -> Result<bool, ValidationError> {
    if text.len() < min || text.len() > max {
        return Err(ValidationError::Length { field, min, max, actual: text.len() });
    }
    if matches!(charset, Charset::Xml | Charset::Header) && is_ordinary(text) {
        return Ok(true);
    }
    match charset.first_refused(text) {
        None => Ok(!suspects(text.as_bytes(), may_be_markup)),
        Some(at_byte) => Err(ValidationError::Characters { field, rule: charset.rule(), at_byte }),
    }
}

/// A copy of `text` that XML can carry, cut between characters to at most `max` bytes.
pub(crate) fn cut_to(text: &str, max: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(max));
    for character in text.chars() {
        let refused = matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}'
            | '\u{fffe}' | '\u{ffff}');
        let character = if refused { char::REPLACEMENT_CHARACTER } else { character };
        if kept.len() + character.len_utf8() > max {
            break;
        }
        kept.push(character);
    }
    kept
}

/// Declares a bounded text with everything that goes with it.
macro_rules! text_scalar {
    ($(#[$meta:meta])* $name:ident, $field:literal, $min:literal..=$max:literal, $charset:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($crate::scalar::held::Held);

        impl $name {
            /// Name of the field on the wire, as errors give it.
            pub const FIELD: &'static str = $field;
            /// Fewest bytes of UTF-8 allowed.
            pub const MIN_BYTES: usize = $min;
            /// Most bytes of UTF-8 allowed.
            pub const MAX_BYTES: usize = $max;

            /// Checks and keeps a text.
            ///
            /// # Errors
            ///
            /// [`ValidationError::Length`](crate::ValidationError::Length) or
            /// [`ValidationError::Characters`](crate::ValidationError::Characters).
            pub fn new(text: impl Into<String>) -> Result<Self, crate::ValidationError> {
                use $crate::scalar::rules::TextScalar as _;
                Self::from_cow(std::borrow::Cow::Owned(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0.into_string()
            }
        }

        impl $crate::scalar::rules::TextScalar for $name {
            const MIN: usize = $min;

            fn from_cow(text: std::borrow::Cow<'_, str>) -> Result<Self, crate::ValidationError> {
                let is_plain = $crate::scalar::rules::check(
                    Self::FIELD,
                    Self::MIN_BYTES,
                    Self::MAX_BYTES,
                    $crate::scalar::rules::Charset::$charset,
                    &text,
                )?;
                Ok(Self($crate::scalar::held::Held::checked(text, is_plain)))
            }

            fn text(&self) -> &str {
                self.0.as_str()
            }

            fn is_plain(&self) -> bool {
                self.0.is_plain()
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::ValidationError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::ValidationError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = crate::ValidationError;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.0.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.0.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }
    };
}

pub(super) use text_scalar;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_cannot_carry_are_found_where_they_are() {
        for (text, at) in [
            ("plain", None),
            ("tab\tline\nreturn\r", None),
            ("\u{ef00} private, starts with 0xEE", None),
            ("ｆｕｌｌ width starts with 0xEF", None),
            ("a\u{0}", Some(1)),
            ("\u{1f}", Some(0)),
            ("é\u{fffe}", Some(2)),
            ("\u{ffff}", Some(0)),
            ("\u{fffd}\u{b}", Some(3)),
        ] {
            assert_eq!(first_not_xml(text.as_bytes()), at, "{text:?}");
        }
    }

    #[test]
    fn suspects_are_found_wherever_they_are() {
        for length in 0..50 {
            let mut bytes = vec![b'a'; length];
            assert!(!suspects(&bytes, |byte| byte == b'!'), "{length}");
            for at in 0..length {
                bytes[at] = b'!';
                assert!(suspects(&bytes, |byte| byte == b'!'), "{at} of {length}");
                bytes[at] = b'a';
            }
        }
    }

    #[test]
    fn each_of_several_suspects_is_found() {
        for length in 0..3 * BLOCK {
            for (first, second) in (0..length).flat_map(|first| (first..length).map(move |second| (first, second))) {
                let mut text = vec![b'a'; length];
                text[first] = b'&';
                text[second] = b'&';
                let mut found = Vec::new();
                for_each_found(&text, |byte| byte == b'&', |at| found.push(at));
                let mut expected = vec![first, second];
                expected.dedup();
                assert_eq!(found, expected, "of {length}");
            }
        }
    }

    #[test]
    fn cutting_keeps_whole_characters_and_replaces_what_xml_cannot_carry() {
        assert_eq!(cut_to("ab\u{1}", 8), "ab\u{fffd}");
        assert_eq!(cut_to("好好好", 8), "好好");
        assert_eq!(cut_to("", 8), "");
        // The replacement is longer than what it replaces and must still fit.
        assert_eq!(cut_to("aaaaaa\u{1}", 8), "aaaaaa");
    }
}
