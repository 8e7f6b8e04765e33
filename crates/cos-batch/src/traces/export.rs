//! The way of spans to a collector. It has a thread and a runtime of its own, so that nothing else ever waits for it.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cos_batch_client::HttpTransport;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor as _},
};
use tokio::runtime::{Builder, Runtime};
use tower::{Service as _, ServiceExt as _};

use crate::exit::Error;

/// Spans that wait at most, of about a kilobyte each. What comes while so many wait is dropped: a collector that is away costs
/// traces, and nothing else.
const QUEUE: usize = 4096;

/// Spans sent at once at most: a message of some hundred kilobytes.
const BATCH: usize = 512;

/// How long one batch may take, with all its tries.
const BATCH_TIME: Duration = Duration::from_secs(10);

/// How long one try may take: two fit into the time of a batch.
const TRY_TIME: Duration = Duration::from_secs(5);

/// Bytes of a collector's answer at most: a good one has a few, a bad one a sentence.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long the end of the program waits for what is on its way.
const DRAIN: Duration = Duration::from_secs(5);

/// What sends spans, in batches, to the collector at this address.
pub(super) fn sender(endpoint: &str, service_name: &str) -> Result<BatchSpanProcessor, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::other(format!("traces: {error}"));
    let reason = Arc::new(Mutex::new(None));
    let transport = HttpTransport::new().map_err(|error| failed(&error))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = Client { transport, runtime, reason: Arc::clone(&reason) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_timeout(BATCH_TIME)
        .build()
        .map_err(|error| failed(&error))?;
    let exporter = Telling { exporter, reason, failing: AtomicBool::new(false) };
    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH).build();
    let mut sender = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    // What OTEL_RESOURCE_ATTRIBUTES says goes with it.
    let resource = Resource::builder().with_service_name(service_name.to_owned()).with_attribute(version).build();
    sender.set_resource(&resource);
    Ok(sender)
}

/// Sends what waits, and ends.
pub(super) fn end(sender: &BatchSpanProcessor) {
    if let Err(error) = sender.shutdown_with_timeout(DRAIN) {
        tracing::warn!(%error, "spans are left that the collector was not sent");
    }
}

/// HTTP on the thread that sends.
#[derive(Debug)]
struct Client {
    transport: HttpTransport,
    runtime: Runtime,
    /// Why the last try failed, if it did before there was an answer.
    reason: Arc<Mutex<Option<String>>>,
}

impl Client {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut transport = self.transport.clone();
        let answer = transport.ready().await?.call(request.map(Full::new)).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Called on the thread of the batches, which has nothing else to do, and no runtime.
        let result = self.runtime.block_on(async { tokio::time::timeout(TRY_TIME, self.send(request)).await });
        let result = result.unwrap_or_else(|_| Err("it did not answer in time".into()));
        let reason = result.as_ref().err().map(|error| causes(error.as_ref()));
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        result
    }
}

/// An error with all that caused it.
fn causes(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        // Writing into a text does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Says once that the collector cannot be reached, and once that it can again.
#[derive(Debug)]
struct Telling {
    exporter: SpanExporter,
    reason: Arc<Mutex<Option<String>>>,
    failing: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        // One thread exports: nothing else is ordered by this.
        match (&result, self.failing.swap(result.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => {
                let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner).take();
                let reason = reason.unwrap_or_else(|| error.to_string());
                tracing::warn!(reason, "traces cannot be sent, and are dropped until they can");
            }
            (Ok(()), true) => tracing::info!("traces are sent again"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_these_numbers() {
        assert_eq!((QUEUE, BATCH_TIME.as_secs(), DRAIN.as_secs()), (4_096, 10, 5));
        let page = include_str!("../../../../docs/operating.md").replace('\n', " ");
        for words in ["At most 4,096 wait", "tried again for ten seconds at most", "waits for five seconds at most"] {
            assert!(page.contains(words), "{words}");
        }
    }
}
