//! The head of a request in the making, as it will stand on the wire, and the headers of an answer, as they stood there.
//!
//! Neither is a map: a request has some ten headers, each written once, and of an answer one or two are asked for.

use std::fmt;

use http::{HeaderName, Method};

/// Room for the headers of an ordinary request, so that they are allocated once, bytes.
const ORDINARY_BYTES: usize = 1024;

/// Between a header's name and its value.
const SEPARATOR: &str = ": ";

const LINE_END: &str = "\r\n";

/// The lines of headers: `name: value`, each with its line end. Nothing beside the text says where they stand, so that it is small
/// where it passes through many hands.
pub(crate) struct Lines(String);

/// Names alone: values may be secrets.
impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self(String::with_capacity(ORDINARY_BYTES))
    }

    /// Adds a header. White space at the ends of its value is no part of it. False, and nothing is added: the value has a
    /// control character, which no header can carry.
    #[must_use]
    pub(crate) fn add(&mut self, name: &HeaderName, value: &str) -> bool {
        let value = value.trim_ascii();
        // As RFC 9110 has it: visible characters, spaces, tabs, and what is none of ASCII.
        let legal = value.bytes().fold(true, |legal, byte| legal & ((byte >= b' ') & (byte != 0x7F) | (byte == b'\t')));
        if legal {
            self.push(name, value);
        }
        legal
    }

    /// Adds a header with a word of ours.
    pub(crate) fn add_word(&mut self, name: &HeaderName, value: &'static str) {
        self.push(name, value);
    }

    /// Adds a header whose value was made of what can stand there: a time, a hash, a signature.
    pub(crate) fn add_token(&mut self, name: &HeaderName, value: &str) {
        debug_assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name}");
        self.push(name, value);
    }

    /// Adds a header whose value is a number.
    pub(crate) fn add_number(&mut self, name: &HeaderName, value: u64) {
        self.push(name, itoa::Buffer::new().format(value));
    }

    /// Adds a header whose value is known to be legal.
    fn push(&mut self, name: &HeaderName, value: &str) {
        debug_assert!(!self.has(name), "{name} stands there twice");
        for piece in [name.as_str(), SEPARATOR, value, LINE_END] {
            self.0.push_str(piece);
        }
    }

    /// Whether there is such a header already.
    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.iter().any(|(other, _)| other == name.as_str())
    }

    /// Names, in lower case, and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            // Neither a name nor a value has what ends it.
            let line = &rest[..memchr::memchr(b'\r', rest.as_bytes())?];
            rest = &rest[line.len() + LINE_END.len()..];
            let name = &line[..memchr::memchr(b':', line.as_bytes())?];
            Some((name, &line[name.len() + SEPARATOR.len()..]))
        })
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
            lines.0.as_bytes(),
            LINE_END.as_bytes(),
        ];
        let mut wire = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum::<usize>() + room);
        for piece in pieces {
            wire.extend_from_slice(piece);
        }
        wire
    }
}

/// The headers of an answer: lines that were found to be legal.
#[derive(Debug, Default)]
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
        assert!(lines.add(&header::HOST, "h:1"));
        assert!(lines.add(&header::EXPECT, " \tä b\t "));
        for illegal in ["a\nb", "a\rb", "\0", "a\x7fb", "\x1b"] {
            assert!(!lines.add(&header::COOKIE, illegal), "{illegal:?}");
        }
        assert!(lines.add(&header::AGE, "  "));
        lines.add_number(&header::CONTENT_LENGTH, 12);
        lines.add_word(&header::RANGE, "bytes=0-0");
        let all: Vec<_> = lines.iter().collect();
        let expected =
            [("host", "h:1"), ("expect", "ä b"), ("age", ""), ("content-length", "12"), ("range", "bytes=0-0")];
        assert_eq!(all, expected);
        assert_eq!(format!("{lines:?}"), r#"["host", "expect", "age", "content-length", "range"]"#);
        let head = Head { method: Method::PUT, origin: "http://h".into(), target: "/a?b?c".into(), lines };
        assert_eq!((head.path(), head.query()), ("/a", "b?c"));
        let wire = head.into_wire(7);
        assert_eq!(
            String::from_utf8(wire.clone()).unwrap(),
            "PUT http://h/a?b?c HTTP/1.1\r\nhost: h:1\r\nexpect: ä b\r\nage: \r\ncontent-length: 12\r\nrange: bytes=0-0\r\n\r\n"
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
