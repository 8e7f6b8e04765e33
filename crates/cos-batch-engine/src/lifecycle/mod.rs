//! The life of a job as a pure function: (state, command, time) → (state, effects), or a refusal.
//!
//! Status changes happen here and nowhere else, and only along [`JobStatus::can_become`]. The runtime reads a job,
//! calls [`apply`], and writes the result back against the version it read. What is to be done next can always be told
//! from the status alone, so a process that dies between two steps loses nothing: whoever looks at the job next sees
//! what is left to do. [`Effect`]s only make it happen sooner.

use cos_batch_model::JobStatus;

use crate::{
    clock::UnixMillis,
    job::{Failure, JobState, Outlook, PinnedManifest, Progress},
};

/// What is asked of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Somebody begins to read the manifest.
    StartPreparing,
    /// The manifest was read, and pieces of work were cut from it.
    Prepared {
        /// What was read.
        manifest: PinnedManifest,
        /// The job was made with ConfirmationRequired.
        confirmation_required: bool,
        /// What confirming it will do; of no use where it need not be confirmed.
        outlook: Outlook,
    },
    /// The user confirms (requestedJobStatus=Ready).
    Confirm {
        /// The user's reason.
        reason: Option<String>,
    },
    /// A piece of work begins: the first one, or the first after a pause.
    Activate,
    /// Work of higher priority takes its workers.
    Pause {
        /// Which work.
        reason: String,
    },
    /// What was in flight when it was asked to pause has come home.
    Paused,
    /// The last piece of work ended.
    TasksDone,
    /// The user cancels (requestedJobStatus=Cancelled, or DeleteJob).
    Cancel {
        /// The user's reason.
        reason: Option<String>,
    },
    /// Something makes it impossible, or forbidden, to go on.
    Fail(Failure),
    /// All work has stopped and the report, if one was wanted, is published.
    Reported {
        /// Something the user should know, in place of the reason so far.
        note: Option<String>,
    },
}

/// What a change of state calls for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Look at the job soon: there is something to do.
    Wake,
    /// Start no further operation of the job.
    Interrupt,
    /// Hand out no further row of the job; what was handed out ends.
    Yield,
}

/// Why a command was not carried out. The state stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The job has ended.
    #[error("the job has already finished: it is {0}")]
    Finished(JobStatus),
    /// Not from this status.
    #[error("a job that is {from} cannot be {asked}")]
    NotNow {
        /// The status it has.
        from: JobStatus,
        /// What was asked, as a participle: `confirmed`, `cancelled`, …
        asked: &'static str,
    },
}

/// Beginning of SuspendedCause while a job waits for its confirmation.
pub const WAITING_FOR_CONFIRMATION: &str = "waiting for confirmation";

/// Text of StatusUpdateReason of a job that ran to its end (COS Batch API, the official client's fixture).
pub const JOB_COMPLETE: &str = "Job complete";

/// Works out what `command` makes of a job in `state`.
///
/// # Errors
/// [`Refusal`] when the command is not allowed in this state.
pub fn apply(state: &JobState, command: Command, now: UnixMillis) -> Result<(JobState, Vec<Effect>), Refusal> {
    let from = state.status;
    if from.is_final() {
        return Err(Refusal::Finished(from));
    }
    let mut next = state.clone();
    let effects = match command {
        Command::StartPreparing => {
            go(&mut next, JobStatus::Preparing, "prepared")?;
            vec![]
        }
        Command::Prepared { manifest, confirmation_required, outlook } => {
            // Only while preparing: a late word of a preparer must not stand in for a confirmation.
            if from != JobStatus::Preparing {
                return Err(Refusal::NotNow { from, asked: "made ready" });
            }
            next.manifest = Some(manifest);
            if confirmation_required && !state.confirmed {
                go(&mut next, JobStatus::Suspended, "suspended")?;
                next.suspended_cause = Some(cause(&outlook));
                next.findings = outlook.findings;
                next.suspended_at = Some(now);
                vec![]
            } else {
                go(&mut next, JobStatus::Ready, "made ready")?;
                vec![Effect::Wake]
            }
        }
        Command::Confirm { reason } => {
            match from {
                // Recorded in advance: the job will not stop in Suspended.
                JobStatus::New | JobStatus::Preparing => {}
                JobStatus::Suspended => {
                    go(&mut next, JobStatus::Ready, "confirmed")?;
                    next.suspended_cause = None;
                }
                _ => return Err(Refusal::NotNow { from, asked: "confirmed" }),
            }
            next.confirmed = true;
            next.reason = reason;
            vec![Effect::Wake]
        }
        Command::Activate => {
            go(&mut next, JobStatus::Active, "started")?;
            if matches!(from, JobStatus::Pausing | JobStatus::Paused) {
                // The reason was the pause's.
                next.reason = None;
            }
            vec![]
        }
        Command::Pause { reason } => {
            go(&mut next, JobStatus::Pausing, "paused")?;
            next.reason = Some(reason);
            vec![Effect::Yield, Effect::Wake]
        }
        Command::Paused => {
            go(&mut next, JobStatus::Paused, "paused")?;
            vec![Effect::Wake]
        }
        Command::TasksDone => {
            go(&mut next, JobStatus::Completing, "completed")?;
            vec![Effect::Wake]
        }
        Command::Cancel { reason } => {
            if matches!(from, JobStatus::Completing | JobStatus::Failing) {
                return Err(Refusal::NotNow { from, asked: "cancelled" });
            }
            go(&mut next, JobStatus::Cancelling, "cancelled")?;
            next.suspended_cause = None;
            next.reason = reason;
            vec![Effect::Interrupt, Effect::Wake]
        }
        Command::Fail(failure) => {
            go(&mut next, JobStatus::Failing, "failed")?;
            next.suspended_cause = None;
            next.reason = Some(failure.reason.clone());
            next.failures.push(failure);
            vec![Effect::Interrupt, Effect::Wake]
        }
        Command::Reported { note } => {
            let to = match from {
                JobStatus::Completing => JobStatus::Complete,
                JobStatus::Cancelling => JobStatus::Cancelled,
                JobStatus::Failing => JobStatus::Failed,
                _ => return Err(Refusal::NotNow { from, asked: "ended" }),
            };
            go(&mut next, to, "ended")?;
            if to == JobStatus::Complete {
                next.reason = Some(JOB_COMPLETE.to_owned());
            }
            if note.is_some() {
                next.reason = note;
            }
            next.terminated_at = Some(now);
            vec![Effect::Wake]
        }
    };
    Ok((next, effects))
}

/// Why a job is suspended, and what confirming it will do.
fn cause(outlook: &Outlook) -> String {
    let mut text = WAITING_FOR_CONFIRMATION.to_owned();
    if !outlook.summary.is_empty() {
        text.push_str(": ");
        text.push_str(&outlook.summary);
    }
    for finding in &outlook.findings {
        text.push_str("; ");
        text.push_str(&finding.text);
    }
    text
}

/// Moves along the table, or not at all.
fn go(state: &mut JobState, to: JobStatus, asked: &'static str) -> Result<(), Refusal> {
    if !state.status.can_become(to) {
        return Err(Refusal::NotNow { from: state.status, asked });
    }
    state.status = to;
    Ok(())
}

/// When a job has failed too often to go on (COS Batch guide: jobs of more than 1,000 tasks end as failed once more
/// than half of what was executed has failed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureThreshold {
    /// Only jobs with more tasks than this.
    pub tasks_above: u64,
    /// Only once so many tasks were executed.
    pub executed_min: u64,
    /// Ends the job when more than this share of the executed tasks has failed, in percent.
    pub failed_percent_above: u64,
}

impl Default for FailureThreshold {
    fn default() -> Self {
        Self { tasks_above: 1000, executed_min: 1000, failed_percent_above: 50 }
    }
}

impl FailureThreshold {
    /// The failure that ends the job, if it is time.
    #[must_use]
    pub fn check(&self, progress: Progress) -> Option<Failure> {
        let executed = progress.executed();
        let over = progress.total > self.tasks_above
            && executed >= self.executed_min
            && u128::from(progress.failed) * 100 > u128::from(executed) * u128::from(self.failed_percent_above);
        over.then(|| {
            let (failed, most) = (progress.failed, self.failed_percent_above);
            Failure::new(
                "FailureThresholdExceeded",
                format!("{failed} of {executed} executed tasks failed, more than {most} %"),
            )
        })
    }
}

#[cfg(test)]
mod tests;
