//! The driver: looks at what jobs there are, and sees to it that whatever their status calls for is being done.
//!
//! It decides from what is stored, never from what it remembers, so it can begin anew at any time.

use std::{sync::Arc, time::Duration};

use cos_batch_model::JobStatus;
use tokio::time::Instant;

use super::{
    core::{CommandError, Core, Kind, Piece, Running, stop_level},
    finish, prepare, shard,
    stop::Level,
    sweep,
};
use crate::{
    job::JobRecord,
    lifecycle::Command,
    scheduler::{self, Room, Waiting, Working},
    store::{BriefFilter, BriefPage, JobBrief, StoreError},
};

/// Statuses in which there is something to do.
const BUSY: [JobStatus; 9] = [
    JobStatus::New,
    JobStatus::Preparing,
    JobStatus::Ready,
    JobStatus::Active,
    JobStatus::Pausing,
    JobStatus::Paused,
    JobStatus::Completing,
    JobStatus::Cancelling,
    JobStatus::Failing,
];

/// APPIDs looked at in one round. Where more have jobs, the next round goes on with them.
const TENANTS_PER_ROUND: usize = 1000;

/// How long a round goes on at most without a look at what was stopped elsewhere: a quarter of the second after which no
/// operation of a stopped job may begin.
const INTERRUPT_EVERY: Duration = Duration::from_millis(250);

/// Shards of one job that rest after a trouble before no further one of it is tried.
const RESTING_MAX: usize = 4;

/// Jobs of one APPID looked at in each status: the most urgent, the oldest first. Those that hold workers may have
/// nothing to give out, so there are two for each worker, and some more.
fn jobs_of_each(core: &Core) -> usize {
    const MORE: usize = 16;
    core.config.workers.saturating_mul(2).saturating_add(MORE)
}

/// Runs until the engine stops.
pub(crate) async fn run(core: Arc<Core>) {
    // Side by side: to forget large jobs takes its time.
    tokio::join!(rounds(&core), sweep::run(&core));
}

async fn rounds(core: &Arc<Core>) {
    let mut after: Option<String> = None;
    while core.stopping.level() == Level::Run {
        match round(core, after.as_deref()).await {
            Ok(next) => after = next,
            Err(error) => {
                tracing::warn!(%error, "the job store cannot be read; trying again");
                after = None;
            }
        }
        if after.is_some() {
            continue;
        }
        tokio::select! {
            biased;
            () = core.wake.notified() => {}
            () = core.store.changed() => {}
            () = tokio::time::sleep(core.config.poll) => {}
            () = core.stopping.above(Level::Run) => {}
        }
    }
}

/// One look at the jobs of APPIDs after this one. Tells the last of them, if there are more.
async fn round(core: &Arc<Core>, after: Option<&str>) -> Result<Option<String>, StoreError> {
    let ended = core.store.reap(false).await?;
    if ended > 0 {
        tracing::warn!(ended, "leases ran out");
    }
    let filter = BriefFilter { statuses: &BUSY, after, tenants: TENANTS_PER_ROUND, each: jobs_of_each(core) };
    let BriefPage { jobs: briefs, next } = core.store.briefs(filter).await?;
    interrupt(core, &briefs).await?;
    let mut looked = Instant::now();
    for brief in &briefs {
        if core.stopping.level() > Level::Run {
            return Ok(None);
        }
        // Many jobs that end together take long, and what was stopped elsewhere meanwhile must stop here.
        if looked.elapsed() >= INTERRUPT_EVERY {
            interrupt(core, &[]).await?;
            looked = Instant::now();
        }
        if let Err(error) = advance(core, brief).await {
            tracing::warn!(job = %brief.id, %error, "the job cannot be taken further now");
        }
    }
    prepare_some(core, &briefs).await?;
    assign(core, &briefs).await?;
    Ok(next)
}

/// Stops work here on jobs that somebody stopped elsewhere, and heeds priorities that were set there. Jobs that are not among
/// these are read.
async fn interrupt(core: &Core, briefs: &[JobBrief]) -> Result<(), StoreError> {
    for (piece, running) in core.running() {
        if piece.kind == Kind::Finish {
            continue;
        }
        let status = match briefs.iter().find(|brief| brief.id == piece.job) {
            Some(brief) => {
                if brief.priority != running.priority {
                    core.set_priority(piece.job, brief.priority);
                }
                Some(brief.status)
            }
            None => core.store.get(piece.job).await?.map(|job| job.state.status),
        };
        match status {
            // Whatever else it has become: there is nothing left to prepare.
            Some(status) if matches!(piece.kind, Kind::Prepare | Kind::Help) => {
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
        JobStatus::Ready | JobStatus::Paused if brief.shards.left() == 0 => {
            step(core, brief, Command::Activate).await;
            step(core, brief, Command::TasksDone).await;
            Ok(())
        }
        JobStatus::Active | JobStatus::Pausing if brief.shards.left() == 0 => {
            step(core, brief, Command::TasksDone).await;
            Ok(())
        }
        JobStatus::Pausing if brief.shards.leased == 0 && !core.is_busy(brief.id) => {
            step(core, brief, Command::Paused).await;
            Ok(())
        }
        JobStatus::Completing | JobStatus::Cancelling | JobStatus::Failing => begin_finish(core, brief).await,
        _ => Ok(()),
    }
}

/// Gives jobs to free preparers, as fairly as shards to workers. Whoever is left over helps with jobs that others prepare.
async fn prepare_some(core: &Arc<Core>, briefs: &[JobBrief]) -> Result<(), StoreError> {
    let is_free = |brief: &JobBrief| !core.is_running(Piece { job: brief.id, kind: Kind::Prepare });
    let unprepared = |brief: &&JobBrief| {
        matches!(brief.status, JobStatus::New | JobStatus::Preparing) && !brief.job_leased && is_free(brief)
    };
    let waiting: Vec<_> = briefs.iter().filter(unprepared).collect();
    let begun = give_out(core, &waiting, Kind::Prepare).await?;
    core.want_preparer(begun < waiting.len());
    let helped = |brief: &&JobBrief| {
        let helps = core.is_running(Piece { job: brief.id, kind: Kind::Help });
        brief.status == JobStatus::Preparing && brief.job_leased && is_free(brief) && !helps
    };
    let waiting: Vec<_> = briefs.iter().filter(helped).collect();
    give_out(core, &waiting, Kind::Help).await?;
    Ok(())
}

/// Gives jobs to preparers for as long as some are free. Tells how many were given out.
async fn give_out(core: &Arc<Core>, of: &[&JobBrief], kind: Kind) -> Result<usize, StoreError> {
    let mut waiting: Vec<_> = of.iter().map(|brief| candidate(brief, 1)).collect();
    let mut given = 0;
    while core.stopping.level() == Level::Run {
        let mut running = core.running_of(|kind| matches!(kind, Kind::Prepare | Kind::Help));
        running.retain(|(_, running)| !running.resting);
        let working: Vec<_> = running.iter().map(|(piece, running)| worker(piece, running)).collect();
        if working.len() >= core.config.preparers {
            break;
        }
        let Some(place) = scheduler::pick(&waiting, &working) else { break };
        waiting[place].ready = 0;
        given += 1;
        match kind {
            Kind::Help => begin_help(core, of[place]).await?,
            _ => begin_prepare(core, of[place]).await?,
        }
    }
    Ok(given)
}

fn candidate(brief: &JobBrief, ready: u64) -> Waiting<'_> {
    Waiting { job: brief.id, tenant: &brief.tenant, priority: brief.priority, ready }
}

fn worker<'a>(piece: &Piece, running: &'a Running) -> Working<'a> {
    Working { job: piece.job, tenant: &running.tenant, priority: running.priority, promised: false }
}

/// Applies a command that may be refused because somebody else was first.
async fn step(core: &Core, brief: &JobBrief, command: Command) {
    if let Err(error) = core.command(brief.id, command).await {
        tracing::debug!(job = %brief.id, %error, "nothing changed");
    }
}

async fn begin_prepare(core: &Arc<Core>, brief: &JobBrief) -> Result<(), StoreError> {
    if brief.status == JobStatus::New {
        step(core, brief, Command::StartPreparing).await;
    }
    let Some(lease) = core.store.lease_job(brief.id, core.config.lease).await? else { return Ok(()) };
    let Some(job) = core.store.get(brief.id).await?.filter(|job| job.state.status == JobStatus::Preparing) else {
        return core.store.release_job(&lease).await;
    };
    let piece = Piece { job: brief.id, kind: Kind::Prepare };
    let running = running(brief);
    let stop = Arc::clone(&running.stop);
    spawn(core, piece, running, prepare::run(Arc::clone(core), job, lease, stop));
    Ok(())
}

async fn begin_help(core: &Arc<Core>, brief: &JobBrief) -> Result<(), StoreError> {
    let Some(lease) = core.store.claim_file(brief.id, core.config.lease).await? else { return Ok(()) };
    let Some(job) = core.store.get(brief.id).await?.filter(|job| job.state.status == JobStatus::Preparing) else {
        return core.store.release_file(&lease).await;
    };
    let piece = Piece { job: brief.id, kind: Kind::Help };
    let running = running(brief);
    let stop = Arc::clone(&running.stop);
    spawn(core, piece, running, prepare::help(Arc::clone(core), job, lease, stop));
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
    let runnable = |brief: &&JobBrief| {
        matches!(brief.status, JobStatus::Ready | JobStatus::Active | JobStatus::Paused)
            && brief.shards.ready > 0
            && core.resting(brief.id) < RESTING_MAX
    };
    let (mut waiting, of): (Vec<_>, Vec<_>) =
        briefs.iter().filter(runnable).map(|brief| (candidate(brief, brief.shards.ready), brief)).unzip();
    while core.stopping.level() == Level::Run {
        let (resting, shards): (Vec<_>, Vec<_>) = core
            .running_of(|kind| matches!(kind, Kind::Shard(_)))
            .into_iter()
            .partition(|(_, running)| running.resting);
        if shards.len() >= core.config.workers {
            if make_room(core, &waiting, &shards).await? {
                continue;
            }
            return Ok(());
        }
        let working: Vec<_> = shards.iter().map(|(piece, running)| worker(piece, running)).collect();
        let Some(place) = scheduler::pick(&waiting, &working) else { return Ok(()) };
        let brief = of[place];
        if brief.status != JobStatus::Active {
            // Refused where it is Active by now.
            step(core, brief, Command::Activate).await;
        }
        let asked = Instant::now();
        let Some(lease) = core.store.claim_shard(brief.id, core.config.lease).await? else {
            // Nothing left to claim in this round.
            waiting[place].ready = 0;
            continue;
        };
        let piece = Piece { job: brief.id, kind: Kind::Shard(lease.shard.index) };
        // Its lease ran out under its holder here (the machine slept, its clock was set), who lets go first.
        if let Some((_, holder)) = shards.iter().chain(&resting).find(|(held, _)| *held == piece) {
            holder.stop.raise(Level::Halt);
            core.store.release_shard(&lease).await?;
            waiting[place].ready = 0;
            continue;
        }
        waiting[place].ready -= 1;
        let running = running(brief);
        let stop = Arc::clone(&running.stop);
        spawn(core, piece, running, shard::run(Arc::clone(core), lease, asked, stop));
    }
    Ok(())
}

/// With no worker free: asks somebody to make room, if anybody should. Whether somebody was asked.
async fn make_room(core: &Core, waiting: &[Waiting<'_>], shards: &[(Piece, Running)]) -> Result<bool, StoreError> {
    let (staying, leaving): (Vec<_>, Vec<_>) =
        shards.iter().partition(|(_, running)| running.stop.level() == Level::Run);
    let mut waiting = waiting.to_vec();
    let mut working: Vec<_> = staying.iter().map(|(piece, running)| worker(piece, running)).collect();
    scheduler::promise(&mut waiting, &mut working, leaving.len());
    match scheduler::make_room(&waiting, &working) {
        None => Ok(false),
        Some(Room::Worker(place)) => {
            staying[place].1.stop.raise(Level::Yield);
            Ok(true)
        }
        Some(Room::Job { job, urgent }) => {
            let reason = format!("makes room for job {urgent}, which has a higher priority");
            match core.command(job, Command::Pause { reason }).await {
                Ok(_) => Ok(true),
                Err(CommandError::Store(error)) => Err(error),
                // It has just become something else; the next round sees what.
                Err(CommandError::Refused(_)) => Ok(false),
            }
        }
    }
}

fn running(brief: &JobBrief) -> Running {
    Running { tenant: brief.tenant.clone(), priority: brief.priority, stop: Arc::default(), resting: false }
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
