//! The way of a request.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use cos_batch_engine::Engine;
use cos_batch_model::{ApiError, AppId, ErrorCode, RequestContext};
use cos_signature::SecretKey;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body as HttpBody;
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;

use crate::{
    answer::{Answer, Body, see},
    assets,
    form::{self, Fields, refused},
    frame::{Frame, LANG_COOKIE, PREFIX, SESSION_COOKIE, THEME_COOKIE, Theme, cookie, own_page},
    guard, page,
    session::{Doors, Keys, Session, Sessions},
    visit::{UPLOAD_BYTES_MAX, Visit, random},
    words::Lang,
};

/// Most bytes of a form: a page of keys that are all selected, each percent-encoded.
pub const FORM_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most bytes of a form that anybody may send: a key with a temporary key's token.
const OPEN_FORM_BYTES_MAX: usize = 16 * 1024;

/// Room around a file in its form.
const UPLOAD_FORM_BYTES: usize = 64 * 1024;

/// Files that are taken in at the same time.
const UPLOADS_AT_ONCE: usize = 2;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an answer may take: some pages read manifests.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// A wrong key is answered after so long. Nobody else waits for that: whoever has the right one gets in at once.
const WRONG_KEY_PAUSE: Duration = Duration::from_millis(500);

/// Says what time it is, in Unix seconds.
type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

/// Says whether a host is a name of this machine.
type OwnHost = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// The console. Clones share everything. It answers requests whose path is [`PREFIX`] or begins with it and a slash;
/// any other is answered with 404.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<Engine>,
    sessions: Sessions,
    clock: Clock,
    /// Where everybody is let in: to which hosts.
    own_host: Option<OwnHost>,
    mark: String,
    uploads: Semaphore,
}

impl Console {
    /// For those who have one of these keys.
    pub fn with_keys(engine: Arc<Engine>, keys: impl Keys + 'static) -> Self {
        Self::new(engine, Doors::Keys(Box::new(keys)), None)
    }

    /// For everybody of this machine, as whoever they say they are: `default` if nobody else. As a page of any site can
    /// reach loopback through its visitor's browser, only requests to hosts are answered that `own_host` knows as names
    /// of this machine.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn for_everybody(
        engine: Arc<Engine>,
        default: AppId,
        own_host: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, getrandom::Error> {
        let secret = SecretKey::new(random::<32>()?);
        Ok(Self::new(engine, Doors::Open { default, secret }, Some(Box::new(own_host))))
    }

    fn new(engine: Arc<Engine>, doors: Doors, own_host: Option<OwnHost>) -> Self {
        let inner = Inner {
            engine,
            sessions: Sessions::new(doors),
            clock: Box::new(system_time),
            own_host,
            mark: assets::mark(),
            uploads: Semaphore::new(UPLOADS_AT_ONCE),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What time it is, in Unix seconds; the system's clock if not said. Call it before the first clone.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.clock = Box::new(clock);
        }
        self
    }

    /// Whether a path is the console's.
    #[must_use]
    pub fn answers(path: &str) -> bool {
        path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl<B> hyper::service::Service<Request<B>> for Console
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.answer(request).await) })
    }
}

#[expect(clippy::disallowed_methods, reason = "an edge of the program: here is where a clock comes from")]
fn system_time() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

fn no_random(_: getrandom::Error) -> ApiError {
    ApiError::new(ErrorCode::InternalError, "the system has no random numbers")
}

impl Inner {
    async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: HttpBody + Send,
        B::Data: Send,
    {
        let (head, body) = request.into_parts();
        let here = head.uri.path_and_query().map_or(PREFIX, http::uri::PathAndQuery::as_str);
        let query = Fields::parse(head.uri.query().unwrap_or_default());
        let frame = Frame::new(&head.headers, own_page(here), query.as_ref().unwrap_or(&Fields::default()), &self.mark);
        let id = random::<8>().unwrap_or_default();
        let work = tokio::time::timeout(ANSWER_TIMEOUT, self.work(&head, body, query, frame, &id));
        let result = work.await.unwrap_or_else(|_| {
            let message = format!("the answer took longer than {} seconds", ANSWER_TIMEOUT.as_secs());
            Err(ApiError::new(ErrorCode::ServiceUnavailable, message))
        });
        let mut answer = result.unwrap_or_else(|error| self.error(&head, &error, &id));
        guard::protect(&mut answer);
        answer
    }

    fn error(&self, head: &Parts, error: &ApiError, id: &str) -> Answer {
        tracing::info!(code = %error.code, status = error.status.as_u16(), path = head.uri.path(), request_id = id, "refused");
        let mut frame = Frame::new(&head.headers, PREFIX, &Fields::default(), &self.mark);
        if let Some(session) = self.session(&head.headers) {
            frame = frame.of(&session);
        }
        page::error(frame, error, id)
    }

    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        self.sessions.session(cookie(headers, SESSION_COOKIE)?, (self.clock)())
    }

    async fn work<B>(
        &self,
        head: &Parts,
        body: B,
        query: Result<Fields, ApiError>,
        frame: Frame,
        id: &str,
    ) -> Result<Answer, ApiError>
    where
        B: HttpBody + Send,
        B::Data: Send,
    {
        self.check_host(head)?;
        let query = query?;
        let path = head.uri.path();
        let path = path.strip_prefix(PREFIX).filter(|_| Console::answers(path)).ok_or_else(page::nothing_here)?;
        let path = path.trim_start_matches('/');
        let parts = path.split('/').map(decoded).collect::<Result<Vec<String>, _>>()?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let changes = match head.method {
            Method::GET | Method::HEAD => false,
            Method::POST => true,
            _ => return Err(ApiError::new(ErrorCode::MethodNotAllowed, "the console is asked with GET and POST")),
        };
        if changes && !guard::is_from_here(&head.headers) {
            return Err(ApiError::new(ErrorCode::AccessDenied, frame.w.foreign_form));
        }
        match (changes, &parts[..]) {
            (false, ["static", _, name]) => return assets::find(name).ok_or_else(page::nothing_here),
            (false, ["sign-in"]) => return page::sign_in(frame, &self.sessions.doors, &query, None),
            (true, ["sign-in"]) => return self.sign_in(&head.headers, body, frame, &query).await,
            (true, ["settings"]) => return settings(&read(&head.headers, body, OPEN_FORM_BYTES_MAX).await?),
            _ => {}
        }
        let Some(session) = self.session(&head.headers) else {
            let had_one = cookie(&head.headers, SESSION_COOKIE).is_some();
            let next = if changes { "/console/jobs" } else { frame.here.as_str() };
            let done = if had_one { "&done=signed-out" } else { "" };
            return see(&format!("{PREFIX}/sign-in?next={}{done}", crate::answer::encoded(next)));
        };
        let context = RequestContext { uin: session.uin.clone(), ..RequestContext::new(session.appid.clone(), id) };
        let visit = Visit { engine: Arc::clone(&self.engine), context, query, frame: frame.of(&session) };
        let mut answer = if changes {
            self.change(&parts, visit, &session, &head.headers, body).await?
        } else {
            visit.show(&parts).await?
        };
        if let Some(token) = &session.renewed
            && !answer.headers().contains_key(header::SET_COOKIE)
        {
            set_cookie(&mut answer, SESSION_COOKIE, token, "; HttpOnly");
        }
        Ok(answer)
    }

    /// Where everybody is let in, only under a name of this machine: another one may have been made to mean it.
    fn check_host(&self, head: &Parts) -> Result<(), ApiError> {
        let Some(own_host) = &self.own_host else { return Ok(()) };
        let named = head.headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
        let mut hosts = named.chain(head.uri.authority().map(http::uri::Authority::as_str)).peekable();
        if hosts.peek().is_some() && hosts.all(own_host) {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::AccessDenied, "this console is for a name of this machine, such as localhost"))
    }

    async fn sign_in<B>(&self, headers: &HeaderMap, body: B, frame: Frame, query: &Fields) -> Result<Answer, ApiError>
    where
        B: HttpBody + Send,
        B::Data: Send,
    {
        let fields = read(headers, body, OPEN_FORM_BYTES_MAX).await?;
        let number = random::<16>().map_err(no_random)?;
        let id = fields.text("id");
        let token = self.sessions.sign_in(id, fields.text("secret"), fields.text("token"), number, (self.clock)());
        let Some(token) = token else {
            // As it was typed by nobody knows whom: with everything replaced that would end the line.
            tracing::warn!(secret_id = ?id.chars().take(64).collect::<String>(), "a sign-in with a wrong key");
            tokio::time::sleep(WRONG_KEY_PAUSE).await;
            return page::sign_in(frame, &self.sessions.doors, query, Some(id));
        };
        tracing::info!(secret_id = id, "signed in");
        let mut answer = see(own_page(fields.text("next")))?;
        set_cookie(&mut answer, SESSION_COOKIE, &token, "; HttpOnly");
        Ok(answer)
    }

    /// A form of somebody who is signed in.
    async fn change<B>(
        &self,
        parts: &[&str],
        visit: Visit,
        session: &Session,
        headers: &HeaderMap,
        body: B,
    ) -> Result<Answer, ApiError>
    where
        B: HttpBody + Send,
        B::Data: Send,
    {
        let w = visit.frame.w;
        let own = |fields: &Fields| match session.is_own_form(fields.text("form")) {
            true => Ok(()),
            false => Err(ApiError::new(ErrorCode::AccessDenied, w.old_form)),
        };
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if let ["buckets", bucket, "upload"] = parts {
            let boundary = form::boundary(kind).ok_or_else(|| refused("this form must be multipart/form-data"))?;
            let turn = tokio::time::timeout(BODY_TIMEOUT, self.uploads.acquire()).await;
            let Ok(Ok(_turn)) = turn else {
                return Err(ApiError::new(
                    ErrorCode::ServiceUnavailable,
                    "too many upload at the same time; try again",
                ));
            };
            let body = collect(body, UPLOAD_BYTES_MAX + UPLOAD_FORM_BYTES).await?;
            let upload = form::multipart(&body, boundary)?;
            own(&upload.fields)?;
            return visit.upload(bucket, upload).await;
        }
        let fields = read(headers, body, FORM_BYTES_MAX).await?;
        own(&fields)?;
        match parts {
            ["sign-out"] => {
                self.sessions.sign_out(session, (self.clock)());
                let mut answer = see("/console/sign-in")?;
                set_cookie(&mut answer, SESSION_COOKIE, "", "; HttpOnly; Max-Age=0");
                Ok(answer)
            }
            ["new"] => visit.new_job(&fields).await,
            ["jobs", id, "confirm"] => visit.confirm(id).await,
            ["jobs", id, "cancel"] => visit.cancel(id, &fields).await,
            ["jobs", id, "delete"] => visit.delete(id).await,
            ["jobs", id, "priority"] => visit.priority(id, &fields).await,
            ["jobs", id, "retry"] => visit.retry(id, &fields).await,
            ["buckets", bucket, "manifest"] => visit.make_manifest(bucket, &fields).await,
            _ => Err(page::nothing_here()),
        }
    }
}

impl Visit {
    async fn show(self, parts: &[&str]) -> Result<Answer, ApiError> {
        match parts {
            [""] | ["jobs"] => self.jobs().await,
            ["jobs", id] => self.job(id).await,
            ["jobs", id, "confirm"] => self.before(id).await,
            ["jobs", id, "rows"] => self.rows(id).await,
            ["jobs", id, "report"] => self.report_rows(id).await,
            ["jobs", id, "rows.csv"] => {
                let code = self.query.given("code").map(str::to_owned);
                crate::answer::rows(self.engine, self.context, (*id).to_owned(), code).await
            }
            ["new"] => self.blank_job().await,
            ["buckets"] => self.buckets().await,
            ["buckets", bucket] => self.bucket(bucket).await,
            ["buckets", bucket, "download"] => {
                let key = self.query.raw("key").to_owned();
                crate::answer::object(self.engine, self.context, (*bucket).to_owned(), key).await
            }
            _ => Err(page::nothing_here()),
        }
    }
}

fn decoded(part: &str) -> Result<String, ApiError> {
    let text = percent_encoding::percent_decode_str(part).decode_utf8();
    text.map(std::borrow::Cow::into_owned).map_err(|_| refused("the address is not UTF-8"))
}

/// Sets a cookie for the console alone. No page of another site gets it sent along.
fn set_cookie(answer: &mut Answer, name: &str, value: &str, more: &str) {
    let text = format!("{name}={value}; Path={PREFIX}; SameSite=Strict{more}");
    if let Ok(value) = HeaderValue::try_from(text) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Keeps the choice of language and theme.
fn settings(fields: &Fields) -> Result<Answer, ApiError> {
    // As long as browsers keep anything.
    const YEAR: &str = "; Max-Age=31536000";
    let mut answer = see(own_page(fields.text("next")))?;
    if let Some(lang) = Lang::from_code(fields.text("lang")) {
        set_cookie(&mut answer, LANG_COOKIE, lang.code(), YEAR);
    }
    if let Some(theme) = Theme::from_code(fields.text("theme")) {
        set_cookie(&mut answer, THEME_COOKIE, theme.code(), YEAR);
    }
    Ok(answer)
}

/// Reads a form.
async fn read<B: HttpBody>(headers: &HeaderMap, body: B, most: usize) -> Result<Fields, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if !kind.starts_with(b"application/x-www-form-urlencoded") {
        return Err(refused("a form must be application/x-www-form-urlencoded"));
    }
    let bytes = collect(body, most).await?;
    Fields::parse(std::str::from_utf8(&bytes).map_err(|_| refused("a form must be UTF-8"))?)
}

/// Reads a body up to a limit.
async fn collect<B: HttpBody>(body: B, most: usize) -> Result<Bytes, ApiError> {
    let too_much = || {
        let mut error = refused(format!("this form may have {most} bytes at most"));
        error.status = StatusCode::PAYLOAD_TOO_LARGE;
        error
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_much());
    }
    let read = async {
        let mut body = std::pin::pin!(body);
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| refused("the form did not arrive as a whole"))?;
            let Ok(mut data) = frame.into_data() else { continue };
            if bytes.len() + data.remaining() > most {
                return Err(too_much());
            }
            bytes.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(BODY_TIMEOUT, read)
        .await
        .unwrap_or_else(|_| Err(ApiError::new(ErrorCode::RequestTimeout, "the form did not arrive in time")))
}
