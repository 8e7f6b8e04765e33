//! The status of a job and the one table of its legal changes.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// Where a job stands (COS Batch API, DescribeJob).
    pub enum JobStatus in "Status" {
        /// Tasks are being run.
        Active = "Active",
        /// Ended because someone asked for it. Final.
        Cancelled = "Cancelled",
        /// Someone asked to end it; what is in flight comes home.
        Cancelling = "Cancelling",
        /// Every task was tried, some perhaps in vain. Final.
        Complete = "Complete",
        /// Every task was tried; the completion report is being written.
        Completing = "Completing",
        /// Ended by a fault of the whole job. Final.
        Failed = "Failed",
        /// A fault of the whole job was met; what is in flight comes home.
        Failing = "Failing",
        /// Accepted, nothing done yet.
        New = "New",
        /// Stands aside for a job of higher priority.
        Paused = "Paused",
        /// About to stand aside; what is in flight comes home.
        Pausing = "Pausing",
        /// The manifest is being read.
        Preparing = "Preparing",
        /// Waits for its turn.
        Ready = "Ready",
        /// Waits for a person's confirmation.
        Suspended = "Suspended",
    }
}

wire_enum! {
    /// A status that a caller may ask for (COS Batch API, UpdateJobStatus).
    #[non_exhaustive]
    pub enum RequestedJobStatus in "requestedJobStatus" {
        /// End the job.
        Cancelled = "Cancelled",
        /// Confirm the job, so that it may run.
        Ready = "Ready",
    }
}

use JobStatus::{
    Active, Cancelled, Cancelling, Complete, Completing, Failed, Failing, New, Paused, Pausing, Preparing, Ready,
    Suspended,
};

/// Every legal change of status, from left to right; what is not here is not legal.
///
/// "Guide" is the table of the COS guide on managing batch jobs; "ours" are rows that the guide
/// leaves open and that we settled.
pub const TRANSITIONS: &[(JobStatus, JobStatus)] = &[
    (New, Preparing),        // Guide: COS starts reading the manifest.
    (New, Cancelling),       // Ours: cancelling early must work, clients do it right away.
    (New, Failing),          // Ours: what makes the job impossible may show at once.
    (Preparing, Ready),      // Guide: manifest read, no confirmation needed.
    (Preparing, Suspended),  // Guide: manifest read, confirmation needed.
    (Preparing, Failing),    // Ours: a bad manifest; the guide only says that the job fails.
    (Preparing, Cancelling), // Ours: as from New.
    (Suspended, Ready),      // Guide: confirmed; the job never returns to Suspended.
    (Suspended, Cancelling), // Ours: as from New.
    (Suspended, Failing),    // Ours: the time to confirm ran out.
    (Ready, Active),         // Guide: its turn has come.
    (Ready, Cancelling),     // Ours: as from New.
    (Ready, Failing),        // Ours: a fault of the whole job shows while it waits.
    (Active, Pausing),       // Guide: a job of higher priority needs the room.
    (Active, Completing),    // Ours: Completing writes the report; the guide jumps to Complete.
    (Active, Failing),       // Guide: a fault of the whole job, or too many failed tasks.
    (Active, Cancelling),    // Guide: someone asked for it.
    (Pausing, Paused),       // Guide: what was in flight has come home.
    (Pausing, Active),       // Ours: nothing is left to yield to.
    (Pausing, Completing),   // Ours: what was in flight was the last.
    (Pausing, Failing),      // Ours: what was in flight showed a fault of the whole job.
    (Pausing, Cancelling),   // Ours: as from Active.
    (Paused, Active),        // Guide: the other job ended or waits.
    (Paused, Cancelling),    // Ours: as from Active.
    (Paused, Failing),       // Ours: as from Ready.
    (Completing, Complete),  // Ours: the report is written.
    (Completing, Failing),   // Ours: the report cannot be written.
    (Cancelling, Cancelled), // Guide.
    (Failing, Failed),       // Guide.
];

impl JobStatus {
    /// Whether the job has ended for good: Complete, Cancelled or Failed.
    pub const fn is_final(self) -> bool {
        matches!(self, Complete | Cancelled | Failed)
    }

    /// Whether [`TRANSITIONS`] allows the change. Staying is not a change.
    pub fn can_become(self, next: Self) -> bool {
        TRANSITIONS.contains(&(self, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_statuses() {
        let mut table = String::new();
        for from in JobStatus::ALL {
            let next: Vec<&str> =
                JobStatus::ALL.iter().filter(|to| from.can_become(**to)).map(|to| to.as_str()).collect();
            table.push_str(&format!("{from:<10} -> {}\n", next.join(", ")));
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn final_statuses_are_exactly_those_without_an_exit() {
        for status in JobStatus::ALL {
            let exits = TRANSITIONS.iter().any(|(from, _)| from == status);
            assert_eq!(status.is_final(), !exits, "{status}");
        }
    }

    #[test]
    fn no_row_is_repeated_and_none_stays() {
        for (index, row) in TRANSITIONS.iter().enumerate() {
            assert_ne!(row.0, row.1);
            assert!(!TRANSITIONS[..index].contains(row), "{row:?} twice");
        }
    }

    #[test]
    fn every_status_can_be_reached_and_can_end() {
        for status in JobStatus::ALL {
            let mut reached = vec![*status];
            let mut next = 0;
            while next < reached.len() {
                for (from, to) in TRANSITIONS {
                    if *from == reached[next] && !reached.contains(to) {
                        reached.push(*to);
                    }
                }
                next += 1;
            }
            assert!(reached.iter().any(|s| s.is_final()), "{status} never ends");
            assert!(
                *status == JobStatus::New || TRANSITIONS.iter().any(|(_, to)| to == status),
                "{status} is never entered"
            );
        }
    }
}
