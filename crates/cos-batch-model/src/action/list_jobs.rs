//! ListJobs: `GET /jobs?jobStatuses=…&maxResults=…&nextToken=…`

use serde::Serialize;

use crate::{JobListMember, JobStatus, MaxResults, NextToken};

/// List jobs of the last 90 days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListJobsRequest {
    /// Only jobs in one of these statuses; all jobs if empty. Decoding drops repeats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job_statuses: Vec<JobStatus>,
    /// Most jobs on this page; 1000 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<MaxResults>,
    /// Where the page begins: the token of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<NextToken>,
}

/// One page of jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListJobsResult {
    /// The jobs.
    pub jobs: Vec<JobListMember>,
    /// Where the next page begins; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<NextToken>,
}
