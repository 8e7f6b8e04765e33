//! Errors as clients of COS know them.

use bytes::Bytes;
use cos_batch_objectstore::{ErrorKind, StoreError};
use http::StatusCode;

use crate::xml::Document;

/// An error on its way to become an answer: a code of the API, its status, and a sentence that helps.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The methods that there are, where that is what is wrong.
    pub(crate) allow: Option<String>,
}

/// Codes that this crate answers with by itself, and their statuses (COS error codes).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Code {
    AccessDenied,
    BadDigest,
    BucketAlreadyOwnedByYou,
    EntityTooLarge,
    IncompleteBody,
    InternalError,
    InvalidAccessKeyId,
    InvalidArgument,
    InvalidBucketName,
    InvalidCopySource,
    InvalidDelimiter,
    InvalidDigest,
    InvalidPart,
    InvalidRange,
    InvalidRequest,
    InvalidUri,
    MalformedXml,
    MethodNotAllowed,
    MissingContentLength,
    MissingRequestBodyError,
    NotImplemented,
    NotSupportedStorageClass,
    PathConflict,
    PreconditionFailed,
    RequestExpired,
    RequestTimeTooSkewed,
    RequestTimeout,
    ServiceUnavailable,
    SignatureDoesNotMatch,
    XmlSizeLimit,
}

impl Code {
    fn name_and_status(self) -> (&'static str, StatusCode) {
        match self {
            Self::AccessDenied => ("AccessDenied", StatusCode::FORBIDDEN),
            Self::BadDigest => ("BadDigest", StatusCode::BAD_REQUEST),
            Self::BucketAlreadyOwnedByYou => ("BucketAlreadyOwnedByYou", StatusCode::CONFLICT),
            Self::EntityTooLarge => ("EntityTooLarge", StatusCode::BAD_REQUEST),
            Self::IncompleteBody => ("IncompleteBody", StatusCode::BAD_REQUEST),
            Self::InternalError => ("InternalError", StatusCode::INTERNAL_SERVER_ERROR),
            Self::InvalidAccessKeyId => ("InvalidAccessKeyId", StatusCode::FORBIDDEN),
            Self::InvalidArgument => ("InvalidArgument", StatusCode::BAD_REQUEST),
            Self::InvalidBucketName => ("InvalidBucketName", StatusCode::BAD_REQUEST),
            Self::InvalidCopySource => ("InvalidCopySource", StatusCode::BAD_REQUEST),
            Self::InvalidDelimiter => ("InvalidDelimiter", StatusCode::BAD_REQUEST),
            Self::InvalidDigest => ("InvalidDigest", StatusCode::BAD_REQUEST),
            Self::InvalidPart => ("InvalidPart", StatusCode::BAD_REQUEST),
            Self::InvalidRange => ("InvalidRange", StatusCode::RANGE_NOT_SATISFIABLE),
            Self::InvalidRequest => ("InvalidRequest", StatusCode::BAD_REQUEST),
            Self::InvalidUri => ("InvalidURI", StatusCode::BAD_REQUEST),
            Self::MalformedXml => ("MalformedXML", StatusCode::BAD_REQUEST),
            Self::MethodNotAllowed => ("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED),
            Self::MissingContentLength => ("MissingContentLength", StatusCode::LENGTH_REQUIRED),
            Self::MissingRequestBodyError => ("MissingRequestBodyError", StatusCode::BAD_REQUEST),
            Self::NotImplemented => ("NotImplemented", StatusCode::NOT_IMPLEMENTED),
            Self::NotSupportedStorageClass => ("NotSupportedStorageClass", StatusCode::BAD_REQUEST),
            Self::PathConflict => ("PathConflict", StatusCode::CONFLICT),
            Self::PreconditionFailed => ("PreconditionFailed", StatusCode::PRECONDITION_FAILED),
            Self::RequestExpired => ("Request has expired", StatusCode::FORBIDDEN),
            Self::RequestTimeTooSkewed => ("RequestTimeTooSkewed", StatusCode::FORBIDDEN),
            Self::RequestTimeout => ("RequestTimeout", StatusCode::BAD_REQUEST),
            Self::ServiceUnavailable => ("ServiceUnavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::SignatureDoesNotMatch => ("SignatureDoesNotMatch", StatusCode::FORBIDDEN),
            Self::XmlSizeLimit => ("XMLSizeLimit", StatusCode::BAD_REQUEST),
        }
    }
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let (code, status) = code.name_and_status();
        Self { status, code, message: message.into(), allow: None }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = error.kind();
        // The object API of COS knows a key that is too long by a code of its own. A key that is empty comes no further
        // than to the body or header that names it.
        let code = match kind {
            ErrorKind::InvalidObjectName => "KeyTooLong",
            ErrorKind::Unreachable | ErrorKind::NoFreeConnection => "ServiceUnavailable",
            kind => kind.code(),
        };
        let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: error.message().to_owned(), allow: None }
    }
}

/// The body of an error. No element is empty: the Python SDK reads none of them otherwise.
pub(crate) fn body(failure: &Failure, resource: &str, request_id: &str, trace_id: &str) -> Bytes {
    Document::whole("Error", |error| {
        error.text("Code", failure.code);
        error.text("Message", if failure.message.is_empty() { failure.code } else { &failure.message });
        error.text("Resource", if resource.is_empty() { "/" } else { resource });
        error.text("RequestId", request_id);
        error.text("TraceId", trace_id);
    })
}
