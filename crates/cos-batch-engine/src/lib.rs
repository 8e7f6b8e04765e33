//! The engine that carries COS batch jobs out.
//!
//! An [`Engine`] takes jobs through a [`cos_batch_model::BatchApi`], keeps them in a [`JobStore`], works on objects in
//! an [`ObjectStore`](cos_batch_objectstore::ObjectStore), and leaves a completion report behind.
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
//! | [`view`] | what the API has no place for: a job in full, its tasks, trying again, objects |
//! | [`pace`] | how fast operations begin |
//! | `runtime` | everything that waits, spawns or takes time |
//! | [`wire`] | between the COS dialect and the engine's own words |

pub mod access;
mod api;
pub mod buckets;
pub mod clock;
pub mod config;
pub mod engine;
pub mod job;
pub mod lifecycle;
pub mod manifest;
pub mod pace;
pub mod report;
mod runtime;
pub mod scheduler;
pub mod spec;
pub mod store;
pub mod task;
pub mod view;
pub mod wire;

pub use access::{Access, Right};
pub use buckets::Buckets;
pub use clock::{Clock, SystemClock, UnixMillis};
pub use config::Config;
pub use engine::{Engine, Parts};
pub use job::{Failure, JobEvent, JobRecord, JobState, PinnedManifest, Progress, ShardTally};
pub use report::spool::Spool;
pub use spec::JobSpec;
pub use store::{JobStore, MemoryJobStore};
