//! Bodies of answers, which may break off.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Ends a connection in the middle of a request, or of an answer.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut off as told")
    }
}

impl std::error::Error for Cut {}

/// A body.
#[derive(Debug)]
pub(crate) struct Content {
    /// What is sent, until it was.
    bytes: Option<Bytes>,
    /// What the head of the answer promises.
    promised: u64,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Good,
    /// What was sent goes out first: an error would take it along.
    BreaksSoon,
    Breaks,
}

impl Content {
    /// Ends in the middle of itself, if it has one.
    pub(crate) fn broken_off(self) -> Self {
        let bytes = self.bytes.map(|bytes| bytes.slice(..bytes.len() / 2));
        let end = if bytes.is_some() { End::BreaksSoon } else { self.end };
        Self { bytes, end, ..self }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self { promised: bytes.len() as u64, bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), end: End::Good }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.end {
            End::Good => Poll::Ready(None),
            End::BreaksSoon => {
                self.end = End::Breaks;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Breaks => Poll::Ready(Some(Err(Cut))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && matches!(self.end, End::Good)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
