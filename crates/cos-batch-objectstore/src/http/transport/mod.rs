//! Requests over connections: a small set of our own, kept open between requests.
//!
//! Whoever waits for an answer drives the connection that it comes on ([`link`]). A connection has one request at a time, so a
//! request that is given up takes its connection with it and disturbs no other.

mod answer;
mod body;
mod chunks;
mod connect;
mod failure;
mod link;
mod pool;
mod task;

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout, timeout_at},
};

pub(crate) use self::{
    body::{Content, Outgoing},
    connect::{Connector, Proxy, Tls},
    failure::{Failure, FailureKind},
    pool::Lane,
    task::{Task, leave_to_itself},
};
use self::{
    link::{Ended, Link, Patience},
    pool::Pool,
};
use crate::http::{head::Fields, settings::HttpSettings};

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

/// An answer that was read to its end: its status, its headers, its body.
pub(crate) type Answer = (u16, Fields, Bytes);

impl Transport {
    pub(crate) fn new(connector: Connector, settings: HttpSettings) -> Self {
        Self { connector, pool: Pool::new(settings.connections_max, settings.idle_timeout), settings }
    }

    /// Operations in flight at most.
    pub(crate) fn operations_max(&self) -> usize {
        Pool::operations_max(self.settings.connections_max)
    }

    /// What goes into the `Proxy-Authorization` header of each request, for a proxy that gets whole addresses.
    pub(crate) fn proxy_authorization(&self) -> Option<&str> {
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
        request: &mut Outgoing,
        terms: Terms,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let _slot = self.slot(terms.lane, deadline).await?;
        let head = match terms.pace {
            Pace::Short | Pace::Content => self.settings.response_timeout,
            Pace::Work => self.settings.work_timeout,
        };
        let patience = Patience { head, gap: self.settings.gap_timeout, whole: deadline };
        let mut may_repeat = terms.repeatable;
        loop {
            let kept = self.pool.take(to.host);
            let reused = kept.is_some();
            let mut link = match kept {
                Some(link) => link,
                // Seldom needed, and large.
                None => Box::pin(self.open(to, deadline)).await?,
            };
            match link.exchange(request, terms.answer_max, patience).await {
                Ok((answer, keeps)) => {
                    if keeps {
                        self.pool.give_back(link);
                    }
                    return Ok(answer);
                }
                // Always safe to send again, and not endless, since each turn uses up a kept connection.
                Err(Ended::Before(_)) if reused => {}
                Err(Ended::Before(reason)) => return Err(Failure { kind: FailureKind::Unsent, reason }),
                Err(Ended::Unanswered(_)) if reused && may_repeat && request.rewind() => may_repeat = false,
                Err(Ended::Unanswered(reason)) => return Err(Failure::unknown(reason)),
                Err(Ended::Failed(failure)) => return Err(failure),
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

    async fn open(&self, to: Destination<'_>, deadline: Deadline) -> Result<Box<Link>, Failure> {
        let limit = self.settings.connect_timeout;
        let until = Instant::now() + limit;
        let late = |_| Failure::unconnected(if until >= deadline.at { deadline.limit } else { limit });
        let stream = timeout_at(until.min(deadline.at), self.connector.connect(to)).await.map_err(late)?;
        Ok(Link::new(to.host, stream.map_err(|error| Failure::unsent(&*error))?))
    }
}

/// A part of an endpoint's life that a person may want to know.
pub(crate) fn shown(limit: Duration) -> String {
    format!("within {} s", limit.as_secs_f64())
}
