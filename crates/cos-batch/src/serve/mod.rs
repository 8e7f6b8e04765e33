//! The assembled server: engine, stores and API on one data folder.

mod data;
mod extension;
mod lock;

use std::{net::SocketAddr, path::Path, sync::Arc};

use cos_batch_engine::{Access, Buckets, Config, Engine, Parts, Right, Spool, SystemClock};
use cos_batch_jobstore::SqliteJobStore;
use cos_batch_model::{AppId, BatchApi};
use cos_batch_objectstore::{FolderStore, ObjectStore};
use cos_batch_server::{BatchService, Key, StaticKeys, listen};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) use self::data::DataFolder;
use self::extension::Views;
use crate::{
    credentials::{self, Credentials, GENERATED_APPID},
    exit::Error,
};

/// Bucket of the private spool. Users name buckets of another store, so none of them can name this one.
const SPOOL_BUCKET: &str = "segments";

/// Whose requests are accepted.
#[derive(Debug)]
pub(crate) enum Callers {
    /// Those that are signed with one of these keys.
    Keys(Credentials),
    /// All.
    Everybody,
}

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    engine: Arc<Engine>,
    stop: oneshot::Sender<()>,
    listener: JoinHandle<std::io::Result<()>>,
    // The folder stays locked for as long as anything works on it.
    _data: DataFolder,
}

impl Server {
    /// Starts to work on the jobs in the folder and to accept requests.
    pub(crate) async fn start(data: DataFolder, callers: Callers, listen: SocketAddr) -> Result<Self, Error> {
        let listener =
            TcpListener::bind(listen).await.map_err(|error| Error::other(format!("--listen {listen}: {error}")))?;
        let address = listener.local_addr()?;
        let access = match &callers {
            Callers::Keys(credentials) => access(credentials),
            Callers::Everybody => Access::new(),
        };
        let engine = Engine::start(parts(&data, access)?, true)
            .await
            .map_err(|error| Error::other(format!("{}: {error}", data.jobs().display())))?;
        let engine = Arc::new(engine);
        let service = service(&engine, callers)?;
        let (stop, stopped) = oneshot::channel();
        let until = async {
            // Whoever let go of the other end wants the server to stop as well.
            let _ = stopped.await;
        };
        let listener = tokio::spawn(listen::serve(listener, service, until, listen::ListenOptions::default()));
        Ok(Self { address, engine, stop, listener, _data: data })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns only if the server stops by itself, with the reason.
    pub(crate) async fn failed(&mut self) -> Error {
        match (&mut self.listener).await {
            Ok(Ok(())) => Error::other("the listener stopped"),
            Ok(Err(error)) => Error::other(format!("the listener failed: {error}")),
            Err(error) => Error::other(format!("the listener broke off: {error}")),
        }
    }

    /// Stops accepting, lets what is in flight end within bounds, commits it. Jobs go on at the next start.
    pub(crate) async fn shutdown(self) {
        // If nobody listens any more, it has already stopped.
        let _ = self.stop.send(());
        // Both drain at the same time: requests that were begun, and operations.
        let (listened, ()) = tokio::join!(self.listener, self.engine.shutdown());
        if let Ok(Err(error)) = listened {
            tracing::warn!(%error, "the listener failed");
        }
    }
}

fn parts(data: &DataFolder, access: Access) -> Result<Parts, Error> {
    let open =
        |path: &Path| FolderStore::open(path).map_err(|error| Error::other(format!("{}: {error}", path.display())));
    let spool = open(&data.spool())?;
    spool.create_bucket(SPOOL_BUCKET).map_err(Error::other)?;
    let jobs = SqliteJobStore::open(data.jobs(), Arc::new(SystemClock))
        .map_err(|error| Error::other(format!("{}: {error}", data.jobs().display())))?;
    let buckets: Arc<dyn ObjectStore> = Arc::new(open(&data.buckets())?);
    Ok(Parts {
        jobs: Arc::new(jobs),
        buckets: Buckets::new(buckets),
        access,
        spool: Spool::new(Arc::new(spool), SPOOL_BUCKET),
        config: Config::default(),
    })
}

fn service(engine: &Arc<Engine>, callers: Callers) -> Result<BatchService, Error> {
    let api = Arc::clone(engine) as Arc<dyn BatchApi>;
    let builder = BatchService::builder(api).extension(Views(Arc::clone(engine)));
    let builder = match callers {
        Callers::Keys(credentials) => {
            let keys = credentials.keys.into_iter().map(|key| {
                let credentials::Key { secret_id, secret_key, appid, uin } = key;
                (secret_id, Key { uin, ..Key::new(secret_key, appid) })
            });
            builder.authenticate(keys.collect::<StaticKeys>())
        }
        Callers::Everybody => builder.allow_anonymous(AppId::new(GENERATED_APPID).map_err(Error::other)?),
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
