//! A job as its callers know it: what each call may be answered, and what it is then.

use std::collections::BTreeSet;

use cos_batch_model::{
    JobStatus,
    JobStatus::{Active, Cancelling, Failing, New, Paused, Pausing, Preparing, Ready, Suspended},
    status::TRANSITIONS,
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Describe,
    Priority(u32),
    Confirm,
    Cancel,
    Delete,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Seen { status: JobStatus, priority: u32, executed: u64 },
    InvalidRequest,
    NoSuchJob,
}

/// What is known of a job. Its status may have moved on by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    status: JobStatus,
    /// It will not wait for a person.
    confirmed: bool,
    deleted: bool,
    priority: u32,
    executed: u64,
}

/// From these a job can be cancelled.
const CANCELLABLE: [JobStatus; 7] = [New, Preparing, Suspended, Ready, Active, Pausing, Paused];

impl State {
    pub(super) fn new(priority: u32, confirmation: bool) -> Self {
        Self { status: New, confirmed: !confirmation, deleted: false, priority, executed: 0 }
    }

    /// Statuses that the job may have by now without anybody asking for it.
    fn by_now(&self) -> BTreeSet<JobStatus> {
        let mut reached = BTreeSet::from([self.status]);
        let mut left = vec![self.status];
        while let Some(from) = left.pop() {
            for (of, to) in TRANSITIONS {
                let asked_for = *to == Cancelling || (*of, *to) == (Suspended, Ready);
                // The jobs of these tests have nothing that could make them fail.
                let fails = *to == Failing;
                let waits = *to == Suspended && self.confirmed;
                let runs = (*of, *to) == (Preparing, Ready) && !self.confirmed;
                if *of == from && !asked_for && !fails && !waits && !runs && reached.insert(*to) {
                    left.push(*to);
                }
            }
        }
        reached
    }

    /// What the job may be after this call with this answer; nothing: it cannot be answered so.
    pub(super) fn after(&self, call: Call, answer: Answer) -> Vec<Self> {
        if self.deleted {
            return if answer == Answer::NoSuchJob { vec![self.clone()] } else { Vec::new() };
        }
        let by_now = self.by_now();
        let with = |status| Self { status, ..self.clone() };
        let those = |allowed: &dyn Fn(JobStatus) -> bool| {
            by_now.iter().copied().filter(|status| allowed(*status)).map(with).collect::<Vec<_>>()
        };
        match (call, answer) {
            (Call::Describe, Answer::Seen { status, priority, executed }) => {
                let fits = by_now.contains(&status) && priority == self.priority && executed >= self.executed;
                if fits { vec![Self { executed, ..with(status) }] } else { Vec::new() }
            }
            (Call::Priority(priority), Answer::Done) => {
                those(&|status| !status.is_final()).into_iter().map(|state| Self { priority, ..state }).collect()
            }
            // The answer for a job that has ended.
            (Call::Priority(_), Answer::NoSuchJob) => those(&|status| status.is_final()),
            (Call::Confirm, Answer::Done) => those(&|status| matches!(status, New | Preparing | Suspended))
                .into_iter()
                .map(|state| Self {
                    status: if state.status == Suspended { Ready } else { state.status },
                    confirmed: true,
                    ..state
                })
                .collect(),
            (Call::Confirm, Answer::InvalidRequest) => those(&|status| status != Suspended),
            (Call::Cancel, Answer::Done) => {
                let can = by_now.iter().any(|status| CANCELLABLE.contains(status));
                if can { vec![with(Cancelling)] } else { Vec::new() }
            }
            (Call::Cancel, Answer::InvalidRequest) => those(&|status| !CANCELLABLE.contains(&status)),
            (Call::Delete, Answer::Done) => vec![Self { deleted: true, ..self.clone() }],
            _ => Vec::new(),
        }
    }
}
