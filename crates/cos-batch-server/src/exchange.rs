//! A request on its way to its answer, in whichever dialect.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use cos_batch_model::{ApiError, ErrorCode};
use futures_util::{FutureExt as _, poll};
use http::{Method, StatusCode, request::Parts};
use tracing::Instrument as _;

use crate::{extension::EXTENSION_PREFIX, trace};

/// A request on its way to its answer: the end that it comes to, and what is logged of it. For those who put a service of
/// another dialect on the address of a [`BatchService`](crate::BatchService), and want both to keep to the same rules.
///
/// ```
/// use std::time::Duration;
///
/// use cos_batch_model::ErrorCode;
/// use cos_batch_server::Exchange;
/// use http::{Request, StatusCode};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (head, ()) = Request::get("/jobs").body(())?.into_parts();
/// let exchange = Exchange::begin(&head, "request-1");
/// let answer = exchange.run(Duration::from_secs(60), async { "here you are" }).await?;
/// exchange.log(StatusCode::OK, "", "1250000000");
/// assert_eq!(answer, "here you are");
/// let failed = exchange.run(Duration::from_secs(60), async { panic!("a mistake") }).await;
/// assert_eq!(failed.map(|()| ()).unwrap_err().code, ErrorCode::InternalError);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Exchange<'a> {
    head: &'a Parts,
    request_id: &'a str,
    started: Instant,
    /// For whoever traces.
    trace: tracing::Span,
}

impl<'a> Exchange<'a> {
    /// Begins now. Source: ours.
    #[must_use]
    pub fn begin(head: &'a Parts, request_id: &'a str) -> Self {
        Self { head, request_id, started: Instant::now(), trace: trace::request(head, request_id) }
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id
    }

    /// Takes note of which action it is, for [whoever traces](crate::TRACE_TARGET). Source: ours.
    pub fn action(&self, name: &str) {
        self.trace.record("action", name);
    }

    /// Does the work for the answer, and has it end: after so long, and also where it panics. Every line that is logged on the
    /// way has the request's id, but where a request only looks: that writes none, and is not to pay for it. Source: ours.
    ///
    /// # Errors
    /// `InternalError` after a panic, `ServiceUnavailable` after too long.
    pub async fn run<T>(&self, longest: Duration, work: impl Future<Output = T>) -> Result<T, ApiError> {
        let request_id = self.request_id;
        let looks = self.head.method == Method::GET && !self.head.uri.path().starts_with(EXTENSION_PREFIX);
        let span = if looks { tracing::Span::none() } else { tracing::info_span!("request", request_id) };
        let mut work = pin!(AssertUnwindSafe(work.instrument(self.trace.clone()).instrument(span)).catch_unwind());
        // Most requests are answered at once, and need no timer.
        let ended = match poll!(work.as_mut()) {
            Poll::Ready(result) => result,
            Poll::Pending => tokio::time::timeout(longest, work).await.map_err(|_| {
                let message = format!("the request was not answered within {} seconds", longest.as_secs_f64());
                ApiError::new(ErrorCode::ServiceUnavailable, message)
            })?,
        };
        ended.map_err(|_| {
            tracing::error!(request_id, "a request ended in a panic");
            ApiError::new(ErrorCode::InternalError, "the server failed; its log says why")
        })
    }

    /// Writes the request's line into the log; `code` is that of an error, `appid` whose request it was, each empty where there
    /// is none. Source: ours.
    pub fn log(&self, status: StatusCode, code: &str, appid: &str) {
        self.trace(status, code, appid);
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    method = self.head.method.as_str(),
                    path = %self.head.uri.path().escape_debug(),
                    status = status.as_u16(),
                    code,
                    request_id = self.request_id,
                    appid,
                    micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
                    "request",
                )
            };
        }
        // Whoever waits for a job looks at it again and again: a line for each look would cost more than the look.
        if self.head.method == Method::GET && status.is_success() {
            log!(debug);
        } else {
            log!(info);
        }
    }

    fn trace(&self, status: StatusCode, code: &str, appid: &str) {
        if self.trace.is_disabled() {
            return;
        }
        self.trace.record("status", status.as_u16());
        for (name, text) in [("code", code), ("appid", appid)] {
            if !text.is_empty() {
                self.trace.record(name, text);
            }
        }
        if status.is_server_error() {
            self.trace.record("error", code);
        }
    }
}
