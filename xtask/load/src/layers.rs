//! Servers that do a part of what `cos-batch serve` does, so that the cost of each part can be seen.

use std::sync::Arc;

use bytes::Bytes;
use clap::ValueEnum;
use cos_batch_model::{ApiError, BatchApi, BoxFuture, DescribeJobRequest, RequestContext};
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
}

/// Serves on a layer; what lies below it answers DescribeJob with a document that is there.
///
/// # Errors
///
/// As [`bare::serve`].
pub async fn serve(listener: TcpListener, answer: &Message, layer: Layer) -> anyhow::Result<()> {
    let forever = std::future::pending::<()>();
    let backend = Arc::new(OneAnswer(Bytes::from(answer.body.clone())));
    let service = match layer {
        Layer::Hyper => return bare::serve(listener, answer).await,
        Layer::Listener => {
            let answer = bare::Answer::new(answer)?;
            let service = service_fn(move |request| answer.give(request));
            return Ok(listen::serve(listener, service, forever, ListenOptions::default()).await?);
        }
        Layer::Service => BatchService::builder(backend).allow_anonymous(APPID.parse()?),
        Layer::Signed => {
            let key = Key::new(SecretKey::new(SECRET_KEY), APPID.parse()?);
            BatchService::builder(backend).authenticate(StaticKeys::new().with(SECRET_ID, key))
        }
    };
    Ok(listen::serve(listener, service.build()?, forever, ListenOptions::default()).await?)
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
