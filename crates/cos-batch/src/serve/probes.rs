//! `/livez` and `/readyz`: what whoever looks after a node asks it. They need no signature, and tell nothing of jobs.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::service::Service;
use tokio::sync::Mutex;

use super::ready::{self, Part};

/// A node whose clock is further from the database's is not ready: it would refuse requests that were signed just now, and
/// accept old ones.
const SKEW_MAX: Duration = Duration::from_secs(60);

/// What was found is told again for so long: anybody may ask, and must not burden disks or the database.
const FRESH: Duration = Duration::from_secs(1);

/// Answers to probes.
#[derive(Clone)]
pub(super) struct Probes(Arc<Mutex<State>>);

/// What must work, and how it was.
struct State {
    parts: Vec<Part>,
    last: Option<Said>,
}

/// What was found, and when.
struct Said {
    at: Instant,
    said: Result<(), String>,
}

/// Probes, then a service for all else.
#[derive(Clone)]
pub(super) struct Before<S> {
    probes: Probes,
    service: S,
}

/// Probes, and nothing else.
#[derive(Clone)]
pub(super) struct Alone(Probes);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Probes {
    /// Of a server that is ready when all of these are.
    pub(super) fn new(parts: Vec<Part>) -> Self {
        Self(Arc::new(Mutex::new(State { parts, last: None })))
    }

    /// Answers probes; hands all else to a service.
    pub(super) fn before<S>(self, service: S) -> Before<S> {
        Before { probes: self, service }
    }

    /// Answers probes; nothing else is there.
    pub(super) fn alone(self) -> Alone {
        Alone(self)
    }

    /// The answer, if this is a probe.
    fn of<R>(&self, request: &Request<R>) -> Option<BoxFuture<Response<Full<Bytes>>>> {
        let whole = match *request.method() {
            Method::GET => true,
            Method::HEAD => false,
            _ => return None,
        };
        let probes = self.clone();
        match request.uri().path() {
            "/livez" => Some(Box::pin(async move { answer(&Ok(()), whole) })),
            "/readyz" => Some(Box::pin(async move { answer(&probes.ready().await, whole) })),
            _ => None,
        }
    }

    async fn ready(&self) -> Result<(), String> {
        // Whoever asks meanwhile waits for the same answer.
        let mut state = self.0.lock().await;
        if let Some(last) = state.last.as_ref().filter(|last| last.at.elapsed() < FRESH) {
            return last.said.clone();
        }
        let said = ready::look(&mut state.parts).await;
        match (&said, state.last.as_ref().map(|last| &last.said)) {
            (Err(reason), _) => tracing::warn!(reason, "not ready"),
            (Ok(()), Some(Err(_))) => tracing::info!("ready again"),
            (Ok(()), _) => {}
        }
        state.last = Some(Said { at: Instant::now(), said: said.clone() });
        said
    }
}

/// Whether a clock that the database is so far ahead of will do.
pub(super) fn judged(ahead_millis: i64) -> Result<(), String> {
    let skew = Duration::from_millis(ahead_millis.unsigned_abs());
    if skew > SKEW_MAX {
        let (seconds, most) = (skew.as_secs(), SKEW_MAX.as_secs());
        let which = if ahead_millis > 0 { "behind" } else { "ahead of" };
        return Err(format!("this machine's clock is {seconds} s {which} the database's, more than {most} s"));
    }
    Ok(())
}

fn answer(said: &Result<(), String>, whole: bool) -> Response<Full<Bytes>> {
    let (status, text) = match said {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(text) => (StatusCode::SERVICE_UNAVAILABLE, text.as_str()),
    };
    let body = if whole { Bytes::from(format!("{text}\n")) } else { Bytes::new() };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl<S, R, B> Service<Request<R>> for Before<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<Either<Full<Bytes>, B>>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Self::Response, S::Error>>;

    fn call(&self, request: Request<R>) -> Self::Future {
        if let Some(answer) = self.probes.of(&request) {
            return Box::pin(async move { Ok(answer.await.map(Either::Left)) });
        }
        let answer = self.service.call(request);
        Box::pin(async move { Ok(answer.await?.map(Either::Right)) })
    }
}

impl<R> Service<Request<R>> for Alone {
    type Response = Response<Full<Bytes>>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<R>) -> Self::Future {
        let answered = self.0.of(&request);
        Box::pin(async move {
            Ok(match answered {
                Some(answer) => answer.await,
                None => {
                    let text = "this node works on jobs and answers no API (--role worker)\n";
                    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
                    *response.status_mut() = StatusCode::NOT_FOUND;
                    response
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_is_not_ready() {
        for near in [0, 60_000, -60_000] {
            assert!(judged(near).is_ok(), "{near}");
        }
        assert_eq!(judged(61_000).unwrap_err(), "this machine's clock is 61 s behind the database's, more than 60 s");
        assert!(judged(-600_000).unwrap_err().contains("600 s ahead of"));
    }

    #[tokio::test]
    async fn only_probes_are_answered() {
        let probes = Probes::new(Vec::new()).alone();
        for (method, path, status) in [
            ("GET", "/livez", 200),
            ("GET", "/readyz?verbose", 200),
            ("HEAD", "/readyz", 200),
            ("POST", "/livez", 404),
            ("GET", "/jobs", 404),
        ] {
            let request = Request::builder().method(method).uri(path).body(()).unwrap();
            assert_eq!(probes.call(request).await.unwrap().status(), status, "{method} {path}");
        }
    }
}
