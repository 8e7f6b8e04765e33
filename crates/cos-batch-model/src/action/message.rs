//! What the actions' HTTP messages have in common.

use std::fmt::Display;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::query::percent_decode;
use crate::xml::{self, FromXml, Mode, ToXml};
use crate::{ApiError, AppId, ErrorCode, JobId, ResponseError};

/// The header that says in whose name a request is made.
const APPID_HEADER: HeaderName = HeaderName::from_static("x-cos-appid");
/// The header with the server's id of a request.
///
/// Source: COS documentation, common response headers.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-cos-request-id");
/// The header with the server's trace of a failed request.
///
/// Source: COS documentation, common response headers.
pub const TRACE_ID_HEADER: HeaderName = HeaderName::from_static("x-cos-trace-id");
/// Media type of every body.
///
/// Source: COS documentation, common response headers.
pub const XML_MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/xml");

/// Where jobs live.
pub(super) const JOBS_PATH: &str = "/jobs";

/// All but RFC 3986's unreserved characters, as the API's signature has it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn escape(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

pub(super) fn job_path(job_id: &JobId) -> String {
    format!("{JOBS_PATH}/{}", escape(job_id.as_str()))
}

pub(super) fn request(method: Method, address: String, appid: &AppId, body: Option<Bytes>) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() =
        Uri::try_from(address).expect("all but unreserved characters are escaped, and field limits bound the length");
    let appid =
        HeaderValue::from_str(appid.as_str()).expect("an APPID has only characters that a header value may have");
    request.headers_mut().insert(APPID_HEADER, appid);
    if let Some(body) = body {
        request.headers_mut().insert(CONTENT_TYPE, XML_MEDIA_TYPE);
        *request.body_mut() = body;
    }
    request
}

/// Checks that a request is for this method and for the jobs as such.
pub(super) fn expect_jobs(head: &Parts, method: &Method) -> Result<(), ApiError> {
    expect_method(head, method)?;
    if head.uri.path() == JOBS_PATH {
        return Ok(());
    }
    Err(wrong_path(head, JOBS_PATH))
}

/// Checks that a request is for this method and for one job, or `part` of it, and says which.
pub(super) fn expect_job(head: &Parts, method: &Method, part: &str) -> Result<JobId, ApiError> {
    expect_method(head, method)?;
    let path = head.uri.path();
    let id = path
        .strip_prefix(JOBS_PATH)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.strip_suffix(part))
        .filter(|id| !id.contains('/'));
    let Some(id) = id else {
        return Err(wrong_path(head, &format!("{JOBS_PATH}/<JobId>{part}")));
    };
    if id.is_empty() {
        return Err(ApiError::new(ErrorCode::InvalidRequest, "no job id is given"));
    }
    Ok(JobId::new(percent_decode(id, false)?)?)
}

fn expect_method(head: &Parts, method: &Method) -> Result<(), ApiError> {
    if head.method == *method {
        return Ok(());
    }
    let found = crate::validation::shorten(head.method.as_str());
    let message = format!("the method must be {method}, not {found}");
    Err(ApiError::new(ErrorCode::MethodNotAllowed, message))
}

fn wrong_path(head: &Parts, expected: &str) -> ApiError {
    let found = crate::validation::shorten(head.uri.path());
    let message = format!("the path must be {expected}, not {found}");
    ApiError::new(ErrorCode::InvalidUri, message)
}

/// An answer with a body.
pub(super) fn respond(status: StatusCode, body: &impl ToXml) -> Response<Bytes> {
    respond_written(status, xml::to_bytes_declared(body))
}

/// An answer with a body that is written.
pub(super) fn respond_written(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, XML_MEDIA_TYPE);
    response
}

/// An error unless the answer is a success.
pub(super) fn expect_success(response: &Response<Bytes>) -> Result<(), ResponseError> {
    if response.status().is_success() {
        return Ok(());
    }
    Err(ApiError::from_http(response).into())
}

/// What an answer's body says.
pub(super) fn body<T: FromXml>(response: &Response<Bytes>) -> Result<T, ResponseError> {
    expect_success(response)?;
    Ok(xml::from_slice(response.body(), Mode::Lenient)?)
}
