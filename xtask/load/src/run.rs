//! Requests over connections that stay open.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use bytes::{Buf as _, Bytes};
use hdrhistogram::Histogram;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{net::TcpStream, task::JoinSet};

use crate::Message;

/// Longest time between request and answer that is told apart from longer ones, in nanoseconds.
const LATENCY_MAX: u64 = 60_000_000_000;

/// Digits of a time that are kept.
const LATENCY_DIGITS: u8 = 3;

/// How much load.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// How long nothing is counted at first.
    pub warm_up: Duration,
    /// How long it is counted.
    pub time: Duration,
    /// Each request is sent once, and all that are sent are counted; without, they are sent again and again.
    pub once: bool,
}

/// How the server took it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Requests that were answered, all with a status 2xx.
    pub requests: u64,
    /// Further ones, before and after.
    pub uncounted: u64,
    /// How long it was counted.
    pub seconds: f64,
    /// Bytes of all bodies of answers.
    pub bytes: u64,
    /// From a request to the end of its answer, in microseconds: half of them took less,
    pub p50: f64,
    /// 99 of 100 took less,
    pub p99: f64,
    /// all took at most.
    pub max: f64,
}

/// Where a run stands.
struct Phase(AtomicU8);

impl Phase {
    const WARM: u8 = 0;
    const COUNT: u8 = 1;
    const OVER: u8 = 2;

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one connection counted.
struct Counted {
    latencies: Histogram<u64>,
    bytes: u64,
    uncounted: u64,
}

impl Counted {
    fn new() -> anyhow::Result<Self> {
        let latencies = Histogram::new_with_bounds(1, LATENCY_MAX, LATENCY_DIGITS)?;
        Ok(Self { latencies, bytes: 0, uncounted: 0 })
    }
}

/// Puts load on a server.
///
/// # Errors
///
/// If a connection ends, or an answer is no success.
pub async fn run(load: Load, requests: &[Message]) -> anyhow::Result<Taken> {
    ensure!(!requests.is_empty() && load.connections > 0, "no requests, or no connections");
    let requests: Arc<[Request<Full<Bytes>>]> = requests.iter().map(request).collect::<anyhow::Result<_>>()?;
    let phase = Arc::new(Phase(AtomicU8::new(if load.once { Phase::COUNT } else { Phase::WARM })));
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = Vec::new();
    for _ in 0..load.connections {
        senders.push(connect(load.address).await?);
    }
    let mut connections = JoinSet::new();
    let mut begin = Instant::now();
    for (number, sender) in senders.into_iter().enumerate() {
        let start = requests.len() * number / load.connections;
        let take = Take { next: load.once.then(|| Arc::clone(&next)), at: start };
        connections.spawn(connection(sender, Arc::clone(&requests), take, Arc::clone(&phase)));
    }
    if !load.once {
        // A connection that fails ends the run at once.
        watch(&mut connections, load.warm_up).await?;
        begin = Instant::now();
        phase.0.store(Phase::COUNT, Ordering::Relaxed);
        watch(&mut connections, load.time).await?;
        phase.0.store(Phase::OVER, Ordering::Relaxed);
    }
    let mut seconds = begin.elapsed().as_secs_f64();
    let mut all = Counted::new()?;
    while let Some(ended) = connections.join_next().await {
        let counted = ended??;
        all.latencies.add(&counted.latencies)?;
        all.bytes += counted.bytes;
        all.uncounted += counted.uncounted;
    }
    if load.once {
        seconds = begin.elapsed().as_secs_f64();
    }
    let micros = |quantile: f64| all.latencies.value_at_quantile(quantile) as f64 / 1e3;
    Ok(Taken {
        requests: all.latencies.len(),
        uncounted: all.uncounted,
        seconds,
        bytes: all.bytes,
        p50: micros(0.5),
        p99: micros(0.99),
        max: all.latencies.max() as f64 / 1e3,
    })
}

async fn watch(connections: &mut JoinSet<anyhow::Result<Counted>>, time: Duration) -> anyhow::Result<()> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        Some(ended) = connections.join_next() => match ended? {
            Ok(_) => bail!("a connection ended early"),
            Err(error) => Err(error),
        },
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors come to whoever sends.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Which request is sent next.
struct Take {
    next: Option<Arc<AtomicUsize>>,
    at: usize,
}

impl Take {
    fn next(&mut self, requests: usize) -> Option<usize> {
        if let Some(next) = &self.next {
            return Some(next.fetch_add(1, Ordering::Relaxed)).filter(|next| *next < requests);
        }
        let at = self.at;
        self.at = if at + 1 == requests { 0 } else { at + 1 };
        Some(at)
    }
}

async fn connection(
    mut sender: SendRequest<Full<Bytes>>,
    requests: Arc<[Request<Full<Bytes>>]>,
    mut take: Take,
    phase: Arc<Phase>,
) -> anyhow::Result<Counted> {
    let mut counted = Counted::new()?;
    while phase.get() != Phase::OVER {
        let Some(at) = take.next(requests.len()) else { break };
        let request = requests[at].clone();
        sender.ready().await?;
        let counts = phase.get() == Phase::COUNT;
        let begin = Instant::now();
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let mut body = answer.into_body();
        let mut bytes = 0;
        let mut refusal = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            bytes += data.remaining() as u64;
            if !status.is_success() {
                refusal.extend_from_slice(&data);
            }
        }
        if !status.is_success() {
            bail!("request {at} was answered with {status}: {}", String::from_utf8_lossy(&refusal));
        }
        if counts && phase.get() == Phase::COUNT {
            let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(LATENCY_MAX);
            counted.latencies.saturating_record(nanos);
            counted.bytes += bytes;
        } else {
            counted.uncounted += 1;
        }
    }
    Ok(counted)
}

/// Puts an object into a store that asks for no signature.
///
/// # Errors
///
/// If there is no answer, or it is no success.
pub fn put(address: &str, path: &str, body: String) -> anyhow::Result<()> {
    let headers =
        [("host", address.to_owned()), ("content-length", body.len().to_string())].map(|(n, v)| (n.to_owned(), v));
    let message = Message { method: "PUT".to_owned(), path: path.to_owned(), headers: headers.to_vec(), body };
    ask(address, &message).map(drop)
}

/// Sends one request, and gives the headers and the body of the answer.
///
/// # Errors
///
/// If there is no answer, or it is no success.
pub fn ask(address: &str, message: &Message) -> anyhow::Result<(Vec<(String, String)>, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let answer = connect(address.parse()?).await?.send_request(request(message)?).await?;
        let (head, body) = answer.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        ensure!(head.status.is_success(), "the answer is {}: {body}", head.status);
        let headers = head.headers.iter().map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
        Ok((headers.collect::<anyhow::Result<_>>()?, body))
    })
}

fn request(message: &Message) -> anyhow::Result<Request<Full<Bytes>>> {
    let mut request = Request::builder().method(message.method.as_str()).uri(message.path.as_str());
    for (name, value) in &message.headers {
        request = request.header(name, value);
    }
    Ok(request.body(Full::new(Bytes::from(message.body.clone())))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare;

    fn message(path: &str) -> Message {
        let headers = vec![("host".to_owned(), "127.0.0.1".to_owned())];
        Message { method: "GET".to_owned(), path: path.to_owned(), headers, body: String::new() }
    }

    async fn server(body: &str) -> SocketAddr {
        let answer = Message { body: body.to_owned(), ..message("") };
        let (listener, address) = bare::bind().await.unwrap();
        tokio::spawn(async move { bare::serve(listener, &answer).await });
        address
    }

    fn load(address: SocketAddr, once: bool) -> Load {
        let time = Duration::from_millis(100);
        Load { address, connections: 3, warm_up: time / 2, time, once }
    }

    #[tokio::test]
    async fn each_request_is_sent_once() {
        let requests: Vec<Message> = (0..50).map(|number| message(&format!("/{number}"))).collect();
        let taken = run(load(server("12345").await, true), &requests).await.unwrap();
        assert_eq!((taken.requests, taken.bytes), (50, 250));
        assert!(taken.p50 > 0.0 && taken.p50 <= taken.p99 && taken.p99 <= taken.max * 1.01, "{taken:?}");
    }

    #[tokio::test]
    async fn requests_are_sent_for_as_long_as_is_asked_for() {
        let taken = run(load(server("x").await, false), &[message("/")]).await.unwrap();
        assert!(taken.requests > 10 && taken.seconds >= 0.1, "{taken:?}");
        assert_eq!(taken.bytes, taken.requests);
    }

    #[tokio::test]
    async fn a_server_that_goes_away_is_told() {
        let (listener, address) = bare::bind().await.unwrap();
        tokio::spawn(async move {
            while let Ok(connection) = listener.accept().await {
                drop(connection);
            }
        });
        assert!(run(load(address, false), &[message("/")]).await.is_err());
    }
}
