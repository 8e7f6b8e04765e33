//! The least that copies behind HTTP can take: requests that were signed beforehand, one after another on each connection,
//! with nothing around them. Each connection is driven by the task that waits for its answers.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    thread,
    time::Instant,
};

use anyhow::{Context as _, anyhow, ensure};
use bytes::Bytes;
use cos_batch_engine::{Clock as _, SystemClock};
use cos_signature::{
    Credentials,
    sigv4::{Payload, SigningKey, sign_with},
};
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use crate::{cpu, job::KEY};

/// A request with all that belongs to it.
pub type Signed = Request<Full<Bytes>>;

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// On the clock on the wall.
    pub seconds: f64,
    /// Of the only thread.
    pub cpu_seconds: f64,
}

/// Signs requests for a store at an address.
pub struct Signs {
    address: String,
    credentials: Credentials,
    key: SigningKey,
    now: i64,
}

impl Signs {
    /// With the time of now.
    #[must_use]
    pub fn new(address: &str) -> Self {
        let credentials = Credentials::new(KEY.0, KEY.1);
        let now = SystemClock.now() / 1000;
        let key = SigningKey::derive(&credentials.secret_key, now, "local", "s3");
        Self { address: address.to_owned(), credentials, key, now }
    }

    fn signed(&self, mut request: Signed, body: &[u8]) -> anyhow::Result<Signed> {
        let length = HeaderValue::from(body.len());
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_str(&self.address)?);
        headers.insert(header::CONTENT_LENGTH, length);
        let payload = if body.is_empty() { Payload::Empty } else { Payload::Signed(body) };
        sign_with(&mut request, &self.credentials, &self.key, self.now, &payload)?;
        Ok(request)
    }

    /// The copy of a key from one bucket to another, with the headers that our store sends too.
    ///
    /// # Errors
    ///
    /// If there is no such request.
    pub fn copy(&self, source: &str, target: &str, key: &str) -> anyhow::Result<Signed> {
        let request = Request::put(format!("/{target}/{key}"))
            .header("x-amz-copy-source", format!("/{source}/{key}"))
            .header("x-amz-tagging-directive", "COPY")
            .header("x-amz-storage-class", "STANDARD");
        self.signed(request.body(Full::default())?, b"")
    }

    /// An object that is put, or with an empty key a bucket that is made.
    ///
    /// # Errors
    ///
    /// If there is no such request.
    pub fn put(&self, bucket: &str, key: &str, body: &Bytes) -> anyhow::Result<Signed> {
        let request = Request::builder().method(Method::PUT).uri(format!("/{bucket}/{key}"));
        self.signed(request.body(Full::new(body.clone()))?, body)
    }
}

/// Sends all requests over so many connections, on a thread of its own; each must be answered with success.
///
/// # Errors
///
/// If one is not.
pub fn run(address: &str, connections: usize, requests: Vec<Signed>) -> anyhow::Result<Spent> {
    let mut shares: Vec<Vec<Signed>> = Vec::new();
    shares.resize_with(connections, Vec::new);
    for (number, request) in requests.into_iter().enumerate() {
        shares[number % connections].push(request);
    }
    let address = address.to_owned();
    let work = move || -> anyhow::Result<Spent> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (begin, before) = (Instant::now(), cpu::own_thread());
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for share in shares {
                tasks.spawn(one_after_another(address.clone(), share));
            }
            while let Some(done) = tasks.join_next().await {
                done??;
            }
            anyhow::Ok(())
        })?;
        Ok(Spent { seconds: begin.elapsed().as_secs_f64(), cpu_seconds: cpu::own_thread() - before })
    };
    thread::spawn(work).join().map_err(|_| anyhow!("the loop broke off"))?
}

async fn one_after_another(address: String, requests: Vec<Signed>) -> anyhow::Result<()> {
    let stream = TcpStream::connect(&address).await.with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = pin!(connection);
    for request in requests {
        let uri = request.uri().clone();
        driven(connection.as_mut(), sender.ready()).await?;
        let answer = driven(connection.as_mut(), sender.send_request(request)).await?;
        let status = answer.status();
        let body = driven(connection.as_mut(), answer.into_body().collect()).await?.to_bytes();
        ensure!(status.is_success(), "{uri} was answered {status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}

/// Waits for what comes over a connection.
async fn driven<T, E>(
    mut connection: Pin<&mut impl Future<Output = Result<(), E>>>,
    what: impl Future<Output = Result<T, E>>,
) -> anyhow::Result<T>
where
    anyhow::Error: From<E>,
{
    let mut what = pin!(what);
    let mut over = false;
    poll_fn(|context| {
        if !over && let Poll::Ready(ended) = connection.as_mut().poll(context) {
            over = true;
            ended?;
        }
        what.as_mut().poll(context).map_err(Into::into)
    })
    .await
}
