//! The head of a request in the making, as it will stand on the wire, and the headers of an answer, as they stood there.
//!
//! Neither is a map: a request has some ten headers, each written once, and of an answer one or two are asked for.

use std::fmt;

use http::{HeaderName, Method};
use smallvec::SmallVec;

/// Headers of an ordinary request, so that the list of where they stand is not allocated.
const ORDINARY_HEADERS: usize = 16;

/// Room for the headers of an ordinary request, so that they are allocated once, bytes.
const ORDINARY_BYTES: usize = 512;

/// The lines of headers.
#[derive(Clone, Default)]
pub(crate) struct Lines {
    /// `name: value` with line ends.
    text: Vec<u8>,
    places: SmallVec<[Place; ORDINARY_HEADERS]>,
}

/// Where a header stands in the text.
#[derive(Clone, Copy)]
struct Place {
    name: usize,
    name_end: usize,
    value: usize,
    end: usize,
}

/// Names alone: values may be secrets.
impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self { text: Vec::with_capacity(ORDINARY_BYTES), places: SmallVec::new() }
    }

    /// Adds a header. White space at the ends of its value is no part of it. False, and nothing is added: the value has a
    /// control character, which no header can carry.
    #[must_use]
    pub(crate) fn add(&mut self, name: &HeaderName, value: &[u8]) -> bool {
        let value = value.trim_ascii();
        // As RFC 9110 has it: visible characters, spaces, tabs, and what is none of ASCII.
        let legal =
            value.iter().fold(true, |legal, byte| legal & ((*byte >= b' ') & (*byte != 0x7F) | (*byte == b'\t')));
        if legal {
            self.push(name.as_str(), value);
        }
        legal
    }

    /// Adds a header whose value is known to be legal.
    fn push(&mut self, name: &str, value: &[u8]) {
        debug_assert!(self.get(name).is_none(), "{name} stands there twice");
        let name_start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        let name_end = self.text.len();
        self.text.extend_from_slice(b": ");
        let value_start = self.text.len();
        self.text.extend_from_slice(value);
        let end = self.text.len();
        self.text.extend_from_slice(b"\r\n");
        self.places.push(Place { name: name_start, name_end, value: value_start, end });
    }

    /// Adds a header with a word of ours.
    pub(crate) fn add_word(&mut self, name: &HeaderName, value: &'static str) {
        self.push(name.as_str(), value.as_bytes());
    }

    /// Adds a header whose value was made of what can stand there: a time, a hash, a signature.
    pub(crate) fn add_token(&mut self, name: &HeaderName, value: &[u8]) {
        debug_assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~')), "{name}");
        self.push(name.as_str(), value);
    }

    /// Adds a header whose value is a number.
    pub(crate) fn add_number(&mut self, name: &HeaderName, value: u64) {
        self.push(name.as_str(), itoa::Buffer::new().format(value).as_bytes());
    }

    /// Names, in lower case, and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.places.iter().map(|place| {
            // A header's name is ASCII.
            let name = std::str::from_utf8(&self.text[place.name..place.name_end]).unwrap_or_default();
            (name, &self.text[place.value..place.end])
        })
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }
}

/// The head of a request.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    /// Before the path, where a proxy wants whole addresses: `http://host`.
    pub(crate) origin: String,
    /// Path and query, percent-encoded.
    pub(crate) target: String,
    pub(crate) lines: Lines,
}

impl Head {
    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// As it stands on the wire, up to the empty line, with room for so many bytes after it.
    pub(crate) fn into_wire(self, room: usize) -> Vec<u8> {
        let Self { method, origin, target, lines } = self;
        let pieces: [&[u8]; 7] = [
            method.as_str().as_bytes(),
            b" ",
            origin.as_bytes(),
            target.as_bytes(),
            b" HTTP/1.1\r\n",
            &lines.text,
            b"\r\n",
        ];
        let mut wire = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum::<usize>() + room);
        for piece in pieces {
            wire.extend_from_slice(piece);
        }
        wire
    }
}

/// The headers of an answer: lines that were found to be legal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Box<[u8]>);

impl Fields {
    /// The lines after the first, up to the empty one.
    pub(crate) fn new(lines: &[u8]) -> Self {
        Self(lines.into())
    }

    /// Names as they stood there, and values without white space at their ends.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii()))
        })
    }

    /// The first value of a header.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name.as_str())).map(|(_, value)| value)
    }

    /// The same, where it is visible ASCII.
    pub(crate) fn text(&self, name: &HeaderName) -> Option<&str> {
        let value = self.get(name)?;
        let visible = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        if visible { std::str::from_utf8(value).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn a_head_stands_on_the_wire_as_it_was_made() {
        let mut lines = Lines::new();
        assert!(lines.add(&header::HOST, b"h"));
        assert!(lines.add(&header::EXPECT, " \tä b\t ".as_bytes()));
        for illegal in [&b"a\nb"[..], b"a\rb", b"\0", b"a\x7fb", b"\x1b"] {
            assert!(!lines.add(&header::COOKIE, illegal), "{illegal:?}");
        }
        lines.add_number(&header::CONTENT_LENGTH, 12);
        lines.add_word(&header::RANGE, "bytes=0-0");
        let all: Vec<_> = lines.iter().collect();
        let expected: [(&str, &[u8]); 4] =
            [("host", b"h"), ("expect", "ä b".as_bytes()), ("content-length", b"12"), ("range", b"bytes=0-0")];
        assert_eq!(all, expected);
        assert_eq!(format!("{lines:?}"), r#"["host", "expect", "content-length", "range"]"#);
        let head = Head { method: Method::PUT, origin: "http://h".into(), target: "/a?b?c".into(), lines };
        assert_eq!((head.path(), head.query()), ("/a", "b?c"));
        let wire = head.into_wire(7);
        assert_eq!(
            String::from_utf8(wire.clone()).unwrap(),
            "PUT http://h/a?b?c HTTP/1.1\r\nhost: h\r\nexpect: ä b\r\ncontent-length: 12\r\nrange: bytes=0-0\r\n\r\n"
        );
        assert!(wire.capacity() - wire.len() >= 7);
    }

    #[test]
    fn fields_are_found_by_name_in_any_case() {
        let fields = Fields::new(b"Host: a\r\netag:\"x\" \t\r\nETag: y\r\nx-m: \xff\nEmpty:\r\n\r\n");
        assert_eq!(fields.get(&header::HOST), Some(&b"a"[..]));
        assert_eq!(fields.text(&header::ETAG), Some("\"x\""));
        assert_eq!((fields.get(&HeaderName::from_static("x-m")), fields.iter().count()), (Some(&b"\xff"[..]), 5));
        assert_eq!(fields.text(&HeaderName::from_static("x-m")), None);
        assert_eq!(fields.text(&HeaderName::from_static("empty")), Some(""));
        assert_eq!(fields.get(&header::AGE), None);
        assert_eq!(Fields::default().iter().count(), 0);
    }
}
