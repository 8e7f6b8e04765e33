//! The client itself: one attempt, and attempts until one counts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cos_batch_model::{Action, ActionOutput as _, ApiError, AppId};
use cos_signature::{Credentials, KeyTime};
use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response};
use http_body_util::Full;
use md5::{Digest as _, Md5};

use crate::retry::{Doubt, Failure, Repeat, random};
use crate::transport::timed_out;
use crate::{BuildError, Clock, Endpoint, Error, HttpTransport, RetryPolicy, Transport, TransportErrorKind};

/// Digest of the body; signed, so that it binds the body to the signature.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// Who asks, for the server's logs.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("cos-batch-client/", env!("CARGO_PKG_VERSION")));

/// A client for the COS Batch Operations API.
///
/// It can be shared and cloned: clones use the same connections. Calls need a Tokio runtime with its time switched on,
/// and I/O too unless the transport does without. Dropping a call's future gives the call up; what was sent may still be
/// carried out.
///
/// See the [front page](crate) for an example. Source: COS Batch API, a page for each action.
pub struct Client<S = HttpTransport> {
    transport: S,
    settings: Arc<Settings>,
    appid: AppId,
}

/// What all calls have in common.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    /// None: requests are not signed.
    pub(crate) credentials: Option<Credentials>,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) signature_lifetime: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What came of a request after all its attempts.
pub(crate) struct Exchanged {
    /// The last attempt: any answer, error answers included, or none.
    pub(crate) outcome: Result<Response<Bytes>, Error>,
    /// What the attempts before the last may have done.
    pub(crate) doubt: Doubt,
}

impl<S> Client<S> {
    pub(crate) fn new(transport: S, settings: Settings, appid: AppId) -> Self {
        Self { transport, settings: Arc::new(settings), appid }
    }

    /// The account whose jobs are meant.
    pub fn appid(&self) -> &AppId {
        &self.appid
    }

    /// Where the service is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    /// Longest time for an attempt.
    pub(crate) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// The request with what does not depend on the time: address, length, digest.
    pub(crate) fn addressed(&self, request: &Request<Bytes>) -> Request<Bytes> {
        let mut request = request.clone();
        let settings = &self.settings;
        *request.uri_mut() = settings.endpoint.uri(request.uri().path_and_query());
        let body = request.body().clone();
        let has_length = !body.is_empty() || [Method::POST, Method::PUT].contains(request.method());
        let headers = request.headers_mut();
        // A request should begin with its host (RFC 9110 §7.2); the map keeps the order.
        let of_action = std::mem::take(headers);
        headers.insert(HOST, settings.endpoint.host().clone());
        headers.extend(of_action);
        headers.insert(USER_AGENT, AGENT);
        if has_length {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        if !body.is_empty() {
            let digest = STANDARD.encode(Md5::digest(&body));
            headers.insert(CONTENT_MD5, HeaderValue::try_from(digest).expect("Base64 is visible ASCII"));
        }
        request
    }

    /// What requests are signed with; none if they are not.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.settings.credentials.as_ref()
    }

    /// The time, as signatures have it.
    pub(crate) fn unix_seconds(&self) -> i64 {
        self.settings.clock.unix_seconds()
    }
}

impl<S: Clone> Client<S> {
    /// The same client for the jobs of another account. The credentials stay, so they must be good for it.
    #[must_use]
    pub fn with_appid(&self, appid: AppId) -> Self {
        Self { appid, ..self.clone() }
    }
}

impl<S: Transport> Client<S> {
    /// Carries an action out, with repeats.
    pub(crate) async fn call<A: Action>(&self, action: &A, repeat: Repeat) -> (Result<A::Output, Error>, Doubt) {
        let exchanged = self.exchange(&action.to_http(&self.appid), repeat).await;
        let result = exchanged.outcome.and_then(|answer| Ok(A::Output::from_http(&answer)?));
        (result, exchanged.doubt)
    }

    /// Sends a request until an attempt succeeds, or another one would be in vain, or unsafe, or too many.
    pub(crate) async fn exchange(&self, request: &Request<Bytes>, repeat: Repeat) -> Exchanged {
        self.exchange_within(request, repeat, self.settings.timeout).await
    }

    /// The same with another limit of time for each attempt.
    pub(crate) async fn exchange_within(&self, request: &Request<Bytes>, repeat: Repeat, limit: Duration) -> Exchanged {
        let policy = &self.settings.retry;
        let mut doubt = Doubt::None;
        let mut attempt = 1;
        loop {
            let outcome = self.attempt(request, limit).await;
            let failure = match &outcome {
                Ok(answer) if answer.status().is_success() => return Exchanged { outcome, doubt },
                Ok(answer) => Failure::of_answer(&ApiError::from_http(answer)),
                Err(error) => Failure::of(error),
            };
            // Who gives a request more time than others have has given it all the time there is.
            let waited_enough = limit > self.settings.timeout && outcome.as_ref().is_err_and(is_timeout);
            if attempt >= policy.attempts || !failure.may_repeat(repeat) || waited_enough {
                return Exchanged { outcome, doubt };
            }
            doubt = doubt.max(failure.doubt);
            tokio::time::sleep(policy.pause(attempt, random())).await;
            attempt += 1;
        }
    }

    /// Sends a request once, signed for this attempt.
    async fn attempt(&self, request: &Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Error> {
        let exchange = self.transport.exchange(self.complete(request)?);
        tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| Err(timed_out(limit)))
    }

    /// The request with everything that belongs to an attempt: address, length, digest, signature.
    fn complete(&self, request: &Request<Bytes>) -> Result<Request<Full<Bytes>>, BuildError> {
        let mut request = self.addressed(request);
        let settings = &self.settings;
        if let Some(credentials) = &settings.credentials {
            let window = KeyTime::starting_at(settings.clock.unix_seconds(), settings.signature_lifetime);
            cos_signature::sign(&mut request, credentials, window)?;
        }
        Ok(request.map(Full::new))
    }
}

fn is_timeout(error: &Error) -> bool {
    matches!(error, Error::Transport { kind: TransportErrorKind::Timeout, .. })
}

impl<S: Clone> Clone for Client<S> {
    fn clone(&self) -> Self {
        Self { transport: self.transport.clone(), settings: Arc::clone(&self.settings), appid: self.appid.clone() }
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.settings.endpoint)
            .field("appid", &self.appid)
            .finish_non_exhaustive()
    }
}
