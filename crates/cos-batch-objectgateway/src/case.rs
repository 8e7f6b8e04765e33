//! Names of headers as COS writes them.
//!
//! HTTP does not tell upper from lower case in them, but the official Python SDK hands answers' headers on as a plain
//! dictionary, in which its own code and its users' look for `ETag`. hyper writes names in lower case, unless the answer
//! has with it how they were written in a message that hyper has read. So it is given one to read.

use std::{
    io,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Extensions, Request};
use http_body_util::Empty;
use hyper::{
    client::conn::http1,
    rt::{Read, ReadBufCursor, Write},
};

/// An answer with the names that are not in lower case.
const SAMPLE: &[u8] = b"HTTP/1.1 200 OK\r\nAccept-Ranges: x\r\nCache-Control: x\r\nConnection: x\r\n\
    Content-Disposition: x\r\nContent-Encoding: x\r\nContent-Language: x\r\nContent-Length: 0\r\nContent-Range: x\r\n\
    Content-Type: x\r\nDate: x\r\nETag: x\r\nExpires: x\r\nLast-Modified: x\r\nServer: x\r\n\r\n";

/// So often the two ends of the reading take turns at most; three times are enough.
const TURNS: usize = 16;

/// What an answer needs with it so that hyper writes its names as in [`SAMPLE`].
static NAMES: LazyLock<Extensions> = LazyLock::new(|| read().unwrap_or_default());

/// The names, for the extensions of an answer.
pub(crate) fn names() -> Extensions {
    NAMES.clone()
}

/// A connection on which the sample comes as soon as anything was asked for.
#[derive(Default)]
struct Canned {
    asked: bool,
    read: bool,
}

impl Read for Canned {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if !self.asked {
            return Poll::Pending;
        }
        if !std::mem::replace(&mut self.read, true) {
            buffer.put_slice(SAMPLE);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Canned {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Has hyper read the sample. None if it does not: then names are in lower case, which HTTP allows.
fn read() -> Option<Extensions> {
    let handshake = http1::Builder::new().preserve_header_case(true).handshake(Canned::default());
    let (mut sender, mut connection) = handshake.now_or_never()?.ok()?;
    let mut answer = Box::pin(sender.send_request(Request::new(Empty::<Bytes>::new())));
    let mut context = Context::from_waker(Waker::noop());
    let mut open = true;
    for _ in 0..TURNS {
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return answer.ok().map(|answer| answer.into_parts().0.extensions);
        }
        open = open && connection.poll_unpin(&mut context).is_pending();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyper_reads_the_sample() {
        assert!(read().is_some_and(|extensions| !extensions.is_empty()));
    }
}
