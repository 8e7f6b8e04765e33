//! The listener. The only place of this crate that spawns: one task for each connection, gone with the store.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{
    answer::{self, Answer},
    ask::{self, Ask},
    body::{Content, Cut},
    bucket::Bucket,
    faults::{Fault, Faults},
    kept::Kept,
    seen::Seen,
};

/// Most bytes of one object that is put.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Keys of a page, unless fewer are asked for.
const PAGE: usize = 1000;

/// How a store is to behave.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where it listens: any free port of 127.0.0.1 by default.
    pub listen: SocketAddr,
    /// How operations fail; not at all by default.
    pub faults: Faults,
    /// How long an operation takes; no time by default.
    pub latency: Duration,
    /// How long a request takes that only looks: HEAD, GET, lists. No time by default.
    pub look_latency: Duration,
    /// Operations in a second that it takes; the rest is SlowDown. No limit by default.
    pub operations_per_second: Option<NonZeroU32>,
    /// Note for each object how often an operation on it was applied. Takes memory for each of them.
    pub record: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            faults: Faults::default(),
            latency: Duration::ZERO,
            look_latency: Duration::ZERO,
            operations_per_second: None,
            record: false,
        }
    }
}

/// A running store. It ends when it is dropped.
#[derive(Debug)]
pub struct NullStore {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    kept: Mutex<Kept>,
    seen: Mutex<Seen>,
    applied_to: Mutex<BTreeMap<String, u32>>,
    operations: AtomicU64,
    reads: AtomicU64,
    bucket: Mutex<Bucket>,
    /// Until then nothing is answered.
    gone_until: Mutex<Option<Instant>>,
}

impl NullStore {
    /// Starts to listen, on the runtime of the caller.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            options,
            kept: Mutex::default(),
            seen: Mutex::default(),
            applied_to: Mutex::default(),
            operations: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            bucket: Mutex::default(),
            gone_until: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it saw so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.shared.seen().clone()
    }

    /// With [`Options::record`]: how often an operation on each object (`bucket/key`) was applied.
    #[must_use]
    pub fn applied_to(&self) -> BTreeMap<String, u32> {
        self.shared.applied_to().clone()
    }

    /// Keeps an object as if it had been put.
    pub fn keep(&self, bucket: &str, key: &str, body: Bytes) {
        self.shared.kept().put(format!("{bucket}/{key}"), body);
    }

    /// An object that was put.
    #[must_use]
    pub fn kept(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.shared.kept().get(&format!("{bucket}/{key}")).map(|object| object.body.clone())
    }

    /// Goes away for so long: connections end at once, and whatever is asked on those that there are ends them too.
    pub fn go_away(&self, time: Duration) {
        *self.shared.gone_until() = Some(Instant::now() + time);
    }

    /// Waits for as long as it listens, which is until the process ends.
    ///
    /// # Errors
    /// If the task that listens broke off.
    pub async fn run(mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other)
    }
}

impl Drop for NullStore {
    fn drop(&mut self) {
        // The tasks of its connections are owned by this one, and end with it.
        self.task.abort();
    }
}

impl Shared {
    // Each is consistent after every statement, so a panic elsewhere leaves nothing half done.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn applied_to(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.applied_to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there were more operations lately than the store takes.
    fn too_many(&self) -> bool {
        self.options.operations_per_second.is_some_and(|most| !self.bucket().take(most, Instant::now()))
    }

    fn gone_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.gone_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is gone just now; then whoever asks is turned away, and counted.
    fn turns_away(&self) -> bool {
        let gone = self.gone_until().is_some_and(|until| Instant::now() < until);
        self.seen().turned_away += u64::from(gone);
        gone
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an operation, and tells whether it is applied.
    fn note(&self, request: &Request<Incoming>, fault: Option<Fault>) -> bool {
        let mut seen = self.seen();
        let applied = seen.operation(ask::bucket(request.uri()), fault);
        if applied && self.options.record {
            let mut applied_to = self.applied_to();
            let times = applied_to.entry(ask::name(request.uri())).or_default();
            *times += 1;
            seen.again += u64::from(*times > 1);
        }
        applied
    }

    /// Answers a request; an error cuts the connection off without an answer.
    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Cut> {
        let ask = ask::of(request.method(), request.uri(), request.headers());
        if ask == Ask::Seen {
            let text = serde_json::to_string(&*self.seen()).unwrap_or_default();
            return Ok(answer::xml(StatusCode::OK, text));
        }
        if self.turns_away() {
            return Err(Cut);
        }
        self.seen().requests += 1;
        match ask {
            Ask::Operation(operation) => self.operation(operation, request).await,
            Ask::Put => Ok(self.put(request).await),
            other => {
                if !self.options.look_latency.is_zero() {
                    tokio::time::sleep(self.options.look_latency).await;
                }
                let cut =
                    other == Ask::Get && self.options.faults.cuts_read(self.reads.fetch_add(1, Ordering::Relaxed));
                let mut seen = self.seen();
                seen.looks += 1;
                seen.reads_truncated += u64::from(cut);
                drop(seen);
                let answer = self.look(other, &request);
                Ok(if cut { answer.map(Content::broken_off) } else { answer })
            }
        }
    }

    async fn operation(&self, operation: ask::Operation, request: Request<Incoming>) -> Result<Answer, Cut> {
        let fault = self.options.faults.of(self.operations.fetch_add(1, Ordering::Relaxed));
        let fault = fault.or_else(|| self.too_many().then_some(Fault::SlowDown));
        let applied = self.note(&request, fault);
        if operation == ask::Operation::Delete && applied {
            self.kept().remove(&ask::name(request.uri()));
        }
        // A request whose body is left unread costs its connection.
        if !request.body().is_end_stream() {
            let _ = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
        }
        if !self.options.latency.is_zero() {
            tokio::time::sleep(self.options.latency).await;
        }
        match fault {
            None => Ok(answer::operation(operation)),
            // Until the client goes away.
            Some(Fault::Hang) => std::future::pending().await,
            Some(fault) => answer::fault(operation, fault).ok_or(Cut),
        }
    }

    async fn put(&self, request: Request<Incoming>) -> Answer {
        let name = ask::name(request.uri());
        let Ok(body) = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await else {
            return answer::error(StatusCode::BAD_REQUEST, "EntityTooLarge");
        };
        self.seen().puts += 1;
        match self.kept().put(name, body.to_bytes()) {
            Some(object) => answer::put(&object),
            None => answer::error(StatusCode::INSUFFICIENT_STORAGE, "InsufficientStorage"),
        }
    }

    fn look(&self, ask: Ask, request: &Request<Incoming>) -> Answer {
        let name = ask::name(request.uri());
        let parameter = |name| ask::parameter(request.uri(), name).unwrap_or_default();
        match ask {
            Ask::HeadBucket => answer::empty(StatusCode::OK),
            Ask::Tags => answer::tags(),
            Ask::Head => answer::head(self.kept().get(&name)),
            Ask::Get => {
                let wanted = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
                match self.kept().get(&name) {
                    Some(object) => answer::content(object, wanted),
                    None => answer::error(StatusCode::NOT_FOUND, "NoSuchKey"),
                }
            }
            Ask::List => {
                let bucket = name.trim_end_matches('/');
                let after = [parameter("marker"), parameter("continuation-token"), parameter("start-after")];
                let after = after.iter().max().filter(|after| !after.is_empty());
                let after = after.map_or_else(String::new, |after| format!("{bucket}/{after}"));
                let prefix = format!("{bucket}/{}", parameter("prefix"));
                let limit = parameter("max-keys").parse().unwrap_or(PAGE).min(PAGE);
                answer::list(bucket, self.kept().list(&prefix, &after), limit)
            }
            Ask::Operation(_) | Ask::Put | Ask::Seen | Ask::Unknown => {
                answer::error(StatusCode::NOT_IMPLEMENTED, "NotImplemented")
            }
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that could not be accepted is its client's loss.
                if let Ok((stream, _)) = accepted
                    && !shared.turns_away()
                {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) -> Result<(), Infallible> {
    // Without it answers are late, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { shared.answer(request).await }
    });
    // Fails when the client goes away, or when it is to be cut off.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    Ok(())
}
