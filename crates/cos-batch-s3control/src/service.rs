//! The service: from a request to its answer.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes};
use cos_batch_engine::{Engine, wire};
use cos_batch_model::{
    AppId, BatchApi as _, JobId, RequestContext, StatusUpdateReason, UpdateJobPriorityRequest, UpdateJobStatusRequest,
    xml::MAX_REQUEST_BYTES,
};
use cos_signature::SecretKey;
use http::{Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::service::Service;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{
    Callers, Owner,
    action::{
        self, ActionName, NoRoute, PATH_PREFIX,
        create_job::CreateJobResult,
        describe_job::DescribeJobResult,
        job_tagging::{DeleteJobTaggingResult, GetJobTaggingResult, PutJobTaggingResult},
        list_jobs::{ListJobsRequest, ListJobsResult, ListRefusal},
        update_job_priority::{self, UpdateJobPriorityResult},
        update_job_status::{self, UpdateJobStatusResult},
    },
    error::{Failure, answer},
    map::{self, shown::Shown},
    request::{CreateJobRequest, PutJobTaggingRequest},
    shape::{Form, check_text},
    sigv4::{Payload, Presented, verify},
};

/// How long a body may take to arrive: the largest one at 35 KB/s, as for the other dialect.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the rest of the body of a refused request may take to arrive.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request may take from its head to its answer. No action waits for a job to run.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Most bytes of a path with its query, as for the other dialect.
const URI_BYTES_MAX: usize = 8 * 1024;

/// The header that names the account.
const ACCOUNT: &str = "x-amz-account-id";

/// What time it is, in Unix seconds.
type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Batch jobs in the dialect of S3 Control, over an engine. Clones share everything.
#[derive(Clone)]
pub struct S3Control {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<Engine>,
    callers: Callers,
    clock: Clock,
}

/// This API for the paths that are its own, then a service for all else.
#[derive(Clone)]
pub struct Before<S> {
    api: S3Control,
    service: S,
}

impl S3Control {
    /// Over an engine, for these callers.
    #[must_use]
    pub fn new(engine: Arc<Engine>, callers: Callers, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { inner: Arc::new(Inner { engine, callers, clock: Box::new(clock) }) }
    }

    /// Answers what is asked of this API; hands all else to a service.
    pub fn before<S>(self, service: S) -> Before<S> {
        Before { api: self, service }
    }

    async fn answer<B: Body>(self, request: Request<B>) -> Response<Full<Bytes>> {
        let request_id = Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let work = tokio::time::timeout(REQUEST_TIMEOUT, self.inner.work(&head, body, &request_id));
        let result = work.await.unwrap_or_else(|_| {
            let message = format!("the request was not answered within {} seconds", REQUEST_TIMEOUT.as_secs());
            Err(Failure::new("InternalServiceException", StatusCode::INTERNAL_SERVER_ERROR, message))
        });
        let (response, code) = match result {
            Ok(document) => (answer(StatusCode::OK, document, &request_id), ""),
            Err(failure) => (failure.render(&request_id), failure.code),
        };
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    method = head.method.as_str(),
                    path = %head.uri.path().escape_debug(),
                    status = response.status().as_u16(),
                    code,
                    request_id,
                    "request of S3 Control"
                )
            };
        }
        // As in the other dialect: whoever waits for a job looks at it again and again.
        if head.method == Method::GET && response.status().is_success() {
            log!(debug);
        } else {
            log!(info);
        }
        response.map(Full::new)
    }
}

impl<S, R, B> Service<Request<R>> for Before<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    R: Body + Send + 'static,
    R::Data: Send,
{
    type Response = Response<Either<Full<Bytes>, B>>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<R>) -> Self::Future {
        if request.uri().path().starts_with(PATH_PREFIX) {
            let api = self.api.clone();
            return Box::pin(async move { Ok(api.answer(request).await.map(Either::Left)) });
        }
        let answer = self.service.call(request);
        Box::pin(async move { Ok(answer.await?.map(Either::Right)) })
    }
}

/// A request whose head is in order.
struct Admitted<'a> {
    action: ActionName,
    /// Id of the job that the path names.
    id: Option<&'a str>,
    owner: Owner,
    /// What the signature says of the body; none where nobody has to sign.
    payload: Option<Payload>,
}

impl Inner {
    async fn work<B: Body>(&self, head: &Parts, body: B, request_id: &str) -> Result<String, Failure> {
        let Admitted { action, id, owner, payload } = match self.admit(head) {
            Ok(admitted) => admitted,
            Err(failure) => {
                drain(head, body).await;
                return Err(failure);
            }
        };
        let body = read(body).await.map_err(|message| Failure::bad_request(Some(action), message))?;
        check_body(action, payload.as_ref(), &body)?;
        self.run(action, id, head.uri.query(), &body, &owner, request_id).await
    }

    /// What is asked for, and on whose behalf.
    fn admit<'a>(&self, head: &'a Parts) -> Result<Admitted<'a>, Failure> {
        let length = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if length > URI_BYTES_MAX {
            let message = format!("the path and query must be at most {URI_BYTES_MAX} bytes long, not {length} bytes");
            return Err(Failure::bad_request(None, message));
        }
        let (owner, payload) = self.owner(head)?;
        let (action, id) = action::route(&head.method, head.uri.path()).map_err(|reason| match reason {
            NoRoute::UnknownPath => Failure::new("NotImplemented", StatusCode::NOT_IMPLEMENTED, reason.to_string()),
            NoRoute::OtherMethods => {
                Failure::new("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED, reason.to_string())
            }
        })?;
        if let Some(id) = id {
            action::check_job_id(id).map_err(|error| Failure::bad_request(Some(action), error))?;
        }
        Ok(Admitted { action, id, owner, payload })
    }

    fn owner(&self, head: &Parts) -> Result<(Owner, Option<Payload>), Failure> {
        let refused = |message: &str| Failure::bad_request(None, message);
        let mut named = head.headers.get_all(ACCOUNT).iter();
        let account = named.next().ok_or_else(|| refused("the header x-amz-account-id is missing"))?;
        if named.next().is_some() {
            return Err(refused("the header x-amz-account-id is given more than once"));
        }
        let account = account.to_str().map_err(|_| refused("the header x-amz-account-id must be twelve digits"))?;
        check_text(ACCOUNT, 0, 64, Form::Account, account).map_err(|error| Failure::bad_request(None, error))?;
        let keys = match &self.callers {
            Callers::Everybody(appid) => return Ok((Owner::anonymous(account, appid), None)),
            Callers::Keys(keys) => keys,
        };
        let not_accepted = |error: &crate::sigv4::SignatureError| {
            let status = match error.code() {
                "AuthorizationHeaderMalformed" => StatusCode::BAD_REQUEST,
                _ => StatusCode::FORBIDDEN,
            };
            Failure::new(error.code(), status, error.to_string())
        };
        let presented = Presented::from_parts(head).map_err(|error| not_accepted(&error))?;
        let key = keys.key(&presented.secret_id);
        let now = (self.clock)();
        verify(head, &presented, key.as_ref().map(|key| &key.secret), now).map_err(|error| not_accepted(&error))?;
        let Some(key) = key else { return Err(Failure::denied("there is no such key")) };
        token_is_the_keys_own(key.security_token.as_ref(), presented.security_token.as_deref())?;
        if key.account != account {
            return Err(Failure::denied("x-amz-account-id names an account that the key does not belong to"));
        }
        let owner = Owner { account: account.to_owned(), appid: key.appid.clone(), region: presented.region };
        Ok((owner, Some(presented.payload)))
    }

    async fn run(
        &self,
        action: ActionName,
        id: Option<&str>,
        query: Option<&str>,
        body: &[u8],
        owner: &Owner,
        request_id: &str,
    ) -> Result<String, Failure> {
        let context = RequestContext::new(AppId::clone(&owner.appid), request_id);
        let id = id.unwrap_or_default();
        let of = |error| Failure::of(error, action);
        let no_query = || match query {
            Some(query) if action_ignores(query) => Ok(()),
            None => Ok(()),
            Some(_) => Err(Failure::bad_request(Some(action), "this action has no parameters in the query")),
        };
        match action {
            ActionName::CreateJob => {
                no_query()?;
                self.create(&context, body, owner).await
            }
            ActionName::DescribeJob => {
                no_query()?;
                let job = self.engine.job(&context, id).await.map_err(of)?;
                let shown = Shown::of(&job).map_err(of)?;
                let active_seconds = self.engine.active_seconds(&job).await.map_err(of)?;
                Ok(action::document(&DescribeJobResult { job: &job, shown, owner, active_seconds }))
            }
            ActionName::ListJobs => {
                let asked = ListJobsRequest::read(query).map_err(|refusal| match refusal {
                    ListRefusal::Invalid(error) => Failure::bad_request(Some(action), error),
                    ListRefusal::NextToken => {
                        Failure::new("InvalidNextTokenException", StatusCode::BAD_REQUEST, refusal.to_string())
                    }
                })?;
                let page = self.engine.jobs_of(&context, &asked.statuses, asked.after, asked.limit);
                let (jobs, more) = page.await.map_err(of)?;
                Ok(action::document(&ListJobsResult { jobs, more }))
            }
            ActionName::UpdateJobPriority => {
                let priority = update_job_priority::read(query);
                let priority = priority.map_err(|error| Failure::bad_request(Some(action), error))?;
                let job = self.engine.job(&context, id).await.map_err(of)?;
                if job.state.status.is_final() {
                    let message = format!("the job has already finished: it is {}", job.state.status);
                    return Err(Failure::bad_request(Some(action), message));
                }
                let request = UpdateJobPriorityRequest { job_id: wire::job_id(job.id), priority };
                self.engine.update_job_priority(&context, request).await.map_err(of)?;
                Ok(action::document(&UpdateJobPriorityResult { job_id: id, priority }))
            }
            ActionName::UpdateJobStatus => self.update_status(&context, id, query).await,
            ActionName::GetJobTagging => {
                no_query()?;
                let job = self.engine.job(&context, id).await.map_err(of)?;
                Ok(action::document(&GetJobTaggingResult(job.tags())))
            }
            ActionName::PutJobTagging => {
                no_query()?;
                let request = PutJobTaggingRequest::read(body);
                let request = request.map_err(|error| Failure::bad_request(Some(action), error))?;
                let tags = map::tags(request.members(), "Tags");
                if let Some(message) = map::too_many_tags(tags.len()) {
                    return Err(Failure::new("TooManyTagsException", StatusCode::BAD_REQUEST, message));
                }
                self.engine.set_job_tags(&context, id, tags).await.map_err(of)?;
                Ok(action::document(&PutJobTaggingResult))
            }
            ActionName::DeleteJobTagging => {
                no_query()?;
                self.engine.set_job_tags(&context, id, Vec::new()).await.map_err(of)?;
                Ok(action::document(&DeleteJobTaggingResult))
            }
        }
    }

    async fn create(&self, context: &RequestContext, body: &[u8], owner: &Owner) -> Result<String, Failure> {
        let action = ActionName::CreateJob;
        let of = |error| Failure::of(error, action);
        let request = CreateJobRequest::read(body).map_err(|error| Failure::bad_request(Some(action), error))?;
        let spec = map::spec(&request, &owner.account).map_err(of)?;
        if let Some(message) = map::too_many_tags(spec.tags.len()) {
            return Err(Failure::bad_request(Some(action), message));
        }
        let members = request.members();
        let token = members.text("ClientRequestToken").unwrap_or_default().to_owned();
        let priority = members.number("Priority").and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
        let made = self.engine.create(context, token, priority, spec).await.map_err(of)?;
        let job = made.ok_or_else(|| {
            let message = "ClientRequestToken was already used, for another request";
            Failure::new("IdempotencyException", StatusCode::BAD_REQUEST, message)
        })?;
        Ok(action::document(&CreateJobResult { job_id: job.id.to_string() }))
    }

    async fn update_status(&self, context: &RequestContext, id: &str, query: Option<&str>) -> Result<String, Failure> {
        let action = ActionName::UpdateJobStatus;
        let invalid = |error| Failure::bad_request(Some(action), error);
        let asked = update_job_status::UpdateJobStatusRequest::read(query).map_err(invalid)?;
        let job_id = JobId::new(id).map_err(invalid)?;
        // Limits of the other dialect count bytes.
        let status_update_reason = asked.reason.as_deref().map(StatusUpdateReason::truncate);
        let request = UpdateJobStatusRequest { job_id, requested_job_status: asked.status, status_update_reason };
        self.engine.update_job_status(context, request).await.map_err(|error| Failure::of(error, action))?;
        let job = self.engine.job(context, id).await.map_err(|error| Failure::of(error, action))?;
        let answer = UpdateJobStatusResult { job_id: id, status: job.state.status, reason: asked.reason.as_deref() };
        Ok(action::document(&answer))
    }
}

/// A query that only a signature is in.
fn action_ignores(query: &str) -> bool {
    query.split('&').all(|pair| pair.is_empty() || pair.starts_with("X-Amz-"))
}

fn token_is_the_keys_own(own: Option<&SecretKey>, given: Option<&str>) -> Result<(), Failure> {
    match (own, given) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Failure::denied("the key is permanent, but x-amz-security-token is given")),
        (Some(_), None) => Err(Failure::denied("the key is temporary: x-amz-security-token is needed")),
        (Some(own), Some(given)) if own.expose().as_bytes().ct_eq(given.as_bytes()).into() => Ok(()),
        (Some(_), Some(_)) => Err(Failure::denied("x-amz-security-token is not the key's own")),
    }
}

/// The body must be the one that was signed, and be there only where the action has one.
fn check_body(action: ActionName, payload: Option<&Payload>, body: &[u8]) -> Result<(), Failure> {
    if !action.has_body() && !body.is_empty() {
        return Err(Failure::bad_request(Some(action), format!("{} has no body", action.as_str())));
    }
    match payload {
        // Nobody has to sign.
        None => Ok(()),
        Some(Payload::Unsigned) if body.is_empty() => Ok(()),
        Some(Payload::Unsigned) => Err(Failure::denied("the body must be signed: its SHA-256 in x-amz-content-sha256")),
        Some(Payload::Hash(hash)) if *hash == hex::encode(Sha256::digest(body)) => Ok(()),
        Some(Payload::Hash(_)) => {
            let message = "the body does not have the SHA-256 that x-amz-content-sha256 says";
            Err(Failure::new("XAmzContentSHA256Mismatch", StatusCode::BAD_REQUEST, message))
        }
    }
}

async fn read<B: Body>(body: B) -> Result<Bytes, String> {
    let limited = Limited::new(body_of(body), MAX_REQUEST_BYTES);
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(_)) => Err(format!("the body broke off, or is longer than {MAX_REQUEST_BYTES} bytes")),
        Err(_) => Err(format!("the body did not arrive within {} seconds", BODY_TIMEOUT.as_secs())),
    }
}

/// A body whose errors have no words of their own.
fn body_of<B: Body>(body: B) -> impl Body<Data = B::Data, Error = BrokenOff> {
    body.map_err(|_| BrokenOff)
}

#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
struct BrokenOff;

/// Reads what is left of the body of a refused request, if it is not much, and forgets it: a client that still sends when
/// the connection is closed does not get to see why.
async fn drain<B: Body>(head: &Parts, body: B) {
    if head.headers.contains_key(header::EXPECT) {
        return;
    }
    let drained = async {
        let mut body = std::pin::pin!(body);
        let mut left = MAX_REQUEST_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, |data| data.remaining());
            match left.checked_sub(size) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Whoever is slower than that is cut off.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained).await;
}
