//! Requests over connections: a small set of our own, kept open between requests.
//!
//! One task for each connection drives it; requests are handed to it and answers come back. A connection has one request
//! at a time, so a request that is given up takes its connection with it and disturbs no other.

mod body;
mod connect;
mod failure;
mod pool;
mod task;

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header, response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout, timeout_at};

use self::{
    body::Progress,
    pool::{Connection, Pool},
};
pub(crate) use self::{
    body::{Content, Outgoing},
    connect::{Connector, Proxy, Tls},
    failure::{Failure, FailureKind},
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
        let limit = self.settings.total_timeout;
        timeout(limit, prepare).await.map_err(|_| Failure::unprepared(limit))
    }

    /// Sends a request and reads the answer's body to its end.
    pub(crate) async fn send(
        &self,
        to: Destination<'_>,
        request: Request<Outgoing>,
        terms: Terms,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let handed_over = AtomicBool::new(false);
        match timeout_at(deadline.at, self.exchange(to, request, terms, &handed_over)).await {
            Ok(result) => result,
            Err(_) if handed_over.load(Ordering::Relaxed) => Err(Failure::timeout("no whole answer", deadline.limit)),
            Err(_) => Err(Failure::unconnected(deadline.limit)),
        }
    }

    /// `handed_over` says afterwards whether anything of the request may have been sent.
    async fn exchange(
        &self,
        to: Destination<'_>,
        mut request: Request<Outgoing>,
        terms: Terms,
        handed_over: &AtomicBool,
    ) -> Result<Answer, Failure> {
        let _slot = self.slot(terms.lane).await?;
        let mut may_repeat = terms.repeatable;
        loop {
            let kept = self.pool.take(to.host).await;
            let reused = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.open(to).await?,
            };
            let spare = if reused && may_repeat { again(&request) } else { None };
            let progress = request.body().progress();
            handed_over.store(true, Ordering::Relaxed);
            let sent = self.answered(terms.pace, &progress, connection.sender.try_send_request(request)).await?;
            match sent {
                Ok(response) => return self.read(connection, response, terms.answer_max, &progress).await,
                // The connection's end was noticed before anything of the request was written: always safe to send again,
                // and not endless, since each turn uses up a kept connection.
                Err(mut error) => match (error.take_message(), spare) {
                    (Some(back), _) if reused => {
                        handed_over.store(false, Ordering::Relaxed);
                        request = back;
                    }
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
    async fn answered<T>(
        &self,
        pace: Pace,
        progress: &Progress,
        answer: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let limit = match pace {
            Pace::Short | Pace::Content => self.settings.response_timeout,
            Pace::Work => self.settings.work_timeout,
        };
        let mut answer = pin!(answer);
        let mut until = Instant::now() + limit;
        loop {
            match timeout_at(until, answer.as_mut()).await {
                Ok(answer) => return Ok(answer),
                Err(_) if progress.moved() + limit > until => until = progress.moved() + limit,
                Err(_) => return Err(Failure::timeout("no answer", limit)),
            }
        }
    }

    /// A place for one more request.
    async fn slot(&self, lane: Lane) -> Result<tokio::sync::SemaphorePermit<'_>, Failure> {
        let limit = self.settings.connect_timeout;
        match timeout(limit, self.pool.slot(lane)).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => Err(Failure::no_slot(self.settings.connections_max, limit)),
        }
    }

    async fn open(&self, to: Destination<'_>) -> Result<Connection, Failure> {
        let limit = self.settings.connect_timeout;
        match timeout(limit, self.connector.connect(to)).await {
            Ok(Ok(stream)) => self.pool.adopt(to.host, stream).await,
            Ok(Err(error)) => Err(Failure::unsent(&*error)),
            Err(_) => Err(Failure::unconnected(limit)),
        }
    }

    /// Reads the body; only then can the connection take another request.
    async fn read(
        &self,
        connection: Connection,
        response: Response<Incoming>,
        body_max: usize,
        progress: &Progress,
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
        let gap = self.settings.gap_timeout;
        while let Some(frame) =
            timeout(gap, body.frame()).await.map_err(|_| Failure::timeout("no more of the answer", gap))?
        {
            let frame = frame.map_err(|error| Failure::of(&error))?;
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
        if !closes && progress.ended() {
            self.pool.give_back(connection);
        }
        Ok((head, whole.map_or(first, BytesMut::freeze)))
    }
}

/// The same request once more, if its body is still there.
fn again(request: &Request<Outgoing>) -> Option<Request<Outgoing>> {
    let mut again = Request::new(request.body().again()?);
    request.method().clone_into(again.method_mut());
    request.uri().clone_into(again.uri_mut());
    request.headers().clone_into(again.headers_mut());
    Some(again)
}

/// A part of an endpoint's life that a person may want to know.
pub(crate) fn shown(limit: Duration) -> String {
    format!("within {} s", limit.as_secs_f64())
}
