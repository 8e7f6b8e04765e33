//! What is drawn from a seed.

use std::time::Duration;

use fastrand::Rng;

use crate::Fault;

/// Everything that a story depends on. It prints as one value, so that a story can be told from what is printed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it was drawn from; and what the dice of the story begin with.
    pub seed: u64,
    /// Processes at a time. One: it is the only one, and leases left behind are void when it starts.
    pub processes: usize,
    /// The jobs.
    pub jobs: Vec<JobPlan>,
    /// Of ten thousand calls, so many meet this fault.
    pub faults: Vec<(Fault, u16)>,
    /// Faults end after this time.
    pub calm_after: Duration,
    /// Rows of a checkpoint.
    pub checkpoint_rows: u64,
    /// Time of a checkpoint.
    pub checkpoint_interval: Duration,
    /// How long leases last.
    pub lease: Duration,
    /// Shards at a time in each process.
    pub workers: usize,
    /// Operations in flight in each process.
    pub slots: usize,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
    /// Where a process is killed, whatever the dice say.
    pub aim: Option<Aim>,
}

/// A call of a process that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Who is asked: the job store, the object store or the spool.
    pub store: &'static str,
    /// What for.
    pub name: &'static str,
}

/// A place in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The call.
    pub call: Call,
    /// [`Fault::CrashBefore`], [`Fault::CrashAfter`], or [`Fault::PowerCut`] after it.
    pub when: Fault,
    /// Which of these calls, from 0.
    pub number: u64,
}

/// A defect put in on purpose, to see it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The job store takes this call from whoever held the lease before.
    NoFencing(&'static str),
    /// The job store ends leases by the clock of the process that asks it to.
    LeasesByTheNodesClock,
    /// The spool answers before it has written.
    SegmentAfterCheckpoint,
    /// What is written to the spool is not made durable.
    SegmentNotSynced,
    /// What is written of a report is not made durable.
    ReportNotSynced,
    /// What was done to objects is not made durable before it is counted.
    NoBarrier,
    /// What was done to objects is counted, although it could not be made durable: as if a second sync after one that failed said
    /// anything.
    FailedSyncForgotten,
    /// What has been counted is in the memory of the process that counted it, and every answer has it from there.
    CountersInMemory,
}

/// What one job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Copy,
    Delete,
    Tag,
}

/// What its maker does with it later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Runs,
    Cancelled,
    Deleted,
}

/// One job.
#[derive(Clone, Debug)]
pub struct JobPlan {
    pub(crate) tenant: usize,
    pub(crate) work: Work,
    /// Rows of each file of its inventory; a file is a shard. Some have more files than one process reads at once.
    pub(crate) files: Vec<u32>,
    /// Every so many-th row names an object that is not there. 0: none does.
    pub(crate) missing_every: u32,
    pub(crate) priority: u16,
    pub(crate) made_at: Duration,
    pub(crate) confirmed_after: Option<Duration>,
    pub(crate) fate: Fate,
    pub(crate) fate_after: Duration,
    pub(crate) reprioritized: bool,
    pub(crate) all_tasks: bool,
}

impl JobPlan {
    pub(crate) fn rows(&self) -> u32 {
        self.files.iter().sum()
    }

    /// Whether this row names an object that is not there.
    pub(crate) fn is_missing(&self, row: u32) -> bool {
        self.missing_every > 0 && row % self.missing_every == self.missing_every - 1
    }
}

impl Plan {
    /// Draws a plan.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let processes = if rng.bool() { 1 } else { rng.usize(2..=4) };
        let jobs = (0..rng.usize(1..=4)).map(|_| JobPlan::draw(rng)).collect();
        // Some stories have all faults and some have none; most have a few.
        let share = rng.u8(0..=4);
        let chosen: Vec<_> = Fault::ALL.into_iter().filter(|_| rng.u8(0..4) < share).collect();
        let faults = chosen.into_iter().map(|fault| (fault, rate(fault, rng))).collect();
        Self {
            seed,
            processes,
            jobs,
            faults,
            calm_after: Duration::from_secs(rng.u64(5..120)),
            checkpoint_rows: rng.u64(1..=64),
            checkpoint_interval: Duration::from_millis(rng.u64(20..=1000)),
            lease: Duration::from_millis(rng.u64(2000..=20_000)),
            workers: rng.usize(1..=4),
            slots: rng.usize(1..=16),
            sabotage: None,
            aim: None,
        }
    }

    /// The same with a defect.
    #[must_use]
    pub fn with(self, sabotage: Sabotage) -> Self {
        Self { sabotage: Some(sabotage), ..self }
    }

    /// The same with a process that is killed there. Where the power goes, that costs something, unless it goes earlier as well:
    /// until then it must be the same story.
    #[must_use]
    pub fn aimed(self, aim: Aim) -> Self {
        let plan = Self { aim: Some(aim), ..self };
        let cuts = [Fault::PowerCut, Fault::SyncCut].map(|cut| plan.rate(cut));
        if aim.when != Fault::PowerCut || cuts != [0, 0] {
            return plan;
        }
        [Fault::WriteTorn, Fault::WriteLost].into_iter().fold(plan, |plan, loss| plan.meeting(loss, loss.often() / 2))
    }

    /// The same, where of ten thousand calls so many meet this fault.
    #[must_use]
    pub fn meeting(mut self, fault: Fault, rate: u16) -> Self {
        self.faults.retain(|(of, _)| *of != fault);
        self.faults.push((fault, rate));
        self
    }

    pub(crate) fn rate(&self, fault: Fault) -> u16 {
        self.faults.iter().find(|(of, _)| *of == fault).map_or(0, |(_, rate)| *rate)
    }
}

fn rate(fault: Fault, rng: &mut Rng) -> u16 {
    let often = fault.often();
    [often.div_ceil(8), often.div_ceil(2), often][rng.usize(0..3)]
}

impl JobPlan {
    fn draw(rng: &mut Rng) -> Self {
        let many = rng.u8(0..3) == 0;
        let (files, rows) = if many { (12..=24, 1..=8) } else { (1..=5, 1..=80) };
        let files = (0..rng.usize(files)).map(|_| rng.u32(rows.clone())).collect();
        let fate = [Fate::Runs, Fate::Runs, Fate::Runs, Fate::Cancelled, Fate::Deleted][rng.usize(0..5)];
        Self {
            tenant: rng.usize(0..2),
            work: [Work::Copy, Work::Copy, Work::Delete, Work::Tag][rng.usize(0..4)],
            files,
            missing_every: if rng.bool() { rng.u32(3..=40) } else { 0 },
            priority: rng.u16(0..10),
            made_at: Duration::from_millis(rng.u64(0..20_000)),
            confirmed_after: rng.bool().then(|| Duration::from_millis(rng.u64(0..10_000))),
            fate,
            fate_after: Duration::from_millis(rng.u64(0..10_000)),
            reprioritized: rng.bool(),
            all_tasks: rng.u8(0..4) > 0,
        }
    }
}
