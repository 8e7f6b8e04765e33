//! Requests over connections: a small set of our own, kept open between requests.
//!
//! Whoever waits for an answer drives the connection that it comes on ([`link`]). A connection has one request at a time, so a
//! request that is given up takes its connection with it and disturbs no other.

mod body;
mod connect;
mod failure;
mod link;
mod pool;
mod task;

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header, response};
use http_body_util::BodyExt as _;
use hyper::{
    body::{Body as _, Frame, Incoming},
    client::conn::TrySendError,
};
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout, timeout_at},
};

use self::{body::Progress, link::Link, pool::Pool};
pub(crate) use self::{
    body::{Content, Outgoing},
    connect::{Connector, Proxy, Tls},
    failure::{Failure, FailureKind},
    link::Answers,
    pool::Lane,
    task::{Task, leave_to_itself},
};
use crate::http::settings::HttpSettings;

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    /// `http` or `https`
    pub(crate) scheme: &'a str,
    /// Host, and port unless the scheme implies it: what the Host header says.
    pub(crate) host: &'a str,
}

/// How one request is dealt with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Bytes of the answer's body at most.
    pub(crate) answer_max: usize,
    /// One that met the end of a kept connection is sent once more on another one.
    pub(crate) repeatable: bool,
    /// Which connections it may use.
    pub(crate) lane: Lane,
    /// What comes back.
    pub(crate) answers: Answers,
    /// How long it may take.
    pub(crate) pace: Pace,
}

/// How long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// The store answers at once or not at all.
    Short,
    /// Content goes over a way that may be slow: as long as something moves.
    Content,
    /// The store works for a while: a copy, an upload that is put together. Some begin their answer at once, some at the end.
    Work,
}

/// When a request must be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

/// Sends requests.
#[derive(Debug)]
pub(crate) struct Transport {
    connector: Connector,
    pool: Pool,
    settings: HttpSettings,
}

/// An answer that was read to its end.
pub(crate) type Answer = (response::Parts, Bytes);

impl Transport {
    pub(crate) fn new(connector: Connector, settings: HttpSettings) -> Self {
        Self { connector, pool: Pool::new(settings.connections_max, settings.idle_timeout), settings }
    }

    /// Operations in flight at most.
    pub(crate) fn operations_max(&self) -> usize {
        Pool::operations_max(self.settings.connections_max)
    }

    /// What goes into the `Proxy-Authorization` header of each request, for a proxy that gets whole addresses.
    pub(crate) fn proxy_authorization(&self) -> Option<&HeaderValue> {
        self.connector.proxy_authorization()
    }

    /// Whether request targets are whole addresses.
    pub(crate) fn wants_absolute_targets(&self) -> bool {
        self.connector.wants_absolute_targets()
    }

    /// When a request that begins now must be over.
    pub(crate) fn deadline(&self, pace: Pace) -> Deadline {
        let limit = match pace {
            Pace::Short => self.settings.total_timeout,
            Pace::Content | Pace::Work => self.settings.long_timeout,
        };
        Deadline { at: Instant::now() + limit, limit }
    }

    /// Waits for what must be there before a request can be sent, but no longer than a short one may take.
    pub(crate) async fn prepared<T>(&self, prepare: impl Future<Output = T>) -> Result<T, Failure> {
        let mut prepare = pin!(prepare);
        // Mostly it is there, and no timer is needed.
        if let Poll::Ready(prepared) = poll_fn(|context| Poll::Ready(prepare.as_mut().poll(context))).await {
            return Ok(prepared);
        }
        let limit = self.settings.total_timeout;
        timeout(limit, prepare).await.map_err(|_| Failure::unprepared(limit))
    }

    /// Sends a request and reads the answer's body to its end.
    pub(crate) async fn send(
        &self,
        to: Destination<'_>,
        mut request: Box<Request<Outgoing>>,
        terms: Terms,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let _slot = self.slot(terms.lane, deadline).await?;
        let mut may_repeat = terms.repeatable;
        loop {
            let kept = self.pool.take(to.host, terms.answers);
            let reused = kept.is_some();
            let mut link = match kept {
                Some(link) => link,
                // Seldom needed, and large.
                None => Box::pin(self.open(to, terms.answers, deadline)).await?,
            };
            let spare = if reused && may_repeat { again(&request) } else { None };
            let progress = request.body().progress();
            match self.answered(&mut link, request, terms.pace, progress.as_deref(), deadline).await? {
                Ok(response) => {
                    return self.read(link, response, terms.answer_max, progress.as_deref(), deadline).await;
                }
                // The connection's end was noticed before anything of the request was written: always safe to send again,
                // and not endless, since each turn uses up a kept connection.
                Err(mut error) => match (error.take_message(), spare) {
                    (Some(back), _) if reused => request = Box::new(back),
                    (Some(_), _) => return Err(Failure::unsent(error.error())),
                    (None, Some(again)) if failure::connection_ended(error.error()) => {
                        may_repeat = false;
                        request = again;
                    }
                    (None, _) => return Err(Failure::of(error.error())),
                },
            }
        }
    }

    /// Waits for the head of an answer. The time for it begins anew with each piece of the request's body that gets away.
    async fn answered(
        &self,
        link: &mut Link,
        request: Box<Request<Outgoing>>,
        pace: Pace,
        progress: Option<&Progress>,
        deadline: Deadline,
    ) -> Result<Result<Response<Incoming>, TrySendError<Request<Outgoing>>>, Failure> {
        let limit = match pace {
            Pace::Short | Pace::Content => self.settings.response_timeout,
            Pace::Work => self.settings.work_timeout,
        };
        let mut answer = pin!(link.send(*request));
        let mut until = Instant::now() + limit;
        loop {
            if let Some(answer) = link.wait(until.min(deadline.at), answer.as_mut()).await {
                return Ok(answer);
            }
            if until >= deadline.at {
                return Err(Failure::timeout("no whole answer", deadline.limit));
            }
            match progress.map(Progress::moved) {
                Some(moved) if moved + limit > until => until = moved + limit,
                _ => return Err(Failure::timeout("no answer", limit)),
            }
        }
    }

    /// A place for one more request.
    async fn slot(&self, lane: Lane, deadline: Deadline) -> Result<SemaphorePermit<'_>, Failure> {
        if let Some(slot) = self.pool.try_slot() {
            return Ok(slot);
        }
        let limit = self.settings.connect_timeout;
        let until = Instant::now() + limit;
        match timeout_at(until.min(deadline.at), self.pool.slot(lane)).await {
            Ok(Ok(slot)) => Ok(slot),
            Err(_) if until >= deadline.at => Err(Failure::unconnected(deadline.limit)),
            _ => Err(Failure::no_slot(self.settings.connections_max, limit)),
        }
    }

    async fn open(&self, to: Destination<'_>, answers: Answers, deadline: Deadline) -> Result<Box<Link>, Failure> {
        let limit = self.settings.connect_timeout;
        let until = Instant::now() + limit;
        let open = async {
            let stream = self.connector.connect(to).await.map_err(|error| Failure::unsent(&*error))?;
            Link::begin(to.host, answers, stream).await
        };
        let late = |_| Failure::unconnected(if until >= deadline.at { deadline.limit } else { limit });
        timeout_at(until.min(deadline.at), open).await.map_err(late)?
    }

    /// Reads the body; only then can the connection take another request.
    async fn read(
        &self,
        mut link: Box<Link>,
        response: Response<Incoming>,
        body_max: usize,
        progress: Option<&Progress>,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let (head, mut body) = response.into_parts();
        let closes = head.headers.get(header::CONNECTION).is_some_and(|value| value.as_bytes() == b"close");
        let announced = body.size_hint().exact();
        if announced.is_some_and(|bytes| bytes > body_max as u64) {
            return Err(Failure::too_large(body_max));
        }
        // Most bodies come in one piece, which is then passed on as it is.
        let mut first = Bytes::new();
        let mut whole: Option<BytesMut> = None;
        while let Some(frame) = self.frame(&mut link, &mut body, deadline).await? {
            let Ok(data) = frame.into_data() else { continue };
            let length = whole.as_ref().map_or(first.len(), BytesMut::len);
            if length + data.len() > body_max {
                return Err(Failure::too_large(body_max));
            }
            match &mut whole {
                Some(whole) => whole.extend_from_slice(&data),
                None if first.is_empty() => first = data,
                None => {
                    let expected = announced.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
                    let mut joined = BytesMut::with_capacity(expected.max(2 * (first.len() + data.len())));
                    joined.extend_from_slice(&first);
                    joined.extend_from_slice(&data);
                    whole = Some(joined);
                }
            }
        }
        // Where the store answered before it had read everything, the rest stands in the way of the next request.
        if !closes && progress.is_none_or(Progress::ended) {
            self.pool.give_back(link);
        }
        Ok((head, whole.map_or(first, BytesMut::freeze)))
    }

    /// The next piece of an answer's body.
    async fn frame(
        &self,
        link: &mut Link,
        body: &mut Incoming,
        deadline: Deadline,
    ) -> Result<Option<Frame<Bytes>>, Failure> {
        // Mostly it came with the head.
        let here = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop()));
        let frame = match here {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let gap = self.settings.gap_timeout;
                let until = Instant::now() + gap;
                let Some(frame) = link.wait(until.min(deadline.at), body.frame()).await else {
                    return Err(match until >= deadline.at {
                        true => Failure::timeout("no whole answer", deadline.limit),
                        false => Failure::timeout("no more of the answer", gap),
                    });
                };
                frame
            }
        };
        frame.transpose().map_err(|error| Failure::of(&error))
    }
}

/// The same request once more, if its body is still there.
fn again(request: &Request<Outgoing>) -> Option<Box<Request<Outgoing>>> {
    let mut again = Box::new(Request::new(request.body().again()?));
    request.method().clone_into(again.method_mut());
    request.uri().clone_into(again.uri_mut());
    request.headers().clone_into(again.headers_mut());
    Some(again)
}

/// A part of an endpoint's life that a person may want to know.
pub(crate) fn shown(limit: Duration) -> String {
    format!("within {} s", limit.as_secs_f64())
}
