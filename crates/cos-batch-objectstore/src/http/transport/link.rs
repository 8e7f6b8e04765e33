//! One connection, and one request and answer on it (RFC 9112).
//!
//! Whoever waits for an answer does the reading and the writing: no task stands beside the connection, and nothing is handed from
//! one to another. So a request that waits is woken once, when the answer is there; and what is given up takes its connection with
//! it. The usual clients have a task for each connection, a channel to it, and a map for the headers each way, which is most of what
//! a short request would cost.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::{
    io::AsyncReadExt as _,
    task::unconstrained,
    time::{Instant, Sleep, sleep},
};

use super::{
    Answer, Deadline,
    answer::{self, AnswerHead, Framing},
    body::{Outgoing, Stuck},
    chunks::Chunks,
    connect::Stream,
    failure::Failure,
};

/// Most bytes of an answer's head. Real ones have some hundred; metadata of 2 KB and tags fit many times.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bytes that are read at once at first: answers to most requests have less.
const INPUT_BYTES: usize = 8 * 1024;

/// And where a body goes on after those.
const BODY_BYTES: usize = 64 * 1024;

/// What an alarm is set to that nobody has set yet: longer than anything waits.
const ALARM_UNSET: Duration = Duration::from_secs(24 * 60 * 60);

/// A connection.
pub(super) struct Link {
    /// Whom it leads to.
    host: Box<str>,
    stream: Stream,
    /// What was read and not used yet; nothing between two requests.
    input: Vec<u8>,
    /// One timer for all that is ever waited for: it may ring early, and is then set anew. So a request that is answered in time
    /// sets none.
    alarm: Pin<Box<Sleep>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Ended {
    /// The connection was over before anything of the request was sent.
    Before(String),
    /// It was over before anything of an answer came, as a server ends one that was idle.
    Unanswered(String),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the head of an answer; it begins anew with each piece of the request's content that gets away.
    pub(super) head: Duration,
    /// For each further piece of it.
    pub(super) gap: Duration,
    /// For everything.
    pub(super) whole: Deadline,
}

impl Link {
    /// A new connection.
    pub(super) fn new(host: &str, stream: Stream) -> Box<Self> {
        let alarm = Box::pin(sleep(ALARM_UNSET));
        Box::new(Self { host: host.into(), stream, input: Vec::with_capacity(INPUT_BYTES), alarm })
    }

    /// Whether it leads there.
    pub(super) fn leads_to(&self, host: &str) -> bool {
        *self.host == *host
    }

    /// Whether it takes a request now: the other side has neither closed it nor said anything.
    pub(super) fn is_ready(&mut self) -> bool {
        // What comes later wakes nobody. And it is looked at even where the runtime wants others to have their turn.
        let mut silent = pin!(unconstrained(poll_fn(|context| {
            Poll::Ready(read(&mut self.stream, &mut self.input, context).is_pending())
        })));
        let silent = silent.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        silent == Poll::Ready(true) && self.input.is_empty()
    }

    /// Sends a request and reads its answer to the end, whose body may have so many bytes. Beside it whether the connection takes
    /// another request.
    pub(super) async fn exchange(
        &mut self,
        request: &mut Outgoing,
        body_max: usize,
        patience: Patience,
    ) -> Result<(Answer, bool), Ended> {
        if !self.is_ready() {
            return Err(Ended::Before("the connection was closed".to_owned()));
        }
        let (head, length) = self.head(request, patience).await?;
        let AnswerHead { status, fields, framing, keeps } = head;
        let body = match framing {
            Framing::Length(bytes) => {
                let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= body_max);
                let bytes = bytes.ok_or_else(|| Failure::too_large(body_max))?;
                self.sized(request, length, bytes, patience).await?
            }
            Framing::Chunks => {
                self.input.drain(..length);
                self.chunked(request, body_max, patience).await?
            }
            Framing::Close => {
                self.input.drain(..length);
                self.rest(request, body_max, patience).await?
            }
        };
        // Where the store answered before it had read everything, the rest stands in the way of the next request, and so does
        // what came after the answer.
        let keeps = keeps && request.is_sent() && self.input.is_empty();
        self.input.shrink_to(INPUT_BYTES);
        Ok(((status, fields, body), keeps))
    }

    /// Waits for the head of the answer; beside it, its bytes at the beginning of the input.
    async fn head(&mut self, request: &mut Outgoing, patience: Patience) -> Result<(AnswerHead, usize), Ended> {
        let whole = patience.whole;
        let mut until = Instant::now() + patience.head;
        // Sending may have come to an end that is not the answer's: a server may say first why it closes.
        let mut stuck = None;
        loop {
            match self.more(request, &mut stuck, None, until.min(whole.at)).await {
                None if until >= whole.at => return Err(Failure::timeout("no whole answer", whole.limit).into()),
                None => match request.moved() {
                    Some(moved) if moved + patience.head > until => until = moved + patience.head,
                    _ => return Err(Failure::timeout("no answer", patience.head).into()),
                },
                Some(Err(Stuck::Content(reason))) => return Err(Failure::unknown(reason.to_owned()).into()),
                Some(Err(Stuck::Connection(error))) => {
                    let error = stuck.take().unwrap_or(error);
                    return Err(self.over(request, &error));
                }
                Some(Ok(0)) => {
                    let error = stuck.take().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                    return Err(self.over(request, &error));
                }
                Some(Ok(_)) => {}
            }
            while let Some((head, length)) =
                answer::head(&self.input, request.is_to_head()).map_err(Failure::unknown)?
            {
                match head.status {
                    101 => return Err(Failure::unknown("the store wants to change the protocol".to_owned()).into()),
                    // Not the answer yet.
                    100..=199 => drop(self.input.drain(..length)),
                    _ => return Ok((head, length)),
                }
            }
            if self.input.len() >= HEAD_BYTES_MAX {
                let reason = format!("the head of the answer has more than {HEAD_BYTES_MAX} bytes");
                return Err(Failure::unknown(reason).into());
            }
        }
    }

    /// What the end of a connection means while an answer's head is waited for.
    fn over(&self, request: &Outgoing, error: &io::Error) -> Ended {
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the connection was closed before an answer".to_owned(),
            _ => format!("the connection ended before an answer: {error}"),
        };
        if request.is_unsent() {
            Ended::Before(reason)
        } else if self.input.is_empty() && is_end(error) {
            Ended::Unanswered(reason)
        } else {
            Ended::Failed(Failure::unknown(reason))
        }
    }

    /// A body of so many bytes, which begins at this place of the input.
    async fn sized(
        &mut self,
        request: &mut Outgoing,
        from: usize,
        bytes: usize,
        patience: Patience,
    ) -> Result<Bytes, Failure> {
        let here = bytes.min(self.input.len() - from);
        let first = &self.input[from..from + here];
        if here == bytes {
            // Nearly always it came with the head.
            let body = Bytes::copy_from_slice(first);
            match self.input.len() == from + here {
                true => self.input.clear(),
                false => drop(self.input.drain(..from + here)),
            }
            return Ok(body);
        }
        let mut body = BytesMut::with_capacity(bytes);
        body.extend_from_slice(first);
        self.input.clear();
        while body.len() < bytes {
            let left = bytes - body.len();
            let mut room = (&mut body).limit(left.min(BODY_BYTES));
            if self.piece(request, Some(&mut room), patience).await? == 0 {
                return Err(broke_off());
            }
        }
        Ok(body.freeze())
    }

    /// A body in chunks.
    async fn chunked(&mut self, request: &mut Outgoing, body_max: usize, patience: Patience) -> Result<Bytes, Failure> {
        let (mut chunks, mut body) = (Chunks::default(), BytesMut::new());
        loop {
            let mut too_large = false;
            let taken = chunks.take(&self.input, |data| {
                too_large |= body.len() + data.len() > body_max;
                if !too_large {
                    body.extend_from_slice(data);
                }
            });
            let taken = taken.map_err(|reason| Failure::unknown(format!("what came is no answer: {reason}")))?;
            self.input.drain(..taken);
            if too_large {
                return Err(Failure::too_large(body_max));
            }
            if chunks.ended() {
                return Ok(body.freeze());
            }
            if self.piece(request, None, patience).await? == 0 {
                return Err(broke_off());
            }
        }
    }

    /// A body that ends with the connection.
    async fn rest(&mut self, request: &mut Outgoing, body_max: usize, patience: Patience) -> Result<Bytes, Failure> {
        let mut body = BytesMut::from(&self.input[..]);
        self.input.clear();
        loop {
            if body.len() > body_max {
                return Err(Failure::too_large(body_max));
            }
            let mut room = (&mut body).limit(BODY_BYTES);
            if self.piece(request, Some(&mut room), patience).await? == 0 {
                return Ok(body.freeze());
            }
        }
    }

    /// The size of one more piece of a body; none is the connection's end.
    async fn piece(
        &mut self,
        request: &mut Outgoing,
        room: Option<&mut bytes::buf::Limit<&mut BytesMut>>,
        patience: Patience,
    ) -> Result<usize, Failure> {
        let mut stuck = None;
        let until = (Instant::now() + patience.gap).min(patience.whole.at);
        match self.more(request, &mut stuck, room, until).await {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(Stuck::Connection(error))) => Err(Failure::unknown(format!("the answer broke off: {error}"))),
            Some(Err(Stuck::Content(reason))) => Err(Failure::unknown(reason.to_owned())),
            None if until >= patience.whole.at => Err(Failure::timeout("no whole answer", patience.whole.limit)),
            None => Err(Failure::timeout("no more of the answer", patience.gap)),
        }
    }

    /// Reads something more, into this room or into the input, and sends what is left of a request beside it; none: it did not
    /// come until then. That sending has come to an end is remembered, and no end of reading.
    async fn more(
        &mut self,
        request: &mut Outgoing,
        stuck: &mut Option<io::Error>,
        mut room: Option<&mut bytes::buf::Limit<&mut BytesMut>>,
        until: Instant,
    ) -> Option<Result<usize, Stuck>> {
        // Whoever has used up its turn is told so by everything of the runtime, and would be woken for nothing.
        unconstrained(poll_fn(|context| {
            if stuck.is_none() && !request.is_sent() {
                match request.poll_send(&mut self.stream, context) {
                    Poll::Ready(Err(Stuck::Connection(error))) => *stuck = Some(error),
                    Poll::Ready(Err(content)) => return Poll::Ready(Some(Err(content))),
                    Poll::Ready(Ok(())) | Poll::Pending => {}
                }
            }
            let read = match &mut room {
                Some(room) => read(&mut self.stream, *room, context),
                None => {
                    if self.input.len() == self.input.capacity() {
                        self.input.reserve(BODY_BYTES);
                    }
                    let free = self.input.capacity() - self.input.len();
                    read(&mut self.stream, &mut (&mut self.input).limit(free), context)
                }
            };
            match read {
                Poll::Ready(read) => Poll::Ready(Some(read.map_err(Stuck::Connection))),
                Poll::Pending if self.is_late(until, context) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        }))
        .await
    }

    /// Whether it is so late; if not, the alarm is set.
    fn is_late(&mut self, until: Instant, context: &mut Context<'_>) -> bool {
        loop {
            if self.alarm.deadline() > until {
                self.alarm.as_mut().reset(until);
            }
            if self.alarm.as_mut().poll(context).is_pending() {
                return false;
            }
            if Instant::now() >= until {
                return true;
            }
            self.alarm.as_mut().reset(until);
        }
    }
}

/// Reads what there is.
fn read(stream: &mut Stream, room: &mut impl BufMut, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
    pin!(stream.read_buf(room)).poll(context)
}

/// Whether the other side has ended a connection.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof, WriteZero};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected | WriteZero)
}

/// A body ended before its time.
fn broke_off() -> Failure {
    Failure::unknown("the answer broke off".to_owned())
}
