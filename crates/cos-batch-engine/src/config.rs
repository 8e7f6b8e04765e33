//! What an engine can be told.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use crate::lifecycle::FailureThreshold;

/// Settings of an engine. The defaults suit one machine with a local folder.
#[derive(Clone, Debug)]
pub struct Config {
    /// Operations in flight at once on a store whose operations block a thread.
    pub blocking_slots: usize,
    /// The most operations in flight at once on a store that waits for a network. How many there really are is found out
    /// for each store ([`Slots`](crate::pace::Slots)).
    pub async_slots: usize,
    /// The most operations that begin in a second, of all jobs together; none: no limit.
    pub operations_per_second: Option<NonZeroU32>,
    /// The most operations of one job that begin in a second; none: no limit.
    pub job_operations_per_second: Option<NonZeroU32>,
    /// The same for jobs of these APPIDs, in place of `job_operations_per_second`.
    pub job_operations_per_second_of: BTreeMap<String, NonZeroU32>,
    /// Shards worked on at once. More lets more jobs move side by side; each holds up to
    /// [`WINDOW_ROWS`] rows in memory.
    pub workers: usize,
    /// Manifests read at once.
    pub preparers: usize,
    /// A checkpoint is due so long after the last.
    pub checkpoint_interval: Duration,
    /// A checkpoint is due once so many rows wait for it, or half of [`WINDOW_ROWS`] if that is less.
    pub checkpoint_rows: u64,
    /// Bytes of a part where an object is too large to be copied in one request; larger where it would be more than
    /// 10,000 parts.
    pub copy_part_bytes: u64,
    /// After a copy in one request that took so long before no answer came, an object of more than `copy_part_bytes` is
    /// copied in parts: it may be larger than the store copies within the time of a request.
    pub slow_copy: Duration,
    /// Compressed bytes of an inventory's file that are decompressed anew for each of its shards at most; the rows of a
    /// longer file are put into the spool when the job is prepared.
    pub inflate_again_bytes: u64,
    /// How long a lease lasts without renewal.
    pub lease: Duration,
    /// How often the driver looks at the store without being woken. A cancel asked of another node is seen no later.
    pub poll: Duration,
    /// A job ends by name when a piece of its work could not go on for so long, without any progress, for a reason outside
    /// the job: its manifest cannot be read, its report cannot be written, the server's key has expired.
    pub trouble_time: Duration,
    /// Ends jobs of which too much fails; none: never.
    pub failure_threshold: Option<FailureThreshold>,
    /// Rows of a manifest.
    pub manifest_rows_max: u64,
    /// Jobs of one APPID that have not ended.
    pub live_jobs_max: u64,
    /// How long a job may wait for its confirmation.
    pub confirmation_wait: Duration,
    /// How long finished jobs are kept.
    pub retention: Duration,
    /// How long a shutdown waits for what is in flight.
    pub drain: Duration,
}

/// Rows beyond a shard's committed cursor: in flight, waiting for an earlier one, or on their way into the books. After
/// a kill at most so many rows of each leased shard are done again.
pub const WINDOW_ROWS: u64 = 4096;

impl Config {
    /// The most operations of one job of this APPID that begin in a second.
    #[must_use]
    pub fn job_operations_per_second(&self, tenant: &str) -> Option<NonZeroU32> {
        self.job_operations_per_second_of.get(tenant).copied().or(self.job_operations_per_second)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            // Two cores copy small files fastest with two to eight threads at work.
            blocking_slots: 8,
            async_slots: 256,
            operations_per_second: None,
            job_operations_per_second: None,
            job_operations_per_second_of: BTreeMap::new(),
            workers: 4,
            preparers: 2,
            checkpoint_interval: Duration::from_millis(500),
            checkpoint_rows: WINDOW_ROWS / 2,
            copy_part_bytes: crate::task::parts::PART_BYTES,
            slow_copy: Duration::from_secs(10),
            // Half of that, on average, before each shard: with ten times as many bytes of text a fifth of a second.
            inflate_again_bytes: 64 * 1024 * 1024,
            lease: Duration::from_secs(30),
            poll: Duration::from_millis(500),
            trouble_time: Duration::from_secs(24 * 3600),
            failure_threshold: Some(FailureThreshold::default()),
            manifest_rows_max: 100_000_000_000,
            live_jobs_max: 10_000,
            confirmation_wait: Duration::from_secs(30 * 24 * 3600),
            retention: Duration::from_secs(90 * 24 * 3600),
            drain: Duration::from_secs(10),
        }
    }
}
