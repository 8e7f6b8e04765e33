//! How much a request may be, and how long it may take.

use std::time::Duration;

use cos_batch_model::{ApiError, ErrorCode, xml::MAX_REQUEST_BYTES};
use http::request::Parts;

/// Most bytes of a body: what the codec reads. A CreateJob as the SDKs send it has one or two thousand.
pub const BODY_BYTES_MAX: usize = MAX_REQUEST_BYTES;

/// Most bytes of a path with its query. The longest sensible one, an UpdateJobStatus with a 256-byte reason all
/// percent-encoded, has under 1,000; a signature in the query adds some 400.
pub const URI_BYTES_MAX: usize = 8 * 1024;

/// Most headers. The SDKs send 10; proxies in front add some.
pub const HEADER_COUNT_MAX: usize = 64;

/// Most bytes of all header names and values together. A temporary key's token may have some thousand.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// How long a body may take to arrive: the largest one at 35 KB/s.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Most bytes that are read of the body of a request that is refused, after its refusal: so much a client may send before
/// it looks whether there is an answer. It costs no memory.
pub const DRAINED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How long the rest of the body of a refused request may take to arrive.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of a body for the [extension](crate::Extension). A part of a file that is sent in parts has 5 MiB, the
/// least that S3 takes for one; the rest is room.
pub const EXTENSION_BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a request to the extension may take from its head to its answer. Some read a whole manifest, or write one.
pub const EXTENSION_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a request may take from its head to its answer. No action waits for a job to run, so that this is far
/// more than any takes.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How much a request may be, and how long it may take.
///
/// ```
/// use std::time::Duration;
///
/// use cos_batch_server::{HEADER_COUNT_MAX, Limits};
///
/// let hasty = Limits { body_timeout: Duration::from_secs(5), ..Limits::default() };
/// assert_eq!(hasty.header_count, HEADER_COUNT_MAX);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a body; more is answered with `XMLSizeLimit`, and none of it is kept.
    pub body_bytes: usize,
    /// Most bytes that are read of the body of a request that is refused, after its refusal.
    pub drained_bytes: u64,
    /// Most bytes of a path with its query; more is answered with `InvalidURI`.
    pub uri_bytes: usize,
    /// Most headers; more is answered with `InvalidRequest`.
    pub header_count: usize,
    /// Most bytes of all header names and values together; more is answered with `InvalidRequest`.
    pub header_bytes: usize,
    /// How long a body may take to arrive; longer is answered with `RequestTimeout`.
    pub body_timeout: Duration,
    /// How long a request may take in all; longer is answered with `ServiceUnavailable`, and the call of the backend
    /// is dropped where it stands.
    pub request_timeout: Duration,
    /// Most bytes of a body for the extension; more is answered with `InvalidRequest` before it is read.
    pub extension_body_bytes: usize,
    /// How long a request to the extension may take in all.
    pub extension_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: BODY_BYTES_MAX,
            drained_bytes: DRAINED_BYTES_MAX,
            uri_bytes: URI_BYTES_MAX,
            header_count: HEADER_COUNT_MAX,
            header_bytes: HEADER_BYTES_MAX,
            body_timeout: BODY_TIMEOUT,
            request_timeout: REQUEST_TIMEOUT,
            extension_body_bytes: EXTENSION_BODY_BYTES_MAX,
            extension_timeout: EXTENSION_TIMEOUT,
        }
    }
}

impl Limits {
    /// Checks what comes before the body. Source: ours.
    ///
    /// # Errors
    /// `InvalidURI` or `InvalidRequest`, as the fields say.
    pub fn check_head(&self, head: &Parts) -> Result<(), ApiError> {
        let address = head.uri.path_and_query().map_or(0, |address| address.as_str().len());
        if address > self.uri_bytes {
            let message =
                format!("the path and query must be at most {} bytes long, not {address} bytes", self.uri_bytes);
            return Err(ApiError::new(ErrorCode::InvalidUri, message));
        }
        let count = head.headers.len();
        if count > self.header_count {
            let message = format!("there must be at most {} headers, not {count}", self.header_count);
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
        let bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes > self.header_bytes {
            let message =
                format!("the headers must be at most {} bytes long in all, not {bytes} bytes", self.header_bytes);
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
        Ok(())
    }
}
