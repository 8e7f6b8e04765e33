//! What a failed call answers.

use std::fmt;

use http::StatusCode;
use serde::{Serialize, Serializer};

use crate::{DecodeError, DecodeErrorKind, ErrorCode, ValidationError};

/// A failed call: what travels in the `Error` body, and its HTTP status.
///
/// ```
/// use cos_batch_model::{ApiError, ErrorCode};
///
/// let error = ApiError::new(ErrorCode::NoSuchJob, "there is no such job")
///     .with_resource("/jobs/job-1")
///     .with_request_id("NjkyM2FhYmJfMTFfMjJfMzM=");
/// let answer = error.to_http();
/// assert_eq!(answer.status(), 404);
/// assert_eq!(answer.headers()["x-cos-request-id"], "NjkyM2FhYmJfMTFfMjJfMzM=");
/// assert_eq!(ApiError::from_http(&answer), error);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiError {
    /// What went wrong.
    pub code: ErrorCode,
    /// The same for a person: which field, which rule, what was found.
    pub message: String,
    /// The HTTP status; `code.status()` unless an answer came with another one.
    #[serde(serialize_with = "status_number")]
    pub status: StatusCode,
    /// The path or thing that the error is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The server's id of the request, as in the header `x-cos-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The server's trace of a failed request, as in the header `x-cos-trace-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl ApiError {
    /// An error with the code's own status and neither resource nor ids.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status: code.status(), code, message: message.into(), resource: None, request_id: None, trace_id: None }
    }

    /// The same error about this path or thing.
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// The same error with the id of the request that caused it.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }
}

impl std::error::Error for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status.as_u16(), self.message)
    }
}

impl From<ValidationError> for ApiError {
    fn from(error: ValidationError) -> Self {
        Self::new(ErrorCode::InvalidArgument, error.to_string())
    }
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        let code = match &error.kind {
            DecodeErrorKind::Value(_) => ErrorCode::InvalidArgument,
            DecodeErrorKind::TooDeep { .. }
            | DecodeErrorKind::DocumentTooLarge { .. }
            | DecodeErrorKind::TextTooLong { .. }
            | DecodeErrorKind::ListTooLong { .. } => ErrorCode::XmlSizeLimit,
            _ => ErrorCode::MalformedXml,
        };
        Self::new(code, error.to_string())
    }
}

/// What a caller may get in place of the answer it asked for.
///
/// See [`Lenient`](crate::Lenient) for an answer that is read. Source: COS Batch API, error responses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The call succeeded, but its answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The server answered with an error.
    #[error(transparent)]
    Api(#[from] ApiError),
}

fn status_number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
