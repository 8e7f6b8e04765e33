//! `/metrics`, on a listener of its own: what Prometheus is told of a node.

mod catalogue;
mod exposition;
mod jobs;
mod queue;
mod requests;

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use cos_batch_engine::{
    Clock as _, Engine, SystemClock,
    statistics::{OfClasses, OfStore},
    task::retry::Class,
};
use cos_batch_objectstore::ObjectStore;
use cos_batch_server::rate::{RateCounts, RateLimit};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::service::Service;

use self::{
    exposition::{CONTENT_TYPE, Exposition},
    queue::{LIVE, Queue},
};

use super::webhook::Told;

pub(crate) use self::{
    jobs::{CountingJobStore, Counts},
    requests::Requests,
};

/// Scrapers at a time: a few, and somebody who looks.
pub(super) const CONNECTIONS: usize = 16;

/// The name of the store that has the data folder's buckets.
const LOCAL: &str = "local";

/// What is told of a node.
#[derive(Clone)]
pub(super) struct Metrics(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    counts: Arc<Counts>,
    requests: Requests,
    limit: RateLimit,
    told: Arc<Told>,
    stores: Vec<(String, Arc<dyn ObjectStore>)>,
    queue: Queue,
    started_millis: i64,
}

impl Metrics {
    /// Of this engine. `stores` are the names of those that are configured.
    pub(super) fn new(
        engine: Arc<Engine>,
        counts: Arc<Counts>,
        requests: Requests,
        limit: RateLimit,
        told: Arc<Told>,
        stores: Vec<(String, Arc<dyn ObjectStore>)>,
    ) -> Self {
        let queue = Queue::new(Arc::clone(engine.jobs()));
        Self(Arc::new(Inner {
            engine,
            counts,
            requests,
            limit,
            told,
            stores,
            queue,
            started_millis: SystemClock.now(),
        }))
    }

    async fn text(&self) -> String {
        let Inner { engine, counts, requests, limit, told, queue, started_millis, .. } = &*self.0;
        let mut text = Exposition::default();
        text.numbers(&catalogue::BUILD, [(vec![env!("CARGO_PKG_VERSION")], 1)]);
        text.number(&catalogue::STARTED, *started_millis as f64 / 1000.0);
        text.histograms(&catalogue::REQUESTS, requests.read().map(|(status, took)| (vec![status], took)));
        let RateCounts { delayed, refused, .. } = limit.counts();
        let slowed = [("delayed", delayed), ("refused", refused)];
        text.numbers(&catalogue::SLOWED, slowed.map(|(outcome, count)| (vec![outcome], count)));
        if let Some(found) = queue.look().await {
            let jobs = LIVE.iter().zip(found.by_status);
            text.numbers(&catalogue::JOBS, jobs.map(|(status, count)| (vec![status.as_str()], count)));
            text.number(&catalogue::JOBS_CUT, u8::from(found.cut_off));
            text.number(&catalogue::QUEUE_AGE, found.age.as_secs_f64());
        }
        text.numbers(
            &catalogue::STATUS_CHANGES,
            counts.changes().map(|(status, count)| (vec![status.as_str()], count)),
        );
        text.numbers(&catalogue::TOLD, told.read().map(|(outcome, count)| (vec![outcome], count)));
        let statistics = engine.statistics();
        text.numbers(
            &catalogue::PIECES,
            [
                ("prepare", statistics.preparing),
                ("shard", statistics.shards),
                ("finish", statistics.finishing),
                ("rest", statistics.resting),
            ]
            .map(|(kind, count)| (vec![kind], count)),
        );
        let leases = [("job", &counts.job_leases), ("file", &counts.file_leases), ("shard", &counts.shard_leases)];
        text.numbers(&catalogue::TAKEN, leases.map(|(kind, count)| (vec![kind], count.read())));
        text.number(&catalogue::TAKEOVERS, counts.takeovers.read());
        text.number(&catalogue::REAPED, counts.reaped.read());
        text.number(&catalogue::LOST, counts.lost.read());
        text.number(&catalogue::CHECKPOINTS, counts.checkpoints.read());
        let outcomes = [("succeeded", &counts.succeeded), ("failed", &counts.failed)];
        text.numbers(&catalogue::TASKS, outcomes.map(|(outcome, count)| (vec![outcome], count.read())));
        text.histograms(&catalogue::JOB_STORE, counts.calls().map(|(call, took, _)| (vec![call], took)));
        text.numbers(&catalogue::JOB_STORE_FAILED, counts.calls().map(|(call, _, failed)| (vec![call], failed)));
        self.of_stores(&mut text, &statistics.stores);
        text.into_text()
    }

    fn of_stores(&self, text: &mut Exposition, stores: &[OfStore]) {
        let named: Vec<(&str, &OfStore)> =
            stores.iter().filter_map(|store| Some((self.name(&store.store)?, store))).collect();
        text.histograms(&catalogue::OPERATIONS, named.iter().map(|(name, store)| (vec![*name], store.took)));
        let by_class = |of: fn(&OfStore) -> &OfClasses| {
            let each = named.iter().flat_map(move |(name, store)| {
                Class::ALL.iter().zip(of(store)).map(move |(class, count)| (vec![*name, class.name()], *count))
            });
            each.collect::<Vec<_>>()
        };
        text.numbers(&catalogue::FAILURES, by_class(|store| &store.failures));
        text.numbers(&catalogue::RETRIES, by_class(|store| &store.retries));
        text.numbers(&catalogue::SLOTS, named.iter().map(|(name, store)| (vec![*name], store.slots)));
        text.numbers(&catalogue::IN_FLIGHT, named.iter().map(|(name, store)| (vec![*name], store.in_flight)));
        text.numbers(&catalogue::WAITING, named.iter().map(|(name, store)| (vec![*name], store.waiting)));
    }

    /// What the configuration calls a store. One that is not there has no buckets.
    fn name(&self, store: &Arc<dyn ObjectStore>) -> Option<&str> {
        self.0.stores.iter().find(|(_, known)| Arc::ptr_eq(known, store)).map(|(name, _)| name.as_str())
    }
}

/// The stores by name: those of the configuration, and that of the data folder.
pub(super) fn named(
    mut stores: Vec<(String, Arc<dyn ObjectStore>)>,
    local: Option<Arc<dyn ObjectStore>>,
) -> Vec<(String, Arc<dyn ObjectStore>)> {
    if let Some(local) = local {
        // A store of the file may have this name too; then it is told apart.
        let taken = stores.iter().any(|(name, _)| name == LOCAL);
        stores.push((if taken { format!("{LOCAL}/buckets") } else { LOCAL.to_owned() }, local));
    }
    stores
}

impl<R> Service<Request<R>> for Metrics {
    type Response = Response<Full<Bytes>>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, request: Request<R>) -> Self::Future {
        let metrics = self.clone();
        let asked = (request.method().clone(), request.uri().path() == "/metrics");
        Box::pin(async move {
            let (status, kind, text) = match asked {
                (Method::GET | Method::HEAD, true) => (StatusCode::OK, CONTENT_TYPE, metrics.text().await),
                (_, true) => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned()),
                _ => (StatusCode::NOT_FOUND, "text/plain", "here is /metrics, and nothing else\n".to_owned()),
            };
            let mut response = Response::new(Full::new(Bytes::from(text)));
            *response.status_mut() = status;
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        })
    }
}
