//! The kills, and what is looked at between them.

use std::time::{Duration, Instant};

use cos_batch_client::{Client, Credentials, Endpoint};
use cos_batch_model::{Job, JobId, JobStatus};

use super::{books, plan::Plan};
use crate::{
    dice::Dice,
    support::{Place, Server},
};

/// Longest that a server may take until it has counted something more: far more than it does.
const PATIENCE: Duration = Duration::from_secs(120);

/// Longest from a start to the first row that is counted after it: a server that waited for the leases of the one before it,
/// which last for thirty seconds, would take longer.
const MOVES_WITHIN: Duration = Duration::from_secs(20);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(3);

/// One kill of so many comes while the server starts.
const STARTS: u64 = 6;

/// A start takes about so long.
const START_MILLIS: u64 = 150;

/// What the objects tell of the operations that were carried out on them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    /// Objects that had one.
    pub(super) objects: u64,
    /// Operations on objects that had one before, where that is known.
    pub(super) again: u64,
}

/// Where the job runs.
pub(super) struct Ground<'a> {
    pub(super) plan: Plan,
    pub(super) place: &'a Place,
    /// How its servers are started.
    pub(super) flags: &'a [&'a str],
    /// Tells what the objects tell.
    pub(super) tally: &'a dyn Fn() -> Tally,
    /// Asking them takes long: they are asked after a kill only.
    pub(super) tally_is_slow: bool,
    /// Most rows that may be done and not counted.
    pub(super) ahead_max: u64,
    /// Most operations that may still arrive from a server that is gone.
    pub(super) late_max: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Counters that were read and found true.
    pub(super) reads: u64,
    /// Kills after which there was something left to do.
    pub(super) within: u64,
    /// Rows that were done and not counted at all kills together: so many operations may be done again.
    pub(super) ahead: u64,
    /// Most of them at one kill.
    pub(super) ahead_most: u64,
    /// From a start to the first row that was counted after it, the longest.
    pub(super) idle_most: Duration,
    pub(super) idle: Duration,
    pub(super) starts: u32,
}

/// Counters as they were read last.
struct Seen {
    rows: u64,
    counted: u64,
}

impl Seen {
    /// Looks at the job. The counters are no less than before, and no more than what was done.
    async fn look(&mut self, ground: &Ground<'_>, client: &Client, job: &JobId) -> Job {
        let described = client.describe_job(job).await.unwrap();
        let progress = &described.progress_summary;
        let (succeeded, total) = (progress.number_of_tasks_succeeded, progress.total_number_of_tasks);
        assert_eq!(progress.number_of_tasks_failed, 0, "{described:?}");
        assert!(total == 0 || total == self.rows, "{described:?}");
        assert!(succeeded >= self.counted && succeeded <= total, "{} were counted before: {described:?}", self.counted);
        if !ground.tally_is_slow {
            let tally = (ground.tally)();
            assert!(succeeded <= tally.objects, "{tally:?}: {described:?}");
        }
        self.counted = succeeded;
        described
    }
}

/// Kills servers in the middle of this job, and gives one that has carried it out to its end.
pub(super) fn run(ground: &Ground<'_>, first: Server, job: &str) -> (Server, Outcome) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (plan, id) = (ground.plan, job.parse().unwrap());
    let mut dice = Dice(plan.seed);
    let mut outcome = Outcome::default();
    let mut seen = Seen { rows: plan.rows, counted: 0 };
    // The first has answered CreateJob, and nothing else has happened.
    first.kill();
    settle(ground, job, &mut seen, &mut outcome);
    for kill in 1..plan.kills {
        if dice.below(STARTS) == 0 {
            let moment = Duration::from_millis(dice.below(START_MILLIS));
            let mut starting = Server::begin(ground.place, ground.flags);
            pause(moment);
            starting.kill().unwrap();
            starting.wait().unwrap();
        } else {
            let server = Server::start_with(ground.place, ground.flags);
            let enough = if kill + 1 == plan.kills {
                // The last comes near the end.
                (plan.rows - dice.below(plan.rows / 50)).saturating_sub(seen.counted)
            } else {
                dice.below(plan.stride())
            };
            runtime.block_on(watch(ground, &server, &id, enough, &mut seen, &mut outcome));
            server.kill();
        }
        settle(ground, job, &mut seen, &mut outcome);
    }
    let server = Server::start_with(ground.place, ground.flags);
    let left = plan.rows;
    runtime.block_on(watch(ground, &server, &id, left, &mut seen, &mut outcome));
    // The last one comes near the end, and may find it.
    assert!(outcome.within + 1 >= plan.kills, "some came after the end: {outcome:?}");
    assert!(outcome.ahead_most > 0, "none came in the middle of anything: {outcome:?}");
    assert!(u64::from(outcome.starts) * 2 > plan.kills && outcome.idle_most < MOVES_WITHIN, "{outcome:?}");
    (server, outcome)
}

/// Looks at the job until so many more rows were counted, or it has ended.
async fn watch(ground: &Ground<'_>, server: &Server, job: &JobId, more: u64, seen: &mut Seen, outcome: &mut Outcome) {
    let client = client(server);
    let (begin, before) = (Instant::now(), seen.counted);
    let (mut moved, mut last, mut last_moved) = (false, before, Instant::now());
    loop {
        let described = seen.look(ground, &client, job).await;
        outcome.reads += 1;
        let status = *described.status.known().unwrap();
        if seen.counted > before && !moved {
            moved = true;
            outcome.starts += 1;
            outcome.idle += begin.elapsed();
            outcome.idle_most = outcome.idle_most.max(begin.elapsed());
        }
        if seen.counted > last {
            (last, last_moved) = (seen.counted, Instant::now());
        }
        if status == JobStatus::Complete || (seen.counted - before >= more && more < seen.rows) {
            return;
        }
        assert!(!status.is_final(), "{described:?}");
        assert!(last_moved.elapsed() < PATIENCE, "nothing moves: {described:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks at what a server left that was killed.
fn settle(ground: &Ground<'_>, job: &str, seen: &mut Seen, outcome: &mut Outcome) {
    let counted = books::counted(&ground.place.data(), job);
    assert!(counted >= seen.counted, "{counted} are counted, {} were told", seen.counted);
    seen.counted = counted;
    outcome.within += u64::from(counted < ground.plan.rows);
    let tally = (ground.tally)();
    let ahead = tally.objects.checked_sub(counted).expect("more is counted than was done");
    assert!(ahead <= ground.ahead_max, "{ahead} rows were done and not counted");
    assert!(tally.again <= outcome.ahead, "{tally:?}: {outcome:?}");
    outcome.ahead += ahead + ground.late_max;
    outcome.ahead_most = outcome.ahead_most.max(ahead);
}

fn client(server: &Server) -> Client {
    let (id, secret) = server.key();
    let client = Client::builder().endpoint(Endpoint::url(&server.endpoint).unwrap());
    let client = client.appid("1250000000".parse().unwrap()).credentials(Credentials::new(id, secret));
    client.build().unwrap()
}

/// Not to wait for anything: to be somewhere in the middle of it.
fn pause(time: Duration) {
    // Nobody sends on it.
    let (_sender, receiver) = std::sync::mpsc::channel::<()>();
    let _ = receiver.recv_timeout(time);
}
