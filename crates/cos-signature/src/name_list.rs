//! `q-header-list` and `q-url-param-list`.

use std::{fmt, ops::Range};

use memchr::memchr_iter;
use smallvec::SmallVec;

/// Names in an ordinary list, so that their places need no allocation.
const ORDINARY_NAMES: usize = 6;

/// A list of signed names, as a request presents it.
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
/// ```
#[derive(Clone, Default)]
pub struct NameList {
    /// The list in lower case.
    text: String,
    /// Where each different name stands in `text`, in the order of the names' bytes.
    names: SmallVec<[Range<usize>; ORDINARY_NAMES]>,
}

impl NameList {
    /// Reads names with `;` between; an empty text is an empty list.
    pub fn parse(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        let text = text.to_ascii_lowercase();
        let mut names = SmallVec::new();
        let mut start = 0;
        for end in memchr_iter(b';', text.as_bytes()).chain([text.len()]) {
            if start < end {
                names.push(start..end);
            }
            start = end + 1;
        }
        // Clients sort their lists, so that this seldom has work to do.
        let of = |range: &Range<usize>| &text.as_bytes()[range.clone()];
        if !names.windows(2).all(|pair| of(&pair[0]) < of(&pair[1])) {
            names.sort_unstable_by(|left, right| of(left).cmp(of(right)));
            names.dedup_by(|left, right| of(left) == of(right));
        }
        Self { text, names }
    }

    /// Whether the list has this name, which must be in the form in which names are signed: percent-encoded, lower
    /// case.
    pub fn contains(&self, name: &str) -> bool {
        self.has(name.as_bytes())
    }

    pub(crate) fn has(&self, name: &[u8]) -> bool {
        let of = |range: &Range<usize>| &self.text.as_bytes()[range.clone()];
        if self.names.len() > ORDINARY_NAMES {
            return self.names.binary_search_by(|range| of(range).cmp(name)).is_ok();
        }
        // Few names have the same length.
        self.names.iter().any(|range| range.len() == name.len() && of(range) == name)
    }

    /// The different names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|range| &self.text[range.clone()])
    }
}

impl fmt::Display for NameList {
    /// The list in lower case, otherwise as it came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for NameList {
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
