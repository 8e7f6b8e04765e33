//! The headers that are signed: the last line of the HttpString.

use std::borrow::Cow;

use http::{HeaderMap, Uri, header};
use percent_encoding::percent_encode;
use smallvec::SmallVec;

use crate::{NameList, header_name, host, percent::ENCODED};

/// Headers of an ordinary request that are signed, so that the list of them is not allocated.
const ORDINARY_HEADERS: usize = 8;

/// The name of the header that is signed even where only the address has it.
pub(crate) const HOST: &str = "host";

/// Names as they are signed, with values as they came, in the order in which they are signed.
pub(crate) struct HeaderLine<'h> {
    headers: SmallVec<[(Cow<'h, str>, &'h [u8]); ORDINARY_HEADERS]>,
    /// How many headers name the host, whether it is signed or not.
    pub(crate) hosts: usize,
}

impl<'h> HeaderLine<'h> {
    /// Those of a request that a signature lists; `unlisted` is told the names of the others, as they came. Of several hosts
    /// the first counts.
    #[inline]
    pub(crate) fn listed(
        uri: &'h Uri,
        headers: &'h HeaderMap,
        list: &NameList<'_>,
        mut unlisted: impl FnMut(&'h str),
    ) -> Self {
        let signs_host = list.has(HOST.as_bytes());
        let mut line = Self { headers: SmallVec::new(), hosts: 0 };
        for (name, value) in headers {
            let (text, value) = (name.as_str(), value.as_bytes());
            if *name == header::HOST {
                line.hosts += 1;
                if signs_host && line.hosts == 1 {
                    line.headers.push((Cow::Borrowed(text), value));
                }
            } else if let Some(listed) = list.listed(text) {
                line.headers.push((listed, value));
            } else {
                unlisted(text);
            }
        }
        if signs_host && line.hosts == 0 {
            line.headers.extend(host::of_address(uri).map(|host| (Cow::Borrowed(HOST), host)));
        }
        line.sort();
        line
    }

    /// These.
    pub(crate) fn new(headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Self {
        let mut line = Self { headers: SmallVec::new(), hosts: 0 };
        headers.for_each(|(name, value)| line.headers.push((header_name::canonical(name), value)));
        line.sort();
        line
    }

    /// Puts them in order: by name, and where a name stands there more than once, by the value as it is signed.
    fn sort(&mut self) {
        if self.headers.windows(2).all(|two| header_name::is_before(two[0].0.as_bytes(), two[1].0.as_bytes())) {
            return;
        }
        let encoded = |value| percent_encode(value, ENCODED).to_string();
        self.headers.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| encoded(left.1).cmp(&encoded(right.1))));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'h [u8])> {
        self.headers.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    pub(crate) fn len(&self) -> usize {
        self.headers.len()
    }

    /// The names, sorted, with repetitions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_ref())
    }

    /// The first name that stands there more than once.
    pub(crate) fn duplicate(&self) -> Option<&str> {
        self.headers.windows(2).find(|two| two[0].0 == two[1].0).map(|two| two[0].0.as_ref())
    }

    /// The value of the host, if it is signed.
    pub(crate) fn host(&mut self) -> Option<&mut &'h [u8]> {
        self.headers.iter_mut().find(|(name, _)| name == HOST).map(|(_, value)| value)
    }
}
