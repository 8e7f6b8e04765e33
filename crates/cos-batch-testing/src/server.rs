//! The server.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use cos_batch_client::{BuildError, Client, Credentials};
use cos_batch_engine::{Access, Buckets, Clock, Config, Engine, MemoryJobStore, Parts, Spool, SystemClock};
use cos_batch_model::{AppId, BatchApi};
use cos_batch_objectstore::{
    FolderStore, GetRequest, MemoryStore, ObjectStore, PutRequest, StoreError, VersionSelector,
};
use cos_batch_server::{
    BatchService, Key, StaticKeys,
    listen::{self, ListenOptions},
};
use cos_signature::SecretKey;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{faults::Faults, store::Faulty};

/// The APPID that the server's key belongs to: buckets end with it.
pub const APPID: &str = "1250000000";

/// The id of the server's key.
pub const SECRET_ID: &str = "AKIDEXAMPLE";

/// The secret of the server's key.
pub const SECRET_KEY: &str = "exampleSecret";

/// The engine looks at its jobs so often without being woken: tests do not wait.
const POLL: Duration = Duration::from_millis(10);

/// How long a stop waits for what is in flight.
const DRAIN: Duration = Duration::from_secs(2);

/// Bucket of the private spool, in a store of its own.
const SPOOL: &str = "segments";

/// Why a server does not start, or does not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No port, or no folder.
    #[error("the test server cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// A store of objects said no.
    #[error("objects: {0}")]
    Objects(#[from] StoreError),
    /// The store of jobs, or the service, could not be made.
    #[error("the test server cannot be made: {0}")]
    Make(String),
    /// The client could not be made.
    #[error(transparent)]
    Client(#[from] BuildError),
}

/// How a server is to be.
///
/// ```
/// use cos_batch_testing::{ManualClock, TestServer};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let clock = Arc::new(ManualClock::new(1_700_000_000_000));
/// let server = TestServer::builder().clock(clock.clone()).start().await?;
/// server.client()?.list_jobs(Default::default()).await?; // signed at that time
/// # server.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Builder {
    folder: Option<PathBuf>,
    objects: Option<Arc<dyn ObjectStore>>,
    clock: Arc<dyn Clock>,
    config: Config,
}

impl Builder {
    /// Buckets are folders in this one, and objects files; otherwise they are in memory.
    pub fn folder(mut self, path: impl AsRef<Path>) -> Self {
        self.folder = Some(path.as_ref().to_owned());
        self
    }

    /// Objects are in this store, whatever [`folder`](Self::folder) says: one of your own, which jobs then work on.
    pub fn objects(mut self, store: Arc<dyn ObjectStore>) -> Self {
        self.objects = Some(store);
        self
    }

    /// The time of jobs, of their leases, and of signatures. Objects have the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Settings of the engine, in place of those that are good for tests.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Starts it, on the tokio runtime of the caller.
    ///
    /// # Errors
    /// No port is free; the folder is not there.
    pub async fn start(self) -> Result<TestServer, Error> {
        let faults = Faults::default();
        let inside: Arc<dyn ObjectStore> = match (self.objects, &self.folder) {
            (Some(store), _) => store,
            (None, Some(path)) => Arc::new(FolderStore::open(path)?),
            (None, None) => Arc::new(MemoryStore::new()),
        };
        let spool = MemoryStore::new();
        spool.create_bucket(SPOOL)?;
        let parts = Parts {
            jobs: Arc::new(MemoryJobStore::new(Arc::clone(&self.clock))),
            buckets: Buckets::new(Arc::new(Faulty::new(Arc::clone(&inside), faults.clone()))),
            access: Access::new(),
            spool: Spool::new(Arc::new(spool), SPOOL),
            config: self.config,
        };
        let engine = Engine::start(parts, true).await.map_err(|error| Error::Make(error.to_string()))?;
        let engine = Arc::new(engine);
        let appid = AppId::new(APPID).map_err(|error| Error::Make(error.to_string()))?;
        let keys = StaticKeys::new().with(SECRET_ID, Key::new(SecretKey::new(SECRET_KEY.to_owned()), appid));
        let clock = Arc::clone(&self.clock);
        let service = BatchService::builder(Arc::clone(&engine) as Arc<dyn BatchApi>)
            .authenticate(keys)
            .clock(move || clock.now().div_euclid(1000))
            .build()
            .map_err(|error| Error::Make(error.to_string()))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async {
            // Whoever let go of the other end wants the server to stop as well.
            let _ = stopped.await;
        };
        let options = ListenOptions { drain: DRAIN, ..ListenOptions::default() };
        let task = tokio::spawn(listen::serve(listener, service, until, options));
        Ok(TestServer { address, engine, objects: inside, faults, clock: self.clock, stop, task })
    }
}

/// A running server. It ends with [`stop`](Self::stop), or when it is dropped.
///
/// See the [front page](crate) for an example.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    engine: Arc<Engine>,
    objects: Arc<dyn ObjectStore>,
    faults: Faults,
    clock: Arc<dyn Clock>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl TestServer {
    /// A server with buckets in memory.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// A server as one likes it.
    pub fn builder() -> Builder {
        let config = Config { poll: POLL, drain: DRAIN, ..Config::default() };
        Builder { folder: None, objects: None, clock: Arc::new(SystemClock), config }
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client with the server's key and its clock.
    ///
    /// # Errors
    /// None in practice: what the client is made of is known to be right.
    pub fn client(&self) -> Result<Client, Error> {
        let clock = Arc::clone(&self.clock);
        let builder = Client::builder()
            .endpoint(self.endpoint().parse()?)
            .appid(AppId::new(APPID).map_err(BuildError::from)?)
            .credentials(Credentials::new(SECRET_ID, SECRET_KEY))
            .clock(move || clock.now().div_euclid(1000));
        Ok(builder.build()?)
    }

    /// The engine, for what the API has no place for.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What its store is to do wrong. What a test does with [`put`](Self::put) and [`get`](Self::get) is never disturbed.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Makes a bucket, unless it is there.
    ///
    /// # Errors
    /// A name that no bucket can have.
    pub async fn make_bucket(&self, bucket: &str) -> Result<(), Error> {
        self.objects.put_bucket(bucket).await?;
        Ok(())
    }

    /// Writes an object, and its bucket if need be. Gives the ETag.
    ///
    /// # Errors
    /// A name that no bucket, or no object, can have.
    pub async fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> Result<String, Error> {
        self.make_bucket(bucket).await?;
        Ok(self.objects.put(PutRequest::new(bucket, key, body.into())).await?.etag)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// There is none.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, Error> {
        let version = &VersionSelector::Latest;
        Ok(self.objects.get_range(GetRequest { bucket, key, version, range: 0..u64::MAX, pin: None }).await?)
    }

    /// Stops it: what is in flight ends first, within two seconds.
    pub async fn stop(self) {
        // If nobody listens any more, it has stopped already.
        let _ = self.stop.send(());
        let (_, ()) = tokio::join!(self.task, self.engine.shutdown());
    }
}
