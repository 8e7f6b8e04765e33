//! The body of a request on its way out, and how far it has come.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::{sync::mpsc, time::Instant};

/// Bytes that are handed to a connection at once. Each time it takes a piece, the one before is on its way: that is how a slow
/// way is told from a dead one.
const PIECE_BYTES: usize = 128 * 1024;

/// How far a request has come. Shared between its body, which the connection's task reads, and whoever waits for the answer.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    /// Milliseconds from `began` to the last piece.
    moved: AtomicU64,
    ended: AtomicBool,
}

impl Progress {
    fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), moved: AtomicU64::new(0), ended: AtomicBool::new(false) })
    }

    fn note(&self, ended: bool) {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(passed, Ordering::Release);
        self.ended.store(ended, Ordering::Release);
    }

    /// When the last piece was taken.
    pub(super) fn moved(&self) -> Instant {
        self.began + Duration::from_millis(self.moved.load(Ordering::Acquire))
    }

    /// The connection has taken the last piece.
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// What a request carries.
#[derive(Debug)]
pub(crate) enum Content {
    /// Bytes that are there.
    Whole(Bytes),
    /// So many bytes that come piece by piece. Fewer than that break the request off, and with it its connection, so that no
    /// store takes them for the whole.
    Pieces { size: u64, pieces: mpsc::Receiver<Bytes> },
}

/// A body of a request.
#[derive(Debug)]
pub(crate) struct Outgoing {
    content: Content,
    /// Bytes that are still to be handed out.
    left: u64,
    /// None: there is nothing to hand out.
    progress: Option<Arc<Progress>>,
}

impl Outgoing {
    pub(crate) fn new(content: Content) -> Self {
        let left = match &content {
            Content::Whole(bytes) => bytes.len() as u64,
            Content::Pieces { size, .. } => *size,
        };
        Self { content, left, progress: (left > 0).then(Progress::new) }
    }

    /// The same once more, if it is still there.
    pub(super) fn again(&self) -> Option<Self> {
        match &self.content {
            Content::Whole(bytes) if bytes.len() as u64 == self.left => Some(Self::new(Content::Whole(bytes.clone()))),
            _ => None,
        }
    }

    /// How far it has come; none: there is nothing to send.
    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        self.progress.clone()
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Broken>> {
        match &mut self.content {
            Content::Whole(bytes) => Poll::Ready(Ok(bytes.split_to(bytes.len().min(PIECE_BYTES)))),
            Content::Pieces { pieces, .. } => match ready!(pieces.poll_recv(context)) {
                Some(piece) if piece.len() as u64 <= self.left => Poll::Ready(Ok(piece)),
                Some(_) => Poll::Ready(Err(Broken("there is more content than was announced"))),
                None => Poll::Ready(Err(Broken("the content ended before its time"))),
            },
        }
    }
}

/// Why a body does not come to its end.
#[derive(Debug)]
pub(crate) struct Broken(&'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(context));
        Poll::Ready(Some(piece.map(|piece| {
            self.left -= piece.len() as u64;
            if let Some(progress) = &self.progress {
                progress.note(self.left == 0);
            }
            Frame::data(piece)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
