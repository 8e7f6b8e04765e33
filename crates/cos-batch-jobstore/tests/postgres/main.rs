//! Tests of the PostgreSQL job store from outside, each on a server of its own.
#![expect(clippy::unwrap_used, reason = "tests: a panic is how they fail")]

mod contract;
mod many;
mod schema;
mod tls;

use cos_batch_engine::SystemClock;
use cos_batch_jobstore::PostgresJobStore;
use cos_batch_nodetest::Postgres;

/// As a server opens it: with the database's time.
async fn open(server: &Postgres, schema: &str) -> PostgresJobStore {
    PostgresJobStore::open(&server.url(schema), |_| None, SystemClock).await.unwrap()
}
