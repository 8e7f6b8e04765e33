//! The settings of the engine, `[engine]`, and those of single APPIDs, `[[appid]]`.

use std::{collections::BTreeSet, num::NonZeroU32, ops::RangeInclusive, time::Duration};

use clap::Args;
use cos_batch_engine::{Config, lifecycle::FailureThreshold};
use cos_batch_model::AppId;
use serde::Deserialize;

use super::{
    appid_of,
    settings::{Origin, plain, settings},
};
use crate::exit::Error;

/// Shards worked on at once at most, and manifests read at once: each holds some megabytes, and has a task of its own.
const WORKERS: RangeInclusive<u64> = 1..=256;

/// Operations in flight at once on one store at most. Those on a folder have a thread each.
const BLOCKING_SLOTS: RangeInclusive<u64> = 1..=512;

/// Operations in flight at once on one store at most. Each has a connection, and so a descriptor.
const ASYNC_SLOTS: RangeInclusive<u64> = 1..=4_096;

/// Operations in a second at most. More than any store takes is as good as no limit.
const RATE: RangeInclusive<u64> = 1..=1_000_000;

/// Percent of the executed tasks that may fail.
const PERCENT: RangeInclusive<u64> = 0..=100;

/// Rows of a manifest, and tasks for the threshold: what the counters of a job hold is far more.
const ROWS: RangeInclusive<u64> = 1..=1_000_000_000_000;

/// Bytes of a report: what the counters hold is more.
const BYTES: RangeInclusive<u64> = 1..=1_000_000_000_000_000;

/// Hours of trouble before a job fails: up to a year.
const TROUBLE_HOURS: RangeInclusive<u64> = 1..=8_760;

/// Jobs of one APPID that have not ended. A list of them is read whole now and then.
const LIVE_JOBS: RangeInclusive<u64> = 1..=1_000_000;

/// Hours that a job may wait to be confirmed: up to a year.
const CONFIRMATION_HOURS: RangeInclusive<u64> = 1..=8_760;

/// Days for which finished jobs are kept: up to ten years.
const RETENTION_DAYS: RangeInclusive<u64> = 1..=3_650;

/// Seconds that a lease lasts. A node that dies holds up its shards for so long; one that is slow must not lose them: what
/// is less than ten seconds is for tests.
const LEASE_SECONDS: RangeInclusive<u64> = 2..=600;

/// Seconds that a shutdown waits.
const DRAIN_SECONDS: RangeInclusive<u64> = 0..=3_600;

/// Milliseconds between two looks at the jobs.
const POLL_MILLIS: RangeInclusive<u64> = 10..=60_000;

/// Milliseconds between two checkpoints of a shard.
const CHECKPOINT_MILLIS: RangeInclusive<u64> = 10..=60_000;

/// `[engine]` in its three ways: each setting with its variable, its flag, its range and what it is.
macro_rules! engine_settings {
    ($($field:ident, $variable:literal, $flag:literal, $range:expr, $is:literal;)*) => {
        settings! {
            EngineSettings, EngineOrigins;
            $($field: u64, $variable, |text: &str| in_range(text, $range), "plain";)*
        }

        /// What the flags say of the engine.
        #[derive(Args, Clone, Debug, Default)]
        #[command(next_help_heading = "Engine")]
        pub(crate) struct EngineFlags {
            $(
                #[arg(long = $flag, value_name = "N", help = $is, value_parser = |text: &str| in_range(text, $range))]
                $field: Option<u64>,
            )*
        }

        impl From<EngineFlags> for EngineSettings {
            fn from(flags: EngineFlags) -> Self {
                Self { $($field: flags.$field,)* }
            }
        }
    };
}

// What is not given stays as it is in [`Config::default`].
engine_settings! {
    workers, "COS_BATCH_ENGINE_WORKERS", "engine-workers", WORKERS, "Shards worked on at once";
    preparers, "COS_BATCH_ENGINE_PREPARERS", "engine-preparers", WORKERS, "Manifests read at once";
    blocking_slots, "COS_BATCH_ENGINE_BLOCKING_SLOTS", "engine-blocking-slots", BLOCKING_SLOTS, "Operations at once on one folder";
    async_slots, "COS_BATCH_ENGINE_ASYNC_SLOTS", "engine-async-slots", ASYNC_SLOTS, "Operations at once on one store behind HTTP, at most";
    operations_per_second, "COS_BATCH_ENGINE_OPERATIONS_PER_SECOND", "engine-operations-per-second", RATE, "Operations of all jobs that begin in a second";
    job_operations_per_second, "COS_BATCH_ENGINE_JOB_OPERATIONS_PER_SECOND", "engine-job-operations-per-second", RATE, "The same for each job";
    failed_percent_max, "COS_BATCH_ENGINE_FAILED_PERCENT_MAX", "engine-failed-percent-max", PERCENT, "A job ends as failed once more than this share of its executed tasks has failed; 100: never";
    failed_percent_tasks_above, "COS_BATCH_ENGINE_FAILED_PERCENT_TASKS_ABOVE", "engine-failed-percent-tasks-above", ROWS, "That holds for jobs with more tasks";
    manifest_rows_max, "COS_BATCH_ENGINE_MANIFEST_ROWS_MAX", "engine-manifest-rows-max", ROWS, "Rows of a manifest at most";
    tenant_rows_max, "COS_BATCH_ENGINE_TENANT_ROWS_MAX", "engine-tenant-rows-max", ROWS, "Rows of all jobs of one APPID that have not ended, at most";
    report_bytes_max, "COS_BATCH_ENGINE_REPORT_BYTES_MAX", "engine-report-bytes-max", BYTES, "Bytes of one job's report at most";
    live_jobs_max, "COS_BATCH_ENGINE_LIVE_JOBS_MAX", "engine-live-jobs-max", LIVE_JOBS, "Jobs of one APPID that have not ended, at most";
    confirmation_hours, "COS_BATCH_ENGINE_CONFIRMATION_HOURS", "engine-confirmation-hours", CONFIRMATION_HOURS, "Hours that a job waits to be confirmed before it fails";
    retention_days, "COS_BATCH_ENGINE_RETENTION_DAYS", "engine-retention-days", RETENTION_DAYS, "Days for which jobs that have ended are kept";
    trouble_hours, "COS_BATCH_ENGINE_TROUBLE_HOURS", "engine-trouble-hours", TROUBLE_HOURS, "Hours after which a job fails whose work could not go on for a reason outside of it";
    lease_seconds, "COS_BATCH_ENGINE_LEASE_SECONDS", "engine-lease-seconds", LEASE_SECONDS, "Seconds for which the work of a node that died stays with it";
    drain_seconds, "COS_BATCH_ENGINE_DRAIN_SECONDS", "engine-drain-seconds", DRAIN_SECONDS, "Seconds that a shutdown waits for operations in flight";
    poll_millis, "COS_BATCH_ENGINE_POLL_MILLIS", "engine-poll-millis", POLL_MILLIS, "Milliseconds between two looks at the jobs";
    checkpoint_millis, "COS_BATCH_ENGINE_CHECKPOINT_MILLIS", "engine-checkpoint-millis", CHECKPOINT_MILLIS, "Milliseconds between two checkpoints of a shard";
}

/// A number of a flag or of a variable.
fn in_range(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("it must be from {} to {}, not {text}", range.start(), range.end()))
}

/// `[[appid]]`: what is otherwise for one APPID.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tenant {
    #[serde(deserialize_with = "appid_of")]
    appid: AppId,
    job_operations_per_second: Option<u64>,
    tenant_rows_max: Option<u64>,
    report_bytes_max: Option<u64>,
}

impl EngineSettings {
    /// The engine's settings, or what is wrong with them.
    pub(super) fn config(&self, tenants: &[Tenant]) -> Result<Config, String> {
        let mut config = Config::default();
        let count = |name, value, range| -> Result<Option<usize>, String> {
            Ok(within("engine", name, value, range)?.and_then(|number| usize::try_from(number).ok()))
        };
        let number = |name, value, range| within("engine", name, value, range);
        set(&mut config.workers, count("workers", self.workers, WORKERS)?);
        set(&mut config.preparers, count("preparers", self.preparers, WORKERS)?);
        set(&mut config.blocking_slots, count("blocking_slots", self.blocking_slots, BLOCKING_SLOTS)?);
        set(&mut config.async_slots, count("async_slots", self.async_slots, ASYNC_SLOTS)?);
        config.operations_per_second = rate("engine", "operations_per_second", self.operations_per_second)?;
        config.job_operations_per_second = rate("engine", "job_operations_per_second", self.job_operations_per_second)?;
        config.failure_threshold = self.threshold()?;
        set(&mut config.manifest_rows_max, number("manifest_rows_max", self.manifest_rows_max, ROWS)?);
        set(&mut config.tenant_rows_max, number("tenant_rows_max", self.tenant_rows_max, ROWS)?);
        set(&mut config.report_bytes_max, number("report_bytes_max", self.report_bytes_max, BYTES)?);
        set(&mut config.live_jobs_max, number("live_jobs_max", self.live_jobs_max, LIVE_JOBS)?);
        let hours = number("confirmation_hours", self.confirmation_hours, CONFIRMATION_HOURS)?;
        set(&mut config.confirmation_wait, hours.map(|hours| Duration::from_secs(hours * 3_600)));
        let days = number("retention_days", self.retention_days, RETENTION_DAYS)?;
        set(&mut config.retention, days.map(|days| Duration::from_secs(days * 86_400)));
        let trouble = number("trouble_hours", self.trouble_hours, TROUBLE_HOURS)?;
        set(&mut config.trouble_time, trouble.map(|hours| Duration::from_secs(hours * 3_600)));
        let lease = number("lease_seconds", self.lease_seconds, LEASE_SECONDS)?;
        set(&mut config.lease, lease.map(Duration::from_secs));
        let drain = number("drain_seconds", self.drain_seconds, DRAIN_SECONDS)?;
        set(&mut config.drain, drain.map(Duration::from_secs));
        let poll = number("poll_millis", self.poll_millis, POLL_MILLIS)?;
        set(&mut config.poll, poll.map(Duration::from_millis));
        let checkpoint = number("checkpoint_millis", self.checkpoint_millis, CHECKPOINT_MILLIS)?;
        set(&mut config.checkpoint_interval, checkpoint.map(Duration::from_millis));
        let mut seen = BTreeSet::new();
        for tenant in tenants {
            let appid = tenant.appid.as_str();
            let place = format!("appid {appid:?}");
            if !seen.insert(appid) {
                return Err(format!("{place} is there twice"));
            }
            if let Some(rate) = rate(&place, "job_operations_per_second", tenant.job_operations_per_second)? {
                config.job_operations_per_second_of.insert(appid.to_owned(), rate);
            }
            if let Some(rows) = within(&place, "tenant_rows_max", tenant.tenant_rows_max, ROWS)? {
                config.tenant_rows_max_of.insert(appid.to_owned(), rows);
            }
            if let Some(bytes) = within(&place, "report_bytes_max", tenant.report_bytes_max, BYTES)? {
                config.report_bytes_max_of.insert(appid.to_owned(), bytes);
            }
        }
        config.check().map_err(|error| format!("engine: {error}"))?;
        Ok(config)
    }

    /// Each setting as it holds, where it is other than none.
    pub(super) fn effective(config: &Config) -> Vec<(&'static str, Option<u64>)> {
        let count = |number: usize| Some(number as u64);
        let rate = |rate: Option<NonZeroU32>| rate.map(|rate| u64::from(rate.get()));
        let millis = |time: Duration| u64::try_from(time.as_millis()).ok();
        let threshold = config.failure_threshold.unwrap_or_default();
        let percent = config.failure_threshold.map_or(*PERCENT.end(), |threshold| threshold.failed_percent_above);
        vec![
            ("workers", count(config.workers)),
            ("preparers", count(config.preparers)),
            ("blocking_slots", count(config.blocking_slots)),
            ("async_slots", count(config.async_slots)),
            ("operations_per_second", rate(config.operations_per_second)),
            ("job_operations_per_second", rate(config.job_operations_per_second)),
            ("failed_percent_max", Some(percent)),
            ("failed_percent_tasks_above", Some(threshold.tasks_above)),
            ("manifest_rows_max", Some(config.manifest_rows_max)),
            ("tenant_rows_max", Some(config.tenant_rows_max)),
            ("report_bytes_max", Some(config.report_bytes_max)),
            ("live_jobs_max", Some(config.live_jobs_max)),
            ("confirmation_hours", Some(config.confirmation_wait.as_secs() / 3_600)),
            ("retention_days", Some(config.retention.as_secs() / 86_400)),
            ("trouble_hours", Some(config.trouble_time.as_secs() / 3_600)),
            ("lease_seconds", Some(config.lease.as_secs())),
            ("drain_seconds", Some(config.drain.as_secs())),
            ("poll_millis", millis(config.poll)),
            ("checkpoint_millis", millis(config.checkpoint_interval)),
        ]
    }

    /// When a job has failed too often; never at 100 percent.
    fn threshold(&self) -> Result<Option<FailureThreshold>, String> {
        let mut threshold = FailureThreshold::default();
        let percent = within("engine", "failed_percent_max", self.failed_percent_max, PERCENT)?;
        set(&mut threshold.failed_percent_above, percent);
        if let Some(tasks) = within("engine", "failed_percent_tasks_above", self.failed_percent_tasks_above, ROWS)? {
            threshold.tasks_above = tasks;
            // Of a job that is smaller than that, a share says something earlier.
            threshold.executed_min = threshold.executed_min.min(tasks.max(1));
        }
        Ok(Some(threshold).filter(|threshold| threshold.failed_percent_above < *PERCENT.end()))
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn rate(place: &str, name: &str, value: Option<u64>) -> Result<Option<NonZeroU32>, String> {
    let rate = within(place, name, value, RATE)?;
    Ok(rate.and_then(|rate| u32::try_from(rate).ok()).and_then(NonZeroU32::new))
}

fn within(place: &str, name: &str, value: Option<u64>, range: RangeInclusive<u64>) -> Result<Option<u64>, String> {
    match value {
        Some(value) if !range.contains(&value) => {
            Err(format!("{place}: {name} must be from {} to {}, not {value}", range.start(), range.end()))
        }
        _ => Ok(value),
    }
}
