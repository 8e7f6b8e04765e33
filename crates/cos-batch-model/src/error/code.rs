//! The error codes of the wire and the HTTP status of each.

use std::fmt;

use http::StatusCode;
use serde::{Serialize, Serializer};

use crate::UnknownText;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal, $status:ident;)+) => {
        /// What went wrong, as the wire names it.
        ///
        /// The batch API's own table of codes and the general COS codes that a batch call may
        /// meet. A code we do not know is kept as it came.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
            /// A code that this version does not know; only decoding an answer makes one.
            Unknown(UnknownText),
        }

        impl ErrorCode {
            /// Every known code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code's spelling on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)+
                    Self::Unknown(text) => text.as_str(),
                }
            }

            /// The HTTP status the code is answered with. An unknown code gives 500; its
            /// true status is kept beside it in [`ApiError`](crate::ApiError).
            pub fn status(&self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                    Self::Unknown(_) => StatusCode::INTERNAL_SERVER_ERROR,
                }
            }

            /// The code for a spelling from the wire; white space around it does not count.
            pub fn from_wire(text: &str) -> Self {
                match text.trim() {
                    $($wire => Self::$variant,)+
                    other => Self::Unknown(UnknownText::truncated(other)),
                }
            }
        }
    };
}

error_codes! {
    /// A parameter is missing, empty or breaks a rule.
    InvalidArgument = "InvalidArgument", BAD_REQUEST;
    /// The request makes no sense as a whole or at this moment.
    InvalidRequest = "InvalidRequest", BAD_REQUEST;
    /// The body is not the XML that the action expects.
    MalformedXml = "MalformedXML", BAD_REQUEST;
    /// The job does not exist, or may not be seen, or has ended where a running one is needed.
    NoSuchJob = "NoSuchJob", NOT_FOUND;
    /// The server failed for a reason of its own.
    InternalError = "InternalError", INTERNAL_SERVER_ERROR;
    /// Stored data cannot be read or written now. The batch API answers 500, where the general
    /// COS page says 503.
    ServiceUnavailable = "ServiceUnavailable", INTERNAL_SERVER_ERROR;
    /// The account's limit of jobs is reached.
    TooManyJobs = "TooManyJobs", INTERNAL_SERVER_ERROR;
    /// The caller may not do this.
    AccessDenied = "AccessDenied", FORBIDDEN;
    /// The signature is not the one the server computes.
    SignatureDoesNotMatch = "SignatureDoesNotMatch", FORBIDDEN;
    /// The key id is not known.
    InvalidAccessKeyId = "InvalidAccessKeyId", FORBIDDEN;
    /// The request's time is too far from the server's.
    RequestTimeTooSkewed = "RequestTimeTooSkewed", FORBIDDEN;
    /// The signature's time window is over. The wire really spells it with spaces.
    RequestHasExpired = "Request has expired", FORBIDDEN;
    /// The body does not have the MD5 that the request names.
    BadDigest = "BadDigest", BAD_REQUEST;
    /// Content-MD5 is not the Base64 of 16 bytes.
    InvalidDigest = "InvalidDigest", BAD_REQUEST;
    /// The body does not have the length that the request names.
    EntitySizeNotMatch = "EntitySizeNotMatch", BAD_REQUEST;
    /// The body ended early.
    IncompleteBody = "IncompleteBody", BAD_REQUEST;
    /// A body is needed.
    MissingRequestBodyError = "MissingRequestBodyError", BAD_REQUEST;
    /// The XML document is too large or too deep.
    XmlSizeLimit = "XMLSizeLimit", BAD_REQUEST;
    /// The temporary key has expired.
    ExpiredToken = "ExpiredToken", BAD_REQUEST;
    /// The request's address cannot be read.
    InvalidUri = "InvalidURI", BAD_REQUEST;
    /// The request took too long to arrive.
    RequestTimeout = "RequestTimeout", BAD_REQUEST;
    /// The path does not know this method.
    MethodNotAllowed = "MethodNotAllowed", METHOD_NOT_ALLOWED;
    /// The object to restore is not archived.
    RestoreNonArchiveObject = "RestoreNonArchiveObject", METHOD_NOT_ALLOWED;
    /// The object is already being restored.
    RestoreAlreadyInProgress = "RestoreAlreadyInProgress", CONFLICT;
    /// The body's length must be named in advance.
    MissingContentLength = "MissingContentLength", LENGTH_REQUIRED;
    /// A precondition of the request does not hold.
    PreconditionFailed = "PreconditionFailed", PRECONDITION_FAILED;
    /// The server does not offer this action.
    NotImplemented = "NotImplemented", NOT_IMPLEMENTED;
    /// The caller is too fast.
    SlowDown = "SlowDown", SERVICE_UNAVAILABLE;
}

impl ErrorCode {
    /// The code to assume when an answer has nothing but its status. A bare 404 is not taken
    /// for a missing job: it may as well come from a wrong endpoint.
    pub(crate) fn assumed(status: StatusCode) -> Self {
        match status {
            StatusCode::FORBIDDEN => Self::AccessDenied,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::LENGTH_REQUIRED => Self::MissingContentLength,
            StatusCode::PRECONDITION_FAILED => Self::PreconditionFailed,
            StatusCode::INTERNAL_SERVER_ERROR => Self::InternalError,
            StatusCode::NOT_IMPLEMENTED => Self::NotImplemented,
            StatusCode::TOO_MANY_REQUESTS => Self::SlowDown,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Self::ServiceUnavailable
            }
            other => Self::Unknown(UnknownText::truncated(&format!("HTTP {}", other.as_u16()))),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
