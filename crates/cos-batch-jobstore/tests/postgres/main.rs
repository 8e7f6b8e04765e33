//! Tests of the PostgreSQL job store from outside, each on a server of its own.
#![expect(clippy::unwrap_used, reason = "tests: a panic is how they fail")]

#[path = "../../examples/claims.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod claims;
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

#[tokio::test(flavor = "multi_thread")]
async fn the_example_claims_every_shard_once() {
    const SHARDS: u32 = 40;
    let windows = claims::measure(4, SHARDS, 60).await.unwrap();
    assert_eq!(windows.iter().map(|window| window.finished).sum::<u64>(), u64::from(SHARDS));
    let last = windows.last().unwrap();
    assert_eq!((last.done, last.text().contains("shards a second")), (u64::from(SHARDS), true), "{}", last.text());
}
