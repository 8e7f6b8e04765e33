//! One checkpoint of a shard, tried until it is in the books.
//!
//! What it commits was done to objects already. Giving it up means doing that again, and after a cancel that nobody
//! reports it; so it is kept, and a store that does not take it now is asked again. Only where what was done may be lost
//! itself, because it could not be made durable, it is given up.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_objectstore::{ErrorKind, StoreError as ObjectError};
use tokio::time::Instant;

use super::{
    core::Core,
    fault::{Fault, ShardError},
    offload::offload,
    stop::{Level, Stop},
    window::Pending,
};
use crate::{
    report::spool::Rows,
    store::{Checkpoint, CheckpointAnswer, Segment, ShardLease, StoreError},
    task::Runner,
};

/// Pause before a second try; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// Longest pause: an operator who has made room on a disk does not wait long.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A job that was cancelled waits so long for its books before it ends without what they lack.
const CANCELLED_PATIENCE: Duration = Duration::from_secs(60);

/// A worker that is to make room waits so long before its rows are left to be done again.
const YIELD_PATIENCE: Duration = Duration::from_secs(5);

/// A checkpoint that is in the books.
pub(super) struct Committed {
    pub(super) answer: CheckpointAnswer,
    /// Rows of the shard that are committed now.
    pub(super) rows: u64,
    /// When it was asked for: the lease lasts from then on.
    pub(super) asked: Instant,
}

/// A checkpoint on its way.
pub(super) struct Commit {
    core: Arc<Core>,
    lease: ShardLease,
    runner: Arc<Runner>,
    step: Checkpoint,
    segment: Segment,
    files: [(Rows, Bytes); 2],
    /// How often what was done in the bucket had been lost before any of this was done.
    lost_before: u64,
}

/// Why it is not in the books.
enum Uncommitted {
    /// It may be taken at the next try.
    NotNow(Fault),
    /// It never will be.
    Never(ShardError),
}

impl Commit {
    pub(super) fn new(
        core: Arc<Core>,
        lease: ShardLease,
        runner: Arc<Runner>,
        pending: Pending,
        number: u32,
        lost_before: u64,
    ) -> Self {
        let segment = Segment {
            shard: lease.shard.index,
            epoch: lease.epoch,
            number,
            succeeded_rows: pending.succeeded_rows,
            failed_rows: if pending.failed_file.is_empty() { 0 } else { pending.failed },
        };
        let has_segment = segment.succeeded_rows + segment.failed_rows > 0;
        let step = Checkpoint {
            cursor: pending.cursor,
            succeeded: pending.succeeded,
            failed: pending.failed,
            codes: pending.codes,
            segment: has_segment.then(|| segment.clone()),
            report_bytes: (pending.succeeded_file.len() + pending.failed_file.len()) as u64,
        };
        let files = [(Rows::Succeeded, pending.succeeded_file.into()), (Rows::Failed, pending.failed_file.into())];
        Self { core, lease, runner, step, segment, files, lost_before }
    }

    /// Tries until it is in the books, or must be given up.
    pub(super) async fn run(self, stop: Arc<Stop>) -> Result<Committed, ShardError> {
        let mut pause = PAUSE_FIRST;
        let mut doubt = false;
        let mut asked_to_stop: Option<Instant> = None;
        loop {
            let fault = match self.once(&mut doubt).await {
                Ok(committed) => return Ok(committed),
                Err(Uncommitted::Never(error)) => return Err(error),
                Err(Uncommitted::NotNow(fault)) => fault,
            };
            let patience = match stop.level() {
                Level::Run => None,
                Level::Yield => Some(YIELD_PATIENCE),
                Level::Halt => Some(Duration::ZERO),
                Level::Cancel => Some(CANCELLED_PATIENCE),
            };
            if let Some(patience) = patience
                && asked_to_stop.get_or_insert_with(Instant::now).elapsed() >= patience
            {
                return Err(ShardError::Fault(fault));
            }
            if pause == PAUSE_FIRST {
                let (job, shard) = (self.lease.job, self.lease.shard.index);
                tracing::warn!(%job, shard, %fault, "what was done is not in the books yet; trying again");
            }
            let seen = stop.level();
            tokio::select! {
                biased;
                () = tokio::time::sleep(pause) => {}
                () = stop.above(seen), if seen < Level::Cancel => {}
            }
            pause = (pause * 2).min(if patience.is_some() { YIELD_PATIENCE / 5 } else { PAUSE_MAX });
        }
    }

    /// What was done is durable. A sync that failed, for this shard or for another one in the same bucket, is no reason to ask
    /// for another: that would succeed, whatever was lost.
    async fn sync(&self) -> Result<(), Uncommitted> {
        let lost = |text: String| Uncommitted::Never(ShardError::Fault(Fault::new("InternalError", text)));
        let (core, runner) = (Arc::clone(&self.core), Arc::clone(&self.runner));
        let barrier = async move { core.buckets.syncs().barrier(&**runner.store(), runner.changed_bucket()).await };
        match offload(self.runner.store().execution(), barrier).await {
            // The bucket was removed meanwhile, and with it whatever was to be made durable; the tasks say so themselves.
            Err(error) if error.kind() == ErrorKind::NoSuchBucket => Ok(()),
            Err(error) => Err(lost(format!("what was done could not be made durable: {error}"))),
            Ok(()) if self.core.buckets.syncs().lost(self.runner.changed_bucket()) != self.lost_before => {
                Err(lost("what was done may be lost: the bucket could not be synced meanwhile".to_owned()))
            }
            Ok(()) => Ok(()),
        }
    }

    /// One try. `doubt`: an earlier one may have been carried out, and its answer lost.
    async fn once(&self, doubt: &mut bool) -> Result<Committed, Uncommitted> {
        let not_now = |what: &str, error: &ObjectError| {
            Uncommitted::NotNow(Fault::new("InternalError", format!("{what}: {error}")))
        };
        self.sync().await?;
        for (kind, body) in &self.files {
            if !body.is_empty() {
                let (spool, job) = (self.core.spool.clone(), self.lease.job);
                let (segment, kind, body) = (self.segment.clone(), *kind, body.clone());
                let write = async move { spool.write(job, &segment, kind, body).await };
                offload(self.core.spool.store().execution(), write)
                    .await
                    .map_err(|error| not_now("the spool could not be written", &error))?;
            }
        }
        let asked = Instant::now();
        let (books, lease) = (&self.core.store, self.core.config.lease);
        let failed = |text| Uncommitted::NotNow(Fault::new("InternalError", text));
        match books.checkpoint(&self.lease, self.step.clone(), lease).await {
            Ok(answer) => {
                self.core.pulses.note(self.lease.job, books.now(), answer.progress);
                Ok(Committed { answer, rows: self.step.cursor.rows, asked })
            }
            Err(StoreError::Failed(text)) => {
                *doubt = true;
                Err(failed(text))
            }
            // The step does not follow the last one: it may be the last one.
            Err(StoreError::Misuse(_)) if *doubt => match books.renew_shard(&self.lease, lease).await {
                Ok(answer) if answer.cursor == self.step.cursor => {
                    Ok(Committed { answer, rows: self.step.cursor.rows, asked })
                }
                Ok(_) => Err(Uncommitted::Never(ShardError::Fault(Fault::new("InternalError", "the books differ")))),
                Err(StoreError::Failed(text)) => Err(failed(text)),
                Err(error) => Err(Uncommitted::Never(error.into())),
            },
            Err(error) => Err(Uncommitted::Never(error.into())),
        }
    }
}
