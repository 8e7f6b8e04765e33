//! A limit on how long a client may leave an answer unread.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

/// How many bytes of an answer may wait in the system to be sent, on Linux. Without a bound it takes megabytes, and then no
/// more before a third of them is gone: a client that takes them as slowly as it may would seem to take nothing. Half of
/// this at [`WRITE_BYTES_PER_SECOND_MIN`] takes 16 seconds. What is sent and not yet acknowledged does not count, so that a
/// long fast line is not held up.
pub const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// Bounds what waits in the system to be sent on this connection. Other systems report a connection writable as soon as it
/// takes a few KB.
pub(super) fn bound_unsent(stream: &TcpStream) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = stream;
        Ok(())
    }
}

/// How many bytes in a second a client must take of its answers, on average over [`WRITE_GRACE`]. Slower than any real
/// line; it bounds how long a client can hold a connection by drips.
pub const WRITE_BYTES_PER_SECOND_MIN: u64 = 4 * 1024;

/// For how long answers must have waited for a client before it is looked at how much it took meanwhile. What the server
/// takes to find more to send does not count.
pub const WRITE_GRACE: Duration = Duration::from_secs(60);

/// A connection on which a write that makes no progress for a while is an error, and one that makes too little; without
/// it, a client that stops reading would keep its connection for ever.
pub(super) struct WriteTimeout<T> {
    inner: T,
    timeout: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
    /// When the write that waits began to.
    since: Option<Instant>,
    /// How long writes have waited, and how many bytes went out, since it was last looked at.
    waited: Duration,
    written: u64,
}

impl<T> WriteTimeout<T> {
    pub(super) fn new(inner: T, timeout: Duration) -> Self {
        Self { inner, timeout, waiting: None, since: None, waited: Duration::ZERO, written: 0 }
    }

    /// Passes an outcome on, unless it is that nothing has happened for too long.
    fn limit<R>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.waiting = None;
            self.waited += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
            return outcome;
        }
        self.since.get_or_insert_with(Instant::now);
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.timeout)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take the answer")))
    }

    /// The same for a write, which is an error as well if the client takes too little of what is written.
    fn limit_write(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let written = ready!(self.limit(context, outcome))?;
        self.written = self.written.saturating_add(written as u64);
        if self.waited >= WRITE_GRACE {
            let least = self.waited.as_secs().saturating_mul(WRITE_BYTES_PER_SECOND_MIN);
            if self.written < least {
                let message = "the client takes the answer too slowly";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)));
            }
            (self.waited, self.written) = (Duration::ZERO, 0);
        }
        Poll::Ready(Ok(written))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WriteTimeout<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, buf);
        self.limit_write(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, bufs);
        self.limit_write(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(context);
        self.limit(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(context);
        self.limit(context, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::Instant,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_reads_ends_in_time() {
        let (near, _far) = tokio::io::duplex(4);
        let mut near = WriteTimeout::new(near, Duration::from_secs(30));
        let started = Instant::now();
        let error = near.write_all(b"12345").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), 30);
    }

    /// Writes without an end to a client that takes so many bytes at a time, with pauses between them; gives for how
    /// long it is let, of an hour at most.
    async fn slow_reader(pause: Duration, bytes: usize) -> Duration {
        let (near, mut far) = tokio::io::duplex(bytes);
        let mut near = WriteTimeout::new(near, Duration::from_secs(30));
        let started = Instant::now();
        let piece = vec![b'x'; bytes];
        let writing = async { while near.write_all(&piece).await.is_ok() {} };
        let reading = async {
            let mut read = vec![0; bytes];
            loop {
                tokio::time::sleep(pause).await;
                far.read_exact(&mut read).await.unwrap();
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
            () = tokio::time::sleep(Duration::from_secs(3600)) => {}
        }
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_be_slow_but_not_trickle() {
        let trickling = slow_reader(Duration::from_secs(29), 100).await;
        assert!((WRITE_GRACE..2 * WRITE_GRACE).contains(&trickling), "{trickling:?}");
        let too_slow = slow_reader(Duration::from_secs(1), 4000).await;
        assert!((WRITE_GRACE..2 * WRITE_GRACE).contains(&too_slow), "{too_slow:?}");
        assert_eq!(slow_reader(Duration::from_secs(1), 4200).await.as_secs(), 3600);
        assert_eq!(slow_reader(Duration::from_secs(29), 29 * 4200).await.as_secs(), 3600);
    }
}
