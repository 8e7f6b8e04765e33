//! What of a request is signed.

use http::{HeaderMap, Method, Uri, header};
use smallvec::SmallVec;

use crate::host;

/// Headers of an ordinary request, so that the list of them is not allocated.
pub(crate) const ORDINARY_HEADERS: usize = 16;

/// The parts of a request that a signature is made over, wherever the request itself is kept.
///
/// See [`authorization`](crate::authorization) and [`sigv4::authorization`](crate::sigv4::authorization) for examples.
/// Source: ours.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// As on the wire, `GET`.
    pub method: &'a str,
    /// As on the wire: percent-encoded, without the query. `/` for none.
    pub path: &'a str,
    /// As on the wire, without the question mark; empty for none.
    pub query: &'a str,
    /// Names in lower case, values as on the wire. The `host` is one of them.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> Unsigned<'a> {
    pub(crate) fn of(method: &'a Method, uri: &'a Uri, headers: &'a Headers<'_>) -> Self {
        Self { method: method.as_str(), path: uri.path(), query: uri.query().unwrap_or_default(), headers: &headers.0 }
    }
}

/// The headers of a request as a list, the host among them even where the address alone has it.
pub(crate) struct Headers<'a>(SmallVec<[(&'a str, &'a [u8]); ORDINARY_HEADERS]>);

impl<'a> Headers<'a> {
    pub(crate) fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        let mut list: SmallVec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        if !headers.contains_key(header::HOST) {
            list.extend(host::of(uri, headers).map(|host| (header::HOST.as_str(), host)));
        }
        Self(list)
    }
}
