//! A request on its way out, and how far it has come.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::{io::AsyncWrite as _, sync::mpsc, time::Instant};

use super::connect::Stream;
use crate::http::head::Head;

/// Bytes that are handed to a connection at once. Each time it takes a piece, the one before is on its way: that is how a slow
/// way is told from a dead one.
const PIECE_BYTES: usize = 128 * 1024;

/// Bytes of a body that are sent together with the head, at most: one packet and one call to the system for both, where copying
/// costs less than that.
const TOGETHER_BYTES_MAX: usize = 16 * 1024;

/// What a request carries.
#[derive(Debug)]
pub(crate) enum Content {
    /// Bytes that are there.
    Whole(Bytes),
    /// So many bytes that come piece by piece. Fewer than that break the request off, and with it its connection, so that no
    /// store takes them for the whole.
    Pieces { size: u64, pieces: mpsc::Receiver<Bytes> },
}

/// A request, ready to be sent.
pub(crate) struct Outgoing {
    /// Everything up to the body, and a short one too.
    head: Vec<u8>,
    content: Content,
    to_head: bool,
    /// How many bytes of the head are sent.
    head_sent: usize,
    /// What of the content is on its way.
    piece: Bytes,
    /// Bytes of the content that are still to be handed out.
    left: u64,
    /// All of it has left this process.
    sent: bool,
    /// When the connection last took some of the content.
    moved: Option<Instant>,
}

/// Neither head nor content: there are signatures in the one.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Why a request does not get away.
#[derive(Debug)]
pub(super) enum Stuck {
    /// The connection takes no more.
    Connection(io::Error),
    /// Its content does not come to its end.
    Content(&'static str),
}

impl Outgoing {
    pub(crate) fn new(head: Head, content: Content) -> Self {
        let to_head = head.method == http::Method::HEAD;
        let mut outgoing = Self {
            head: Vec::new(),
            content,
            to_head,
            head_sent: 0,
            piece: Bytes::new(),
            left: 0,
            sent: false,
            moved: None,
        };
        outgoing.head = match &outgoing.content {
            Content::Whole(body) if body.len() <= TOGETHER_BYTES_MAX => {
                let mut wire = head.into_wire(body.len());
                wire.extend_from_slice(body);
                outgoing.content = Content::Whole(Bytes::new());
                wire
            }
            _ => head.into_wire(0),
        };
        outgoing.left = match &outgoing.content {
            Content::Whole(body) => body.len() as u64,
            Content::Pieces { size, .. } => *size,
        };
        outgoing
    }

    /// Whether it asks for the head of an answer alone.
    pub(super) fn is_to_head(&self) -> bool {
        self.to_head
    }

    /// Nothing of it was sent.
    pub(super) fn is_unsent(&self) -> bool {
        self.head_sent == 0
    }

    /// All of it was sent.
    pub(super) fn is_sent(&self) -> bool {
        self.sent
    }

    /// When the connection last took some of its content.
    pub(super) fn moved(&self) -> Option<Instant> {
        self.moved
    }

    /// Makes it be sent from the beginning, if that is still there.
    pub(super) fn rewind(&mut self) -> bool {
        let again = match &self.content {
            Content::Whole(_) => true,
            Content::Pieces { size, .. } => self.left == *size,
        };
        if again {
            self.head_sent = 0;
            self.sent = false;
            self.piece = Bytes::new();
            if let Content::Whole(body) = &self.content {
                self.left = body.len() as u64;
            }
        }
        again
    }

    /// Sends what the connection takes now; ready when all is sent.
    pub(super) fn poll_send(&mut self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<Result<(), Stuck>> {
        let mut stream = Pin::new(stream);
        loop {
            if self.head_sent < self.head.len() {
                let sent = ready!(stream.as_mut().poll_write(context, &self.head[self.head_sent..]));
                self.head_sent += some(sent)?;
            } else if !self.piece.is_empty() {
                let sent = ready!(stream.as_mut().poll_write(context, &self.piece));
                // What is taken off is gone from this handle alone.
                let _ = self.piece.split_to(some(sent)?);
                self.moved = Some(Instant::now());
            } else if self.left > 0 {
                self.piece = ready!(self.poll_piece(context))?;
                self.left -= self.piece.len() as u64;
            } else {
                // With TLS the last bytes may still be on this side.
                ready!(stream.poll_flush(context)).map_err(Stuck::Connection)?;
                self.sent = true;
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Stuck>> {
        match &mut self.content {
            Content::Whole(body) => {
                let from = body.len() - usize::try_from(self.left).unwrap_or(body.len()).min(body.len());
                Poll::Ready(Ok(body.slice(from..body.len().min(from + PIECE_BYTES))))
            }
            Content::Pieces { pieces, .. } => match ready!(pieces.poll_recv(context)) {
                Some(piece) if piece.len() as u64 <= self.left => Poll::Ready(Ok(piece)),
                Some(_) => Poll::Ready(Err(Stuck::Content("there is more content than was announced"))),
                None => Poll::Ready(Err(Stuck::Content("the content ended before its time"))),
            },
        }
    }
}

/// How many bytes were taken; none are a failure.
fn some(sent: io::Result<usize>) -> Result<usize, Stuck> {
    match sent {
        Ok(0) => Err(Stuck::Connection(io::ErrorKind::WriteZero.into())),
        Ok(sent) => Ok(sent),
        Err(error) => Err(Stuck::Connection(error)),
    }
}
