//! The two texts a signature is made of, for both sides, and for a person who wants to compare them.
//!
//! The *canonical request* has six parts: the method; the path; the query; the signed headers, one to a line; their names;
//! the hash of the body. Path, names and values of the query are percent-encoded so that only `A–Z a–z 0–9 - _ . ~` (and
//! the path's slashes) stand bare; dot segments and double slashes stay. (Amazon S3 API Reference, *Signature Calculations
//! for the Authorization Header*.)

use std::ops::Range;

use http::request::Parts;
use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, percent_encode_byte};
use smallvec::SmallVec;

use super::SigningKey;
use crate::{
    NameList, Unsigned, blocks,
    canonical::query_pairs,
    percent::{Run, decode_runs, encode_form, is_bare},
    unsigned::{Headers, ORDINARY_HEADERS},
};

/// What is percent-encoded in a path.
const ENCODED_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Room for the canonical request of an ordinary request, so that its buffer is allocated once, bytes.
const ORDINARY_BYTES: usize = 1024;

/// The canonical request, with the headers of this list. `payload` is what `x-amz-content-sha256` says.
///
/// A listed header that the request does not have is left out; the values of one that stands there several times are
/// joined by commas.
///
/// ```
/// use cos_signature::{NameList, SecretKey, sigv4};
///
/// let (parts, ()) = http::Request::get("/photos/a.jpg?tagging").header("host", "h").body(())?.into_parts();
/// let text = sigv4::canonical::request(&parts, &NameList::parse("host"), sigv4::UNSIGNED_PAYLOAD);
/// assert_eq!(text, b"GET\n/photos/a.jpg\ntagging=\nhost:h\n\nhost\nUNSIGNED-PAYLOAD");
///
/// let key = sigv4::SigningKey::derive(&SecretKey::new("exampleSecret"), 1_700_000_000, "us-east-1", "s3");
/// assert_eq!(key.scope(), "20231114/us-east-1/s3/aws4_request");
/// let to_sign = sigv4::canonical::string_to_sign(&key, 1_700_000_000, &text);
/// assert!(to_sign.starts_with(b"AWS4-HMAC-SHA256\n20231114T221320Z\n20231114/us-east-1/s3/aws4_request\n"));
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn request(parts: &Parts, signed_headers: &NameList<'_>, payload: &str) -> Vec<u8> {
    let headers = Headers::of(&parts.uri, &parts.headers);
    let request = Unsigned::of(&parts.method, &parts.uri, &headers);
    Canonical::new(&request, |name| signed_headers.contains(name), payload).text
}

/// The StringToSign of a canonical request with this key at this Unix second.
///
/// See [`request`] for an example. Source: Amazon S3 API Reference, *Authenticating Requests*.
#[must_use]
pub fn string_to_sign(key: &SigningKey, unix_seconds: i64, canonical_request: &[u8]) -> Vec<u8> {
    key.string_to_sign(unix_seconds, canonical_request).into_vec()
}

/// A canonical request, and where its list of header names stands.
pub(super) struct Canonical {
    pub(super) text: Vec<u8>,
    names: Range<usize>,
    /// A signed header that stands there more than once.
    pub(super) twice: Option<String>,
}

impl Canonical {
    /// With the headers whose names, in lower case, are wanted.
    pub(super) fn new(request: &Unsigned<'_>, wanted: impl Fn(&str) -> bool, payload: &str) -> Self {
        let mut text = Vec::with_capacity(ORDINARY_BYTES);
        text.extend_from_slice(request.method.as_bytes());
        text.push(b'\n');
        path(&mut text, request.path);
        text.push(b'\n');
        query(&mut text, request.query);
        text.push(b'\n');
        let headers = sorted(request.headers, wanted);
        let mut twice = None;
        for (index, (name, value)) in headers.iter().enumerate() {
            let again = index > 0 && headers[index - 1].0 == *name;
            if again {
                // The line feed of the value before.
                text.pop();
                text.push(b',');
                twice = Some((*name).to_owned());
            } else {
                text.extend_from_slice(name.as_bytes());
                text.push(b':');
            }
            header_value(&mut text, value);
            text.push(b'\n');
        }
        text.push(b'\n');
        let start = text.len();
        for (index, (name, _)) in headers.iter().enumerate() {
            if index > 0 && headers[index - 1].0 == *name {
                continue;
            }
            if text.len() > start {
                text.push(b';');
            }
            text.extend_from_slice(name.as_bytes());
        }
        let names = start..text.len();
        text.push(b'\n');
        text.extend_from_slice(payload.as_bytes());
        Self { text, names, twice }
    }

    /// The names of the signed headers with `;` between.
    pub(super) fn names(&self) -> &[u8] {
        &self.text[self.names.clone()]
    }
}

fn path(text: &mut Vec<u8>, path: &str) {
    if blocks::all(path.as_bytes(), |byte| is_bare(byte) | (byte == b'/')) {
        // Nearly all paths.
        text.extend_from_slice(path.as_bytes());
        return;
    }
    for run in decode_runs(path) {
        match run {
            Run::Plain(plain) => {
                for piece in percent_encode(plain, ENCODED_IN_PATH) {
                    text.extend_from_slice(piece.as_bytes());
                }
            }
            Run::Byte(byte) if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) => text.push(byte),
            Run::Byte(byte) => text.extend_from_slice(percent_encode_byte(byte).as_bytes()),
        }
    }
}

fn query(text: &mut Vec<u8>, query: &str) {
    if query.is_empty() {
        return;
    }
    let start = text.len();
    let mut pairs = Vec::new();
    for (name, value) in query_pairs(query) {
        let from = text.len() - start;
        encode_form(text, name);
        let name_end = text.len() - start;
        encode_form(text, value);
        pairs.push((from..name_end, name_end..text.len() - start));
    }
    let written = text.split_off(start);
    let bytes = |(name, value): &(Range<usize>, Range<usize>)| (&written[name.clone()], &written[value.clone()]);
    pairs.sort_by(|left, right| bytes(left).cmp(&bytes(right)));
    for (index, pair) in pairs.iter().enumerate() {
        if index > 0 {
            text.push(b'&');
        }
        let (name, value) = bytes(pair);
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend_from_slice(value);
    }
}

/// The wanted headers by name; those of one name in the order in which they stand there.
fn sorted<'a>(
    headers: &'a [(&'a str, &'a [u8])],
    wanted: impl Fn(&str) -> bool,
) -> SmallVec<[(&'a str, &'a [u8]); ORDINARY_HEADERS]> {
    let mut found: SmallVec<[_; ORDINARY_HEADERS]> = headers.iter().filter(|(name, _)| wanted(name)).copied().collect();
    if !found.is_sorted_by_key(|(name, _)| *name) {
        found.sort_by_key(|(name, _)| *name);
    }
    found
}

/// A value without white space at its ends, and with one space where there are several.
fn header_value(text: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    if memchr(b' ', value).is_none() {
        text.extend_from_slice(value);
        return;
    }
    let mut last = 0;
    for &byte in value {
        if byte != b' ' || last != b' ' {
            text.push(byte);
        }
        last = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, headers: &[(&str, &str)], list: &str) -> String {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        String::from_utf8(request_text(&parts, list)).unwrap()
    }

    fn request_text(parts: &Parts, list: &str) -> Vec<u8> {
        request(parts, &NameList::parse(list), "hash")
    }

    #[test]
    fn headers_are_sorted_trimmed_and_joined() {
        let headers = [("x-amz-b", "  two   words "), ("a", "1"), ("x-amz-a", "2"), ("x-amz-a", "1"), ("host", "h")];
        assert_eq!(
            of("/", &headers, "host;x-amz-a;x-amz-b"),
            "GET\n/\n\nhost:h\nx-amz-a:2,1\nx-amz-b:two words\n\nhost;x-amz-a;x-amz-b\nhash"
        );
    }

    #[test]
    fn the_path_is_encoded_once_and_not_normalized() {
        assert_eq!(of("/a//../b%20c%2Fd%zz+e/./", &[], ""), "GET\n/a//../b%20c/d%25zz%2Be/./\n\n\n\nhash");
    }

    #[test]
    fn the_query_is_sorted_by_encoded_names_and_values() {
        assert_eq!(of("/?b=2&a=1&B&a=0&a%2Fb=x+y%7e", &[], ""), "GET\n/\nB=&a=0&a=1&a%2Fb=x%20y~&b=2\n\n\nhash");
    }

    #[test]
    fn the_host_comes_from_the_header_or_the_uri() {
        assert_eq!(of("http://a.example:81/", &[], "host"), "GET\n/\n\nhost:a.example:81\n\nhost\nhash");
        assert_eq!(of("http://a.example/", &[("host", "b")], "host"), "GET\n/\n\nhost:b\n\nhost\nhash");
    }
}
