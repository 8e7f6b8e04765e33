//! What an engine can be told.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use crate::{lifecycle::FailureThreshold, task::kinds::Kinds};

/// Settings of an engine. The defaults suit one machine with a local folder.
#[derive(Clone, Debug)]
pub struct Config {
    /// Kinds of operations beside those of the API; none unless given.
    pub kinds: Kinds,
    /// Operations in flight at once on a store whose operations block a thread.
    pub blocking_slots: usize,
    /// The most operations in flight at once on a store that waits for a network. How many there really are is found out
    /// for each store ([`Slots`](crate::pace::Slots)); a store that can have fewer under way says so itself.
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
    /// Rows of all jobs of one APPID that have not ended. A manifest that would bring more fails its job by name
    /// (`TooManyRows`).
    pub tenant_rows_max: u64,
    /// The same for these APPIDs, in place of `tenant_rows_max`.
    pub tenant_rows_max_of: BTreeMap<String, u64>,
    /// Bytes of one job's report. A job whose report grows beyond ends by name (`ReportTooLarge`), with a report of what was
    /// done until then: up to a window of rows of each of its workers more.
    pub report_bytes_max: u64,
    /// The same for jobs of these APPIDs, in place of `report_bytes_max`.
    pub report_bytes_max_of: BTreeMap<String, u64>,
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

    /// Rows of all jobs of this APPID that have not ended.
    #[must_use]
    pub fn tenant_rows_max(&self, tenant: &str) -> u64 {
        self.tenant_rows_max_of.get(tenant).copied().unwrap_or(self.tenant_rows_max)
    }

    /// Bytes of the report of a job of this APPID.
    #[must_use]
    pub fn report_bytes_max(&self, tenant: &str) -> u64 {
        self.report_bytes_max_of.get(tenant).copied().unwrap_or(self.report_bytes_max)
    }

    /// Whether an engine can work with these settings, for whoever takes them from a person.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let seconds = |time: Duration| time.as_secs_f64();
        let (day, year) = (86_400.0, 366.0 * 86_400.0);
        let numbers = [
            ("blocking_slots", self.blocking_slots as u64, 1, SLOTS_MAX),
            ("async_slots", self.async_slots as u64, 1, SLOTS_MAX),
            ("workers", self.workers as u64, 1, WORKERS_MAX),
            ("preparers", self.preparers as u64, 1, WORKERS_MAX),
            ("checkpoint_rows", self.checkpoint_rows, 1, WINDOW_ROWS / 2),
            ("copy_part_bytes", self.copy_part_bytes, PART_BYTES_MIN, crate::task::parts::PART_BYTES_MAX),
            ("inflate_again_bytes", self.inflate_again_bytes, 0, u64::MAX),
            ("manifest_rows_max", self.manifest_rows_max, 1, crate::store::rules::COUNT_MAX),
            ("tenant_rows_max", self.tenant_rows_max, 1, crate::store::rules::COUNT_MAX),
            ("report_bytes_max", self.report_bytes_max, 1, crate::store::rules::COUNT_MAX),
            ("live_jobs_max", self.live_jobs_max, 1, crate::store::rules::COUNT_MAX),
        ];
        for (field, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                let rule = format!("must be between {least} and {most}, not {value}");
                return Err(ConfigError { field, rule });
            }
        }
        let times = [
            ("checkpoint_interval", self.checkpoint_interval, 0.001, 3600.0),
            // Shorter, and every hiccup of a disk costs it; longer, and a dead holder's work waits for so long.
            ("lease", self.lease, 1.0, 3600.0),
            ("poll", self.poll, 0.001, 3600.0),
            ("slow_copy", self.slow_copy, 1.0, 3600.0),
            ("trouble_time", self.trouble_time, 60.0, year),
            ("confirmation_wait", self.confirmation_wait, 60.0, 10.0 * year),
            ("retention", self.retention, 0.0, 100.0 * year),
            ("drain", self.drain, 0.0, day),
        ];
        for (field, value, least, most) in times {
            if !(least..=most).contains(&seconds(value)) {
                let rule = format!("must be between {least} and {most} seconds, not {}", seconds(value));
                return Err(ConfigError { field, rule });
            }
        }
        if let Some(threshold) = &self.failure_threshold
            && threshold.failed_percent_above > 100
        {
            let rule = format!("failed_percent_above is a percentage, not {}", threshold.failed_percent_above);
            return Err(ConfigError { field: "failure_threshold", rule });
        }
        Ok(())
    }
}

/// Most operations in flight on one store: more than a store or this machine copes with.
const SLOTS_MAX: u64 = 4096;

/// Most shards worked on, or manifests read, at once: each shard holds a window of rows in memory.
const WORKERS_MAX: u64 = 256;

/// Least bytes of a part: no store takes smaller ones (COS: 1 MB, S3: 5 MiB; the last part may be shorter).
const PART_BYTES_MIN: u64 = 1_000_000;

/// A setting that an engine cannot work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct ConfigError {
    /// Name of the field of [`Config`].
    pub field: &'static str,
    /// The rule that it breaks.
    pub rule: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kinds: Kinds::new(),
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
            tenant_rows_max: 1_000_000_000_000,
            tenant_rows_max_of: BTreeMap::new(),
            // Ten thousand million rows of a hundred bytes.
            report_bytes_max: 1 << 40,
            report_bytes_max_of: BTreeMap::new(),
            live_jobs_max: 10_000,
            confirmation_wait: Duration::from_secs(30 * 24 * 3600),
            retention: Duration::from_secs(90 * 24 * 3600),
            drain: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        Config::default().check().unwrap();
        let told = |config: Config| config.check().unwrap_err().to_string();
        assert_eq!(told(Config { workers: 0, ..Config::default() }), "workers: must be between 1 and 256, not 0");
        assert_eq!(
            told(Config { lease: Duration::from_millis(999), ..Config::default() }),
            "lease: must be between 1 and 3600 seconds, not 0.999"
        );
        let threshold = FailureThreshold { failed_percent_above: 101, ..FailureThreshold::default() };
        let config = Config { failure_threshold: Some(threshold), ..Config::default() };
        assert_eq!(config.check().unwrap_err().field, "failure_threshold");
        assert!(Config { failure_threshold: None, retention: Duration::ZERO, ..Config::default() }.check().is_ok());
    }

    #[test]
    fn quotas_of_an_appid_stand_for_those_of_all() {
        let config = Config {
            tenant_rows_max: 7,
            tenant_rows_max_of: [("1".to_owned(), 9)].into(),
            report_bytes_max: 5,
            report_bytes_max_of: [("1".to_owned(), 6)].into(),
            ..Config::default()
        };
        assert_eq!((config.tenant_rows_max("1"), config.tenant_rows_max("2")), (9, 7));
        assert_eq!((config.report_bytes_max("1"), config.report_bytes_max("2")), (6, 5));
    }
}
