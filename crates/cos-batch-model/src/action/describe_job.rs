//! DescribeJob: `GET /jobs/{JobId}`

use serde::Serialize;

use crate::{Job, JobId};

/// Look at one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeJobRequest {
    /// Its id.
    pub job_id: JobId,
}

/// The job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeJobResult {
    /// The job.
    pub job: Job,
}
