//! A service that answers from a script.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use cos_batch_client::BoxError;
use cos_batch_model::{ActionOutput, ApiError, ErrorCode};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::time::Instant;
use tower::Service;

type Reply = Result<Response<Full<Bytes>>, BoxError>;
type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;
type Step = Box<dyn FnOnce(&Seen) -> Answer + Send>;

/// A request as the service got it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
}

impl Seen {
    /// Method, path and query.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.parts.method, self.parts.uri.path_and_query().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A service that answers each request with the next step of its script, and fails when there is none.
pub(crate) struct Script {
    state: Arc<Mutex<State>>,
    /// Whether this clone may be called: a service must be asked first.
    is_ready: bool,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    seen: Vec<Seen>,
    unexpected: usize,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { state: Arc::default(), is_ready: false }
    }

    /// Adds a step.
    pub(crate) fn step(&self, step: impl FnOnce(&Seen) -> Reply + Send + 'static) -> &Self {
        self.push(Box::new(|seen| Box::pin(ready(step(seen)))))
    }

    /// A step that answers with this.
    pub(crate) fn answer(&self, output: &impl ActionOutput) -> &Self {
        self.respond(output.to_http())
    }

    /// A step that answers with this error.
    pub(crate) fn error(&self, code: ErrorCode) -> &Self {
        self.respond(ApiError::new(code, "as the script has it").to_http())
    }

    pub(crate) fn respond(&self, response: Response<Bytes>) -> &Self {
        self.step(move |_| Ok(response.map(Full::new)))
    }

    /// A step that fails as I/O does.
    pub(crate) fn fail(&self, kind: io::ErrorKind) -> &Self {
        self.step(move |_| Err(io::Error::from(kind).into()))
    }

    /// A step without an answer.
    pub(crate) fn silence(&self) -> &Self {
        self.push(Box::new(|_| Box::pin(pending())))
    }

    fn push(&self, step: Step) -> &Self {
        self.state.lock().unwrap().steps.push_back(step);
        self
    }

    /// What was asked. Fails unless that is just what the script has.
    pub(crate) fn played(&self) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        let lines: Vec<String> = state.seen.iter().map(Seen::line).collect();
        assert_eq!(state.steps.len(), 0, "steps are left, asked was {lines:#?}");
        assert_eq!(state.unexpected, 0, "more was asked than the script has: {lines:#?}");
        state.seen.clone()
    }

    /// Method, path and query of what was asked. Fails unless that is just what the script has.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.played().iter().map(Seen::line).collect()
    }

    /// How often it was asked so far.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().seen.len()
    }
}

impl Clone for Script {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), is_ready: false }
    }
}

impl Service<Request<Full<Bytes>>> for Script {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Answer {
        assert!(std::mem::take(&mut self.is_ready), "called without being asked whether it is ready");
        let state = Arc::clone(&self.state);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let seen = Seen { parts, body: body.to_bytes(), at: Instant::now() };
            let answer = {
                let mut state = state.lock().unwrap();
                state.seen.push(seen.clone());
                match state.steps.pop_front() {
                    Some(step) => step(&seen),
                    None => {
                        state.unexpected += 1;
                        Box::pin(ready(Err("the script is over".into())))
                    }
                }
            };
            answer.await
        })
    }
}
