//! Why a request cannot be signed, or why its signature is not accepted.

/// Longest part of a presented name that an error message repeats, in bytes.
const SHOWN_NAME_BYTES_MAX: usize = 64;

/// Why a request cannot be signed.
///
/// See [`sign_with`](crate::sign_with()) for an example. Source: ours; a strict server would refuse such a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Neither a `Host` header nor an authority in the URI.
    #[error("the request names no host: set the Host header, or use an absolute URI")]
    NoHost,
    /// A header that is signed stands there more than once, which a strict server refuses.
    #[error("the header {name} stands there more than once: join its values, or leave all but one out")]
    DuplicateHeader {
        /// Name of the header.
        name: String,
    },
    /// A query parameter has no name, so that no list can name it.
    #[error("a query parameter has a value but no name: give it one, or leave it out")]
    UnnamedParameter,
    /// The key id cannot stand in an Authorization header.
    #[error("the key id must be 1 to 128 visible ASCII characters without `&` and `;`")]
    SecretId,
    /// The security token cannot be the value of a header.
    #[error("the security token has characters that a header cannot carry")]
    SecurityToken,
    /// The address with the signature in its query is longer than addresses may be: 64 KiB, which is the HTTP library's
    /// limit; servers have narrower ones.
    #[error("the address with the signature in it is longer than an address may be")]
    TooLong,
    /// The region or the service of the key cannot stand in an Authorization header.
    #[error("the region and the service must be text that a header can carry")]
    Scope,
}

/// Why a signature is not accepted.
///
/// See [`verify`](crate::verify()) for an example. Source: COS documentation, request signature and error codes; the rules of strict verifying are ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request carries no signature at all.
    #[error("the request is not signed")]
    Missing,
    /// The signature cannot be read.
    #[error("the signature cannot be read: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Only `sha1` exists.
    #[error("the signature must be that of COS, with q-sign-algorithm=sha1; one of AWS is not taken here")]
    UnsupportedAlgorithm,
    /// The window of time has not begun, the tolerated difference of clocks included.
    #[error("the signature is valid from {start}, and now is {now} (Unix seconds)")]
    NotYetValid {
        /// Start of the window, Unix seconds.
        start: i64,
        /// The verifier's time, Unix seconds.
        now: i64,
    },
    /// The window of time is over.
    #[error("the signature was valid until {end}, and now is {now} (Unix seconds)")]
    Expired {
        /// End of the window, Unix seconds.
        end: i64,
        /// The verifier's time, Unix seconds.
        now: i64,
    },
    /// The window of time is longer than accepted.
    #[error("the signature is valid for {seconds} seconds, at most {max} are accepted")]
    WindowTooLong {
        /// Length of the window, seconds.
        seconds: i64,
        /// Longest accepted window, seconds.
        max: i64,
    },
    /// `q-sign-time` and `q-key-time` differ.
    #[error("q-sign-time and q-key-time must be the same")]
    TimesDiffer,
    /// A header that must be signed is not in `q-header-list`.
    #[error("the header {name} must be signed: name it in q-header-list")]
    UnsignedHeader {
        /// Name of the header.
        name: String,
    },
    /// A query parameter is not in `q-url-param-list`.
    #[error("the query parameter {name} must be signed: name it in q-url-param-list")]
    UnsignedParameter {
        /// Name of the parameter, percent-encoded and in lower case.
        name: String,
    },
    /// `q-header-list` names a header that the request does not have.
    #[error("q-header-list names {name}, a header that the request does not have")]
    AbsentHeader {
        /// The name as listed, shortened if it is long.
        name: String,
    },
    /// `q-url-param-list` names a parameter that the query does not have.
    #[error("q-url-param-list names {name}, a parameter that the query does not have")]
    AbsentParameter {
        /// The name as listed, shortened if it is long.
        name: String,
    },
    /// A signed or `x-cos-` header stands there more than once.
    #[error("the header {name} stands there more than once")]
    DuplicateHeader {
        /// Name of the header.
        name: String,
    },
    /// Nobody has a key with this id.
    #[error("the key id is not known")]
    UnknownKey,
    /// The signature is not that of this request with this key.
    #[error("the signature does not match the request")]
    Mismatch,
}

/// A presented name for an error message: never longer than what a reader needs.
pub(crate) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(SHOWN_NAME_BYTES_MAX)]).into_owned()
}
