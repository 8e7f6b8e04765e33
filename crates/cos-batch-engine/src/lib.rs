//! The engine that carries COS batch jobs out.
//!
//! An [`Engine`] takes jobs through a [`cos_batch_model::BatchApi`], keeps them in a [`JobStore`], works on objects in
//! an [`ObjectStore`](cos_batch_objectstore::ObjectStore), and leaves a completion report behind.
//!
//! ```
//! use cos_batch_engine::{Access, Buckets, Config, Engine, MemoryJobStore, Parts, Spool, SystemClock};
//! use cos_batch_model::{BatchApi, ListJobsRequest, RequestContext};
//! use cos_batch_objectstore::MemoryStore;
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let (objects, spool) = (MemoryStore::new(), MemoryStore::new());
//! objects.create_bucket("photos-1250000000")?;
//! spool.create_bucket("segments")?;
//! let parts = Parts {
//!     jobs: Arc::new(MemoryJobStore::new(Arc::new(SystemClock))),
//!     buckets: Buckets::new(Arc::new(objects)),
//!     access: Access::new(),
//!     spool: Spool::new(Arc::new(spool), "segments"),
//!     config: Config::default(),
//! };
//! let engine = Engine::start(parts, true).await?;
//! let context = RequestContext::new("1250000000".parse()?, "request-1");
//! assert!(engine.list_jobs(&context, ListJobsRequest::default()).await?.jobs.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | look in | for |
//! |---|---|
//! | [`spec`], [`job`] | what a job is to do, and where it stands |
//! | [`lifecycle`] | every change of status, as a pure function |
//! | [`store`] | where jobs, leases and counts are kept |
//! | [`manifest`] | reading manifests and cutting them into shards |
//! | [`task`] | one operation on one object, and what is tried again |
//! | [`report`] | rows and files of completion reports |
//! | [`scheduler`] | who goes next |
//! | [`checks`] | what can be known of a job before it runs |
//! | [`view`] | what the API has no place for: a job in full, its tasks, trying again, objects |
//! | [`kinds`] | kinds of operations that a server has of its own |
//! | [`pace`] | how fast operations begin |
//! | [`statistics`] | what is counted for whoever watches |
//! | `runtime` | everything that waits, spawns or takes time |
//! | [`wire`] | between the COS dialect and the engine's own words |

pub mod access;
mod api;
pub mod buckets;
pub mod checks;
pub mod clock;
pub mod config;
mod dialect;
pub mod engine;
pub mod job;
pub mod lifecycle;
pub mod manifest;
pub mod pace;
pub mod report;
mod runtime;
pub mod scheduler;
pub mod spec;
pub mod statistics;
pub mod store;
pub mod task;
pub mod view;
pub mod wire;

pub use access::{Access, Right};
pub use buckets::Buckets;
pub use clock::{Clock, SystemClock, UnixMillis};
pub use config::{Config, ConfigError};
pub use engine::{Engine, Parts};
pub use job::{FAILURE_CODES, Failure, JobEvent, JobRecord, JobState, PinnedManifest, Progress, ShardTally};
pub use report::spool::Spool;
pub use runtime::TRACE_TARGET;
pub use spec::{Dialect, JobSpec};
pub use statistics::Statistics;
pub use store::{JobStore, MemoryJobStore};
pub use task::kinds::{self, Kinds, OperationKind};
