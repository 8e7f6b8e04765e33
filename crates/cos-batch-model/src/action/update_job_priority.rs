//! UpdateJobPriority: `POST /jobs/{JobId}/priority?priority=…`

use serde::Serialize;

use crate::{JobId, Priority};

/// Change how urgent a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobPriorityRequest {
    /// The job.
    pub job_id: JobId,
    /// Its new priority.
    pub priority: Priority,
}

/// The priority was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobPriorityResult {
    /// The job.
    pub job_id: JobId,
    /// Its priority now.
    pub priority: Priority,
}
