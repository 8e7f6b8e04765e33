//! Client and server in one process, without a socket between them: how one tests code that drives batch jobs, or reaches
//! a backend of one's own through all checks of the API. Run it: `cargo run --example in_process`.

use std::{error::Error, sync::Arc};

use cos_batch_client::{Client, Credentials, Endpoint};
use cos_batch_model::{ApiError, AppId, BatchApi, BoxFuture, ListJobsRequest, ListJobsResult, RequestContext};
use cos_batch_server::{BatchService, Key, StaticKeys};

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

/// A client whose requests go straight to a service over this backend. They are signed, verified, written and read as
/// over a network; only the network is left out.
pub(crate) fn connect(backend: Arc<dyn BatchApi>, appid: AppId) -> Result<Client<BatchService>, Box<dyn Error>> {
    // Good for this process only, so it need not be secret.
    let credentials = Credentials::new("AKIDINPROCESS", "known to both sides");
    let key = Key::new(credentials.secret_key.clone(), appid.clone());
    let service = BatchService::builder(backend)
        .authenticate(StaticKeys::new().with(credentials.secret_id.clone(), key))
        .build()?;
    let client = Client::builder()
        .endpoint(Endpoint::url("http://in-process.example")?)
        .appid(appid)
        .credentials(credentials)
        .transport(service)
        .build()?;
    Ok(client)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect(Arc::new(Nothing), AppId::new("1250000000")?)?;
    let page = client.list_jobs(ListJobsRequest::default()).await?;
    if page.jobs.is_empty() && page.next_token.is_none() {
        return Ok(());
    }
    Err("a new account should have no jobs".into())
}
