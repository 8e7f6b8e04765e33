//! A server that is right but for one thing, told in HTTP.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_conformance::Wire;
use cos_batch_model::{ApiError, BoxFuture, ErrorCode};
use cos_signature::{Credentials, KeyTime, Presented};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use md5::{Digest as _, Md5};

use crate::world::{InProcess, TEMPORARY_ID, credentials, now, temporary};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    /// Answers have no request id.
    NoRequestId,
    /// Every answer has the same request id.
    SameRequestId,
    /// Answers call themselves plain text.
    PlainText,
    /// A DescribeJob lacks what is its default.
    LeavesDefaultsOut,
    /// Errors have status 200.
    ErrorsAreOk,
    /// Every request is refused.
    RefusesAll,
    /// The error's body has another request id than the header.
    OtherRequestId,
    /// A priority out of range is taken for the highest.
    ClampsPriority,
    /// An empty list has no Jobs.
    NoEmptyJobs,
    /// A plus in a query stays one.
    PlusIsPlus,
    /// A signature whose time is over is as good as any.
    NeverExpires,
    /// Whoever signs at all is let in.
    SignsAnew,
    /// A temporary key is good without its token, or with any.
    IgnoresTokens,
    /// A token is not known in the query, where it is left out.
    NoTokenInQuery,
    /// The digest of a body is not compared, but put right.
    SkipsDigests,
    /// Lengths are counted in characters.
    CountsCharacters,
    /// Long texts are cut.
    CutsDescriptions,
    /// A DOCTYPE is skipped.
    SkipsDoctype,
    /// A bad body is a fault of the server.
    BadBodiesAreInternal,
    /// Errors say what was asked as it came.
    NoEscapes,
}

#[derive(Clone)]
pub(crate) struct Twisted {
    pub(crate) inner: InProcess,
    pub(crate) twist: Twist,
}

impl Wire for Twisted {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, String>> {
        Box::pin(async move {
            let request = self.before(request);
            let answer = self.inner.call(request.clone()).await?;
            if self.twist == Twist::NeverExpires && answer.status() == StatusCode::FORBIDDEN {
                let code = ApiError::from_http(&answer).code;
                let (parts, body) = request.into_parts();
                if code == ErrorCode::RequestHasExpired && Presented::from_parts(&parts).is_ok() {
                    return self.inner.call(signed(Request::from_parts(parts, body))).await;
                }
            }
            Ok(self.after(answer))
        })
    }
}

fn signed(request: Request<Bytes>) -> Request<Bytes> {
    signed_with(request, &credentials(0))
}

fn signed_with(mut request: Request<Bytes>, credentials: &Credentials) -> Request<Bytes> {
    let window = KeyTime::new(now(), now() + 60).unwrap();
    let original = request.clone();
    // What cannot be signed goes on as it is.
    cos_signature::sign(&mut request, credentials, window).map_or(original, |()| request)
}

/// The address without parameters of a signature.
fn without_signature(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let others = query.split('&').filter(|pair| !pair.starts_with("q-") && !pair.starts_with("x-cos-security-token"));
    format!("{path}?{}", others.collect::<Vec<_>>().join("&"))
}

/// The request with another body, and the headers that go with it.
fn with_body(request: Request<Bytes>, body: String) -> Request<Bytes> {
    let mut request = request.map(|_| Bytes::from(body));
    let length = request.body().len();
    request.headers_mut().remove("content-md5");
    request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    request
}

fn with_address(mut request: Request<Bytes>, address: &str) -> Request<Bytes> {
    *request.uri_mut() = address.parse::<Uri>().unwrap();
    request
}

fn digest(body: &str) -> HeaderValue {
    STANDARD.encode(Md5::digest(body)).parse().unwrap()
}

/// The text of an element, and what stands around it.
fn parts<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, after) = rest.split_once(&format!("</{name}>"))?;
    Some((before, inner, after))
}

impl Twisted {
    fn before(&self, request: Request<Bytes>) -> Request<Bytes> {
        let text = String::from_utf8_lossy(request.body()).into_owned();
        let address = request.uri().to_string();
        match self.twist {
            Twist::ClampsPriority => {
                let is_bad =
                    |number: &str| !number.is_empty() && number.parse::<u32>().map_or(true, |n| n > i32::MAX as u32);
                if let Some((before, inner, after)) = parts(&text, "Priority").filter(|parts| is_bad(parts.1)) {
                    let _ = inner;
                    return with_body(request, format!("{before}<Priority>2147483647</Priority>{after}"));
                }
                match address.split_once("priority?priority=") {
                    Some((before, number)) if is_bad(number) => {
                        with_address(request, &format!("{before}priority?priority=2147483647"))
                    }
                    _ => request,
                }
            }
            Twist::PlusIsPlus => with_address(request, &address.replace('+', "%2B")),
            Twist::IgnoresTokens => {
                let (parts, body) = request.into_parts();
                let is_temporary =
                    Presented::from_parts(&parts).is_ok_and(|signature| signature.secret_id == TEMPORARY_ID);
                let request = Request::from_parts(parts, body);
                if !is_temporary {
                    return request;
                }
                signed_with(with_address(request, &without_signature(&address)), &temporary())
            }
            Twist::NoTokenInQuery if address.contains("x-cos-security-token") => {
                let pairs: Vec<&str> =
                    address.split('&').filter(|pair| !pair.starts_with("x-cos-security-token")).collect();
                with_address(request, &pairs.join("&"))
            }
            Twist::SignsAnew if request.headers().contains_key(header::AUTHORIZATION) => signed(request),
            Twist::SkipsDigests if request.headers().contains_key("content-md5") => {
                let mut request = request;
                request.headers_mut().insert("content-md5", digest(&text));
                signed(request)
            }
            Twist::CountsCharacters | Twist::CutsDescriptions => match parts(&text, "Description") {
                Some((before, inner, after))
                    if inner.len() > 256
                        && inner.len() < 1000
                        && (self.twist == Twist::CutsDescriptions || inner.chars().count() <= 256) =>
                {
                    let mut end = 256;
                    while !inner.is_char_boundary(end) {
                        end -= 1;
                    }
                    with_body(request, format!("{before}<Description>{}</Description>{after}", &inner[..end]))
                }
                _ => request,
            },
            Twist::SkipsDoctype => match text.split_once("<!DOCTYPE") {
                Some((before, rest)) if !rest.contains("ENTITY") => {
                    let (_, after) = rest.split_once('>').unwrap();
                    with_body(request, format!("{before}{after}"))
                }
                _ => request,
            },
            _ => request,
        }
    }

    fn after(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        let id = HeaderName::from_static("x-cos-request-id");
        let replaced = |from: &str, to: &str| Bytes::from(String::from_utf8_lossy(answer.body()).replace(from, to));
        match self.twist {
            Twist::NoRequestId => {
                answer.headers_mut().remove(id);
            }
            Twist::SameRequestId => {
                answer.headers_mut().insert(id, "same".parse().unwrap());
            }
            Twist::PlainText if !answer.body().is_empty() => {
                answer.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
            }
            Twist::LeavesDefaultsOut => {
                let body = replaced("<ConfirmationRequired>true</ConfirmationRequired>", "");
                *answer.body_mut() = body;
            }
            Twist::ErrorsAreOk if answer.status().is_client_error() => *answer.status_mut() = StatusCode::OK,
            Twist::RefusesAll => return ApiError::new(ErrorCode::AccessDenied, "not today").to_http(),
            Twist::OtherRequestId => {
                let body = replaced("<RequestId>", "<RequestId>x");
                *answer.body_mut() = body;
            }
            Twist::NoEmptyJobs => {
                let body = replaced("<Jobs></Jobs>", "");
                let body = Bytes::from(String::from_utf8_lossy(&body).replace("<Jobs/>", ""));
                *answer.body_mut() = body;
            }
            Twist::BadBodiesAreInternal
                if ApiError::from_http(&answer).code == ErrorCode::MalformedXml
                    && answer.status().is_client_error() =>
            {
                return ApiError::new(ErrorCode::InternalError, "the body cannot be read").to_http();
            }
            Twist::NoEscapes => {
                let body = replaced("&lt;", "<");
                *answer.body_mut() = Bytes::from(String::from_utf8_lossy(&body).replace("%3Cscript%3E", "<script>"));
            }
            _ => {}
        }
        answer
    }
}
