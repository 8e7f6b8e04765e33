//! Working on one shard: rows in, operations in flight, checkpoints out.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_objectstore::{ErrorKind, Execution, StoreError as ObjectError};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    batch,
    core::{Core, stop_level},
    fault::ShardError,
    feed::Feed,
    offload::offload,
    parts::Large,
    results,
    source::Source,
    stop::{Level, Stop},
    window::{Pending, Window},
};
use crate::{
    config::WINDOW_ROWS,
    job::{Failure, JobRecord},
    lifecycle::Command,
    manifest::Columns,
    report::spool::Rows,
    spec::ManifestFormat,
    store::{Checkpoint, CheckpointAnswer, Segment, ShardLease, ShardSource},
    task::{Outcome, Runner},
};

/// Pause after a shard could not go on for a reason outside the job, before anybody takes it up again.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// Works on a shard until it is finished, stopped, or cannot go on.
pub(crate) async fn run(core: Arc<Core>, lease: ShardLease, stop: Arc<Stop>) {
    let (job, shard) = (lease.job, lease.shard.index);
    match work(&core, &lease, &stop).await {
        Ok(()) => {}
        Err(ShardError::LeaseLost) => tracing::warn!(%job, shard, "lease lost"),
        Err(ShardError::Job(failure)) => {
            release(&core, &lease).await;
            tracing::info!(%job, shard, code = failure.code, reason = failure.reason, "job fails");
            // Refused where the job was cancelled meanwhile, or has failed already.
            let _ = core.command(job, Command::Fail(failure)).await;
        }
        Err(ShardError::Fault(fault)) => {
            tracing::warn!(%job, shard, fault, "shard is put back");
            // Only then it is given back, so that nobody takes it up before.
            tokio::select! {
                () = tokio::time::sleep(FAULT_PAUSE) => {}
                // A cancel; less was asked for by the fault itself.
                () = stop.above(Level::Halt) => {}
                () = core.stopping.above(Level::Run) => {}
            }
            release(&core, &lease).await;
        }
    }
}

async fn release(core: &Core, lease: &ShardLease) {
    if let Err(error) = core.store.release_shard(lease).await {
        // It runs out by itself.
        tracing::warn!(job = %lease.job, shard = lease.shard.index, %error, "lease could not be given back");
    }
}

async fn work(core: &Arc<Core>, lease: &ShardLease, stop: &Arc<Stop>) -> Result<(), ShardError> {
    let job = core.store.get(lease.job).await?.ok_or(ShardError::LeaseLost)?;
    let mut worker = Worker::new(core, &job, lease, stop)?;
    if lease.cursor.rows < lease.shard.rows {
        worker.run().await?;
    }
    let cursor = worker.committed;
    if cursor < lease.shard.rows || stop.level() == Level::Cancel {
        release(core, lease).await;
        return Ok(());
    }
    let files = match &job.spec.report {
        Some(report) => {
            core.holding(|| core.store.renew_shard(lease, core.config.lease), async {
                let files = results::write_shard(core, &job, report, lease.shard.index).await;
                files.map_err(|error| error.of_shard(&report.bucket))
            })
            .await?
        }
        None => Vec::new(),
    };
    let left = core.store.finish_shard(lease, files).await?;
    if let ShardSource::Spooled { name, .. } = &lease.shard.source {
        // Nobody reads these rows again; where it fails, the end of the job sweeps them.
        let (spool, job, name) = (core.spool.clone(), lease.job, name.clone());
        let remove = async move { spool.remove_file(job, &name).await };
        let _ = offload(core.spool.store().execution(), remove).await;
    }
    if left == 0 {
        // After a crash right here the driver sees an active job without shards and does the same.
        let _ = core.command(lease.job, Command::TasksDone).await;
    }
    Ok(())
}

struct Worker<'a> {
    core: &'a Arc<Core>,
    lease: &'a ShardLease,
    stop: &'a Arc<Stop>,
    runner: Arc<Runner>,
    feed: Feed,
    window: Window,
    execution: Execution,
    slots: Arc<Semaphore>,
    large: Arc<Large>,
    slot_count: usize,
    /// Rows of the shard that are committed.
    committed: u64,
    next_segment: u32,
    /// Why no further row could be read.
    unread: Option<ShardError>,
}

/// A checkpoint that is in the books.
struct Committed {
    answer: CheckpointAnswer,
    /// Rows of the shard that are committed now.
    rows: u64,
}

/// The result of the future, once there is one; never, while there is none.
async fn poll_if_some<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// A batch that is back: its number, and what came of its tasks.
type Back = (u64, Vec<Outcome>);

impl<'a> Worker<'a> {
    fn new(
        core: &'a Arc<Core>,
        job: &JobRecord,
        lease: &'a ShardLease,
        stop: &'a Arc<Stop>,
    ) -> Result<Self, ShardError> {
        let broken =
            |what: &str| ShardError::Job(Failure { code: "InternalError".to_owned(), reason: what.to_owned() });
        let manifest = job.state.manifest.as_ref().ok_or_else(|| broken("the job has shards but no manifest"))?;
        let columns = match (&job.spec.manifest.format, &manifest.columns) {
            (ManifestFormat::Csv { columns }, _) => Columns::new(columns),
            (ManifestFormat::Inventory, columns) => columns.as_deref().and_then(Columns::of_inventory),
        };
        let columns = columns.ok_or_else(|| broken("the manifest has no Bucket or no Key column"))?;
        let store = core.buckets.store(&manifest.source_bucket);
        let execution = store.execution();
        let (slots, slot_count) = match execution {
            Execution::Blocking => (&core.blocking_slots, core.config.blocking_slots),
            Execution::Async => (&core.async_slots, core.config.async_slots),
        };
        let runner = Runner::new(
            job.id.as_u128(),
            job.tenant.clone(),
            Arc::clone(&job.spec),
            Arc::clone(&core.access),
            store,
            manifest.source_bucket.as_str().into(),
        );
        let source = Source::of_shard(core, job, manifest, &lease.shard.source);
        Ok(Self {
            core,
            lease,
            stop,
            runner: Arc::new(runner),
            feed: Feed::new(source, columns, manifest, lease),
            window: Window::new(lease.cursor, job.spec.report.as_ref().is_some_and(|report| report.all_tasks)),
            execution,
            slots: Arc::clone(slots),
            large: Arc::new(Large {
                spool: core.spool.clone(),
                job: job.id,
                epoch: lease.epoch,
                part_bytes: core.config.copy_part_bytes,
                slots: Arc::clone(slots),
            }),
            slot_count,
            committed: lease.cursor.rows,
            next_segment: lease.next_segment,
            unread: None,
        })
    }

    async fn run(&mut self) -> Result<(), ShardError> {
        let (core, lease) = (self.core, self.lease);
        let open = async { self.feed.open(self.stop).await.map_err(ShardError::from) };
        core.holding(|| core.store.renew_shard(lease, core.config.lease), open).await?;
        let mut in_flight = FuturesUnordered::new();
        let result = self.drive(&mut in_flight).await;
        if result.is_err() {
            // Nothing may be under way any more once somebody else can take the shard up.
            self.stop.raise(Level::Halt);
            while in_flight.next().await.is_some() {}
            return result;
        }
        if self.stop.level() == Level::Cancel {
            self.window.close_for_good();
        } else {
            self.window.close_to_go_on();
        }
        if self.window.ready() > 0 {
            let (core, lease) = (self.core, self.lease);
            let commit = self.commit();
            let committed = core.holding(|| core.store.renew_shard(lease, core.config.lease), commit).await?;
            self.obey(committed).await;
        }
        self.unread.take().map_or(Ok(()), Err)
    }

    /// Hands tasks out and takes outcomes in until the shard is through or asked to stop, and nothing is under way.
    async fn drive(&mut self, in_flight: &mut FuturesUnordered<BoxFuture<'static, Back>>) -> Result<(), ShardError> {
        let batch_size = batch::size(self.execution, self.lease.shard.rows - self.lease.cursor.rows, self.slot_count);
        let (interval, lease) = (self.core.config.checkpoint_interval, self.core.config.lease);
        let mut commit: Option<BoxFuture<'static, Result<Committed, ShardError>>> = None;
        let mut more = true;
        let mut checkpoint_at = Instant::now() + interval;
        let mut renewed_at = Instant::now();
        // Half of the window is committed while the other half is worked on.
        let due = self.core.config.checkpoint_rows.min(WINDOW_ROWS / 2);
        loop {
            if commit.is_none() && self.window.ready() >= due {
                commit = Some(self.commit());
                checkpoint_at = Instant::now() + interval;
            }
            while more
                && self.stop.level() == Level::Run
                && in_flight.len() < self.slot_count
                && self.window.uncommitted() + batch_size as u64 <= WINDOW_ROWS
                // Well before the lease could run out, nothing new begins under it.
                && renewed_at.elapsed() < lease * 2 / 3
            {
                match self.feed.next(batch_size).await {
                    Ok(tasks) if tasks.is_empty() => more = false,
                    Ok(tasks) => in_flight.push(self.begin(tasks)),
                    // What has begun ends and gets into the books all the same.
                    Err(error) => {
                        more = false;
                        self.unread = Some(error.into());
                    }
                }
            }
            if in_flight.is_empty() && commit.is_none() {
                return Ok(());
            }
            let seen = self.stop.level();
            let committing = commit.is_some();
            tokio::select! {
                Some((number, outcomes)) = in_flight.next() => self.window.complete(number, outcomes),
                committed = poll_if_some(&mut commit) => {
                    commit = None;
                    renewed_at = Instant::now();
                    let committed = committed?;
                    self.window.committed();
                    self.obey(committed).await;
                }
                () = tokio::time::sleep_until(checkpoint_at), if !committing && self.window.ready() > 0 => {
                    commit = Some(self.commit());
                    checkpoint_at = Instant::now() + interval;
                }
                // Also while a commit is under way, which may take longer than the lease.
                () = tokio::time::sleep_until(renewed_at + lease / 3) => {
                    let answer = self.core.store.renew_shard(self.lease, lease).await?;
                    renewed_at = Instant::now();
                    self.obey(Committed { answer, rows: self.committed }).await;
                }
                () = self.stop.above(seen), if seen < Level::Cancel => {}
            }
        }
    }

    fn begin(&mut self, tasks: Vec<crate::task::Task>) -> BoxFuture<'static, Back> {
        let tasks = Arc::new(tasks);
        let number = self.window.push(Arc::clone(&tasks));
        let (runner, large) = (Arc::clone(&self.runner), Arc::clone(&self.large));
        batch::run(runner, tasks, Arc::clone(self.stop), Arc::clone(&self.slots), large)
            .map(move |outcomes| (number, outcomes))
            .boxed()
    }

    /// Notes what is committed, stops where the job's status asks for it, and ends a job of which too much has failed.
    async fn obey(&mut self, committed: Committed) {
        self.committed = committed.rows;
        if let Some(level) = stop_level(committed.answer.status) {
            self.stop.raise(level);
        } else if let Some(threshold) = &self.core.config.failure_threshold
            && let Some(failure) = threshold.check(committed.answer.progress)
        {
            // Once it is written, the effect stops this shard too. It is refused if the job was cancelled meanwhile.
            let _ = self.core.command(self.lease.job, Command::Fail(failure)).await;
        }
    }

    /// One checkpoint: the target is durable, then the segment, then the books.
    fn commit(&mut self) -> BoxFuture<'static, Result<Committed, ShardError>> {
        let pending = self.window.take();
        let number = self.next_segment;
        if !pending.failed_file.is_empty() || !pending.succeeded_file.is_empty() {
            self.next_segment += 1;
        }
        commit(Arc::clone(self.core), self.lease.clone(), Arc::clone(&self.runner), pending, number).boxed()
    }
}

async fn commit(
    core: Arc<Core>,
    lease: ShardLease,
    runner: Arc<Runner>,
    pending: Pending,
    number: u32,
) -> Result<Committed, ShardError> {
    let fault = |what: &str, error: &ObjectError| ShardError::Fault(format!("{what}: {error}"));
    let store = Arc::clone(runner.store());
    match offload(store.execution(), async move { store.barrier(runner.changed_bucket()).await }).await {
        // The bucket was removed meanwhile, and with it whatever was to be made durable; the tasks say so themselves.
        Err(error) if error.kind() == ErrorKind::NoSuchBucket => {}
        result => result.map_err(|error| fault("what was done could not be made durable", &error))?,
    }
    let rows = pending.cursor.rows;
    let segment = Segment {
        shard: lease.shard.index,
        epoch: lease.epoch,
        number,
        succeeded_rows: pending.succeeded_rows,
        failed_rows: if pending.failed_file.is_empty() { 0 } else { pending.failed },
    };
    for (kind, body) in [(Rows::Succeeded, pending.succeeded_file), (Rows::Failed, pending.failed_file)] {
        if !body.is_empty() {
            let (spool, job, segment) = (core.spool.clone(), lease.job, segment.clone());
            offload(core.spool.store().execution(), async move {
                spool.write(job, &segment, kind, Bytes::from(body)).await
            })
            .await
            .map_err(|error| fault("the spool could not be written", &error))?;
        }
    }
    let has_segment = segment.succeeded_rows + segment.failed_rows > 0;
    let step = Checkpoint {
        cursor: pending.cursor,
        succeeded: pending.succeeded,
        failed: pending.failed,
        codes: pending.codes,
        segment: has_segment.then_some(segment),
    };
    let answer = core.store.checkpoint(&lease, step, core.config.lease).await?;
    Ok(Committed { answer, rows })
}
