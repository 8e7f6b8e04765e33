//! Requests beside the API, for servers that offer more than it.

use std::time::Duration;

use bytes::Bytes;
use cos_batch_model::ApiError;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};

use crate::retry::Repeat;
use crate::{BuildError, Client, Error, Transport};

/// The header that names the account.
const APPID_HEADER: HeaderName = HeaderName::from_static("x-cos-appid");

/// A request that is none of the API's actions. It is signed as they are.
///
/// ```
/// use cos_batch_client::ExtensionRequest;
///
/// let request = ExtensionRequest::get("/-/jobs/job-1");
/// assert!(request.repeatable && request.body.is_empty());
/// ```
///
/// Source: ours; Tencent COS offers nothing of the kind.
#[derive(Debug, Clone)]
pub struct ExtensionRequest {
    /// Its method.
    pub method: Method,
    /// Path and query, percent-encoded; the path begins with a slash.
    pub address: String,
    /// Its body; empty: none.
    pub body: Bytes,
    /// What the body is, where there is one.
    pub content_type: Option<&'static str>,
    /// Carried out twice is carried out once, so that an attempt whose answer was lost may be followed by another.
    pub repeatable: bool,
    /// Longest time for an attempt; none: the client's own. An attempt that runs out of a longer one is not followed by
    /// another.
    pub timeout: Option<Duration>,
}

impl ExtensionRequest {
    /// A request without a body that may be repeated.
    pub fn get(address: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            address: address.into(),
            body: Bytes::new(),
            content_type: None,
            repeatable: true,
            timeout: None,
        }
    }
}

impl<S: Transport> Client<S> {
    /// Sends a request that is none of the API's actions, signed and repeated as they are, and gives the answer to it.
    /// What Tencent COS itself answers to such a request is an error.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] where the address is none; [`Error::Api`] for every answer that is no success;
    /// [`Error::Transport`].
    pub async fn extension(&self, request: ExtensionRequest) -> Result<Response<Bytes>, Error> {
        let ExtensionRequest { method, address, body, content_type, repeatable, timeout } = request;
        let address = match address.parse::<PathAndQuery>() {
            Ok(parsed) if address.starts_with('/') && address.is_ascii() => parsed,
            _ => {
                let actual = address.chars().take(ADDRESS_SHOWN).collect();
                let rule = "a path that begins with a slash, percent-encoded";
                return Err(BuildError::Setting { setting: "address", rule, actual }.into());
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from(address);
        let appid = HeaderValue::try_from(self.appid().as_str()).expect("an APPID is ASCII letters, digits, - and _");
        request.headers_mut().insert(APPID_HEADER, appid);
        if let Some(kind) = content_type.filter(|_| !request.body().is_empty()) {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let repeat = if repeatable { Repeat::Always } else { Repeat::IfAnswered };
        let answer = self.exchange_within(&request, repeat, timeout.unwrap_or(self.timeout())).await.outcome?;
        if answer.status().is_success() { Ok(answer) } else { Err(ApiError::from_http(&answer).into()) }
    }
}

/// Most characters of a wrong address that an error shows.
const ADDRESS_SHOWN: usize = 64;
