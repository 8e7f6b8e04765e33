//! A proxy: callers sign with keys of their own, the proxy asks the real service with its key, and writes down who did
//! what. The client is the server's backend, with something of one's own between them.
//!
//! `COS_SECRET_ID=… COS_SECRET_KEY=… COS_APPID=1250000000 cargo run --example proxy http://127.0.0.1:9450 8080`; callers
//! use the key `AKIDCALLER` with the secret in `CALLER_SECRET_KEY`.

use std::{env, error::Error, sync::Arc, time::Instant};

use cos_batch_client::{Client, Credentials, Endpoint};
use cos_batch_model::{
    ActionName, ApiError, AppId, BatchApi, BoxFuture, CreateJobRequest, CreateJobResult, DeleteJobRequest,
    DeleteJobResult, DescribeJobRequest, DescribeJobResult, ListJobsRequest, ListJobsResult, RequestContext,
    UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};
use cos_batch_server::{Authenticate, BatchService, BuildError, Key, StaticKeys, listen};
use cos_signature::SecretKey;

/// A backend whose calls are written down.
struct Logged<B>(B);

/// Waits for a call and writes down what came of it. The request's id is also in the caller's answer, so that both sides
/// can find the line; bodies and signatures do not belong into a log.
async fn logged<T>(
    action: ActionName,
    context: &RequestContext,
    call: BoxFuture<'_, Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let started = Instant::now();
    let result = call.await;
    let (appid, request_id, elapsed) = (context.appid.as_str(), &context.request_id, started.elapsed());
    match &result {
        Ok(_) => tracing::info!(%action, appid, request_id, ?elapsed, "done"),
        Err(error) => tracing::warn!(%action, appid, request_id, ?elapsed, code = %error.code, "refused"),
    }
    result
}

impl<B: BatchApi> BatchApi for Logged<B> {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        Box::pin(logged(ActionName::CreateJob, context, self.0.create_job(context, request)))
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        Box::pin(logged(ActionName::DescribeJob, context, self.0.describe_job(context, request)))
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        Box::pin(logged(ActionName::ListJobs, context, self.0.list_jobs(context, request)))
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        Box::pin(logged(ActionName::UpdateJobPriority, context, self.0.update_job_priority(context, request)))
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        Box::pin(logged(ActionName::UpdateJobStatus, context, self.0.update_job_status(context, request)))
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        Box::pin(logged(ActionName::DeleteJob, context, self.0.delete_job(context, request)))
    }
}

/// The proxy: `callers` says who may use it and for which account, `upstream` asks the service. Whatever the account of
/// the caller is, `upstream` signs with its one key, which must be good for it.
pub(crate) fn service(upstream: Client, callers: impl Authenticate + 'static) -> Result<BatchService, BuildError> {
    BatchService::builder(Arc::new(Logged(upstream))).authenticate(callers).build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("name the service's address")?;
    let port: u16 = arguments.next().ok_or("name a port")?.parse()?;
    let appid = AppId::new(env::var("COS_APPID")?)?;
    let upstream = Client::builder()
        .endpoint(Endpoint::url(&url)?)
        .appid(appid.clone())
        .credentials(Credentials::new(env::var("COS_SECRET_ID")?, env::var("COS_SECRET_KEY")?))
        .build()?;
    let callers = StaticKeys::new().with("AKIDCALLER", Key::new(SecretKey::new(env::var("CALLER_SECRET_KEY")?), appid));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let shutdown = async {
        // Without signals it serves until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    };
    listen::serve(listener, service(upstream, callers)?, shutdown, listen::ListenOptions::default()).await?;
    Ok(())
}
