//! What can go wrong.

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fault {
    /// The process is killed before what it asks for happens.
    CrashBefore,
    /// The process is killed after it happened, before it is told.
    CrashAfter,
    /// What a process had sent arrives after it was killed.
    LateArrival,
    /// All processes are killed at once, and what was not made durable may be lost.
    PowerCut,
    /// The same while something is being made durable.
    SyncCut,
    /// Making something durable fails: it is lost at the next loss of power, and a second sync says nothing of it.
    SyncFailed,
    /// A loss of power takes back what was written and did not last yet.
    WriteLost,
    /// A loss of power leaves only the beginning of it.
    WriteTorn,
    /// The process stands still, for longer than its leases last, and goes on.
    Freeze,
    /// The job store refuses, and nothing happens.
    JobsRefused,
    /// It happens, and the job store's answer is lost.
    JobsLost,
    /// The job store takes its time.
    JobsSlow,
    /// The job store refuses everything for a while.
    JobsOutage,
    /// The object store answers with an error of its own, and nothing happens.
    ObjectsRefused,
    /// The object store asks to slow down.
    ObjectsThrottled,
    /// It happens, and the object store's answer is lost.
    ObjectsLost,
    /// The object store takes its time.
    ObjectsSlow,
    /// It happens twice.
    ObjectsTwice,
    /// The object store cannot be reached for a while.
    ObjectsOutage,
    /// There is no room for what the process keeps for itself.
    SpoolFull,
    /// The job store's clock goes forward.
    ClockForward,
    /// The job store's clock goes back.
    ClockBack,
    /// The clock of a process is not the job store's from its start.
    NodeClockApart,
    /// The clock of one process goes forward.
    NodeClockForward,
    /// The clock of one process goes back.
    NodeClockBack,
    /// A call of somebody who held a lease earlier arrives when another one holds it.
    StaleCall,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 26] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LateArrival,
        Self::PowerCut,
        Self::SyncCut,
        Self::SyncFailed,
        Self::WriteLost,
        Self::WriteTorn,
        Self::Freeze,
        Self::JobsRefused,
        Self::JobsLost,
        Self::JobsSlow,
        Self::JobsOutage,
        Self::ObjectsRefused,
        Self::ObjectsThrottled,
        Self::ObjectsLost,
        Self::ObjectsSlow,
        Self::ObjectsTwice,
        Self::ObjectsOutage,
        Self::SpoolFull,
        Self::ClockForward,
        Self::ClockBack,
        Self::NodeClockApart,
        Self::NodeClockForward,
        Self::NodeClockBack,
        Self::StaleCall,
    ];

    /// How often it is met where it is met often: of ten thousand calls.
    pub(crate) fn often(self) -> u16 {
        match self {
            Self::JobsOutage | Self::ObjectsOutage => 8,
            Self::PowerCut => 20,
            Self::ClockForward | Self::ClockBack => 10,
            // Of the times that something is made durable.
            Self::SyncCut => 80,
            Self::SyncFailed => 200,
            // Of what a loss of power finds not durable.
            Self::WriteLost | Self::WriteTorn => 10_000,
            // Of the processes that start.
            Self::NodeClockApart => 8000,
            Self::NodeClockForward | Self::NodeClockBack => 20,
            // Of the calls that need a lease.
            Self::StaleCall => 3000,
            Self::CrashBefore | Self::CrashAfter | Self::Freeze => 40,
            // Of those that were under way when a process was killed.
            Self::LateArrival => 5000,
            Self::SpoolFull | Self::JobsSlow | Self::JobsRefused | Self::JobsLost => 300,
            Self::ObjectsRefused | Self::ObjectsThrottled | Self::ObjectsLost | Self::ObjectsTwice => 500,
            Self::ObjectsSlow => 1000,
        }
    }
}
