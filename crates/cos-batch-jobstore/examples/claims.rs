//! How many claims a second a PostgreSQL grants, and how many shards it sees finished: with many that claim at once, and ever
//! more finished shards in the way.
//!
//! Usage: `claims [CLAIMERS] [SHARDS] [SECONDS]`, on a server of its own.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{error::Error, sync::Arc, time::Duration};

use cos_batch_engine::{
    JobStore, SystemClock,
    store::{
        Checkpoint, JobStatus,
        contract::{new_job, set_status, shard},
    },
};
use cos_batch_jobstore::PostgresJobStore;
use cos_batch_nodetest::Postgres;
use tokio::{task::JoinSet, time::Instant};

const TTL: Duration = Duration::from_secs(30);

/// Shards added at once.
const BATCH: u32 = 1_000;

/// Windows that are measured one after the other.
const WINDOWS: u32 = 4;

/// What a window showed.
pub(crate) struct Window {
    /// Shards that were claimed, committed and finished in it.
    pub(crate) finished: u64,
    /// Shards that are finished, as the job says.
    pub(crate) done: u64,
    /// How long it took, in seconds.
    took: f64,
    /// Microseconds of the database's processors for each of the shards.
    micros: f64,
}

impl Window {
    /// The same for people.
    pub(crate) fn text(&self) -> String {
        format!(
            "{:.0} shards a second, {:.0} µs of the database's processors for each; {} are finished",
            self.finished as f64 / self.took,
            self.micros,
            self.done
        )
    }
}

/// Measures [`WINDOWS`] of so many seconds, or until no shard is left.
pub(crate) async fn measure(claimers: u32, shards: u32, seconds: u32) -> Result<Vec<Window>, Box<dyn Error>> {
    let server = Postgres::start_durable()?;
    let url = format!("{}&pool_size={}", server.url("claims"), claimers.clamp(2, 200));
    let store = Arc::new(PostgresJobStore::open(&url, |_| None, SystemClock).await?);
    let job = store.create(new_job("1250000000", "claims")).await?.id;
    let lease = store.lease_job(job, TTL).await?.ok_or("somebody has the job")?;
    for first in (0..shards).step_by(BATCH as usize) {
        let some = (first..(first + BATCH).min(shards)).map(|index| shard(index, u64::from(index), 1));
        store.add_shards(&lease, some.collect()).await?;
        store.renew_job(&lease, TTL).await?;
    }
    store.release_job(&lease).await?;
    set_status(&*store, job, JobStatus::Active).await?;
    let mut windows = Vec::new();
    for _ in 0..WINDOWS {
        let until = Instant::now() + Duration::from_secs(u64::from(seconds));
        let cpu = server.processor_seconds().unwrap_or(f64::NAN);
        let mut tasks = JoinSet::new();
        for _ in 0..claimers {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                let mut finished = 0u64;
                while Instant::now() < until {
                    let Some(lease) = store.claim_shard(job, TTL).await? else { break };
                    let mut cursor = lease.cursor;
                    cursor.rows += 1;
                    cursor.offset += 10;
                    let step = Checkpoint {
                        cursor,
                        succeeded: 1,
                        failed: 0,
                        codes: Default::default(),
                        segment: None,
                        report_bytes: 10,
                    };
                    store.checkpoint(&lease, step, TTL).await?;
                    store.finish_shard(&lease, Vec::new()).await?;
                    finished += 1;
                }
                Ok::<u64, cos_batch_engine::store::StoreError>(finished)
            });
        }
        let begin = until - Duration::from_secs(u64::from(seconds));
        let mut finished = 0;
        while let Some(task) = tasks.join_next().await {
            finished += task??;
        }
        let took = begin.elapsed().as_secs_f64();
        let micros = (server.processor_seconds().unwrap_or(f64::NAN) - cpu) * 1e6 / finished.max(1) as f64;
        let done = store.get(job).await?.map_or(0, |job| job.shards.done);
        windows.push(Window { finished, done, took, micros });
    }
    Ok(windows)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<u32>());
    let mut next = |default| numbers.next().unwrap_or(Ok(default));
    let (claimers, shards, seconds) = (next(64)?, next(200_000)?, next(10)?);
    println!("{claimers} claimers, {shards} shards of one row; each is claimed, committed and finished");
    for (number, window) in measure(claimers, shards, seconds).await?.iter().enumerate() {
        println!("window {number}: {}", window.text());
    }
    Ok(())
}
