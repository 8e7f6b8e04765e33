//! What a call may end with in place of its answer.

use std::fmt;
use std::time::Duration;

use cos_batch_model::{
    ApiError, ClientRequestToken, DecodeError, ErrorCode, JobId, JobStatus, Lenient, ResponseError, ValidationError,
};
use cos_signature::SignError;

/// An error of any kind, for example of a transport.
///
/// Source: ours, as `tower` has it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed.
///
/// ```
/// use cos_batch_client::Error;
/// use cos_batch_model::{ApiError, ErrorCode};
///
/// fn what_to_do(error: &Error) -> &'static str {
///     match error.api() {
///         Some(answer) if answer.code == ErrorCode::NoSuchJob => "there is no such job",
///         Some(_) => "the server has refused it",
///         None if error.is_retryable() => "try again later",
///         None => "look at what was sent",
///     }
/// }
///
/// assert_eq!(what_to_do(&ApiError::new(ErrorCode::NoSuchJob, "no such job").into()), "there is no such job");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request cannot be made. Nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// There is no whole answer. Its text names the innermost cause; the source has all of them.
    #[error("{kind}: {}", root(source.as_ref()))]
    Transport {
        /// What happened, and so what may have happened at the server.
        kind: TransportErrorKind,
        /// What the transport said.
        source: BoxError,
    },
    /// The call succeeded, but its answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The server answered with an error.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nobody knows whether CreateJob made a job: an answer was lost, and no job with the token was found. Look for the
    /// job, or call again with the same token: that never makes a second one.
    #[error("it is not known whether the job with ClientRequestToken {token} was made: {source}")]
    AmbiguousCreate {
        /// The token of the request.
        token: ClientRequestToken,
        /// What the last attempt ended with.
        source: Box<Error>,
    },
    /// [`WaitOptions::give_up_after`](crate::WaitOptions::give_up_after) went by. The job goes on.
    #[error("job {job_id} {} after {after:?}", still(status.as_ref()))]
    GaveUp {
        /// The job.
        job_id: JobId,
        /// How long was waited.
        after: Duration,
        /// Where the job stood when it was last seen; none if it was not.
        status: Option<Lenient<JobStatus>>,
    },
}

impl Error {
    /// What the server answered, where it answered with an error; also inside [`Error::AmbiguousCreate`].
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::AmbiguousCreate { source, .. } => source.api(),
            _ => None,
        }
    }

    /// Whether the same call may well succeed later. Whether it may be repeated is another question, and the client's
    /// own retries have answered it already: all of them were used up.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport { kind, .. } => kind.is_transient(),
            Self::Api(error) => is_transient(&error.code),
            Self::AmbiguousCreate { source, .. } => source.is_retryable(),
            Self::Build(_) | Self::Decode(_) | Self::GaveUp { .. } => false,
        }
    }
}

impl From<ResponseError> for Error {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Decode(error) => Self::Decode(error),
            ResponseError::Api(error) => Self::Api(error),
        }
    }
}

/// The codes that pass by themselves: those on which other clients of the API try again, too.
pub(crate) fn is_transient(code: &ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InternalError | ErrorCode::ServiceUnavailable | ErrorCode::SlowDown | ErrorCode::RequestTimeout
    )
}

/// Why there is no whole answer.
///
/// ```
/// use cos_batch_client::TransportErrorKind;
///
/// assert!(TransportErrorKind::Connect.is_unsent() && TransportErrorKind::Connect.is_transient());
/// assert!(!TransportErrorKind::Timeout.is_unsent());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// There was no connection: the name is unknown, nobody listens, the network is away. Nothing was sent; every call
    /// is repeated.
    Connect,
    /// No secure connection could be agreed on, for example because of the certificate. Nothing was sent; not repeated,
    /// since it will not change.
    Tls,
    /// The attempt took longer than allowed. It may have been carried out; repeated where that is safe.
    Timeout,
    /// The connection ended before the answer did. It may have been carried out; repeated where that is safe.
    Reset,
    /// The answer is longer than [`RESPONSE_BYTES_MAX`](crate::RESPONSE_BYTES_MAX), or its head is too long. Not
    /// repeated.
    TooLarge,
    /// What came back is not HTTP. Not repeated.
    Protocol,
    /// Something else that the transport reports. It may have been carried out; not repeated.
    Other,
}

impl TransportErrorKind {
    /// Whether another attempt may well succeed.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Connect | Self::Timeout | Self::Reset)
    }

    /// Whether it is certain that the server has not seen the request.
    pub fn is_unsent(self) -> bool {
        matches!(self, Self::Connect | Self::Tls)
    }
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection to the server",
            Self::Tls => "no secure connection to the server",
            Self::Timeout => "no answer in time",
            Self::Reset => "the connection ended before the answer",
            Self::TooLarge => "the answer is too long",
            Self::Protocol => "the answer is not HTTP",
            Self::Other => "the transport failed",
        })
    }
}

/// Why a client or a request cannot be made.
///
/// See [`ClientBuilder`](crate::ClientBuilder) for an example. Source: ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Something that has no default was not given to the builder.
    #[error("the client needs {what}")]
    Missing {
        /// What, and the builder's method for it.
        what: &'static str,
    },
    /// The endpoint breaks a rule.
    #[error("the endpoint {rule}, not `{actual}`")]
    Endpoint {
        /// The rule.
        rule: &'static str,
        /// What was given, shortened.
        actual: String,
    },
    /// A setting is outside its range.
    #[error("{setting} must be {rule}, not {actual}")]
    Setting {
        /// Name of the builder's method.
        setting: &'static str,
        /// The range.
        rule: &'static str,
        /// What was given.
        actual: String,
    },
    /// The credentials cannot sign a request.
    #[error("the credentials cannot sign: {0}")]
    Credentials(#[from] SignError),
    /// A rule between fields of a request does not hold.
    #[error(transparent)]
    Request(#[from] ValidationError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// The innermost cause: it has what a person can act on, where the outer ones only say in which layer it happened.
fn root<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a dyn std::error::Error {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}

fn still(status: Option<&Lenient<JobStatus>>) -> String {
    status.map_or_else(|| "was not seen".to_owned(), |status| format!("is still {status}"))
}
