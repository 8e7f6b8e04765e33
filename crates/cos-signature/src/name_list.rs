//! `q-header-list` and `q-url-param-list`.

use std::{borrow::Cow, fmt, ops::Range};

use smallvec::SmallVec;

use crate::{blocks, header_name, percent};

/// Names in an ordinary list, so that their places need no allocation.
const ORDINARY_NAMES: usize = 6;

/// A list of signed names, as a request presents it; it borrows from the request what is in lower case already.
///
/// Names are compared without regard to case; their order and repetitions in the list do not count, since the names
/// are sorted before they are signed and the values come from the request.
///
/// ```
/// use cos_signature::NameList;
///
/// let list = NameList::parse("Host;x-cos-appid;host");
/// assert_eq!(list.iter().collect::<Vec<_>>(), ["host", "x-cos-appid"]);
/// assert!(list.contains("host") && !list.contains("date"));
/// let kept: NameList<'static> = list.into_owned();
/// assert_eq!(kept.to_string(), "host;x-cos-appid;host");
/// ```
#[derive(Clone, Default)]
pub struct NameList<'a> {
    /// The list in lower case.
    text: Cow<'a, str>,
    /// Where each different name stands in `text`, in the order of the names' bytes.
    names: SmallVec<[Range<usize>; ORDINARY_NAMES]>,
    /// Whether a name has something percent-encoded.
    has_encoded: bool,
    /// A bit for each length that a name has, modulo 64: what is not listed seldom has a length that is.
    lengths: u64,
}

impl<'a> NameList<'a> {
    /// Reads names with `;` between; an empty text is an empty list.
    pub fn parse(text: &'a str) -> Self {
        Self::of(Cow::Borrowed(text))
    }

    /// The same, of its own.
    pub fn into_owned(self) -> NameList<'static> {
        let Self { text, names, has_encoded, lengths } = self;
        NameList { text: Cow::Owned(text.into_owned()), names, has_encoded, lengths }
    }

    #[inline]
    pub(crate) fn of(text: Cow<'a, str>) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        // Names in lower case with nothing encoded, as nearly all are, need no closer look.
        let is_plain = blocks::all(text.as_bytes(), |byte| !byte.is_ascii_uppercase() & (byte != b'%'));
        let has_encoded = !is_plain && text.contains('%');
        let text = if is_plain { text } else { Cow::Owned(text.to_ascii_lowercase()) };
        let mut names = SmallVec::new();
        let (mut start, mut lengths) = (0, 0);
        let mut end_at = |end: usize| {
            if start < end {
                names.push(start..end);
                lengths |= length_bit(end - start);
            }
            start = end + 1;
        };
        for (at, byte) in text.bytes().enumerate() {
            if byte == b';' {
                end_at(at);
            }
        }
        end_at(text.len());
        // Clients sort their lists, so that this seldom has work to do.
        let of = |range: &Range<usize>| &text.as_bytes()[range.clone()];
        if !names.windows(2).all(|pair| header_name::is_before(of(&pair[0]), of(&pair[1]))) {
            names.sort_unstable_by(|left, right| of(left).cmp(of(right)));
            names.dedup_by(|left, right| of(left) == of(right));
        }
        Self { text, names, has_encoded, lengths }
    }

    /// Whether the list has this name, which must be in the form in which names are signed: percent-encoded, lower
    /// case.
    pub fn contains(&self, name: &str) -> bool {
        self.has(name.as_bytes())
    }

    #[inline]
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        if self.lengths & length_bit(name.len()) == 0 {
            return false;
        }
        let of = |range: &Range<usize>| &self.text.as_bytes()[range.clone()];
        if self.names.len() > ORDINARY_NAMES {
            return self.names.binary_search_by(|range| of(range).cmp(name)).is_ok();
        }
        self.names.iter().any(|range| of(range) == name)
    }

    /// How a header's name, in lower case, is listed, if it is.
    #[inline]
    pub(crate) fn listed<'n>(&self, name: &'n str) -> Option<Cow<'n, str>> {
        if self.has(name.as_bytes()) {
            return percent::stands_bare(name.as_bytes()).then_some(Cow::Borrowed(name));
        }
        // What is not listed as it is can only be listed with something encoded.
        if !self.has_encoded {
            return None;
        }
        Some(header_name::canonical(name)).filter(|name| self.has(name.as_bytes()))
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The different names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|range| &self.text[range.clone()])
    }
}

/// The bit that stands for a length.
const fn length_bit(length: usize) -> u64 {
    1 << (length % 64)
}

impl fmt::Display for NameList<'_> {
    /// The list in lower case, otherwise as it came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_order_and_case() {
        let list = NameList::parse("Host;x-cos-appid;content-md5;host");
        assert_eq!(list.iter().collect::<Vec<_>>(), ["content-md5", "host", "x-cos-appid"]);
        assert!(list.contains("host") && list.contains("content-md5"));
        assert!(!list.contains("content") && !list.contains("") && !list.contains("x-cos-appidx"));
        assert_eq!(list.to_string(), "host;x-cos-appid;content-md5;host");
    }

    #[test]
    fn empty_names_do_not_count() {
        assert_eq!(NameList::parse("").iter().count(), 0);
        assert_eq!(NameList::parse(";;a;").iter().collect::<Vec<_>>(), ["a"]);
    }
}
