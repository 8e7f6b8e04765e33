//! The service on an accept loop of one's own, with hyper and nothing else. `listen::serve` does this and more: use a loop
//! like this one where a program already has its own. Run it with a loopback port:
//! `cargo run --example plain_hyper 8080`.

use std::{error::Error, io, pin::pin, sync::Arc, time::Duration};

use cos_batch_model::{ApiError, AppId, BatchApi, BoxFuture, ListJobsRequest, ListJobsResult, RequestContext};
use cos_batch_server::BatchService;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};

/// Most connections at a time; further ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 100;

/// How long a client may take for the head of a request. Without a timer hyper would wait for ever.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// An account that has no jobs yet.
struct Nothing;

impl BatchApi for Nothing {
    fn list_jobs<'a>(
        &'a self,
        _: &'a RequestContext,
        _: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        Box::pin(async { Ok(ListJobsResult::default()) })
    }
}

pub(crate) fn service() -> Result<BatchService, Box<dyn Error>> {
    Ok(BatchService::builder(Arc::new(Nothing)).allow_anonymous(AppId::new("1250000000")?).build()?)
}

/// Serves connections until `shutdown`; what is then still open is cut off. (`listen::serve` lets begun requests end.)
pub(crate) async fn serve(
    listener: TcpListener,
    service: BatchService,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                let (stream, peer) = accepted?;
                let http = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .serve_connection(TokioIo::new(stream), service.clone());
                connections.spawn(async move {
                    if let Err(error) = http.await {
                        tracing::debug!(%error, %peer, "the connection ended early");
                    }
                });
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("name a port")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let shutdown = async {
        // Without signals it serves until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    };
    Ok(serve(listener, service()?, shutdown).await?)
}
