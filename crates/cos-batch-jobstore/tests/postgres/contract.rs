//! The store keeps the contract of all job stores.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use cos_batch_engine::{
    clock::ManualClock,
    store::contract::{Fixture, START},
};
use cos_batch_jobstore::PostgresJobStore;
use cos_batch_nodetest::Postgres;

/// A server, and how many schemas it has.
struct Shared {
    server: Postgres,
    schemas: AtomicU32,
}

fn begin() -> Shared {
    Shared { server: Postgres::start().unwrap(), schemas: AtomicU32::new(0) }
}

async fn make(shared: Arc<Shared>) -> Fixture {
    let number = shared.schemas.fetch_add(1, Ordering::Relaxed);
    // Fewer connections than who asks at once: some wait for one.
    let url = format!("{}&pool_size=6", shared.server.url(&format!("case_{number}")));
    let clock = Arc::new(ManualClock::new(START));
    let store = PostgresJobStore::open_with_clock(&url, clock.clone()).await.unwrap();
    Fixture::with(Arc::new(store), clock).keeping(shared)
}

cos_batch_engine::job_store_contract!(together begin, make);
