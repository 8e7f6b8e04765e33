//! What time alone brings about: confirmations that never came, finished jobs past their retention, deleted jobs.

use std::{sync::Arc, time::Duration};

use cos_batch_model::JobStatus;
use tokio::time::Instant;

use super::{core::Core, offload::offload};
use crate::{job::Failure, lifecycle::Command, store::StoreError};

/// How often to look. Retention is counted in days, so a minute more does not matter.
const INTERVAL: Duration = Duration::from_secs(60);

/// Jobs looked at in one round; the rest follows in the next.
const JOBS_PER_ROUND: usize = 1000;

/// Looks after jobs that wait or have ended, now and then.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    last: Option<Instant>,
}

impl Sweeper {
    pub(crate) async fn run_if_due(&mut self, core: &Arc<Core>) {
        if self.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return;
        }
        self.last = Some(Instant::now());
        if let Err(error) = sweep(core).await {
            tracing::warn!(%error, "old jobs could not be swept; trying again later");
        }
    }
}

async fn sweep(core: &Arc<Core>) -> Result<(), StoreError> {
    let now = core.store.now();
    let before = |wait: Duration| now - i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    for brief in core.store.briefs(&[JobStatus::Suspended], JOBS_PER_ROUND).await? {
        if brief.suspended_at.is_some_and(|at| at <= before(core.config.confirmation_wait)) {
            let days = core.config.confirmation_wait.as_secs() / 86_400;
            let failure = Failure {
                code: "ConfirmationExpired".to_owned(),
                reason: format!("nobody confirmed the job within {days} days"),
            };
            let _ = core.command(brief.id, Command::Fail(failure)).await;
        }
    }
    for id in core.store.purgeable(before(core.config.retention), JOBS_PER_ROUND).await? {
        purge(core, id).await?;
    }
    Ok(())
}

/// Forgets a final job. Its segments go first: what is left after a crash is found again.
async fn purge(core: &Core, id: uuid::Uuid) -> Result<(), StoreError> {
    let spool = core.spool.clone();
    let sweep = async move { spool.sweep(id, true).await };
    if let Err(error) = offload(core.spool.store().execution(), sweep).await {
        return Err(StoreError::Failed(format!("segments of {id} cannot be removed: {error}")));
    }
    core.store.purge(id).await
}
