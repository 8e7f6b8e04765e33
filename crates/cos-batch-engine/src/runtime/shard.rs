//! Working on one shard: rows in, operations in flight, checkpoints out.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::Instant;

use super::{
    batch::{self, Hands},
    commit::{Commit, Committed},
    core::{Core, stop_level},
    fault::ShardError,
    feed::Feed,
    gate::Slot,
    offload::offload,
    parts::Large,
    results,
    source::Source,
    stop::{Level, Stop},
    window::Window,
};
use crate::{
    config::WINDOW_ROWS,
    job::{Failure, JobRecord},
    lifecycle::Command,
    manifest::Columns,
    spec::ManifestFormat,
    store::{ShardLease, ShardSource, StoreError},
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
    hands: Hands,
    /// Rows of the shard that are committed.
    committed: u64,
    next_segment: u32,
    /// Why no further row could be read.
    unread: Option<ShardError>,
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
        let gate = core.gate(job, &store);
        let runner = Runner::new(
            job.id.as_u128(),
            job.tenant.clone(),
            Arc::clone(&job.spec),
            Arc::clone(&core.access),
            store,
            manifest.source_bucket.as_str().into(),
        );
        let source = Source::of_shard(core, job, manifest, &lease.shard.source);
        let runner = Arc::new(runner);
        let large = Large {
            spool: core.spool.clone(),
            job: job.id,
            epoch: lease.epoch,
            part_bytes: core.config.copy_part_bytes,
            gate: gate.clone(),
        };
        Ok(Self {
            core,
            lease,
            stop,
            hands: Hands {
                runner: Arc::clone(&runner),
                gate,
                stop: Arc::clone(stop),
                jobs: Arc::clone(&core.store),
                large: Arc::new(large),
            },
            runner,
            feed: Feed::new(source, columns, manifest, lease),
            window: Window::new(lease.cursor, job.spec.report.as_ref().is_some_and(|report| report.all_tasks)),
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
        let gate = self.hands.gate.clone();
        let execution = self.runner.store().execution();
        let batch_size = batch::size(execution, self.lease.shard.rows - self.lease.cursor.rows, &gate);
        let (interval, lease) = (self.core.config.checkpoint_interval, self.core.config.lease);
        let mut commit: Option<BoxFuture<'static, Result<Committed, ShardError>>> = None;
        // Rows are read and handed out only once their operation may begin: whoever is asked to stop has nothing waiting.
        let mut turn: Option<BoxFuture<'static, Slot>> = None;
        let mut more = true;
        let mut checkpoint_at = Instant::now() + interval;
        let mut renewed_at = Instant::now();
        let mut renew_at = renewed_at + lease / 3;
        // Half of the window is committed while the other half is worked on.
        let due = self.core.config.checkpoint_rows.min(WINDOW_ROWS / 2);
        loop {
            if commit.is_none() && self.window.ready() >= due {
                commit = Some(self.commit());
                checkpoint_at = Instant::now() + interval;
            }
            let mut wanted = false;
            while more
                && self.stop.level() == Level::Run
                && in_flight.len() < gate.most()
                && self.window.uncommitted() + batch_size as u64 <= WINDOW_ROWS
                // Well before the lease could run out, nothing new begins under it.
                && renewed_at.elapsed() < lease * 2 / 3
            {
                wanted = true;
                let Some(slot) = gate.try_enter().filter(|_| turn.is_none()) else { break };
                more = self.hand_out(batch_size, slot, in_flight).await;
                wanted = false;
            }
            if !wanted {
                turn = None;
            } else if turn.is_none() {
                let gate = gate.clone();
                turn = Some(async move { gate.enter().await }.boxed());
            }
            if in_flight.is_empty() && commit.is_none() && turn.is_none() {
                return Ok(());
            }
            let seen = self.stop.level();
            let committing = commit.is_some();
            tokio::select! {
                Some((number, outcomes)) = in_flight.next() => self.window.complete(number, outcomes),
                slot = poll_if_some(&mut turn) => {
                    turn = None;
                    more = self.hand_out(batch_size, slot, in_flight).await;
                }
                committed = poll_if_some(&mut commit) => {
                    commit = None;
                    renewed_at = Instant::now();
                    renew_at = renewed_at + lease / 3;
                    let committed = committed?;
                    self.window.committed();
                    self.obey(committed).await;
                }
                () = tokio::time::sleep_until(checkpoint_at), if !committing && self.window.ready() > 0 => {
                    commit = Some(self.commit());
                    checkpoint_at = Instant::now() + interval;
                }
                // Also while a commit is under way, which may take longer than the lease.
                () = tokio::time::sleep_until(renew_at) => {
                    match self.core.store.renew_shard(self.lease, lease).await {
                        Ok(answer) => {
                            renewed_at = Instant::now();
                            renew_at = renewed_at + lease / 3;
                            self.obey(Committed { answer, rows: self.committed }).await;
                        }
                        // As long as the lease lasts, what is done may still get into the books.
                        Err(StoreError::Failed(_)) if renewed_at.elapsed() < lease => {
                            renew_at = Instant::now() + lease / 30;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                () = self.stop.above(seen), if seen < Level::Cancel => {}
            }
        }
    }

    /// Reads rows and begins with them. Whether there may be more.
    async fn hand_out(
        &mut self,
        count: usize,
        slot: Slot,
        in_flight: &mut FuturesUnordered<BoxFuture<'static, Back>>,
    ) -> bool {
        match self.feed.next(count).await {
            Ok(tasks) if tasks.is_empty() => return false,
            Ok(tasks) => {
                let tasks = Arc::new(tasks);
                let number = self.window.push(Arc::clone(&tasks));
                let work = batch::run(self.hands.clone(), tasks, slot).map(move |outcomes| (number, outcomes));
                in_flight.push(work.boxed());
            }
            // What has begun ends and gets into the books all the same.
            Err(error) => {
                self.unread = Some(error.into());
                return false;
            }
        }
        true
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
        let (core, runner) = (Arc::clone(self.core), Arc::clone(&self.runner));
        let commit = Commit::new(core, self.lease.clone(), runner, pending, number);
        commit.run(Arc::clone(self.stop)).boxed()
    }
}
