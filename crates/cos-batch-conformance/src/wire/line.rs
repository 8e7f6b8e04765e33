//! Requests as a client makes them.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_model::{
    Action, ActionOutput, ApiError, BatchApi, BoxFuture, CreateJobRequest, CreateJobResult, DeleteJobRequest,
    DeleteJobResult, DescribeJobRequest, DescribeJobResult, ErrorCode, JobId, ListJobsRequest, ListJobsResult,
    RequestContext, ResponseError, UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest,
    UpdateJobStatusResult,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use md5::{Digest as _, Md5};

use super::{Wire, signing};
use crate::{
    bench::Bench,
    setup::{Account, Setup},
    verdict::{Miss, failed, skipped},
};

pub(super) const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
pub(super) const APPID: HeaderName = HeaderName::from_static("x-cos-appid");

/// What the checks of the wire work on.
pub(crate) struct WireBench {
    pub(super) bench: Bench,
    pub(super) line: Arc<Line>,
}

/// The wire, and what a client adds to a request.
pub(crate) struct Line {
    wire: Arc<dyn Wire>,
    pub(super) setup: Setup,
}

impl Line {
    pub(super) fn new(wire: Arc<dyn Wire>, setup: &Setup) -> Self {
        Self { wire, setup: setup.clone() }
    }

    /// A request with everything but its signature.
    pub(super) fn complete(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        let host = HeaderValue::from_str(&self.setup.host);
        let length = request.body().len();
        let posts = *request.method() == Method::POST;
        let digest = md5(request.body());
        let headers = request.headers_mut();
        // A host that is no header value is a fault of the setup that every check will tell.
        headers.insert(header::HOST, host.unwrap_or(HeaderValue::from_static("")));
        if length > 0 || posts {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if length > 0 {
            headers.insert(CONTENT_MD5, digest);
        }
        request
    }

    /// The request, signed as a client of this account does; unsigned where the account has no key.
    pub(super) fn signed(&self, account: &Account, mut request: Request<Bytes>) -> Request<Bytes> {
        if let Some(credentials) = &account.credentials {
            // What cannot be signed is refused by the server as unsigned, which the check tells.
            let _ = cos_signature::sign(&mut request, credentials, signing::window(self.setup.now()));
        }
        request
    }

    /// Sends a request as it is.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        self.wire.call(request).await
    }

    async fn ask<A: Action>(&self, context: &RequestContext, action: A) -> Result<A::Output, ApiError> {
        let account = self.setup.account_of(&context.appid);
        let request = self.signed(account, self.complete(action.to_http(&context.appid)));
        let no_answer = |message| ApiError::new(ErrorCode::InternalError, format!("no answer: {message}"));
        let response = self.send(request).await.map_err(no_answer)?;
        read(&response)
    }
}

/// What an answer says; one that cannot be read is an error that says so.
pub(super) fn read<O: ActionOutput>(response: &Response<Bytes>) -> Result<O, ApiError> {
    O::from_http(response).map_err(|error| match error {
        ResponseError::Api(error) => error,
        ResponseError::Decode(error) => {
            ApiError::new(ErrorCode::InternalError, format!("the answer cannot be read: {error}"))
        }
    })
}

/// The digest of a body as `Content-MD5` has it.
pub(super) fn md5(body: &[u8]) -> HeaderValue {
    HeaderValue::try_from(STANDARD.encode(Md5::digest(body))).expect("Base64 is visible ASCII")
}

impl WireBench {
    pub(super) fn account(&self) -> &Account {
        &self.bench.setup.account
    }

    /// The account has a key; checks of signatures need one.
    pub(super) fn needs_key(&self) -> Result<&cos_signature::Credentials, Miss> {
        self.account().credentials.as_ref().ok_or_else(|| skipped("the system serves everybody, signed or not"))
    }

    /// The system wants everything signed.
    pub(super) fn needs_strict(&self) -> Result<&cos_signature::Credentials, Miss> {
        let credentials = self.needs_key()?;
        match self.bench.setup.strictness {
            cos_signature::Strictness::Strict => Ok(credentials),
            _ => Err(skipped("only strict systems refuse this")),
        }
    }

    /// A request with this method, address and body, but for the signature.
    pub(super) fn plain(&self, method: &Method, address: &str, body: impl Into<Bytes>) -> Result<Request<Bytes>, Miss> {
        let body = body.into();
        let built = Request::builder().method(method).uri(address).header(APPID, self.account().appid.as_str());
        let built = if body.is_empty() { built } else { built.header(header::CONTENT_TYPE, "application/xml") };
        let mut request = built.body(body).map_err(|error| failed("a request that can be made", error))?;
        let token = self.account().credentials.as_ref().and_then(|credentials| credentials.security_token.as_ref());
        if let Some(token) = token {
            let value =
                HeaderValue::from_str(token).map_err(|error| failed("a token that a header can carry", error))?;
            request.headers_mut().insert(cos_signature::SECURITY_TOKEN, value);
        }
        Ok(self.line.complete(request))
    }

    /// The same, signed.
    pub(super) fn request(
        &self,
        method: &Method,
        address: &str,
        body: impl Into<Bytes>,
    ) -> Result<Request<Bytes>, Miss> {
        Ok(self.line.signed(self.account(), self.plain(method, address, body)?))
    }

    /// The request with a digest of its body, whatever that is, and signed.
    pub(super) fn digested(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        let digest = md5(request.body());
        request.headers_mut().insert(CONTENT_MD5, digest);
        self.line.signed(self.account(), request)
    }

    /// Sends a request as it is; the check fails where there is no answer.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Miss> {
        self.try_send(request).await.map_err(|error| failed("an answer", error))
    }

    /// Sends a request that may break the connection.
    pub(super) async fn try_send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        self.bench.count().map_err(|error| error.message)?;
        self.line.send(request).await
    }

    /// Makes a request and gives its answer.
    pub(super) async fn ask(
        &self,
        method: &Method,
        address: &str,
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>, Miss> {
        self.send(self.request(method, address, body)?).await
    }

    /// Sends a CreateJob with this body; what it makes will be cleaned up.
    pub(super) async fn create_raw(&self, body: impl Into<Bytes>) -> Result<Result<JobId, ApiError>, Miss> {
        Ok(self.created(&self.ask(&Method::POST, "/jobs", body).await?))
    }

    /// What an answer to a CreateJob says.
    pub(super) fn created(&self, response: &Response<Bytes>) -> Result<JobId, ApiError> {
        let made: CreateJobResult = read(response)?;
        self.bench.remember(self.account(), &made.job_id);
        Ok(made.job_id)
    }
}

impl BatchApi for Line {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        Box::pin(self.ask(context, request))
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        Box::pin(self.ask(context, request))
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        Box::pin(self.ask(context, request))
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        Box::pin(self.ask(context, request))
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        Box::pin(self.ask(context, request))
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        Box::pin(self.ask(context, request))
    }
}
