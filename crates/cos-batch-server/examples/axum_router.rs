//! The service inside a program that uses axum: mounted under the program's own router, beside other routes and below a
//! layer that counts requests. Run it with a loopback port: `cargo run --example axum_router 8080`.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use cos_batch_model::{ApiError, AppId, BatchApi, BoxFuture, ListJobsRequest, ListJobsResult, RequestContext};
use cos_batch_server::{
    BatchService,
    listen::{self, ListenOptions},
};
use http::HeaderValue;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

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

type Count = Arc<AtomicU64>;

/// Counts requests of all routes, those of the API included. A layer may look at everything and change answers; what it
/// changes of a request's signed parts breaks the signature.
async fn count(State(count): State<Count>, request: Request, next: Next) -> Response {
    count.fetch_add(1, Ordering::Relaxed);
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-served-by", HeaderValue::from_static("example"));
    response
}

/// The program's routes and those of the API.
///
/// The API is at the root, not below a prefix with `nest`: clients sign the path as they send it, and the service would
/// see a shorter one. Its own answers to wrong paths below `/jobs` are part of the API, hence the three routes.
pub(crate) fn app(service: BatchService) -> Router {
    let requests = Count::default();
    Router::new()
        .route("/health", get(|| async { "well" }))
        .route("/requests", get(|State(count): State<Count>| async move { count.load(Ordering::Relaxed).to_string() }))
        .with_state(Arc::clone(&requests))
        .route_service("/jobs", service.clone())
        .route_service("/jobs/", service.clone())
        .route_service("/jobs/{*rest}", service)
        .layer(middleware::from_fn_with_state(requests, count))
}

/// Serves the program on this crate's listener, which has time limits and a bound on connections; `axum::serve` has
/// neither.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    listen::serve(listener, TowerToHyperService::new(app), shutdown, ListenOptions::default()).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("name a port")?.parse()?;
    let service = BatchService::builder(Arc::new(Nothing)).allow_anonymous(AppId::new("1250000000")?).build()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let shutdown = async {
        // Without signals it serves until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    };
    Ok(serve(listener, app(service), shutdown).await?)
}
