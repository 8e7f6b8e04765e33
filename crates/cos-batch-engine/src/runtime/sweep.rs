//! What time alone brings about: confirmations that never came, finished jobs past their retention, deleted jobs; and
//! uploads in parts that jobs which have ended left behind.

use std::{sync::Arc, time::Duration};

use super::{core::Core, offload::offload, stop::Level, uploads};
use crate::{job::Failure, lifecycle::Command, store::StoreError};

/// How often to look. Retention is counted in days, so a minute more does not matter.
const INTERVAL: Duration = Duration::from_secs(60);

/// Jobs looked at in one round; the rest follows in the next.
const JOBS_PER_ROUND: usize = 1000;

/// Looks after jobs that wait or have ended, now and then, until the engine stops. What is interrupted is found again.
pub(crate) async fn run(core: &Arc<Core>) {
    let rounds = async {
        loop {
            if let Err(error) = sweep(core).await {
                tracing::warn!(%error, "old jobs could not be swept; trying again later");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::select! {
        biased;
        () = rounds => {}
        () = core.stopping.above(Level::Run) => {}
    }
}

async fn sweep(core: &Arc<Core>) -> Result<(), StoreError> {
    let now = core.store.now();
    let before = |wait: Duration| now - i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    for id in core.store.suspended(before(core.config.confirmation_wait), JOBS_PER_ROUND).await? {
        let reason = format!("nobody confirmed the job within {}", span(core.config.confirmation_wait));
        let failure = Failure::new("ConfirmationExpired", reason);
        // Refused where somebody confirmed or cancelled it just now.
        let _ = core.command(id, Command::Fail(failure)).await;
    }
    // Where a process died, or a store did not answer, right at the end of a job.
    let spool = core.spool.clone();
    let list = async move { spool.jobs_with_uploads(JOBS_PER_ROUND).await };
    match offload(core.spool.store().execution(), list).await {
        Ok(jobs) => abort_left(core, jobs).await?,
        Err(error) => tracing::warn!(%error, "uploads that may be left cannot be listed; trying again later"),
    }
    for id in core.store.purgeable(before(core.config.retention), JOBS_PER_ROUND).await? {
        // One that cannot be forgotten now does not keep the others.
        if let Err(error) = purge(core, id).await {
            tracing::warn!(job = %id, %error, "a finished job cannot be forgotten; trying again later");
        }
    }
    Ok(())
}

/// A time in its largest whole unit.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        86_400.. => (seconds / 86_400, "day"),
        3600.. => (seconds / 3600, "hour"),
        60.. => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// Aborts uploads of jobs that are over.
async fn abort_left(core: &Core, jobs: Vec<uuid::Uuid>) -> Result<(), StoreError> {
    for id in jobs {
        if core.store.get(id).await?.is_none_or(|job| job.state.status.is_final())
            && let Err(error) = uploads::abort_all(core, id).await
        {
            tracing::warn!(job = %id, %error, "uploads in parts are left; trying again later");
        }
    }
    Ok(())
}

/// Forgets a final job, unless somebody else is about to. Its segments go first: what is left after a crash is found again.
async fn purge(core: &Core, id: uuid::Uuid) -> Result<(), StoreError> {
    let lease = match core.store.lease_job(id, core.config.lease).await {
        Ok(Some(lease)) => lease,
        Ok(None) | Err(StoreError::NoSuchJob) => return Ok(()),
        Err(error) => return Err(error),
    };
    let purged = core.holding(|| core.store.renew_job(&lease, core.config.lease), forget(core, id)).await;
    if purged.is_err() {
        core.store.release_job(&lease).await?;
    }
    purged
}

async fn forget(core: &Core, id: uuid::Uuid) -> Result<(), StoreError> {
    if let Err(error) = uploads::abort_all(core, id).await {
        return Err(StoreError::Failed(format!("uploads of {id} cannot be aborted: {error}")));
    }
    let spool = core.spool.clone();
    let sweep = async move { spool.sweep(id, true).await };
    if let Err(error) = offload(core.spool.store().execution(), sweep).await {
        return Err(StoreError::Failed(format!("segments of {id} cannot be removed: {error}")));
    }
    core.store.purge(id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let told = |seconds| span(Duration::from_secs(seconds));
        assert_eq!((told(30 * 86_400).as_str(), told(86_400).as_str()), ("30 days", "1 day"));
        assert_eq!((told(86_399).as_str(), told(3600).as_str()), ("23 hours", "1 hour"));
        assert_eq!((told(150).as_str(), told(0).as_str()), ("2 minutes", "0 seconds"));
    }
}
