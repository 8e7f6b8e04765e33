//! The two texts a signature is made of, for both sides, and for a person who wants to compare them.
//!
//! The *HttpString* is five parts in four lines: the method in lower case, the path with its percent-encoding undone,
//! the signed query parameters, the signed headers. The *StringToSign* holds its SHA-1 and the window of time. Names
//! and values of parameters and headers are percent-encoded so that only `A–Z a–z 0–9 - _ . ~` stand bare; names are
//! then put in lower case, and the pairs sorted. (COS documentation, request signature.)

use http::request::Parts;
use smallvec::SmallVec;

use crate::{
    KeyTime, NameList,
    header_line::HeaderLine,
    hex::{self, MAC_BYTES},
    key_time, mac,
    percent::{Run, decode_runs, encode, encode_form},
};

/// Room for the HttpString of an ordinary request and for its signature after it, so that the buffer is allocated once, bytes.
const ORDINARY_BYTES: usize = 1024;

/// Parameters of an ordinary request that are signed, so that the list of them is not allocated at all.
const ORDINARY_PAIRS: usize = 6;

/// The HttpString of a request, with the header and query parameter names of these lists. Bytes, because a decoded
/// path need not be UTF-8.
///
/// A listed name that the request does not have is left out.
///
/// ```
/// use cos_signature::{NameList, canonical};
///
/// let (parts, ()) = http::Request::get("/jobs?maxResults=2").header("host", "localhost:8080").body(())?.into_parts();
/// let text = canonical::http_string(&parts, &NameList::parse("host"), &NameList::parse("maxresults"));
/// assert_eq!(text, b"get\n/jobs\nmaxresults=2\nhost=localhost%3A8080\n");
/// # Ok::<(), http::Error>(())
/// ```
pub fn http_string(parts: &Parts, header_list: &NameList<'_>, url_param_list: &NameList<'_>) -> Vec<u8> {
    let headers = HeaderLine::listed(&parts.uri, &parts.headers, header_list, |_| {});
    let mut text = HttpString::new(parts.method.as_str(), parts.uri.path());
    text.parameters(parts.uri.query().unwrap_or_default(), |name| url_param_list.has(name));
    text.headers(&headers);
    text.finish()
}

/// The StringToSign for an HttpString.
///
/// ```
/// use cos_signature::{KeyTime, canonical};
///
/// let text = canonical::string_to_sign(KeyTime::new(1_700_000_000, 1_700_003_600)?, b"get\n/jobs\n\n\n");
/// assert_eq!(text.lines().take(2).collect::<Vec<_>>(), ["sha1", "1700000000;1700003600"]);
/// # Ok::<(), cos_signature::KeyTimeError>(())
/// ```
pub fn string_to_sign(key_time: KeyTime, http_string: &[u8]) -> String {
    let text = write_string_to_sign(&KeyTimeText::new(key_time), &mac::digest(http_string), <[u8]>::to_vec);
    String::from_utf8(text).expect("algorithm, numbers and hex digits are ASCII")
}

/// What `sink` makes of the StringToSign, which it is given in one piece.
pub(crate) fn write_string_to_sign<T>(
    key_time: &KeyTimeText,
    digest: &[u8; MAC_BYTES],
    sink: impl FnOnce(&[u8]) -> T,
) -> T {
    const ALGORITHM: &[u8] = b"sha1\n";
    let mut text = [b'\n'; ALGORITHM.len() + KEY_TIME_BYTES_MAX + 1 + hex::TEXT_BYTES + 1];
    let mut length = 0;
    let mut add = |piece: &[u8]| {
        text[length..length + piece.len()].copy_from_slice(piece);
        length += piece.len();
    };
    add(ALGORITHM);
    add(key_time.as_bytes());
    add(b"\n");
    let digest: [u8; hex::TEXT_BYTES] = hex::encode(digest);
    add(&digest);
    add(b"\n");
    sink(&text[..length])
}

/// Most bytes of the text of a window of time: two numbers that are not negative with `;` between.
const KEY_TIME_BYTES_MAX: usize = 2 * key_time::DIGITS_MAX + 1;

/// The text of a window of time, without an allocation.
#[derive(Clone)]
pub(crate) struct KeyTimeText {
    bytes: [u8; KEY_TIME_BYTES_MAX],
    length: usize,
}

impl Default for KeyTimeText {
    /// No text yet.
    fn default() -> Self {
        Self { bytes: [0; KEY_TIME_BYTES_MAX], length: 0 }
    }
}

impl KeyTimeText {
    pub(crate) fn new(key_time: KeyTime) -> Self {
        let mut text = Self::default();
        text.set(key_time);
        text
    }

    /// Makes the text, where it is to stay.
    #[inline]
    pub(crate) fn set(&mut self, key_time: KeyTime) {
        self.length = 0;
        self.put(key_time.start());
        self.bytes[self.length] = b';';
        self.length += 1;
        self.put(key_time.end());
    }

    /// Puts the decimal digits of a number that is not negative after what is there.
    fn put(&mut self, number: i64) {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(number.unsigned_abs()).as_bytes();
        self.bytes[self.length..self.length + digits.len()].copy_from_slice(digits);
        self.length += digits.len();
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// One `name=value` in the buffer.
#[derive(Clone)]
struct Pair {
    start: usize,
    name_end: usize,
    end: usize,
}

/// An HttpString in the making: one buffer, into which parameters are written as they come and put in order only if they
/// came in another.
pub(crate) struct HttpString {
    text: Vec<u8>,
    /// The parameters.
    pairs: SmallVec<[Pair; ORDINARY_PAIRS]>,
}

impl HttpString {
    /// Begins with the method and the path.
    #[inline]
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let mut text = Vec::with_capacity(ORDINARY_BYTES);
        text.extend_from_slice(method.as_bytes());
        text.make_ascii_lowercase();
        text.push(b'\n');
        for run in decode_runs(path) {
            match run {
                Run::Plain(plain) => text.extend_from_slice(plain),
                Run::Byte(byte) => text.push(byte),
            }
        }
        text.push(b'\n');
        Self { text, pairs: SmallVec::new() }
    }

    /// Adds the query parameters whose canonical names are wanted, sorted.
    pub(crate) fn parameters(&mut self, query: &str, mut wanted: impl FnMut(&[u8]) -> bool) {
        if query.is_empty() {
            self.text.push(b'\n');
            return;
        }
        for (name, value) in query_pairs(query) {
            self.pair(|text| encode_form(text, name), |text| encode_form(text, value), &mut wanted);
        }
        self.close();
    }

    /// Adds the headers.
    pub(crate) fn headers(&mut self, headers: &HeaderLine<'_>) {
        for (index, (name, value)) in headers.iter().enumerate() {
            if index > 0 {
                self.text.push(b'&');
            }
            self.text.extend_from_slice(name.as_bytes());
            self.text.push(b'=');
            encode(&mut self.text, value);
        }
        self.text.push(b'\n');
    }

    /// Names of the parameters, sorted, with repetitions.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &[u8]> {
        self.pairs.iter().map(|pair| &self.text[pair.start..pair.name_end])
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.text
    }

    /// Adds what is made of the text after it, in the same buffer.
    #[inline]
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// Adds the names of the parameters after the text, with `;` between.
    pub(crate) fn append_parameter_names(&mut self) {
        for (index, pair) in self.pairs.iter().enumerate() {
            if index > 0 {
                self.text.push(b';');
            }
            self.text.extend_from_within(pair.start..pair.name_end);
        }
    }

    fn pair(
        &mut self,
        name: impl FnOnce(&mut Vec<u8>),
        value: impl FnOnce(&mut Vec<u8>),
        wanted: &mut impl FnMut(&[u8]) -> bool,
    ) {
        let before = self.text.len();
        if !self.pairs.is_empty() {
            self.text.push(b'&');
        }
        let start = self.text.len();
        name(&mut self.text);
        let name_end = self.text.len();
        self.text[start..name_end].make_ascii_lowercase();
        if !wanted(&self.text[start..name_end]) {
            self.text.truncate(before);
            return;
        }
        self.text.push(b'=');
        value(&mut self.text);
        self.pairs.push(Pair { start, name_end, end: self.text.len() });
    }

    /// Ends the line of the parameters: its pairs in order, then a line feed.
    fn close(&mut self) {
        let pairs = &mut self.pairs;
        if pairs.len() < 2 {
            self.text.push(b'\n');
            return;
        }
        let key = |pair: &Pair| {
            let value = (pair.name_end + 1).min(pair.end);
            (&self.text[pair.start..pair.name_end], &self.text[value..pair.end])
        };
        if !pairs.windows(2).all(|two| key(&two[0]) <= key(&two[1])) {
            let line_start = pairs[0].start;
            pairs.sort_by(|left, right| key(left).cmp(&key(right)));
            let line = self.text.split_off(line_start);
            for (index, pair) in pairs.iter_mut().enumerate() {
                if index > 0 {
                    self.text.push(b'&');
                }
                let start = self.text.len();
                self.text.extend_from_slice(&line[pair.start - line_start..pair.end - line_start]);
                *pair = Pair { start, name_end: start + (pair.name_end - pair.start), end: self.text.len() };
            }
        }
        self.text.push(b'\n');
    }
}

/// Names and values of a query as they stand there, in order; a missing value is empty.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(uri: &str, headers: &[(&str, &str)], header_list: &str, param_list: &str) -> String {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let text = http_string(&parts, &NameList::parse(header_list), &NameList::parse(param_list));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn pairs_are_sorted_whatever_their_order_was() {
        let headers = [("x-cos-b", "2"), ("a", "1"), ("x-cos-b", "1"), ("host", "h")];
        assert_eq!(
            string("/?b=2&a=1&b=1&c", &headers, "a;host;x-cos-b", "a;b;c"),
            "get\n/\na=1&b=1&b=2&c=\na=1&host=h&x-cos-b=1&x-cos-b=2\n"
        );
    }

    #[test]
    fn sorting_is_by_name_before_value() {
        // As whole texts, `a-b=` would come before `a=`.
        assert_eq!(string("/?a-b=1&a=2", &[], "", "a;a-b"), "get\n/\na=2&a-b=1\n\n");
    }

    #[test]
    fn only_listed_names_are_taken() {
        assert_eq!(string("/?a=1&b=2&c=3", &[("x-one", "1"), ("x-two", "2")], "x-two", "b"), "get\n/\nb=2\nx-two=2\n");
        assert_eq!(string("/?a=1", &[("host", "h")], "", ""), "get\n/\n\n\n");
    }

    #[test]
    fn path_is_decoded_and_its_plus_stays() {
        assert_eq!(string("/a+b%20%E8%85%BE%zz%4", &[], "", ""), "get\n/a+b 腾%zz%4\n\n\n");
    }

    #[test]
    fn query_is_decoded_as_a_form_and_encoded_anew() {
        assert_eq!(
            string("/?Na%2Fme+x=%7e%2b+-%zz%&e%6Dpty=", &[], "", "na%2fme%20x;empty"),
            "get\n/\nempty=&na%2fme%20x=~%2B%20-%25zz%25\n\n"
        );
    }

    #[test]
    fn host_comes_from_the_header_or_the_uri() {
        let list = "host";
        assert_eq!(string("http://u:p@example.com:81/", &[], list, ""), "get\n/\n\nhost=example.com%3A81\n");
        assert_eq!(string("http://example.com/", &[("host", "other")], list, ""), "get\n/\n\nhost=other\n");
    }

    #[test]
    fn the_string_to_sign_has_four_lines() {
        let text = string_to_sign(KeyTime::new(0, i64::MAX).unwrap(), b"");
        assert_eq!(text, "sha1\n0;9223372036854775807\nda39a3ee5e6b4b0d3255bfef95601890afd80709\n");
    }
}
