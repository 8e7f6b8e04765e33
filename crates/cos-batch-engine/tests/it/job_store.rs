//! The store in memory keeps the contract.

use std::sync::Arc;

use cos_batch_engine::{MemoryJobStore, store::contract::Fixture};

async fn memory() -> Fixture {
    Fixture::new(|clock| Arc::new(MemoryJobStore::new(clock)))
}

cos_batch_engine::job_store_contract!(memory);
