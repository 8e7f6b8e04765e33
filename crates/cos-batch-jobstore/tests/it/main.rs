//! Tests of the SQLite job store from outside.
#![expect(clippy::unwrap_used, reason = "tests: a panic is how they fail")]

mod contract;
mod damage;
mod kill;
mod power;
mod renditions;
mod reopen;

use std::{path::Path, sync::Arc};

use cos_batch_engine::{
    clock::ManualClock,
    store::{StoreError, contract::START},
};
use cos_batch_jobstore::SqliteJobStore;

const TENANT: &str = "1250000000";

fn open(path: &Path) -> Result<SqliteJobStore, StoreError> {
    SqliteJobStore::open(path, Arc::new(ManualClock::new(START)))
}
