//! Traces: spans of requests and of the work on jobs, sent to a collector by OTLP over HTTP. With the feature `otel`.

#[cfg(feature = "otel")]
mod export;
#[cfg(feature = "otel")]
mod place;
#[cfg(feature = "otel")]
mod spans;

use crate::{config::Settings, exit::Error, logging};

/// Traces that go to a collector, where one is set.
pub(crate) struct Traces {
    #[cfg(feature = "otel")]
    sender: Option<std::sync::Arc<opentelemetry_sdk::trace::BatchSpanProcessor>>,
}

impl Traces {
    /// Begins to send, if the settings name a collector. The second is what takes note of spans.
    #[cfg(feature = "otel")]
    pub(crate) fn begin(settings: &Settings) -> Result<(Self, Option<logging::Spans>), Error> {
        use tracing_subscriber::Layer as _;

        let given = &settings.traces;
        let Some(endpoint) = &given.endpoint else { return Ok((Self { sender: None }, None)) };
        let name = given.service_name.as_deref().unwrap_or(crate::config::SERVICE_NAME_DEFAULT);
        let sender = std::sync::Arc::new(export::sender(endpoint, name)?);
        let sampling = place::Sampling::new(given.sample_ratio.unwrap_or(crate::config::SAMPLE_RATIO_DEFAULT));
        let layer = spans::Spans::new(std::sync::Arc::clone(&sender), sampling).with_filter(spans::ours());
        Ok((Self { sender: Some(sender) }, Some(layer.boxed())))
    }

    /// There is nothing to begin: [`Settings::check`] refuses settings for it.
    #[cfg(not(feature = "otel"))]
    pub(crate) fn begin(_: &Settings) -> Result<(Self, Option<logging::Spans>), Error> {
        Ok((Self {}, None))
    }

    /// Sends what waits, within bounds.
    pub(crate) fn end(self) {
        #[cfg(feature = "otel")]
        if let Some(sender) = self.sender {
            export::end(&sender);
        }
    }
}
