//! What can go wrong in a store, in the codes of the COS object API.

use std::{borrow::Cow, fmt, time::Duration};

/// Kind of a [`StoreError`]; each has one code and one HTTP status on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 404
    NoSuchBucket,
    /// 404, also for a delete marker.
    NoSuchKey,
    /// 404
    NoSuchVersion,
    /// 403
    AccessDenied,
    /// 403: an archived object that is not restored cannot be read or copied.
    InvalidObjectState,
    /// 400: the key is empty, too long, or not allowed.
    InvalidObjectName,
    /// 400
    InvalidArgument,
    /// 400: the request makes no sense for this object (a copy onto itself that changes nothing).
    InvalidRequest,
    /// 400
    InvalidTag,
    /// 405
    RestoreNonArchiveObject,
    /// 409
    RestoreAlreadyInProgress,
    /// 409: somebody else works on the same key; worth another try.
    PathConflict,
    /// 409: a bucket with objects, versions or uploads in it is not deleted.
    BucketNotEmpty,
    /// 412
    PreconditionFailed,
    /// 416
    InvalidRange,
    /// 500, worth another try.
    InternalError,
    /// 501
    NotImplemented,
    /// 503, worth another try later.
    SlowDown,
    /// 503, worth another try.
    ServiceUnavailable,
    /// 400: more than one request can write or copy.
    EntityTooLarge,
    /// 400: a part below the least size that is not the last.
    EntityTooSmall,
    /// 400: a part that is not there or has another ETag.
    InvalidPart,
    /// 400: the numbers of the parts do not ascend.
    InvalidPartOrder,
    /// 404: no such upload in parts.
    NoSuchUpload,
    /// 400: the request did not arrive in time; worth another try.
    RequestTimeout,
    /// 503: no answer came, so nobody knows whether the operation was carried out; worth another try.
    Unreachable,
    /// 503: all connections to the store were taken for as long as one was waited for, so nothing was sent; worth another try.
    /// Not part of the COS API: it is not the store that says so.
    NoFreeConnection,
    /// 507: no room left where the store keeps its data. Not part of the COS API; a local store can fill up.
    InsufficientStorage,
}

impl ErrorKind {
    /// HTTP status of the kind.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NoSuchBucket | Self::NoSuchKey | Self::NoSuchVersion | Self::NoSuchUpload => 404,
            Self::AccessDenied | Self::InvalidObjectState => 403,
            Self::InvalidObjectName
            | Self::InvalidArgument
            | Self::InvalidRequest
            | Self::InvalidTag
            | Self::EntityTooLarge
            | Self::EntityTooSmall
            | Self::InvalidPart
            | Self::InvalidPartOrder
            | Self::RequestTimeout => 400,
            Self::RestoreNonArchiveObject => 405,
            Self::RestoreAlreadyInProgress | Self::PathConflict | Self::BucketNotEmpty => 409,
            Self::PreconditionFailed => 412,
            Self::InvalidRange => 416,
            Self::InternalError => 500,
            Self::NotImplemented => 501,
            Self::SlowDown | Self::ServiceUnavailable | Self::Unreachable | Self::NoFreeConnection => 503,
            Self::InsufficientStorage => 507,
        }
    }

    /// Code of the kind, as in the `Code` element of an error answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSuchBucket => "NoSuchBucket",
            Self::NoSuchKey => "NoSuchKey",
            Self::NoSuchVersion => "NoSuchVersion",
            Self::AccessDenied => "AccessDenied",
            Self::InvalidObjectState => "InvalidObjectState",
            Self::InvalidObjectName => "InvalidObjectName",
            Self::InvalidArgument => "InvalidArgument",
            Self::InvalidRequest => "InvalidRequest",
            Self::InvalidTag => "InvalidTag",
            Self::RestoreNonArchiveObject => "RestoreNonArchiveObject",
            Self::RestoreAlreadyInProgress => "RestoreAlreadyInProgress",
            Self::PathConflict => "PathConflict",
            Self::BucketNotEmpty => "BucketNotEmpty",
            Self::PreconditionFailed => "PreconditionFailed",
            Self::InvalidRange => "InvalidRange",
            Self::InternalError => "InternalError",
            Self::NotImplemented => "NotImplemented",
            Self::SlowDown => "SlowDown",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::EntityTooLarge => "EntityTooLarge",
            Self::EntityTooSmall => "EntityTooSmall",
            Self::InvalidPart => "InvalidPart",
            Self::InvalidPartOrder => "InvalidPartOrder",
            Self::NoSuchUpload => "NoSuchUpload",
            Self::RequestTimeout => "RequestTimeout",
            Self::Unreachable => "Unreachable",
            Self::NoFreeConnection => "NoFreeConnection",
            Self::InsufficientStorage => "InsufficientStorage",
        }
    }

    /// Is another try of the same request worthwhile?
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::PathConflict
                | Self::InternalError
                | Self::SlowDown
                | Self::ServiceUnavailable
                | Self::RequestTimeout
                | Self::Unreachable
                | Self::NoFreeConnection
        )
    }
}

/// What a remote store itself said, where that is not what the kind says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reported {
    code: Option<String>,
    status: Option<u16>,
    retry_after: Option<Duration>,
}

/// Codes of remote stores that are about the signature of a request, and not about what it asks.
const SIGNATURE_CODES: [&str; 6] = [
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestIsExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// An error of a store: a kind and a sentence for a person.
///
/// The kind decides what to do next. A remote store has more codes than there are kinds; what it said itself is in
/// [`code`](Self::code) and [`status`](Self::status), for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    kind: ErrorKind,
    message: String,
    /// Boxed, since most errors have none and every result has room for one.
    reported: Option<Box<Reported>>,
}

impl StoreError {
    /// Of this kind, saying this.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), reported: None }
    }

    /// The same, with the HTTP status and the code that a remote store sent.
    #[must_use]
    pub fn reported(mut self, status: u16, code: &str) -> Self {
        if status != self.kind.status() || code != self.kind.code() {
            let reported = self.reported.get_or_insert_default();
            reported.status = Some(status);
            reported.code = (code != self.kind.code()).then(|| code.to_owned());
        }
        self
    }

    /// The same, with the time that the store asks to be left alone for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.reported.get_or_insert_default().retry_after = Some(wait);
        self
    }

    /// The same in other words.
    #[cfg(feature = "http")]
    pub(crate) fn with_message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// The same as another kind; what the store said itself stays.
    #[cfg(feature = "http")]
    pub(crate) fn with_kind(self, kind: ErrorKind) -> Self {
        let (status, code, wait) = (self.status(), self.code(), self.retry_after());
        let error = Self::new(kind, self.message).reported(status, &code);
        match wait {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Its code: the store's own where it sent one, else the kind's.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match self.reported.as_ref().and_then(|reported| reported.code.as_ref()) {
            Some(code) => Cow::Owned(code.clone()),
            None => Cow::Borrowed(self.kind.code()),
        }
    }

    /// Its HTTP status: the store's own where it sent one, else the kind's.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.reported.as_ref().and_then(|reported| reported.status).unwrap_or_else(|| self.kind.status())
    }

    /// Whether a remote store did not accept the signature that it was asked with: its key, its token or its time. Somebody has to
    /// see to that, and it has nothing to do with what was asked, nor with whose request led to it.
    #[must_use]
    pub fn refuses_signature(&self) -> bool {
        SIGNATURE_CODES.contains(&&*self.code())
    }

    /// How long the store asks to be left alone, if it said so (`Retry-After`).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.reported.as_ref().and_then(|reported| reported.retry_after)
    }

    /// What to tell a person.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_said_itself_is_shown_and_the_kind_decides() {
        let own = StoreError::new(ErrorKind::NoSuchKey, "gone").reported(404, "NoSuchKey");
        assert_eq!(own, StoreError::new(ErrorKind::NoSuchKey, "gone"), "nothing that the kind does not say");
        let error = StoreError::new(ErrorKind::InternalError, "the key service").reported(500, "KmsInternalException");
        assert_eq!((error.kind(), error.status()), (ErrorKind::InternalError, 500));
        assert_eq!(error.to_string(), "KmsInternalException: the key service");
        let error = StoreError::new(ErrorKind::SlowDown, "less").reported(429, "SlowDown");
        assert_eq!((error.code().as_ref(), error.status(), error.retry_after()), ("SlowDown", 429, None));
        let error = error.with_retry_after(Duration::from_secs(2));
        assert_eq!((error.status(), error.retry_after()), (429, Some(Duration::from_secs(2))));
    }
}
