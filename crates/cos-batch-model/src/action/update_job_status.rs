//! UpdateJobStatus: `POST /jobs/{JobId}/status?requestedJobStatus=…&statusUpdateReason=…`

use serde::Serialize;

use crate::{JobId, JobStatus, Lenient, RequestedJobStatus, StatusUpdateReason};

/// Confirm or cancel a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobStatusRequest {
    /// The job.
    pub job_id: JobId,
    /// What is asked for.
    pub requested_job_status: RequestedJobStatus,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_update_reason: Option<StatusUpdateReason>,
}

/// The change was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobStatusResult {
    /// The job.
    pub job_id: JobId,
    /// Where it stands now.
    pub status: Lenient<JobStatus>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_update_reason: Option<StatusUpdateReason>,
}
