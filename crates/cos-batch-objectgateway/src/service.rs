//! The service: from a request to its answer.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use cos_batch_objectstore::ObjectStore;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header, request::Parts};
use http_body::Body;

use crate::{
    Authenticate, Authorize, OwnBuckets,
    access::{Access, Caller},
    action::{self, Call},
    body::{self, AnswerBody, RequestBody},
    case,
    crc::Checksums,
    error::{self, Code, Failure},
    limits::{HEADER_BYTES_MAX, HEADER_COUNT_MAX, URI_BYTES_MAX},
    offload::Store,
    query::Query,
    request_id::{Ids, RequestIds},
    route::Action,
    target::Target,
};

/// What answers call themselves.
const SERVER: HeaderValue = HeaderValue::from_static("cos-batch");
/// Where buckets are, as far as the host of a request does not say.
const REGION: &str = "local";

type Clock = Box<dyn Fn() -> i64 + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The COS object API over an object store. Clones share everything.
///
/// It implements the `Service` of tower and that of hyper, for requests with any body, and never fails: what goes wrong
/// is an answer. It needs a tokio runtime with timers, and threads that may block for a store that blocks.
#[derive(Clone)]
pub struct ObjectGateway {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    access: Access,
    checksums: Arc<Checksums>,
    region: String,
    clock: Clock,
    ids: RequestIds,
}

/// Why a [`Builder`] builds no gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// Neither [`Builder::authenticate`] nor [`Builder::allow_everybody`] was called.
    NoAuthentication,
    /// Both [`Builder::authenticate`] and [`Builder::allow_everybody`] were called.
    Contradiction,
}

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoAuthentication => "give keys with `authenticate`, or let everybody in with `allow_everybody`",
            Self::Contradiction => "`authenticate` and `allow_everybody` contradict each other: call one of them",
        })
    }
}

impl std::error::Error for BuildError {}

/// Settings of an [`ObjectGateway`].
pub struct Builder {
    store: Arc<dyn ObjectStore>,
    keys: Option<Box<dyn Authenticate>>,
    rights: Box<dyn Authorize>,
    everybody: bool,
    region: String,
    clock: Clock,
}

impl Builder {
    /// Accepts requests signed with a key that `keys` knows.
    #[must_use]
    pub fn authenticate(mut self, keys: impl Authenticate + 'static) -> Self {
        self.keys = Some(Box::new(keys));
        self
    }

    /// Who may use which bucket; [`OwnBuckets`] if not said.
    #[must_use]
    pub fn authorize(mut self, rights: impl Authorize + 'static) -> Self {
        self.rights = Box::new(rights);
        self
    }

    /// Lets everybody do everything, signed or not. For tests and for one's own machine: listen on loopback only, and
    /// refuse what a web page may have sent, as `listen::OwnMachine` of `cos-batch-server` does.
    #[must_use]
    pub fn allow_everybody(mut self) -> Self {
        self.everybody = true;
        self
    }

    /// The region that answers name where the host of a request names none; `local` if not said.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// What time it is, in Unix seconds; the system's clock if not said.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The gateway.
    ///
    /// # Errors
    ///
    /// [`BuildError`] unless exactly one of [`authenticate`](Self::authenticate) and
    /// [`allow_everybody`](Self::allow_everybody) was called.
    pub fn build(self) -> Result<ObjectGateway, BuildError> {
        let access = match (self.keys, self.everybody) {
            (Some(keys), false) => Access::Keys { keys, rights: self.rights },
            (None, true) => Access::Everybody,
            (None, false) => return Err(BuildError::NoAuthentication),
            (Some(_), true) => return Err(BuildError::Contradiction),
        };
        let (store, region, clock) = (Store(self.store), self.region, self.clock);
        let checksums = Arc::default();
        let inner = Inner { store, access, checksums, region, clock, ids: RequestIds::new() };
        Ok(ObjectGateway { inner: Arc::new(inner) })
    }
}

impl ObjectGateway {
    /// A gateway to this store.
    pub fn builder(store: Arc<dyn ObjectStore>) -> Builder {
        Builder {
            store,
            keys: None,
            rights: Box::new(OwnBuckets),
            everybody: false,
            region: REGION.to_owned(),
            clock: Box::new(system_time),
        }
    }

    fn answer<B>(&self, request: Request<B>) -> BoxFuture<Result<Response<AnswerBody>, Infallible>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.answer(request).await) })
    }
}

impl<B> tower::Service<Request<B>> for ObjectGateway
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

impl<B> hyper::service::Service<Request<B>> for ObjectGateway
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        self.answer(request)
    }
}

#[expect(clippy::disallowed_methods, reason = "an edge of the program: here is where a clock comes from")]
fn system_time() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

impl Inner {
    async fn answer<B>(&self, request: Request<B>) -> Response<AnswerBody>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let now = (self.clock)();
        let ids = self.ids.next(now);
        let (head, body) = request.into_parts();
        let mut body = RequestBody::new(body, &head.headers);
        // Filled in on the way, so that it is known even of requests that end badly.
        let mut caller = None;
        let result = match AssertUnwindSafe(self.work(&head, &mut body, now, &ids, &mut caller)).catch_unwind().await {
            Ok(result) => result,
            Err(_) => {
                tracing::error!(request_id = ids.request, "a request ended in a panic");
                Err(Failure::new(Code::InternalError, "the server failed; its log says why"))
            }
        };
        if result.is_err() {
            body.drain().await;
        }
        let code = result.as_ref().err().map_or("", |failure| failure.code);
        let mut response = result.unwrap_or_else(|failure| render(&head, &failure, &ids));
        finish(response.headers_mut(), &ids);
        *response.extensions_mut() = case::names();
        tracing::info!(
            method = head.method.as_str(),
            path = %head.uri.path().escape_debug(),
            status = response.status().as_u16(),
            code,
            request_id = ids.request,
            appid = caller.as_ref().and_then(|caller: &Caller| caller.appid.as_deref()).unwrap_or_default(),
            "object request",
        );
        response
    }

    async fn work(
        &self,
        head: &Parts,
        body: &mut RequestBody,
        now: i64,
        ids: &Ids,
        admitted: &mut Option<Caller>,
    ) -> Result<Response<AnswerBody>, Failure> {
        check_head(head)?;
        let target = Target::of(head)?;
        let query = Query::of(head)?;
        let action = Action::of(&head.method, &target, &query, &head.headers)?;
        let caller = self.access.admit(head, action == Action::ListBuckets, now)?;
        *admitted = Some(caller.clone());
        let bucket = target.bucket.as_deref().unwrap_or_default();
        if let Some(right) = action.right() {
            self.access.check(&caller, bucket, right)?;
        }
        action.check(&target, &query)?;
        body.check_head()?;
        let call = Call {
            store: &self.store,
            access: &self.access,
            checksums: &self.checksums,
            ids,
            resource: resource(head),
            headers: &head.headers,
            query: &query,
            host: &target.host,
            path_style: target.in_path,
            bucket,
            key: target.key.as_deref().unwrap_or_default(),
            region: target.region.as_deref().unwrap_or(&self.region),
            caller: &caller,
            now,
        };
        action::run(action, &call, body).await
    }
}

/// Checks what comes before the body.
fn check_head(head: &Parts) -> Result<(), Failure> {
    let address = head.uri.path_and_query().map_or(0, |address| address.as_str().len());
    if address > URI_BYTES_MAX {
        let message = format!("the path and query must be at most {URI_BYTES_MAX} bytes long, not {address} bytes");
        return Err(Failure::new(Code::InvalidUri, message));
    }
    let count = head.headers.len();
    if count > HEADER_COUNT_MAX {
        let message = format!("there must be at most {HEADER_COUNT_MAX} headers, not {count}");
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        let message = format!("the headers must be at most {HEADER_BYTES_MAX} bytes long in all, not {bytes} bytes");
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    Ok(())
}

/// What a request is about, as errors name it.
fn resource(head: &Parts) -> String {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| head.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
    format!("{host}{}", head.uri.path())
}

/// An error as an answer. That of a HEAD has no body.
fn render(head: &Parts, failure: &Failure, ids: &Ids) -> Response<AnswerBody> {
    let resource = resource(head);
    let bytes = if head.method == Method::HEAD {
        Bytes::new()
    } else {
        error::body(failure, &resource, &ids.request, &ids.trace)
    };
    let mut response = Response::new(body::whole(bytes));
    *response.status_mut() = failure.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Ok(trace) = HeaderValue::from_str(&ids.trace) {
        headers.insert("x-cos-trace-id", trace);
    }
    if let Some(Ok(allow)) = failure.allow.as_deref().map(HeaderValue::from_str) {
        headers.insert(header::ALLOW, allow);
    }
    response
}

fn finish(headers: &mut HeaderMap, ids: &Ids) {
    headers.insert(header::SERVER, SERVER);
    if let Ok(id) = HeaderValue::from_str(&ids.request) {
        headers.insert("x-cos-request-id", id);
    }
}
