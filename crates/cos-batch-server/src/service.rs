//! The service: from a request to its answer.

use std::{
    convert::Infallible,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use cos_batch_model::{
    Action, ActionName, ActionOutput, ApiError, AppId, BatchApi, BoxFuture, DescribeJobRequest, DescribeJobResult,
    ErrorCode, RequestContext, action::REQUEST_ID_HEADER,
};
use cos_signature::Strictness;
use http::{HeaderValue, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::Full;

use crate::{
    Authenticate, Authorize, Exchange, Extension, Limits,
    access::{Access, Admitted},
    body::{self, Remembering, Room},
    extension::EXTENSION_PREFIX,
    rate::{self, RateLimit, TooFast},
    request_id::RequestIds,
    router::{self, NoRoute, Route},
};

/// What answers call themselves.
pub(crate) const SERVER: HeaderValue = HeaderValue::from_static("cos-batch");

/// Says what time it is, in Unix seconds.
type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

/// Makes an id for a request.
type MakeId = Box<dyn Fn() -> String + Send + Sync>;

/// The COS Batch Operations API over a backend. Clones share everything.
///
/// It implements the `Service` of tower and that of hyper, for requests with any body, and never fails: what goes
/// wrong is an answer, with an `Error` body as the API documents it. It needs a tokio runtime with timers, and spawns
/// nothing.
///
/// See the [front page](crate) for an example. Source: COS Batch API, a page for each action.
#[derive(Clone)]
pub struct BatchService {
    inner: Arc<Inner>,
}

struct Inner {
    api: Arc<dyn BatchApi>,
    extension: Option<Box<dyn Extension>>,
    access: Access,
    authorize: Option<Box<dyn Authorize>>,
    limits: Limits,
    rate_limit: Option<RateLimit>,
    clock: Clock,
    ids: RequestIds,
    make_id: Option<MakeId>,
}

/// Why a [`Builder`] builds no service.
///
/// See [`Builder`] for an example. Source: ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Neither [`Builder::authenticate`] nor [`Builder::allow_anonymous`] was called.
    #[error("give keys with `authenticate`, or let everybody in with `allow_anonymous`")]
    NoAuthentication,
    /// Both [`Builder::authenticate`] and [`Builder::allow_anonymous`] were called.
    #[error("`authenticate` and `allow_anonymous` contradict each other: call one of them")]
    Contradiction,
}

/// Settings of a [`BatchService`].
///
/// ```
/// use std::sync::Arc;
///
/// use cos_batch_model::BatchApi;
/// use cos_batch_server::{BatchService, BuildError, Limits, StaticKeys, Strictness};
///
/// struct Backend;
/// impl BatchApi for Backend {}
///
/// let service = BatchService::builder(Arc::new(Backend))
///     .authenticate(StaticKeys::new())
///     .strictness(Strictness::CosCompatible)
///     .limits(Limits { header_count: 32, ..Limits::default() })
///     .clock(|| 1_700_000_000)
///     .build()?;
/// assert!(!service.is_anonymous());
///
/// let nobody_said = BatchService::builder(Arc::new(Backend)).build();
/// assert_eq!(nobody_said.err(), Some(BuildError::NoAuthentication));
/// # Ok::<(), BuildError>(())
/// ```
pub struct Builder {
    api: Arc<dyn BatchApi>,
    extension: Option<Box<dyn Extension>>,
    keys: Option<Box<dyn Authenticate>>,
    anonymous: Option<AppId>,
    authorize: Option<Box<dyn Authorize>>,
    strictness: Strictness,
    limits: Limits,
    rate_limit: Option<RateLimit>,
    clock: Clock,
    make_id: Option<MakeId>,
}

impl Builder {
    /// Accepts requests signed with a key that `keys` knows.
    #[must_use]
    pub fn authenticate(mut self, keys: impl Authenticate + 'static) -> Self {
        self.keys = Some(Box::new(keys));
        self
    }

    /// Accepts every request, signed or not: the caller is whoever `x-cos-appid` says, and `default` where the header
    /// is missing. For tests and for one's own machine: listen on loopback only, and put
    /// [`OwnMachine`](crate::listen::OwnMachine) in front, since web pages reach loopback as well.
    #[must_use]
    pub fn allow_anonymous(mut self, default: AppId) -> Self {
        self.anonymous = Some(default);
        self
    }

    /// Asks what each caller may do; without it every key may do everything with the jobs of its account.
    #[must_use]
    pub fn authorize(mut self, authorize: impl Authorize + 'static) -> Self {
        self.authorize = Some(Box::new(authorize));
        self
    }

    /// How much of a request must be signed; [`Strictness::Strict`] if not said. Strict also demands of a CreateJob
    /// a `Content-MD5` that is signed.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Answers what is asked beside the API; without it such requests are answered with `NotImplemented`.
    #[must_use]
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        self.extension = Some(Box::new(extension));
        self
    }

    /// How much a request may be, and how long it may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many requests of one APPID are worked on in a second; as many as come if not said. What is refused was signed by
    /// the APPID's own key, so that nobody else uses up what it may ask for.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// What time it is, in Unix seconds; the system's clock if not said.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Makes the ids of requests. One that cannot stand in a header is replaced by one of the service's own.
    #[must_use]
    pub fn request_ids(mut self, make_id: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.make_id = Some(Box::new(make_id));
        self
    }

    /// The service.
    ///
    /// # Errors
    ///
    /// [`BuildError`] unless exactly one of [`authenticate`](Self::authenticate) and
    /// [`allow_anonymous`](Self::allow_anonymous) was called.
    pub fn build(self) -> Result<BatchService, BuildError> {
        let access = match (self.keys, self.anonymous) {
            (Some(keys), None) => Access::Keys { keys, strictness: self.strictness },
            (None, Some(default)) => Access::Anonymous(default),
            (None, None) => return Err(BuildError::NoAuthentication),
            (Some(_), Some(_)) => return Err(BuildError::Contradiction),
        };
        let Self { api, extension, authorize, limits, rate_limit, clock, make_id, .. } = self;
        let ids = RequestIds::new();
        let inner = Inner { api, extension, access, authorize, limits, rate_limit, clock, ids, make_id };
        Ok(BatchService { inner: Arc::new(inner) })
    }
}

impl BatchService {
    /// A service over this backend.
    pub fn builder(api: Arc<dyn BatchApi>) -> Builder {
        Builder {
            api,
            extension: None,
            keys: None,
            anonymous: None,
            authorize: None,
            strictness: Strictness::Strict,
            limits: Limits::default(),
            rate_limit: None,
            clock: Box::new(system_time),
            make_id: None,
        }
    }

    /// Whether everybody is let in; whoever listens elsewhere than on loopback asks this first.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.inner.access, Access::Anonymous(_))
    }

    fn answer<B>(&self, request: Request<B>) -> BoxFuture<'static, Result<Response<Full<Bytes>>, Infallible>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.answer(request).await.map(Full::new)) })
    }
}

impl<B> tower::Service<Request<B>> for BatchService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

impl<B> hyper::service::Service<Request<B>> for BatchService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

#[expect(clippy::disallowed_methods, reason = "an edge of the program: here is where a clock comes from")]
pub(crate) fn system_time() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

impl Inner {
    async fn answer<B: Body>(&self, request: Request<B>) -> Response<Bytes> {
        let now = (self.clock)();
        let request_id = self.request_id(now);
        let (head, body) = request.into_parts();
        let exchange = Exchange::begin(&head, &request_id);
        // Filled in on the way, so that it is known even of requests that end in a panic or a timeout.
        let mut appid = None;
        let work = async {
            let body = pin!(body);
            let mut body = Remembering::new(body);
            let result = self.work(&head, &mut body, now, &exchange, &mut appid).await;
            if result.as_ref().is_err_and(Failure::leaves_a_body) {
                body::drain(&mut body, &head.headers, &self.limits).await;
            }
            result
        };
        let longest = match head.uri.path().starts_with(EXTENSION_PREFIX) {
            true => self.limits.extension_timeout,
            false => self.limits.request_timeout,
        };
        let result = match exchange.run(longest, work).await {
            Ok(result) => result,
            Err(error) => Err(Failure::from(error)),
        };
        let (mut response, code) = match result {
            Ok(response) => (response, None),
            Err(failure) => {
                let (response, code) = failure.render(&head, &request_id);
                (response, Some(code))
            }
        };
        response.headers_mut().insert(header::SERVER, SERVER);
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID_HEADER, id);
        }
        let appid = appid.as_ref().map_or("", AppId::as_str);
        exchange.log(response.status(), code.as_ref().map_or("", ErrorCode::as_str), appid);
        response
    }

    fn request_id(&self, now: i64) -> String {
        let made = self.make_id.as_ref().map(|make_id| make_id());
        let usable = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
        made.filter(usable).unwrap_or_else(|| self.ids.next(now))
    }

    async fn work<B: Body>(
        &self,
        head: &Parts,
        body: B,
        now: i64,
        exchange: &Exchange<'_>,
        appid: &mut Option<AppId>,
    ) -> Result<Response<Bytes>, Failure> {
        self.limits.check_head(head)?;
        let route = router::route(head)?;
        if let Route::Action(action) = route {
            exchange.action(action.as_str());
        }
        router::check_parameter_names(head)?;
        let admitted = self.access.admit(head, route, now)?;
        *appid = Some(admitted.appid.clone());
        admitted.may(head, route, self.authorize.as_deref())?;
        let Admitted { appid: caller, uin, body_is_bound, .. } = admitted;
        if let Some(limit) = &self.rate_limit {
            limit.pass(&caller, rate::of(route)).await?;
        }
        let room = Room::of(route, body_is_bound, &self.limits);
        let body = body::read(body, &head.headers, room, &self.limits).await?;
        let context = RequestContext { appid: caller, uin, request_id: exchange.request_id().to_owned() };
        let (api, context) = (&self.api, &context);
        let action = match route {
            Route::Action(action) => action,
            Route::Extension => {
                let extension = self.extension.as_ref().ok_or_else(|| {
                    ApiError::new(ErrorCode::NotImplemented, "this server offers the actions of the API and no more")
                })?;
                return Ok(extension.answer(context, Request::from_parts(head.clone(), body)).await?);
            }
        };
        let answer = match action {
            ActionName::CreateJob => run(head, &body, |request| api.create_job(context, request)).await,
            ActionName::DescribeJob => {
                let request = DescribeJobRequest::from_http(head, &body)?;
                api.describe_job_document(context, request).await.map(DescribeJobResult::respond)
            }
            ActionName::ListJobs => {
                let answer = run(head, &body, |request| api.list_jobs(context, request)).await;
                if let (Ok(list), Some(limit)) = (&answer, &self.rate_limit) {
                    limit.charge(&context.appid, rate::cost_of_a_list(list.body().len()));
                }
                answer
            }
            ActionName::UpdateJobPriority => {
                run(head, &body, |request| api.update_job_priority(context, request)).await
            }
            ActionName::UpdateJobStatus => run(head, &body, |request| api.update_job_status(context, request)).await,
            ActionName::DeleteJob => run(head, &body, |request| api.delete_job(context, request)).await,
        };
        Ok(answer?)
    }
}

/// Decodes a request, has it answered, and encodes the answer.
async fn run<'a, A: Action>(
    head: &Parts,
    body: &[u8],
    call: impl FnOnce(A) -> BoxFuture<'a, Result<A::Output, ApiError>>,
) -> Result<Response<Bytes>, ApiError> {
    let request = A::from_http(head, body)?;
    Ok(call(request).await?.to_http())
}

/// An error on its way to become an answer.
struct Failure {
    error: ApiError,
    /// The methods that the path knows, where that is what is wrong.
    allow: Option<HeaderValue>,
    /// When it is worth to ask again, where too much was asked for.
    retry_after: Option<u64>,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { error, allow: None, retry_after: None }
    }
}

impl From<TooFast> for Failure {
    fn from(reason: TooFast) -> Self {
        Self { retry_after: Some(reason.retry_after_seconds), ..ApiError::from(reason).into() }
    }
}

impl From<NoRoute> for Failure {
    fn from(reason: NoRoute) -> Self {
        Self { allow: reason.allow(), ..ApiError::from(reason).into() }
    }
}

impl Failure {
    /// Whether more of the request's body may come: not when it broke off or came too slowly.
    fn leaves_a_body(&self) -> bool {
        !matches!(self.error.code, ErrorCode::IncompleteBody | ErrorCode::RequestTimeout)
    }

    fn render(self, head: &Parts, request_id: &str) -> (Response<Bytes>, ErrorCode) {
        let Self { mut error, allow, retry_after } = self;
        // A backend that is itself a client hands on another server's id; here the id is that of this request.
        error.request_id = Some(request_id.to_owned());
        if error.resource.is_none() {
            error.resource = Some(head.uri.path().to_owned());
        }
        if !error.status.is_client_error() && !error.status.is_server_error() {
            error.status = StatusCode::INTERNAL_SERVER_ERROR;
        }
        let mut response = error.to_http();
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        (response, error.code)
    }
}
