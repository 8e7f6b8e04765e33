//! Working on one shard: rows in, operations in flight, checkpoints out.
//!
//! Everything a worker waits for (rows being read, lanes, a checkpoint, a renewal of the lease) is polled side by side, so
//! that none of it holds up another.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, Sleep};

use super::{
    commit::{Commit, Committed},
    core::{Core, Kind, Piece, RENEWALS_OF_A_LEASE, stop_level},
    fault::{self, ShardError},
    feed::{Feed, FeedError},
    gate::Slot,
    lane::{self, Hands},
    line::Line,
    offload::offload,
    parts::Large,
    results,
    source::Source,
    stop::{Level, Stop},
    trace,
    window::Window,
};
use crate::{
    config::WINDOW_ROWS,
    job::{Failure, JobRecord},
    lifecycle::Command,
    manifest::Columns,
    spec::{ManifestFormat, ObjectFilter},
    store::{CheckpointAnswer, ShardLease, ShardSource, StoreError},
    task::{REFUSED_AS_LISTED, Runner},
};

/// Works on a shard until it is finished, stopped, or cannot go on. Its lease was `asked` for then.
pub(crate) async fn run(core: Arc<Core>, lease: ShardLease, asked: Instant, stop: Arc<Stop>) {
    let (job, shard) = (lease.job, lease.shard.index);
    let piece = Piece { job, kind: Kind::Shard(shard) };
    let renew = || core.store.renew_shard(&lease, core.config.lease);
    // Somebody took it up before its rest was over.
    if let Some(time) = core.troubles.rest(piece) {
        if core.rest(piece, &stop, time, renew).await.is_ok() {
            release(&core, &lease).await;
        }
        return;
    }
    let mut committed = lease.cursor.rows;
    let span = trace::shard(&lease);
    let result = work(&core, &lease, asked, &stop, &mut committed).await;
    span.end(committed, &result);
    match result {
        Ok(()) => core.troubles.over(piece),
        Err(ShardError::LeaseLost) => tracing::warn!(%job, shard, "lease lost"),
        Err(ShardError::Job(failure)) => fail(&core, &lease, failure).await,
        Err(ShardError::Fault(fault)) => match core.troubles.met(piece, committed, core.config.trouble_time) {
            None => fail(&core, &lease, fault.given_up(core.config.trouble_time)).await,
            Some(time) => {
                tracing::warn!(%job, shard, %fault, ?time, "shard is put back");
                // Only then it is given back, so that nobody takes it up before.
                if core.rest(piece, &stop, time, renew).await.is_ok() {
                    release(&core, &lease).await;
                }
            }
        },
    }
}

/// Ends the job, and only then gives the shard back: nobody is to take it up.
async fn fail(core: &Core, lease: &ShardLease, failure: Failure) {
    let (job, shard) = (lease.job, lease.shard.index);
    tracing::info!(%job, shard, code = failure.code, reason = failure.reason, "job fails");
    // Refused where the job was cancelled meanwhile, or has failed already.
    let _ = core.command(job, Command::Fail(failure)).await;
    release(core, lease).await;
}

async fn release(core: &Core, lease: &ShardLease) {
    if let Err(error) = core.store.release_shard(lease).await {
        // It runs out by itself.
        tracing::warn!(job = %lease.job, shard = lease.shard.index, %error, "lease could not be given back");
    }
}

async fn work(
    core: &Arc<Core>,
    lease: &ShardLease,
    asked: Instant,
    stop: &Arc<Stop>,
    committed: &mut u64,
) -> Result<(), ShardError> {
    let job = core.store.get(lease.job).await?.ok_or(ShardError::LeaseLost)?;
    // It may have been stopped before this shard was known to be worked on.
    if let Some(level) = stop_level(job.state.status) {
        stop.raise(level);
    }
    if lease.cursor.rows < lease.shard.rows && stop.level() == Level::Run {
        let mut worker = Worker::new(core, &job, lease, asked, stop)?;
        let result = worker.run().await;
        *committed = worker.committed;
        result?;
    }
    if *committed < lease.shard.rows || stop.level() == Level::Cancel {
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
    stop: Arc<Stop>,
    /// The APPID that owns the job.
    tenant: String,
    hands: Arc<Hands>,
    line: Arc<Line>,
    /// Until the reading of rows begins.
    feed: Option<Feed>,
    /// Rows of the shard that are committed.
    committed: u64,
    next_segment: u32,
    /// How often what was done in the bucket had been lost when this began.
    lost_before: u64,
    /// Why no further row could be read.
    unread: Option<ShardError>,
    /// When a renewal that was answered was asked for.
    renewed_at: Instant,
}

/// What a worker waits for.
struct Waits {
    lanes: FuturesUnordered<BoxFuture<'static, ()>>,
    reading: Option<BoxFuture<'static, Result<(), FeedError>>>,
    commit: Option<BoxFuture<'static, Result<Committed, ShardError>>>,
    /// A renewal of the lease, and when it was asked for.
    renewal: Option<(Instant, BoxFuture<'static, Result<CheckpointAnswer, StoreError>>)>,
    /// A slot for one more lane.
    turn: Option<BoxFuture<'static, Slot>>,
    /// The job is being ended.
    ending: Option<BoxFuture<'static, ()>>,
    /// The store's trouble was seen.
    troubled: bool,
    /// A level above the one seen last.
    raised: BoxFuture<'static, ()>,
    checkpoint_at: Pin<Box<Sleep>>,
    renew_at: Pin<Box<Sleep>>,
}

/// What a worker waited for, and has come.
enum Event {
    /// Lanes, or rows: more can be begun, or nothing is under way any more.
    Moved,
    Read(Result<(), FeedError>),
    Committed(Result<Committed, ShardError>),
    Renewed(Instant, Result<CheckpointAnswer, StoreError>),
    Turn(Slot),
    Checkpoint,
    Renew,
    Raised,
}

/// The result of the future, if there is one that has it; it is gone then.
fn poll_some<T>(future: &mut Option<BoxFuture<'static, T>>, context: &mut Context<'_>) -> Option<T> {
    match future.as_mut()?.poll_unpin(context) {
        Poll::Ready(result) => {
            *future = None;
            Some(result)
        }
        Poll::Pending => None,
    }
}

impl Waits {
    /// Polls everything, lanes first. At most `most` of them are begun.
    fn poll(&mut self, line: &Line, most: usize, context: &mut Context<'_>) -> Poll<Event> {
        line.register(context);
        let before = self.lanes.len();
        while let Poll::Ready(Some(())) = self.lanes.poll_next_unpin(context) {}
        let ended = self.lanes.len() < before;
        if let Some(result) = poll_some(&mut self.commit, context) {
            return Poll::Ready(Event::Committed(result));
        }
        if let Some((asked, renewal)) = &mut self.renewal
            && let Poll::Ready(answer) = renewal.poll_unpin(context)
        {
            let asked = *asked;
            self.renewal = None;
            return Poll::Ready(Event::Renewed(asked, answer));
        }
        if let Some(slot) = poll_some(&mut self.turn, context) {
            return Poll::Ready(Event::Turn(slot));
        }
        let _ = poll_some(&mut self.ending, context);
        if self.raised.poll_unpin(context).is_ready() {
            return Poll::Ready(Event::Raised);
        }
        if let Some(result) = poll_some(&mut self.reading, context) {
            return Poll::Ready(Event::Read(result));
        }
        if self.commit.is_none()
            && (line.is_due() || line.ready() > 0 && self.checkpoint_at.as_mut().poll(context).is_ready())
        {
            return Poll::Ready(Event::Checkpoint);
        }
        // Also while a commit is under way, which may take longer than the lease.
        if self.renewal.is_none() && self.renew_at.as_mut().poll(context).is_ready() {
            return Poll::Ready(Event::Renew);
        }
        let more = self.turn.is_none() && self.lanes.len() < most && line.startable() > 0;
        let trouble = !self.troubled && line.is_in_trouble();
        self.troubled |= trouble;
        if ended || more || trouble { Poll::Ready(Event::Moved) } else { Poll::Pending }
    }
}

impl<'a> Worker<'a> {
    fn new(
        core: &'a Arc<Core>,
        job: &JobRecord,
        lease: &'a ShardLease,
        asked: Instant,
        stop: &Arc<Stop>,
    ) -> Result<Self, ShardError> {
        let broken = |what: &str| ShardError::Job(Failure::new("InternalError", what));
        let manifest = job.state.manifest.as_ref().ok_or_else(|| broken("the job has shards but no manifest"))?;
        let columns = match (&job.spec.manifest.format, &manifest.columns) {
            (ManifestFormat::Csv { columns }, _) => Columns::new(columns),
            (ManifestFormat::Listed(_), _) => Columns::new(&ObjectFilter::COLUMNS),
            (ManifestFormat::Inventory, columns) => columns.as_deref().and_then(Columns::of_inventory),
        };
        let columns = columns.ok_or_else(|| broken("the manifest has no Bucket or no Key column"))?;
        // What stops this try leaves alone whoever rests before the next one.
        let stop = Arc::new(Stop::of_part(Arc::clone(stop)));
        let store = core.buckets.store(&manifest.source_bucket);
        let gate = core.gate(job, &store);
        let runner = Runner::new(
            job.id.as_u128(),
            job.tenant.clone(),
            Arc::clone(&job.spec),
            Arc::clone(&core.access),
            store,
            manifest.source_bucket.as_str().into(),
        )
        .with_kinds(&core.config.kinds);
        let lost_before = core.buckets.syncs().lost(runner.changed_bucket());
        let source = Source::of_shard(core, job, manifest, &lease.shard.source);
        let large = Large {
            spool: core.spool.clone(),
            job: job.id,
            epoch: lease.epoch,
            part_bytes: core.config.copy_part_bytes,
            slow_copy: core.config.slow_copy,
            gate: gate.clone(),
        };
        let all_tasks = job.spec.report.as_ref().is_some_and(|report| report.all_tasks);
        // Half of the window is committed while the other half is worked on.
        let due = core.config.checkpoint_rows.clamp(1, WINDOW_ROWS / 2);
        // As for a renewal: however long the answers took since, the lease began no earlier than it was asked for.
        let line = Arc::new(Line::new(
            Window::new(lease.cursor, all_tasks),
            Arc::clone(&stop),
            due,
            asked + core.config.lease * 2 / 3,
            core.troubles.is_in_trouble(Piece { job: job.id, kind: Kind::Shard(lease.shard.index) }),
        ));
        let hands = Hands {
            runner: Arc::new(runner),
            gate,
            stop: Arc::clone(&stop),
            jobs: Arc::clone(&core.store),
            large,
            line: Arc::clone(&line),
            // Nobody begins more than a window of rows beyond the cursor.
            perhaps_done: if lease.epoch > 1 { WINDOW_ROWS } else { 0 },
        };
        Ok(Self {
            core,
            lease,
            stop,
            tenant: job.tenant.clone(),
            hands: Arc::new(hands),
            line,
            feed: Some(Feed::new(source, columns, manifest, lease)),
            committed: lease.cursor.rows,
            next_segment: lease.next_segment,
            lost_before,
            unread: None,
            renewed_at: asked,
        })
    }

    async fn run(&mut self) -> Result<(), ShardError> {
        let (core, lease) = (self.core, self.lease);
        let renew = || core.store.renew_shard(lease, core.config.lease);
        let Some(mut feed) = self.feed.take() else { return Ok(()) };
        let open = async {
            tokio::select! {
                biased;
                result = feed.open() => result.map_err(|error| fault::unread(&error, &lease.shard.source)),
                () = self.stop.above(Level::Run) => Ok(()),
            }
        };
        core.holding(renew, open).await?;
        if self.stop.level() > Level::Run {
            return Ok(());
        }
        let result = self.drive(feed).await;
        result?;
        self.line.close(self.stop.level() == Level::Cancel);
        if self.line.ready() > 0 {
            let commit = self.commit();
            let committed = core.holding(renew, commit).await?;
            if let Some(ending) = self.obey(committed.answer, committed.rows) {
                ending.await;
            }
        }
        if let Some(fault) = self.line.take_trouble() {
            return Err(ShardError::Fault(fault));
        }
        self.unread.take().map_or(Ok(()), Err)
    }

    /// Does rows until the shard is through or asked to stop. Nothing is under way when it returns.
    async fn drive(&mut self, feed: Feed) -> Result<(), ShardError> {
        let now = Instant::now();
        let stop = Arc::clone(&self.stop);
        let mut waits = Waits {
            lanes: FuturesUnordered::new(),
            reading: Some(read(feed, Arc::clone(&self.line)).boxed()),
            commit: None,
            // It may have taken long to get to the first row.
            renewal: Some((now, self.renew())),
            turn: None,
            ending: None,
            troubled: false,
            raised: async move { stop.above(Level::Run).await }.boxed(),
            checkpoint_at: Box::pin(tokio::time::sleep(self.core.config.checkpoint_interval)),
            renew_at: Box::pin(tokio::time::sleep(self.core.config.lease / 3)),
        };
        let result = self.drive_on(&mut waits).await;
        if result.is_err() {
            // Nothing may be under way any more once somebody else can take the shard up.
            self.stop.raise(Level::Halt);
            while waits.lanes.next().await.is_some() {}
        }
        if let Some(ending) = waits.ending {
            ending.await;
        }
        result
    }

    async fn drive_on(&mut self, waits: &mut Waits) -> Result<(), ShardError> {
        let line = Arc::clone(&self.line);
        let most = self.hands.gate.most();
        loop {
            self.begin_lanes(waits, most);
            if line.is_in_trouble() {
                // Rows that wait for their next try leave; they are done again later.
                self.stop.raise(Level::Yield);
            }
            let done = self.stop.level() > Level::Run || line.is_through();
            if done && waits.lanes.is_empty() && waits.commit.is_none() {
                return Ok(());
            }
            match std::future::poll_fn(|context| waits.poll(&line, most, context)).await {
                Event::Moved => {}
                Event::Turn(slot) => self.begin_lane(waits, slot),
                Event::Read(result) => {
                    line.end_reading();
                    // What has begun ends and gets into the books all the same.
                    self.unread = result.err().map(|error| fault::unread(&error, &self.lease.shard.source));
                }
                Event::Committed(committed) => {
                    let committed = committed?;
                    line.committed();
                    self.renewed(waits, committed.asked);
                    if let Some(ending) = self.obey(committed.answer, committed.rows) {
                        waits.ending.get_or_insert(ending);
                    }
                }
                Event::Renewed(asked, Ok(answer)) => {
                    self.renewed(waits, asked);
                    if let Some(ending) = self.obey(answer, self.committed) {
                        waits.ending.get_or_insert(ending);
                    }
                }
                // What is done may get into the books later: where somebody else has the lease by then, its epoch tells.
                Event::Renewed(_, Err(StoreError::Failed(_))) => {
                    let wait = self.core.config.lease / RENEWALS_OF_A_LEASE;
                    waits.renew_at.as_mut().reset(Instant::now() + wait);
                }
                Event::Renewed(_, Err(error)) => return Err(error.into()),
                Event::Checkpoint => {
                    waits.commit = Some(self.commit());
                    waits.checkpoint_at.as_mut().reset(Instant::now() + self.core.config.checkpoint_interval);
                }
                Event::Renew => waits.renewal = Some((Instant::now(), self.renew())),
                Event::Raised => {
                    let (stop, seen) = (Arc::clone(&self.stop), self.stop.level());
                    waits.raised = match seen {
                        Level::Cancel => std::future::pending().boxed(),
                        _ => async move { stop.above(seen).await }.boxed(),
                    };
                    // Nothing begins any more.
                    (waits.reading, waits.turn) = (None, None);
                }
            }
        }
    }

    /// Begins with rows in as many lanes as there are slots for; waits for one more slot where there are more rows.
    fn begin_lanes(&self, waits: &mut Waits, most: usize) {
        let mut rows = self.line.startable();
        if rows == 0 {
            waits.turn = None;
        }
        while rows > 0 && waits.lanes.len() < most && waits.turn.is_none() {
            match self.hands.gate.try_enter() {
                Some(slot) => self.begin_lane(waits, slot),
                None => {
                    let gate = self.hands.gate.clone();
                    waits.turn = Some(async move { gate.enter_further().await }.boxed());
                }
            }
            rows -= 1;
        }
    }

    fn begin_lane(&self, waits: &Waits, slot: Slot) {
        if let Some(first) = self.line.take() {
            waits.lanes.push(lane::run(Arc::clone(&self.hands), slot, first).boxed());
        }
    }

    fn renew(&self) -> BoxFuture<'static, Result<CheckpointAnswer, StoreError>> {
        let (core, lease) = (Arc::clone(self.core), self.lease.clone());
        async move { core.store.renew_shard(&lease, core.config.lease).await }.boxed()
    }

    /// The lease was renewed, as was asked for at this time.
    fn renewed(&mut self, waits: &mut Waits, asked: Instant) {
        let lease = self.core.config.lease;
        self.renewed_at = self.renewed_at.max(asked);
        // Well before the lease could run out, nothing new begins under it.
        self.line.set_until(self.renewed_at + lease * 2 / 3);
        waits.renew_at.as_mut().reset(self.renewed_at + lease / 3);
    }

    /// Notes what is committed, stops where the job's status asks for it, and tells how to end a job of which too much
    /// has failed, or whose report is too large.
    fn obey(&mut self, answer: CheckpointAnswer, committed: u64) -> Option<BoxFuture<'static, ()>> {
        self.committed = committed;
        if let Some(level) = stop_level(answer.status) {
            self.stop.raise(level);
            return None;
        }
        let most = self.core.config.report_bytes_max(&self.tenant);
        if answer.report_bytes > most {
            let reason = format!("the report has {} bytes, more than {most}", answer.report_bytes);
            let failure = Failure::new("ReportTooLarge", reason);
            let (core, job) = (Arc::clone(self.core), self.lease.job);
            return Some(
                async move {
                    // Refused where the job was cancelled meanwhile, or has failed already.
                    let _ = core.command(job, Command::Fail(failure)).await;
                }
                .boxed(),
            );
        }
        self.core.config.failure_threshold.as_ref()?.check(answer.progress)?;
        let (core, job) = (Arc::clone(self.core), self.lease.job);
        // Once it is written, the effect stops this shard too.
        Some(async move { end_if_too_much_failed(&core, job, answer).await }.boxed())
    }

    /// One checkpoint: the target is durable, then the segment, then the books.
    fn commit(&mut self) -> BoxFuture<'static, Result<Committed, ShardError>> {
        let pending = self.line.commit();
        let number = self.next_segment;
        if !pending.failed_file.is_empty() || !pending.succeeded_file.is_empty() {
            self.next_segment += 1;
        }
        let (core, runner) = (Arc::clone(self.core), Arc::clone(&self.hands.runner));
        let commit = Commit::new(core, self.lease.clone(), runner, pending, number, self.lost_before);
        commit.run(Arc::clone(&self.stop)).boxed()
    }
}

/// Reads rows ahead of those who do them, until there are no more.
async fn read(mut feed: Feed, line: Arc<Line>) -> Result<(), FeedError> {
    loop {
        let rows = line.room().await;
        let tasks = feed.next(rows).await?;
        let end = tasks.is_empty();
        line.fill(tasks);
        if end {
            return Ok(());
        }
    }
}

/// Ends a job of which too much has failed. What an inventory lists as old versions and delete markers, of which nothing was
/// asked of the store, counts neither way.
async fn end_if_too_much_failed(core: &Core, job: uuid::Uuid, answer: CheckpointAnswer) {
    let mut progress = answer.progress;
    match core.store.codes(job).await {
        Ok(codes) => {
            let listed = codes.iter().filter(|(code, _)| REFUSED_AS_LISTED.contains(&code.as_str()));
            progress.failed = progress.failed.saturating_sub(listed.map(|(_, tasks)| tasks).sum());
        }
        // The next checkpoint asks again.
        Err(error) => return tracing::warn!(%job, %error, "what failed cannot be told now"),
    }
    let threshold = core.config.failure_threshold.as_ref();
    if let Some(failure) = threshold.and_then(|threshold| threshold.check(progress)) {
        // Refused where the job was cancelled meanwhile.
        let _ = core.command(job, Command::Fail(failure)).await;
    }
}
