//! The store keeps the contract of all job stores.

use std::sync::Arc;

use cos_batch_engine::store::contract::Fixture;
use cos_batch_jobstore::SqliteJobStore;

async fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    Fixture::new(|clock| Arc::new(SqliteJobStore::open(path, clock).unwrap())).keeping(folder)
}

cos_batch_engine::job_store_contract!(sqlite);
