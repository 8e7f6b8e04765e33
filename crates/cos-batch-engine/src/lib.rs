//! The engine that carries COS batch jobs out.

pub mod clock;
pub mod job;
pub mod spec;
pub mod store;

pub use clock::{Clock, SystemClock, UnixMillis};
pub use job::{Failure, JobEvent, JobRecord, JobState, PinnedManifest, Progress, ShardTally};
pub use spec::JobSpec;
pub use store::{JobStore, MemoryJobStore};
