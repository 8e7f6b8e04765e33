//! Serving connections. The only place of this crate that spawns: one task for each connection, all of them bounded,
//! and gone when [`serve`] returns.

mod accept;
mod linger;
mod own_machine;
mod timer;
mod write_timeout;

use std::{
    error::Error,
    future, io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use accept::{Failures, Then};
use linger::Linger;
use timer::ConnectionTimer;
use write_timeout::WriteTimeout;

pub use linger::{LINGER, LINGER_BYTES_MAX, LINGER_IDLE};
pub use own_machine::OwnMachine;
pub use write_timeout::{UNSENT_BYTES_MAX, WRITE_BYTES_PER_SECOND_MIN, WRITE_GRACE};

/// How long the head of a request may take, counted from when the connection waits for it, so that it is also how long
/// a kept-alive connection may be idle. A client's pool should give connections up earlier; slow and idle connections
/// cost the same, and [`CONNECTIONS_MAX`] bounds both.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an answer may wait for its client to take any more of it. How much it must take in all says
/// [`WRITE_BYTES_PER_SECOND_MIN`].
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Most connections at a time; further ones wait in the system's queue. Each takes a file descriptor and some 30 KB, and
/// 1,024 descriptors are what a process has by default in many places: some are needed for other things.
pub const CONNECTIONS_MAX: usize = 900;

/// How long requests that were begun may take when the server shuts down.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Most bytes of a connection's read buffer, and so of a request's head; hyper answers a longer one with 431. Above
/// [`HEADER_BYTES_MAX`](crate::HEADER_BYTES_MAX) and [`URI_BYTES_MAX`](crate::URI_BYTES_MAX) together, so that ordinary
/// excess is answered by the service.
pub const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Settings of [`serve`].
///
/// ```
/// use std::time::Duration;
///
/// use cos_batch_server::listen::ListenOptions;
///
/// let options = ListenOptions { drain: Duration::from_secs(60), ..ListenOptions::default() };
/// assert!(options.connections > 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOptions {
    /// How long the head of a request may take, idle time before it included; [`HEAD_TIMEOUT`] by default.
    pub head_timeout: Duration,
    /// How long an answer may wait for its client to take more of it; [`WRITE_TIMEOUT`] by default.
    pub write_timeout: Duration,
    /// Most connections at a time, at least one; [`CONNECTIONS_MAX`] by default.
    pub connections: usize,
    /// How long requests that were begun may take at shutdown; [`DRAIN`] by default.
    pub drain: Duration,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self { head_timeout: HEAD_TIMEOUT, write_timeout: WRITE_TIMEOUT, connections: CONNECTIONS_MAX, drain: DRAIN }
    }
}

/// Serves HTTP/1 connections until `shutdown` is ready; then accepts no more, lets begun requests end within
/// [`ListenOptions::drain`], and cuts off what is left.
///
/// While the system has no descriptor or no memory for a further connection, none is accepted; those that are there go
/// on. A connection whose last request was answered before all of its body was read stays open for [`LINGER`] at most,
/// so that a client that sends first and reads then sees the answer.
///
/// Any hyper service will do, not only [`BatchService`](crate::BatchService).
///
/// See the [front page](crate) for an example. Source: ours.
///
/// # Errors
///
/// If the listener fails for good. A failure of one connection only ends that one.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    shutdown: impl Future<Output = ()>,
    options: ListenOptions,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    serve_with(listener, |connection| future::ready(Ok(connection)), service, shutdown, options).await
}

/// As [`serve`], with something between the connection and HTTP: TLS, for example. `handshake` runs in the connection's
/// own task, and must be done within [`ListenOptions::head_timeout`].
///
/// Source: ours.
///
/// # Errors
///
/// As for [`serve`].
pub async fn serve_with<H, F, T, S, B>(
    listener: TcpListener,
    handshake: H,
    service: S,
    shutdown: impl Future<Output = ()>,
    options: ListenOptions,
) -> io::Result<()>
where
    H: Fn(TcpStream) -> F,
    F: Future<Output = io::Result<T>> + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut failures = Failures::default();
    let mut shutdown = pin!(shutdown);
    let result = loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break Ok(()),
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
                continue;
            }
            accepted = listener.accept(), if connections.len() < options.connections.max(1) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                failures = Failures::default();
                // Answers are small and written whole: waiting for more to send gains nothing.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, %peer, "TCP_NODELAY cannot be set");
                }
                if let Err(error) = write_timeout::bound_unsent(&stream) {
                    tracing::debug!(%error, %peer, "TCP_NOTSENT_LOWAT cannot be set");
                }
                let handshake = handshake(stream);
                connections.spawn(connection(handshake, service.clone(), stopping.clone(), options, peer));
            }
            Err(error) => match failures.then(&error) {
                Then::GoOn => {}
                Then::GiveUp => break Err(error),
                Then::Wait(pause) => tokio::select! {
                    () = &mut shutdown => break Ok(()),
                    () = tokio::time::sleep(pause) => {}
                },
            },
        }
    };
    drop(listener);
    drop(stop);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.drain, drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections are cut off, since they did not end in time");
        connections.shutdown().await;
    }
    result
}

/// Serves one connection until it ends, or until its current request ends once `stopping` says so.
async fn connection<T, S, B>(
    handshake: impl Future<Output = io::Result<T>>,
    service: S,
    mut stopping: watch::Receiver<()>,
    options: ListenOptions,
    peer: SocketAddr,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let hurry = Arc::new(AtomicBool::new(false));
    let stream = match tokio::time::timeout(options.head_timeout, handshake).await {
        Ok(Ok(stream)) => Linger::new(WriteTimeout::new(stream, options.write_timeout), Arc::clone(&hurry)),
        Ok(Err(error)) => return tracing::debug!(%error, %peer, "the handshake failed"),
        Err(_) => return tracing::debug!(%peer, "the handshake took too long"),
    };
    let http = http1::Builder::new()
        .timer(ConnectionTimer::default())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut http = pin!(http);
    let ended = tokio::select! {
        ended = &mut http => ended,
        // Only ever an error: the sender is dropped at shutdown.
        _ = stopping.changed() => {
            hurry.store(true, Ordering::Relaxed);
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "the connection ended early");
    }
}
