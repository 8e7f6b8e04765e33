//! Servers that do a part of what `cos-batch serve` does, so that the cost of each part can be seen.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context as _;
use bytes::Bytes;
use clap::ValueEnum;
use cos_batch_engine::{Access, Buckets, Config, Engine, Parts, Spool, SystemClock};
use cos_batch_jobstore::SqliteJobStore;
use cos_batch_model::{ApiError, BatchApi, BoxFuture, DescribeJobRequest, DescribeJobResult, RequestContext};
use cos_batch_objectstore::FolderStore;
use cos_batch_server::{
    BatchService, Key, StaticKeys,
    listen::{self, ListenOptions},
};
use cos_signature::SecretKey;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use crate::{Message, bare, jobs::APPID};

/// The key of requests to [`Layer::Signed`].
pub const SECRET_ID: &str = "AKIDEXAMPLEONLYNOTREAL0001";

/// Its secret.
pub const SECRET_KEY: &str = "exampleSecretKeyNotReal0001";

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layer {
    /// hyper alone
    Hyper,
    /// with the listener of cos-batch-server: timeouts and bounds on connections
    Listener,
    /// with its service: limits, routing, reading of the request; everybody is let in
    Service,
    /// with signatures, strictly
    Signed,
    /// with the engine over jobs in SQLite, which is asked for the job and writes it anew for each answer
    Written,
    /// with the engine over jobs in SQLite, as `cos-batch serve` has it
    Engine,
}

/// Serves on a layer; what lies below it answers DescribeJob with a document that is there. Jobs in SQLite are in the
/// folder `data`.
///
/// # Errors
///
/// As [`bare::serve`]; if there is no such folder.
pub async fn serve(listener: TcpListener, answer: &Message, layer: Layer, data: Option<&Path>) -> anyhow::Result<()> {
    let forever = std::future::pending::<()>();
    let backend: Arc<dyn BatchApi> = match layer {
        Layer::Written => Arc::new(WrittenAnew(engine(data).await?)),
        Layer::Engine => Arc::new(engine(data).await?),
        _ => Arc::new(OneAnswer(Bytes::from(answer.body.clone()))),
    };
    let service = match layer {
        Layer::Hyper => return bare::serve(listener, answer).await,
        Layer::Listener => {
            let answer = bare::Answer::new(answer)?;
            let service = service_fn(move |request| answer.give(request));
            return Ok(listen::serve(listener, service, forever, ListenOptions::default()).await?);
        }
        Layer::Service => BatchService::builder(backend).allow_anonymous(APPID.parse()?),
        Layer::Signed | Layer::Written | Layer::Engine => {
            let key = Key::new(SecretKey::new(SECRET_KEY), APPID.parse()?);
            BatchService::builder(backend).authenticate(StaticKeys::new().with(SECRET_ID, key))
        }
    };
    Ok(listen::serve(listener, service.build()?, forever, ListenOptions::default()).await?)
}

/// The engine over a folder, as the program puts it together.
async fn engine(data: Option<&Path>) -> anyhow::Result<Engine> {
    let data = data.context("the folder is missing")?;
    for folder in ["buckets", "spool"] {
        fs::create_dir_all(data.join(folder))?;
    }
    let spool = FolderStore::open(data.join("spool"))?;
    spool.create_bucket("segments")?;
    let parts = Parts {
        jobs: Arc::new(SqliteJobStore::open(data.join("jobs.sqlite"), Arc::new(SystemClock))?),
        buckets: Buckets::new(Arc::new(FolderStore::open(data.join("buckets"))?)),
        access: Access::new(),
        spool: Spool::new(Arc::new(spool), "segments"),
        config: Config::default(),
    };
    Ok(Engine::start(parts, true).await?)
}

/// Knows what an engine knows, and is only asked for jobs.
struct WrittenAnew(Engine);

impl BatchApi for WrittenAnew {
    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        self.0.describe_job(context, request)
    }
}

/// Knows one job, under every id.
struct OneAnswer(Bytes);

impl BatchApi for OneAnswer {
    fn describe_job_document<'a>(
        &'a self,
        _: &'a RequestContext,
        _: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<Bytes, ApiError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}
