//! The driver: looks at what jobs there are, and sees to it that whatever their status calls for is being done.
//!
//! It decides from what is stored, never from what it remembers, so it can begin anew at any time.

use std::sync::Arc;

use cos_batch_model::JobStatus;

use super::{
    core::{Core, Kind, Piece, Running, stop_level},
    finish, prepare, shard,
    stop::{Level, Stop},
    sweep,
};
use crate::{
    job::JobRecord,
    lifecycle::Command,
    scheduler::{self, Waiting, Working},
    store::{JobBrief, StoreError},
};

/// Statuses in which there is something to do before the end begins.
const BUSY: [JobStatus; 6] =
    [JobStatus::New, JobStatus::Preparing, JobStatus::Ready, JobStatus::Active, JobStatus::Pausing, JobStatus::Paused];

/// Statuses of jobs that are about to end.
const ENDING: [JobStatus; 3] = [JobStatus::Completing, JobStatus::Cancelling, JobStatus::Failing];

/// Jobs looked at in one round: those of the highest priority, the oldest first. More jobs than this wait their turn.
const JOBS_PER_ROUND: usize = 1000;

/// Runs until the engine stops.
pub(crate) async fn run(core: Arc<Core>) {
    // Side by side: to forget large jobs takes its time.
    tokio::join!(rounds(&core), sweep::run(&core));
}

async fn rounds(core: &Arc<Core>) {
    while core.stopping.level() == Level::Run {
        if let Err(error) = round(core).await {
            tracing::warn!(%error, "the job store cannot be read; trying again");
        }
        tokio::select! {
            () = core.wake.notified() => {}
            () = tokio::time::sleep(core.config.poll) => {}
            () = core.stopping.above(Level::Run) => {}
        }
    }
}

async fn round(core: &Arc<Core>) -> Result<(), StoreError> {
    let ended = core.store.reap(false).await?;
    if ended > 0 {
        tracing::warn!(ended, "leases ran out");
    }
    // What is about to end comes first: it needs no worker, and must not wait behind any number of urgent jobs.
    let mut briefs = core.store.briefs(&ENDING, JOBS_PER_ROUND).await?;
    briefs.extend(core.store.briefs(&BUSY, JOBS_PER_ROUND).await?);
    interrupt(core, &briefs).await?;
    for brief in &briefs {
        if core.stopping.level() > Level::Run {
            return Ok(());
        }
        if let Err(error) = advance(core, brief).await {
            tracing::warn!(job = %brief.id, %error, "the job cannot be taken further now");
        }
    }
    assign(core, &briefs).await
}

/// Stops work here on jobs that somebody stopped elsewhere.
async fn interrupt(core: &Core, briefs: &[JobBrief]) -> Result<(), StoreError> {
    for (piece, running) in core.running() {
        if piece.kind == Kind::Finish {
            continue;
        }
        let status = match briefs.iter().find(|brief| brief.id == piece.job) {
            Some(brief) => Some(brief.status),
            None => core.store.get(piece.job).await?.map(|job| job.state.status),
        };
        match status {
            // Whatever else it has become: there is nothing left to prepare.
            Some(status) if piece.kind == Kind::Prepare => {
                if status != JobStatus::Preparing {
                    running.stop.raise(Level::Cancel);
                }
            }
            Some(status) => {
                if let Some(level) = stop_level(status) {
                    running.stop.raise(level);
                }
            }
            None => running.stop.raise(Level::Halt),
        }
    }
    Ok(())
}

/// One step of a job that needs no worker.
async fn advance(core: &Arc<Core>, brief: &JobBrief) -> Result<(), StoreError> {
    match brief.status {
        JobStatus::New => {
            step(core, brief, Command::StartPreparing).await;
            begin_prepare(core, brief).await
        }
        JobStatus::Preparing => begin_prepare(core, brief).await,
        JobStatus::Ready if brief.shards.left() == 0 => {
            step(core, brief, Command::Activate).await;
            step(core, brief, Command::TasksDone).await;
            Ok(())
        }
        JobStatus::Active if brief.shards.left() == 0 => {
            step(core, brief, Command::TasksDone).await;
            Ok(())
        }
        JobStatus::Completing | JobStatus::Cancelling | JobStatus::Failing => begin_finish(core, brief).await,
        _ => Ok(()),
    }
}

/// Applies a command that may be refused because somebody else was first.
async fn step(core: &Core, brief: &JobBrief, command: Command) {
    if let Err(error) = core.command(brief.id, command).await {
        tracing::debug!(job = %brief.id, %error, "nothing changed");
    }
}

async fn begin_prepare(core: &Arc<Core>, brief: &JobBrief) -> Result<(), StoreError> {
    let piece = Piece { job: brief.id, kind: Kind::Prepare };
    if brief.job_leased || core.is_running(piece) || core.preparing() >= core.config.preparers {
        return Ok(());
    }
    let Some(lease) = core.store.lease_job(brief.id, core.config.lease).await? else { return Ok(()) };
    let Some(job) = core.store.get(brief.id).await?.filter(|job| job.state.status == JobStatus::Preparing) else {
        return core.store.release_job(&lease).await;
    };
    let running = running(brief);
    let stop = Arc::clone(&running.stop);
    spawn(core, piece, running, prepare::run(Arc::clone(core), job, lease, stop));
    Ok(())
}

async fn begin_finish(core: &Arc<Core>, brief: &JobBrief) -> Result<(), StoreError> {
    let piece = Piece { job: brief.id, kind: Kind::Finish };
    // Everybody who still works on it must be through, so that what they commit is reported.
    if brief.job_leased || brief.shards.leased > 0 || core.is_busy(brief.id) {
        return Ok(());
    }
    let Some(lease) = core.store.lease_job(brief.id, core.config.lease).await? else { return Ok(()) };
    let settled = |job: &JobRecord| job.state.status == brief.status && job.shards.leased == 0;
    let Some(job) = core.store.get(brief.id).await?.filter(settled) else {
        return core.store.release_job(&lease).await;
    };
    let running = finish::running(&job);
    let stop = Arc::clone(&running.stop);
    spawn(core, piece, running, finish::run(Arc::clone(core), job, lease, stop));
    Ok(())
}

/// Gives shards to free workers, and makes room where the scheduler asks for it.
async fn assign(core: &Arc<Core>, briefs: &[JobBrief]) -> Result<(), StoreError> {
    let mut waiting: Vec<Waiting<'_>> = briefs
        .iter()
        .filter(|brief| matches!(brief.status, JobStatus::Ready | JobStatus::Active) && brief.shards.ready > 0)
        .map(|brief| Waiting { job: brief.id, tenant: &brief.tenant, priority: brief.priority })
        .collect();
    while !waiting.is_empty() && core.stopping.level() == Level::Run {
        let shards: Vec<_> =
            core.running().into_iter().filter(|(piece, _)| matches!(piece.kind, Kind::Shard(_))).collect();
        let working: Vec<Working<'_>> = shards
            .iter()
            .map(|(piece, running)| Working { job: piece.job, tenant: &running.tenant, priority: running.priority })
            .collect();
        if working.len() >= core.config.workers {
            // One at a time: a worker that is on its way out is not asked again.
            if shards.iter().all(|(_, running)| running.stop.level() == Level::Run)
                && let Some(place) = scheduler::preempt(&waiting, &working)
            {
                shards[place].1.stop.raise(Level::Yield);
            }
            return Ok(());
        }
        let Some(id) = scheduler::pick(&waiting, &working) else { return Ok(()) };
        let Some(brief) = briefs.iter().find(|brief| brief.id == id) else { return Ok(()) };
        if brief.status == JobStatus::Ready {
            step(core, brief, Command::Activate).await;
        }
        match core.store.claim_shard(id, core.config.lease).await? {
            Some(lease) => {
                let piece = Piece { job: id, kind: Kind::Shard(lease.shard.index) };
                // Its lease ran out under its holder here (the machine slept, its clock was set), who lets go first.
                if let Some((_, holder)) = shards.iter().find(|(held, _)| *held == piece) {
                    holder.stop.raise(Level::Halt);
                    core.store.release_shard(&lease).await?;
                    waiting.retain(|job| job.job != id);
                    continue;
                }
                let running = running(brief);
                let stop = Arc::clone(&running.stop);
                spawn(core, piece, running, shard::run(Arc::clone(core), lease, stop));
            }
            // Nothing left to claim in this round.
            None => waiting.retain(|job| job.job != id),
        }
    }
    Ok(())
}

fn running(brief: &JobBrief) -> Running {
    Running { tenant: brief.tenant.clone(), priority: brief.priority, stop: Arc::new(Stop::default()) }
}

/// Runs a piece of work; the driver looks again when it ends, however it ends.
fn spawn(core: &Arc<Core>, piece: Piece, running: Running, work: impl Future<Output = ()> + Send + 'static) {
    struct End(Arc<Core>, Piece);
    impl Drop for End {
        fn drop(&mut self) {
            self.0.end(self.1);
        }
    }
    core.begin(piece, running);
    let end = End(Arc::clone(core), piece);
    tokio::spawn(async move {
        let _end = end;
        work.await;
    });
}
