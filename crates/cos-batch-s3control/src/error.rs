//! What goes wrong, in the shapes that clients have types for.
//!
//! A client raises a typed error only where the code is the name of a shape of the model; the model says nothing of HTTP
//! statuses, so these are ours: what the client may have done better is 400 or 404, and what it may try again 429 or 500.

use bytes::Bytes;
use cos_batch_model::{
    ApiError, ErrorCode,
    xml::{Encoder, ToXml, XmlElement},
};
use cos_batch_server::rate::TooFast;
use http::{HeaderValue, Response, StatusCode, header};

use crate::action::{self, ActionName};

/// Header with the id of a request.
const REQUEST_ID: &str = "x-amz-request-id";

/// Longest message, in characters (service model, `ExceptionMessage`).
const MESSAGE_CHARACTERS_MAX: usize = 1024;

/// An error on its way to become an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// Whether more of the request's body may come: not when it broke off or came too slowly.
    pub(crate) leaves_a_body: bool,
    /// When it is worth to ask again, in seconds, where too much was asked for.
    pub(crate) retry_after: Option<u64>,
}

impl Failure {
    pub(crate) fn new(code: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), leaves_a_body: true, retry_after: None }
    }

    /// The request breaks a rule. Lists have a name of their own for it.
    pub(crate) fn bad_request(action: Option<ActionName>, message: impl std::fmt::Display) -> Self {
        let code = match action {
            Some(ActionName::ListJobs) => "InvalidRequestException",
            _ => "BadRequestException",
        };
        Self::new(code, StatusCode::BAD_REQUEST, message.to_string())
    }

    /// The signature, the key or the account is not accepted.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new("AccessDenied", StatusCode::FORBIDDEN, message)
    }

    /// The body of the request is not as it must be.
    pub(crate) fn of_body(error: ApiError, action: ActionName) -> Self {
        let leaves_a_body = !matches!(error.code, ErrorCode::IncompleteBody | ErrorCode::RequestTimeout);
        Self { leaves_a_body, ..Self::bad_request(Some(action), error.message) }
    }

    /// There are more requests of the account than it may ask. Clients know this code, and ask again later.
    pub(crate) fn of_haste(reason: TooFast) -> Self {
        let failure = Self::new("SlowDown", StatusCode::SERVICE_UNAVAILABLE, reason.to_string());
        Self { retry_after: Some(reason.retry_after_seconds), ..failure }
    }

    /// What the engine answered, for this action, if there is one.
    pub(crate) fn of(error: ApiError, action: Option<ActionName>) -> Self {
        let message = error.message;
        match error.code {
            ErrorCode::NoSuchJob => Self::new("NotFoundException", StatusCode::NOT_FOUND, message),
            ErrorCode::AccessDenied => Self::denied(message),
            ErrorCode::NotImplemented => Self::new("NotImplemented", StatusCode::NOT_IMPLEMENTED, message),
            ErrorCode::TooManyJobs => Self::new("TooManyRequestsException", StatusCode::TOO_MANY_REQUESTS, message),
            // A transition that the job's status does not allow.
            ErrorCode::InvalidRequest if action == Some(ActionName::UpdateJobStatus) => {
                Self::new("JobStatusException", StatusCode::BAD_REQUEST, message)
            }
            code if code.status().is_client_error() => Self::bad_request(action, message),
            _ => Self::new("InternalServiceException", StatusCode::INTERNAL_SERVER_ERROR, message),
        }
    }

    pub(crate) fn render(&self, request_id: &str) -> Response<Bytes> {
        let document = action::document(&ErrorResponse { failure: self, request_id });
        let mut response = answer(self.status, document, request_id);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A document as an answer.
pub(crate) fn answer(status: StatusCode, document: String, request_id: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(document));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::SERVER, HeaderValue::from_static("cos-batch"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

struct ErrorResponse<'a> {
    failure: &'a Failure,
    request_id: &'a str,
}

impl XmlElement for ErrorResponse<'_> {
    const ELEMENT: &'static str = "ErrorResponse";
}

impl ToXml for ErrorResponse<'_> {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        let message = crate::map::shown::cut(&self.failure.message, MESSAGE_CHARACTERS_MAX);
        encoder
            .element("Error", |encoder| encoder.text("Code", self.failure.code).text("Message", message))
            .text("RequestId", self.request_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_clients_have_types_for() {
        let of = |code, action| {
            let failure = Failure::of(ApiError::new(code, "m"), Some(action));
            (failure.code, failure.status.as_u16())
        };
        for (code, action, expected) in [
            (ErrorCode::NoSuchJob, ActionName::DescribeJob, ("NotFoundException", 404)),
            (ErrorCode::InvalidRequest, ActionName::UpdateJobStatus, ("JobStatusException", 400)),
            (ErrorCode::InvalidArgument, ActionName::CreateJob, ("BadRequestException", 400)),
            (ErrorCode::MalformedXml, ActionName::CreateJob, ("BadRequestException", 400)),
            (ErrorCode::InvalidArgument, ActionName::ListJobs, ("InvalidRequestException", 400)),
            (ErrorCode::TooManyJobs, ActionName::CreateJob, ("TooManyRequestsException", 429)),
            (ErrorCode::ServiceUnavailable, ActionName::DescribeJob, ("InternalServiceException", 500)),
            (ErrorCode::AccessDenied, ActionName::CreateJob, ("AccessDenied", 403)),
            (ErrorCode::NotImplemented, ActionName::CreateJob, ("NotImplemented", 501)),
        ] {
            assert_eq!(of(code.clone(), action), expected, "{code}");
        }
    }

    #[test]
    fn an_error_as_it_is_sent() {
        let failure = Failure::new("NotFoundException", StatusCode::NOT_FOUND, "no <job>");
        let response = failure.render("r-1");
        assert_eq!(
            (response.status().as_u16(), &response.headers()[REQUEST_ID]),
            (404, &HeaderValue::from_static("r-1"))
        );
        assert_eq!(
            response.body(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse \
             xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Error><Code>NotFoundException</Code><Message>no \
             &lt;job&gt;</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        );
    }
}
