//! From spans of the program to spans of a trace.
//!
//! `tracing-opentelemetry` would do most of this, but makes ids of traces itself, and takes a parent only from whoever has the
//! types of OpenTelemetry at hand: here the trace is the job's, and engine and server know nothing of OpenTelemetry.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, Value,
    trace::{Link, SpanContext, SpanKind, Status},
};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _};
use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    filter::FilterFn,
    layer::{Context, Layer},
    registry::LookupSpan,
};
use uuid::Uuid;

use super::place::{Place, Sampling};

/// Bytes of a text in a span at most; a longer one is cut. What callers write may come here.
const TEXT_BYTES_MAX: usize = 512;

/// Which spans go into traces, and nothing else.
pub(super) fn ours() -> FilterFn {
    let ours = |metadata: &Metadata<'_>| {
        metadata.is_span()
            && [cos_batch_engine::TRACE_TARGET, cos_batch_server::TRACE_TARGET].contains(&metadata.target())
    };
    FilterFn::new(ours as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::TRACE)
}

/// Takes note of spans, and hands those that have ended to the sender.
pub(super) struct Spans {
    sender: Arc<BatchSpanProcessor>,
    sampling: Sampling,
    scope: InstrumentationScope,
}

impl Spans {
    pub(super) fn new(sender: Arc<BatchSpanProcessor>, sampling: Sampling) -> Self {
        let scope = InstrumentationScope::builder("cos-batch").with_version(env!("CARGO_PKG_VERSION")).build();
        Self { sender, sampling, scope }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let is_request = attributes.metadata().target() == cos_batch_server::TRACE_TARGET;
        let place = match (is_request, fields.job, fields.began) {
            (true, ..) => Place::of_request(fields.traceparent.as_deref(), self.sampling),
            (false, Some(job), Some(_)) => Place::of_job(job, self.sampling),
            (false, Some(job), None) => Place::of_work(job, self.sampling),
            (false, None, _) => None,
        };
        let (Some(place), Some(span)) = (place, context.span(id)) else { return };
        #[expect(
            clippy::disallowed_methods,
            reason = "traces are of the real world: their times are those of all its programs"
        )]
        let now = SystemTime::now();
        let kind = if is_request { SpanKind::Server } else { SpanKind::Internal };
        let open = Open { name: attributes.metadata().name(), kind, place, fields, began: now, since: Instant::now() };
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(&mut open.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(open) = context.span(&id).and_then(|span| span.extensions_mut().remove::<Open>()) {
            self.sender.on_end(open.ended(self.scope.clone(), self.sampling));
        }
    }
}

/// A span that has not ended.
struct Open {
    name: &'static str,
    kind: SpanKind,
    place: Place,
    fields: Fields,
    began: SystemTime,
    /// The same moment, for how long it takes: clocks are set.
    since: Instant,
}

impl Open {
    fn ended(self, scope: InstrumentationScope, sampling: Sampling) -> SpanData {
        let Self { name, kind, place, fields, began, since } = self;
        let mut links = SpanLinks::default();
        // A request is in the trace of who called: from there a way leads to that of the job.
        if kind == SpanKind::Server
            && let Some(job) = fields.job.and_then(|job| Place::of_job(job, sampling))
        {
            links.links.push(Link::with_context(SpanContext::clone(&job.context)));
        }
        let end_time = began + since.elapsed();
        let start_time = match fields.began.map(u64::try_from) {
            Some(Ok(millis)) => (SystemTime::UNIX_EPOCH + Duration::from_millis(millis)).min(end_time),
            _ => began,
        };
        SpanData {
            span_context: place.context,
            parent_span_id: place.parent,
            parent_span_is_remote: place.parent_is_remote,
            span_kind: kind,
            name: name.into(),
            start_time,
            end_time,
            attributes: fields.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: fields.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: scope,
        }
    }
}

/// What a span says of itself. Those that steer where it stands are named where they are made.
#[derive(Default)]
struct Fields {
    traceparent: Option<String>,
    job: Option<Uuid>,
    /// Milliseconds since 1970 at which it really began.
    began: Option<i64>,
    error: Option<String>,
    /// As many as the span has fields.
    attributes: Vec<KeyValue>,
}

impl Fields {
    fn text(&mut self, name: &'static str, text: &str) {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        match name {
            "traceparent" => return self.traceparent = Some(text.to_owned()),
            "error" => self.error = Some(text.to_owned()),
            "job" => self.job = Uuid::parse_str(text).ok(),
            _ => {}
        }
        self.put(name, text.to_owned());
    }

    fn put(&mut self, name: &'static str, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(name, value));
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        match field.name() {
            "began" => self.began = Some(value),
            name => self.put(name, value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }
}
