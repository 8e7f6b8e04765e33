//! Durable job stores for the COS batch engine: SQLite for one machine, PostgreSQL for many.
//!
//! [`SqliteJobStore`] keeps jobs, shards, leases and counts of one machine in one file. `PostgresJobStore` (feature
//! `postgres`) keeps them in a database that many nodes share.
//!
//! ```
//! use std::sync::Arc;
//! use cos_batch_engine::{JobStore, SystemClock, store::ListFilter};
//! use cos_batch_jobstore::SqliteJobStore;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("jobs.sqlite");
//! let store = SqliteJobStore::open(path, Arc::new(SystemClock))?;
//! let filter = ListFilter { tenant: "1250000000", statuses: &[], after: None, limit: 10, newest_first: false };
//! let (jobs, more) = store.list(filter).await?;
//! assert!(jobs.is_empty() && !more);
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! When a method that changes something has returned `Ok`, the change survives the end of the process and a loss of
//! power, as far as the disk keeps what it was told to sync. The file must be on a local disk: the write-ahead log of
//! SQLite does not work over network file systems.
//!
//! # How it works
//!
//! One thread owns the only connection that writes. It takes all changes that wait, at most a few hundred, carries them
//! out as one transaction (each within a savepoint of its own, so that one that is refused does not undo the others)
//! and answers when the commit is on the disk; so many writers share one sync. Calls of the API go before the
//! checkpoints of workers. Reads run on the thread that asks, on connections of their own, and never wait for writes:
//! such a read takes a few microseconds, less than handing it to another thread would.

mod fault;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::{Health, PostgresJobStore};
pub use sqlite::{SqliteJobStore, Statistics, copy_store, find_rows, unfinished_jobs};
