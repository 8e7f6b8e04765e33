//! The service: from a request to its answer.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
};

use bytes::Bytes;
use cos_batch_engine::Engine;
use cos_batch_model::{
    AppId, BatchApi as _, ErrorCode, JobId, RequestContext, StatusUpdateReason, UpdateJobPriorityRequest,
    UpdateJobStatusRequest,
};
use cos_batch_server::{
    Exchange, Limits,
    body::{self, Remembering, Room},
    rate::{COST_OF_A_CHANGE, COST_OF_A_LOOK, RateLimit, cost_of_a_list},
};
use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::service::Service;
use uuid::Uuid;

use crate::{
    Callers, Owner,
    action::{
        self, ActionName, PATH_PREFIX,
        create_job::CreateJobResult,
        describe_job::DescribeJobResult,
        job_tagging::{DeleteJobTaggingResult, GetJobTaggingResult, PutJobTaggingResult},
        list_jobs::{ListJobsRequest, ListJobsResult, ListRefusal},
        update_job_priority::{self, UpdateJobPriorityResult},
        update_job_status::{self, UpdateJobStatusResult},
    },
    admission::{Admitted, admit, check_body},
    error::{Failure, answer},
    map::{self, Asker, shown::Shown},
    request::{CreateJobRequest, PutJobTaggingRequest},
};

/// What time it is, in Unix seconds.
type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Batch jobs in the dialect of S3 Control, over an engine. Clones share everything. How much a request may be and how long it
/// may take is as in the other dialect.
#[derive(Clone)]
pub struct S3Control {
    inner: Arc<Inner>,
    rate_limit: Option<RateLimit>,
}

struct Inner {
    engine: Arc<Engine>,
    callers: Callers,
    clock: Clock,
    limits: Limits,
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
        let (clock, limits) = (Box::new(clock), Limits::default());
        Self { inner: Arc::new(Inner { engine, callers, clock, limits }), rate_limit: None }
    }

    /// How many requests of one APPID are worked on in a second; as many as come if not said.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Answers what is asked of this API; hands all else to a service.
    pub fn before<S>(self, service: S) -> Before<S> {
        Before { api: self, service }
    }

    async fn answer<B: Body>(self, request: Request<B>) -> Response<Full<Bytes>> {
        let Self { inner, rate_limit } = self;
        let request_id = Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let exchange = Exchange::begin(&head, &request_id);
        // Filled in on the way, so that it is known even of requests that end in a panic or a timeout.
        let mut appid = None;
        let work = async {
            let body = pin!(body);
            let mut body = Remembering::new(body);
            let result = inner.work(&head, &mut body, &request_id, &exchange, rate_limit.as_ref(), &mut appid).await;
            if result.as_ref().is_err_and(|failure| failure.leaves_a_body) {
                body::drain(&mut body, &head.headers, &inner.limits).await;
            }
            result
        };
        let ended = exchange.run(inner.limits.request_timeout, work).await;
        let result = ended.unwrap_or_else(|error| Err(Failure::of(error, None)));
        let (response, code) = match result {
            Ok(document) => (answer(StatusCode::OK, document, &request_id), ""),
            Err(failure) => (failure.render(&request_id), failure.code),
        };
        exchange.log(response.status(), code, appid.as_ref().map_or("", AppId::as_str));
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

impl Inner {
    async fn work<B: Body>(
        &self,
        head: &Parts,
        body: B,
        request_id: &str,
        exchange: &Exchange<'_>,
        rate_limit: Option<&RateLimit>,
        appid: &mut Option<AppId>,
    ) -> Result<String, Failure> {
        self.limits.check_head(head).map_err(|error| Failure::bad_request(None, error.message))?;
        let Admitted { action, id, owner, payload } = admit(head, &self.callers, (self.clock)())?;
        exchange.action(action.as_str());
        *appid = Some(owner.appid.clone());
        if let Some(limit) = rate_limit {
            limit.pass(&owner.appid, cost(action)).await.map_err(Failure::of_haste)?;
        }
        let room = if action.has_body() { Room::Bytes(self.limits.body_bytes) } else { Room::Nothing(action.as_str()) };
        let read = body::read(body, &head.headers, room, &self.limits).await;
        let body = read.map_err(|error| Failure::of_body(error, action))?;
        check_body(payload.as_ref(), &body)?;
        let document = self.run(action, id, head.uri.query(), &body, &owner, request_id).await?;
        if let (ActionName::ListJobs, Some(limit)) = (action, rate_limit) {
            limit.charge(&owner.appid, cost_of_a_list(document.len()));
        }
        Ok(document)
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
        let of = |error| Failure::of(error, Some(action));
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
                let job_id = JobId::new(id).map_err(|error| Failure::bad_request(Some(action), error))?;
                let request = UpdateJobPriorityRequest { job_id, priority };
                match self.engine.update_job_priority(&context, request).await {
                    Ok(answer) => {
                        Ok(action::document(&UpdateJobPriorityResult { job_id: id, priority: answer.priority }))
                    }
                    // The other dialect has one word for a job that is not there and for one that has ended.
                    Err(error) if error.code == ErrorCode::NoSuchJob => {
                        let job = self.engine.job(&context, id).await.map_err(of)?;
                        let message = format!("the job has already finished: it is {}", job.state.status);
                        Err(Failure::bad_request(Some(action), message))
                    }
                    Err(error) => Err(of(error)),
                }
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
        let of = |error| Failure::of(error, Some(action));
        let request = CreateJobRequest::read(body).map_err(|error| Failure::bad_request(Some(action), error))?;
        let spec =
            map::spec(&request, Asker { account: &owner.account, owns: &|bucket| self.engine.owns(context, bucket) })
                .map_err(of)?;
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
        let answer = self.engine.update_job_status(context, request).await;
        let answer = answer.map_err(|error| Failure::of(error, Some(action)))?;
        let (status, reason) = (answer.status.as_str(), asked.reason.as_deref());
        Ok(action::document(&UpdateJobStatusResult { job_id: id, status, reason }))
    }
}

/// What a request costs before it is answered, as in the other dialect.
fn cost(action: ActionName) -> u32 {
    match action {
        ActionName::DescribeJob | ActionName::ListJobs | ActionName::GetJobTagging => COST_OF_A_LOOK,
        ActionName::CreateJob
        | ActionName::UpdateJobPriority
        | ActionName::UpdateJobStatus
        | ActionName::PutJobTagging
        | ActionName::DeleteJobTagging => COST_OF_A_CHANGE,
    }
}

/// A query that only a signature is in.
fn action_ignores(query: &str) -> bool {
    query.split('&').all(|pair| pair.is_empty() || pair.starts_with("X-Amz-"))
}
