//! The end of a connection whose client still sends.
//!
//! A connection that is closed while bytes of the client wait to be read is reset, and a reset may overtake the answer: a
//! client that sends all of a large body before it reads would not see why it was refused. So the end is said first, and
//! what still comes is read and forgotten, within bounds.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// How long a client may go on sending after its connection was ended.
pub const LINGER: Duration = Duration::from_secs(15);

/// How long a client may send nothing, after its connection was ended, without ending it as well.
pub const LINGER_IDLE: Duration = Duration::from_secs(5);

/// How many bytes a client may still send after its connection was ended. They take no memory; what a fast line brings in
/// the time there is would only cost it.
pub const LINGER_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// A connection that is not closed before its client has ended it too, or the bounds are reached.
pub(super) struct Linger<T> {
    inner: T,
    /// The server shuts down: there is no time for this.
    hurry: Arc<AtomicBool>,
    state: State,
}

enum State {
    Open,
    Lingering { until: Pin<Box<Sleep>>, idle: Pin<Box<Sleep>>, left: u64 },
    Over,
}

impl<T> Linger<T> {
    pub(super) fn new(inner: T, hurry: Arc<AtomicBool>) -> Self {
        Self { inner, hurry, state: State::Open }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Linger<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buf)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let State::Open = this.state {
            ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
            let (until, idle) = (tokio::time::sleep(LINGER), tokio::time::sleep(LINGER_IDLE));
            this.state = State::Lingering { until: Box::pin(until), idle: Box::pin(idle), left: LINGER_BYTES_MAX };
        }
        if let State::Lingering { until, idle, left } = &mut this.state {
            if !this.hurry.load(Ordering::Relaxed) && until.as_mut().poll(context).is_pending() {
                ready!(poll_rest(&mut this.inner, idle.as_mut(), left, context));
            }
            this.state = State::Over;
        }
        Poll::Ready(Ok(()))
    }
}

/// Ready when the client has ended the connection, is idle, or has sent too much.
fn poll_rest<T: AsyncRead + Unpin>(
    inner: &mut T,
    mut idle: Pin<&mut Sleep>,
    left: &mut u64,
    context: &mut Context<'_>,
) -> Poll<()> {
    let mut bytes = [0; READ_BYTES];
    loop {
        let mut buf = ReadBuf::new(&mut bytes);
        match Pin::new(&mut *inner).poll_read(context, &mut buf) {
            Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                *left = left.saturating_sub(buf.filled().len() as u64);
                if *left == 0 {
                    return Poll::Ready(());
                }
                idle.as_mut().reset(Instant::now() + LINGER_IDLE);
            }
            Poll::Ready(_) => return Poll::Ready(()),
            Poll::Pending => return idle.poll(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    fn pair() -> (Linger<DuplexStream>, DuplexStream, Arc<AtomicBool>) {
        let (near, far) = tokio::io::duplex(1024);
        let hurry = Arc::new(AtomicBool::new(false));
        (Linger::new(near, Arc::clone(&hurry)), far, hurry)
    }

    #[tokio::test(start_paused = true)]
    async fn what_still_comes_is_read_until_the_client_ends_too() {
        let (mut near, mut far, _) = pair();
        let started = Instant::now();
        let client = async {
            far.write_all(&[b'x'; 100_000]).await.unwrap();
            let mut rest = Vec::new();
            far.read_to_end(&mut rest).await.unwrap();
            drop(far);
            rest
        };
        let (ended, rest) = tokio::join!(near.shutdown(), client);
        ended.unwrap();
        assert!(rest.is_empty() && started.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_client_a_slow_one_and_a_server_in_a_hurry() {
        let (mut near, _far, _) = pair();
        let started = Instant::now();
        near.shutdown().await.unwrap();
        assert_eq!(started.elapsed(), LINGER_IDLE);

        let (mut near, mut far, _) = pair();
        let started = Instant::now();
        let drips = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                far.write_all(b"x").await.unwrap();
            }
        };
        tokio::select! {
            ended = near.shutdown() => ended.unwrap(),
            () = drips => {}
        }
        assert_eq!(started.elapsed(), LINGER);

        let (mut near, _far, hurry) = pair();
        hurry.store(true, Ordering::Relaxed);
        let started = Instant::now();
        near.shutdown().await.unwrap();
        assert!(started.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_so_many_bytes() {
        let (mut near, _far, _) = pair();
        let mut endless = tokio::io::repeat(b'x');
        let mut idle = Box::pin(tokio::time::sleep(LINGER_IDLE));
        let mut left = 1_000_000;
        let ended = std::future::poll_fn(|context| poll_rest(&mut endless, idle.as_mut(), &mut left, context));
        ended.await;
        assert_eq!(left, 0);
        near.shutdown().await.unwrap();
    }
}
