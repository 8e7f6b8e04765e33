//! One answer to every request, by hyper alone.

use std::{convert::Infallible, future, net::SocketAddr, pin::pin};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Message;

/// An answer that is given again and again.
#[derive(Debug, Clone)]
pub struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// # Errors
    ///
    /// If a header cannot stand in an answer.
    pub fn new(message: &Message) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &message.headers {
            let name: HeaderName = name.parse().with_context(|| format!("{name} is no name of a header"))?;
            headers.append(name, HeaderValue::from_str(value)?);
        }
        Ok(Self { headers, body: Bytes::from(message.body.clone()) })
    }

    /// To this request as to every other.
    pub fn give(&self, _: Request<Incoming>) -> future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.headers_mut() = self.headers.clone();
        future::ready(Ok(response))
    }
}

/// Binds a free port of the loopback address.
///
/// # Errors
///
/// If there is none.
pub async fn bind() -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Answers for as long as the process lives. It does what every server of hyper does, and nothing else: no limits, no
/// timeouts, no log.
///
/// # Errors
///
/// If the answer is none, or the listener fails.
pub async fn serve(listener: TcpListener, answer: &Message) -> anyhow::Result<()> {
    let answer = Answer::new(answer)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer.give(request));
            // Whoever asks goes away when he likes.
            let _ = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service)).await;
        });
    }
}
