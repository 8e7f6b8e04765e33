//! DeleteJob: `DELETE /jobs/{JobId}`

use serde::Serialize;

use crate::JobId;

/// Remove a job. Known from the official Go SDK; the documentation does not mention it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteJobRequest {
    /// The job.
    pub job_id: JobId,
}

/// The job was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeleteJobResult;
