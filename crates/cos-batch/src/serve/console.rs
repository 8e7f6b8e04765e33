//! The web console, in front of the API on the same address.

use std::{convert::Infallible, pin::Pin, sync::Arc};

use bytes::Bytes;
use cos_batch_console::{Body, Console, PREFIX};
use cos_batch_engine::Engine;
use cos_batch_model::AppId;
use cos_batch_server::listen::OwnMachine;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::service::Service;

use super::{Callers, keys::Keys};
use crate::{credentials::GENERATED_APPID, exit::Error};

/// What a browser is told that asks for nothing in particular.
const NOTHING: &str = "the console is at /console\n";

/// The console, if there is one, then a service for all else.
#[derive(Clone)]
pub(super) struct Front<S> {
    console: Option<Console>,
    service: S,
}

type Answer<B> = Response<Either<Either<Full<Bytes>, Body>, B>>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The console over this engine, for the callers of the API.
pub(super) fn console(engine: &Arc<Engine>, callers: &Callers, keys: &Keys) -> Result<Console, Error> {
    match callers {
        Callers::Keys(_) => Ok(Console::with_keys(Arc::clone(engine), keys.clone())),
        Callers::Everybody(hosts) => {
            let own = super::own_machine((), hosts);
            let appid = AppId::new(GENERATED_APPID).map_err(Error::other)?;
            Console::for_everybody(Arc::clone(engine), appid, move |host| OwnMachine::is_own(&own, host))
                .map_err(|error| Error::other(format!("random numbers: {error}")))
        }
    }
}

impl<S> Front<S> {
    pub(super) fn new(console: Option<Console>, service: S) -> Self {
        Self { console, service }
    }
}

/// A browser that was sent to the address alone goes on to the console.
fn is_browser_at_the_door<R>(request: &Request<R>) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    request.method() == Method::GET && request.uri().path() == "/" && accepts.contains("text/html")
}

impl<S, R, B> Service<Request<R>> for Front<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    R: http_body::Body + Send + 'static,
    R::Data: Send,
    R::Error: Send,
{
    type Response = Answer<B>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Answer<B>, Infallible>>;

    fn call(&self, request: Request<R>) -> Self::Future {
        if let Some(console) = &self.console {
            if Console::answers(request.uri().path()) {
                let answer = console.call(request);
                return Box::pin(async move { Ok(answer.await?.map(|body| Either::Left(Either::Right(body)))) });
            }
            if is_browser_at_the_door(&request) {
                let mut answer = Response::new(Full::new(Bytes::from_static(NOTHING.as_bytes())));
                *answer.status_mut() = StatusCode::SEE_OTHER;
                answer.headers_mut().insert(header::LOCATION, HeaderValue::from_static(PREFIX));
                return Box::pin(async move { Ok(answer.map(|body| Either::Left(Either::Left(body)))) });
            }
        }
        let answer = self.service.call(request);
        Box::pin(async move { Ok(answer.await?.map(Either::Right)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_browsers_are_sent_on() {
        let asks = |method: &str, path: &str, accept: &str| {
            let request = Request::builder().method(method).uri(path).header("accept", accept).body(()).unwrap();
            is_browser_at_the_door(&request)
        };
        assert!(asks("GET", "/", "text/html,application/xhtml+xml,*/*;q=0.8"));
        assert!(!asks("GET", "/", "*/*") && !asks("POST", "/", "text/html") && !asks("GET", "/jobs", "text/html"));
    }
}
