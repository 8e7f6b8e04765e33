//! Functions of the operator's that jobs call for each object: `[functions.<name>]` of the configuration.
//!
//! Where a call goes is said by the configuration alone: what a request says chooses one of its names, and goes into the body.

use std::{fmt, time::Duration};

use bytes::Bytes;
use cos_batch_client::HttpTransport;
use cos_batch_engine::{Kinds, OperationKind, kinds::KindTask, task::Outcome};
use cos_batch_objectstore::{BoxFuture, ErrorKind, StoreError};
use cos_batch_s3control::invocation::{self, ANSWER_BYTES_MAX};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{config::Function, exit::Error};

/// The code of a task whose function did not take the call.
const REFUSED: &str = "FunctionError";

/// A function, as a kind of operation.
struct HttpFunction {
    function: Function,
    transport: HttpTransport,
}

/// The address may have a secret in it.
impl fmt::Debug for HttpFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFunction").field("name", &self.function.name).finish_non_exhaustive()
    }
}

/// The functions as kinds of operations, by their names.
pub(super) fn kinds(functions: Vec<Function>) -> Result<Kinds, Error> {
    if functions.is_empty() {
        return Ok(Kinds::new());
    }
    // All share what connections there are.
    let transport = HttpTransport::new().map_err(|error| Error::other(format!("functions: {error}")))?;
    let with = |kinds: Kinds, function: Function| {
        kinds.with(function.name.clone(), HttpFunction { function, transport: transport.clone() })
    };
    Ok(functions.into_iter().fold(Kinds::new(), with))
}

impl OperationKind for HttpFunction {
    fn run<'a>(&'a self, task: KindTask<'a>) -> BoxFuture<'a, Result<Outcome, StoreError>> {
        Box::pin(async move {
            let timeout = self.function.timeout;
            match tokio::time::timeout(timeout, self.call(&task)).await {
                Ok(answer) => answer,
                Err(_) => Err(self.unreachable(&format!("did not answer within {} seconds", timeout.as_secs()))),
            }
        })
    }
}

impl HttpFunction {
    async fn call(&self, task: &KindTask<'_>) -> Result<Outcome, StoreError> {
        let invocation_id = Uuid::new_v4().to_string();
        let body = Bytes::from(invocation::request(task, &invocation_id));
        let mut request = Request::post(self.function.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("cos-batch/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| StoreError::new(ErrorKind::InvalidRequest, error.to_string()))?;
        if let Some(authorization) = &self.function.authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        let answer = self.transport.clone().oneshot(request).await;
        let answer = answer.map_err(|error| self.unreachable(&format!("cannot be reached: {error}")))?;
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            return self.refused(head.status, &head.headers);
        }
        match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
            Ok(body) => invocation::outcome(task, &body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = format!("{} answers with more than {ANSWER_BYTES_MAX} bytes", self.name());
                Ok(Outcome::failure(head.status.as_u16(), REFUSED, message))
            }
            Err(error) => Err(self.unreachable(&format!("broke off its answer: {error}"))),
        }
    }

    fn name(&self) -> String {
        format!("the function {:?}", self.function.name)
    }

    /// Nobody knows whether the call arrived.
    fn unreachable(&self, what: &str) -> StoreError {
        StoreError::new(ErrorKind::Unreachable, format!("{} {what}", self.name()))
    }

    /// An answer that is none of the schema: by its status.
    fn refused(&self, status: StatusCode, headers: &HeaderMap) -> Result<Outcome, StoreError> {
        let message = format!("{} answered {status}", self.name());
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ErrorKind::SlowDown,
            StatusCode::REQUEST_TIMEOUT => ErrorKind::RequestTimeout,
            status if status.is_server_error() => ErrorKind::InternalError,
            status => return Ok(Outcome::failure(status.as_u16(), REFUSED, message)),
        };
        let error = StoreError::new(kind, message).reported(status.as_u16(), REFUSED);
        let wait = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Err(wait.map_or(error.clone(), |seconds| error.with_retry_after(Duration::from_secs(seconds))))
    }
}
