//! The assembled server: engine, stores and API, on one data folder or beside others on a database.

mod console;
mod data;
mod descriptors;
mod extension;
mod functions;
mod keys;
mod lock;
pub(crate) mod metrics;
pub(crate) mod notify;
mod objects;
mod probes;
mod ready;
mod s3control;
mod webhook;

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use cos_batch_engine::{Access, Config as EngineConfig, Engine, Parts, Right, Spool, SystemClock};
use cos_batch_jobstore::{PostgresJobStore, SqliteJobStore};
use cos_batch_model::{AppId, BatchApi};
use cos_batch_objectstore::{ErrorKind, FolderStore, ListRequest, ObjectStore};
use cos_batch_server::{
    BatchService,
    listen::{self, ListenOptions, OwnMachine},
    rate::RateLimit,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) use self::data::{DataFolder, Paths, make_folder, paths};
use self::{
    console::Front,
    extension::Views,
    keys::Keys,
    metrics::{CountingJobStore, Counts, Metrics, Requests},
    probes::Probes,
    ready::Part,
    webhook::{Notices, Told},
};
use crate::{
    config::{Config, Role},
    credentials::{self, Credentials, GENERATED_APPID},
    exit::Error,
};

/// Bucket of the private spool. Users name buckets of another store, so none of them can name this one.
pub(crate) const SPOOL_BUCKET: &str = "segments";

/// Whose requests are accepted.
#[derive(Debug)]
pub(crate) enum Callers {
    /// Those that are signed with one of these keys.
    Keys(Credentials),
    /// All, under names of this machine; these are further ones.
    Everybody(Vec<String>),
}

/// Where a server listens, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    /// The web console is with the API of jobs, if that is on loopback: keys and pages go over the wire as they are.
    pub(crate) console: bool,
    /// For the API of jobs.
    pub(crate) jobs: SocketAddr,
    /// For the API of objects, if it is wanted.
    pub(crate) objects: Option<SocketAddr>,
    /// For `/metrics`, if that is wanted.
    pub(crate) metrics: Option<SocketAddr>,
}

/// Where a server keeps what it works on.
pub(crate) enum Home {
    /// A folder of its own.
    Folder(DataFolder),
    /// A database that other nodes share.
    Shared(Arc<PostgresJobStore>),
}

/// Something that listens.
struct Listener {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

/// A running server.
pub(crate) struct Server {
    jobs: Listener,
    objects: Option<Listener>,
    has_console: bool,
    metrics: Option<Listener>,
    engine: Arc<Engine>,
    keys: Keys,
    notices: Option<Arc<Notices>>,
    // The folder stays locked for as long as anything works on it.
    _home: Home,
}

impl Server {
    /// Starts to work on the jobs there are and to accept requests, as its role has it.
    pub(crate) async fn start(
        home: Home,
        config: &Config,
        callers: Callers,
        listen: Addresses,
        role: Role,
        limit: RateLimit,
    ) -> Result<Self, Error> {
        let jobs = bind("--listen", listen.jobs).await?;
        let access = match &callers {
            Callers::Keys(credentials) => access(credentials),
            Callers::Everybody(_) => Access::new(),
        };
        let access = config.owners().fold(access, |access, (bucket, owner)| access.owner(bucket, owner.as_str()));
        // Whoever lets everybody in lets in the web pages that somebody on this machine looks at, unless told not to.
        let hosts = match &callers {
            Callers::Everybody(hosts) => Some(hosts.clone()),
            Callers::Keys(_) => None,
        };
        let keys = match &callers {
            Callers::Keys(credentials) => Keys::of(credentials),
            Callers::Everybody(_) => Keys::default(),
        };
        let (mut parts, local, needed) = parts(&home, config, access).await?;
        let counts = Arc::new(Counts::default());
        let told = Arc::new(Told::default());
        let notices = match config.webhook()? {
            Some(target) => Some(Arc::new(Notices::start(target, Arc::clone(&told))?)),
            None => None,
        };
        parts.jobs = Arc::new(CountingJobStore::new(parts.jobs, Arc::clone(&counts), notices.clone()));
        let stores = metrics::named(config.named_stores(&parts.buckets), local.clone());
        let scrapes = match listen.metrics {
            Some(address) => Some(bind("--metrics-listen", address).await?),
            None => None,
        };
        let objects = match (listen.objects, local) {
            (Some(address), Some(local)) => {
                let gateway = objects::gateway(local, &callers, &keys, parts.access.clone())?;
                Some((bind("--objects-listen", address).await?, gateway))
            }
            _ => None,
        };
        let probes = Probes::new(needed);
        let engine = match role {
            Role::Api => Engine::answering(parts),
            Role::All | Role::Worker => Engine::start(parts, matches!(home, Home::Folder(_)))
                .await
                .map_err(|error| Error::other(format!("jobs: {error}")))?,
        };
        let engine = Arc::new(engine);
        let listeners = 1 + u64::from(objects.is_some());
        let connections = descriptors::connections(listeners, config.descriptors()?);
        let options = ListenOptions { connections, ..ListenOptions::default() };
        let has_console = listen.console && jobs.1.ip().is_loopback() && role != Role::Worker;
        let requests = Requests::default();
        let metrics = scrapes.map(|(listener, address)| {
            let (stop, until) = stopper();
            let metrics = Metrics::new(Arc::clone(&engine), counts, requests.clone(), limit.clone(), told, stores);
            let options = ListenOptions { connections: metrics::CONNECTIONS, ..ListenOptions::default() };
            Listener { address, stop, task: tokio::spawn(listen::serve(listener, metrics, until, options)) }
        });
        let (stop, until) = stopper();
        let task = if role == Role::Worker {
            tokio::spawn(listen::serve(jobs.0, probes.alone(), until, options))
        } else {
            let console = has_console.then(|| console::console(&engine, &callers, &keys)).transpose()?;
            let second = s3control::api(&engine, &callers, &keys)?.rate_limit(limit.clone());
            let service = requests.count(second.before(service(&engine, &callers, &keys, limit)?));
            match &hosts {
                Some(hosts) => {
                    let front = Front::new(console, own_machine(service, hosts));
                    tokio::spawn(listen::serve(jobs.0, probes.before(front), until, options))
                }
                None => {
                    tokio::spawn(listen::serve(jobs.0, probes.before(Front::new(console, service)), until, options))
                }
            }
        };
        let jobs = Listener { address: jobs.1, stop, task };
        let objects = objects.map(|((listener, address), gateway)| {
            let (stop, until) = stopper();
            let task = match &hosts {
                Some(hosts) => tokio::spawn(listen::serve(listener, own_machine(gateway, hosts), until, options)),
                None => tokio::spawn(listen::serve(listener, gateway, until, options)),
            };
            Listener { address, stop, task }
        });
        Ok(Self { jobs, objects, metrics, has_console, engine, keys, notices, _home: home })
    }

    /// From now on these keys are accepted, and no others.
    pub(crate) fn accept(&self, credentials: &Credentials) {
        self.keys.replace(credentials);
    }

    /// Where it listens for the API of jobs.
    pub(crate) fn address(&self) -> SocketAddr {
        self.jobs.address
    }

    /// Whether it has the web console, at [`address`](Self::address).
    pub(crate) fn has_console(&self) -> bool {
        self.has_console
    }

    /// Where it listens for the API of objects.
    pub(crate) fn objects_address(&self) -> Option<SocketAddr> {
        self.objects.as_ref().map(|listener| listener.address)
    }

    /// Where it listens for `/metrics`.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|listener| listener.address)
    }

    /// Returns only if the server stops by itself, with the reason.
    pub(crate) async fn failed(&mut self) -> Error {
        let objects = async {
            match &mut self.objects {
                Some(listener) => (&mut listener.task).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = &mut self.jobs.task => ended,
            ended = objects => ended,
        };
        match ended {
            Ok(Ok(())) => Error::other("the listener stopped"),
            Ok(Err(error)) => Error::other(format!("the listener failed: {error}")),
            Err(error) => Error::other(format!("the listener broke off: {error}")),
        }
    }

    /// Stops accepting, lets what is in flight end within bounds, commits it. Jobs go on at the next start.
    pub(crate) async fn shutdown(self) {
        let objects = async {
            if let Some(listener) = self.objects {
                listener.stop().await;
            }
        };
        // All drain at the same time: requests that were begun, and operations.
        tokio::join!(self.jobs.stop(), objects, self.engine.shutdown());
        if let Some(notices) = &self.notices {
            notices.stop().await;
        }
        // The last scrape may see how it ended.
        if let Some(listener) = self.metrics {
            listener.stop().await;
        }
    }
}

impl Listener {
    /// Stops accepting, and lets what was begun end within bounds.
    async fn stop(self) {
        // If nobody listens any more, it has already stopped.
        let _ = self.stop.send(());
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "the listener failed");
        }
    }
}

async fn bind(option: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let next = match error.kind() {
            io::ErrorKind::AddrInUse => "another port, or 0 for any free one: some program listens there already",
            io::ErrorKind::AddrNotAvailable => "an address of this machine, such as 127.0.0.1",
            io::ErrorKind::PermissionDenied => "a port from 1024 on: those below are for the system's own programs",
            _ => return Error::other(format!("{option} {address}: {error}")),
        };
        Error::other(format!("{option} {address}: {error}")).with_next(next)
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A service for programs of this machine, under these names of it as well.
fn own_machine<S>(service: S, hosts: &[String]) -> OwnMachine<S> {
    hosts.iter().fold(OwnMachine::new(service), OwnMachine::allow_host)
}

/// Something to stop a listener with, and what it waits for.
fn stopper() -> (oneshot::Sender<()>, impl Future<Output = ()>) {
    let (stop, stopped) = oneshot::channel();
    let until = async {
        // Whoever let go of the other end wants the server to stop as well.
        let _ = stopped.await;
    };
    (stop, until)
}

fn open(path: &Path) -> Result<FolderStore, Error> {
    FolderStore::open(path).map_err(|error| Error::other(format!("{}: {error}", path.display())))
}

/// What the engine works with, the store of the data folder's buckets where there is one, and what must work of all this for
/// the server to be ready.
async fn parts(
    home: &Home,
    config: &Config,
    access: Access,
) -> Result<(Parts, Option<Arc<dyn ObjectStore>>, Vec<Part>), Error> {
    let engine = EngineConfig { kinds: functions::kinds(config.functions()?)?, ..config.engine()? };
    match home {
        Home::Folder(data) => {
            let local: Arc<dyn ObjectStore> = Arc::new(open(&data.buckets())?);
            let (buckets, spool) = config.buckets(Some(Arc::clone(&local)))?;
            let spool = match spool {
                Some(spool) => checked(spool).await?,
                None => {
                    let store = open(&data.spool())?;
                    store.create_bucket(SPOOL_BUCKET).map_err(Error::other)?;
                    Spool::new(Arc::new(store), SPOOL_BUCKET)
                }
            };
            let jobs = SqliteJobStore::open(data.jobs(), Arc::new(SystemClock))
                .map_err(|error| Error::other(format!("--data: {error}")))?;
            let jobs = Arc::new(jobs);
            let needed = ready::of_folder(data, config, &jobs)?;
            Ok((Parts { jobs, buckets, access, spool, config: engine }, Some(local), needed))
        }
        Home::Shared(jobs) => {
            let (buckets, spool) = config.buckets(None)?;
            let spool = spool.ok_or_else(|| {
                Error::usage(
                    "--jobs: nodes share a spool: name its store and bucket as [spool] in the file of --config",
                )
            })?;
            let spool = checked(spool).await?;
            let needed = ready::of_node(jobs);
            Ok((Parts { jobs: Arc::clone(jobs) as _, buckets, access, spool, config: engine }, None, needed))
        }
    }
}

/// A spool whose bucket is there, as far as can be told now: a store that does not answer may do so later.
async fn checked(spool: Spool) -> Result<Spool, Error> {
    let request = ListRequest { bucket: spool.bucket(), prefix: "", after: None, limit: 1 };
    match spool.store().list(request).await {
        Err(error) if matches!(error.kind(), ErrorKind::NoSuchBucket | ErrorKind::AccessDenied) => {
            Err(Error::usage(format!("spool: bucket {}: {error}", spool.bucket())))
        }
        Err(error) => {
            tracing::warn!(%error, "the spool cannot be reached now");
            Ok(spool)
        }
        Ok(_) => Ok(spool),
    }
}

fn service(engine: &Arc<Engine>, callers: &Callers, keys: &Keys, limit: RateLimit) -> Result<BatchService, Error> {
    let api = Arc::clone(engine) as Arc<dyn BatchApi>;
    let builder = BatchService::builder(api).extension(Views(Arc::clone(engine))).rate_limit(limit);
    let builder = match callers {
        Callers::Keys(_) => builder.authenticate(keys.clone()),
        Callers::Everybody(_) => builder.allow_anonymous(AppId::new(GENERATED_APPID).map_err(Error::other)?),
    };
    builder.build().map_err(Error::other)
}

/// Owners and grants of the file of keys.
fn access(credentials: &Credentials) -> Access {
    let access = credentials
        .buckets
        .iter()
        .fold(Access::new(), |access, bucket| access.owner(bucket.name.as_str(), bucket.owner.as_str()));
    let rights = credentials.grants.iter().flat_map(|grant| grant.rights.iter().map(move |right| (grant, *right)));
    rights.fold(access, |access, (grant, right)| {
        let right = match right {
            credentials::Right::Read => Right::Read,
            credentials::Right::Write => Right::Write,
            credentials::Right::Delete => Right::Delete,
        };
        access.grant(grant.bucket.as_str(), grant.appid.as_str(), right)
    })
}
