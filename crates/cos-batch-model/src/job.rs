//! A job as it is described, and as it is listed.

use serde::Serialize;

use crate::{
    ClientRequestToken, Description, FailureCode, FailureReason, JobId, JobStatus, Lenient, Manifest, Operation,
    OperationKind, Priority, Report, RoleArn, StatusUpdateReason, SuspendedCause, Timestamp,
};

/// A job with all its parts (COS Batch API, DescribeJob, `Job`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Job {
    /// The caller's token; the API's table has it, its samples do not. The first child on the
    /// wire, since the documented order is alphabetical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<ClientRequestToken>,
    /// Whether the job waits for a person before it runs. Always on the wire: there are clients
    /// that fail without it.
    pub confirmation_required: bool,
    /// When the job was accepted.
    pub creation_time: Timestamp,
    /// A person's words about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// What made the job fail as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failure_reasons: Vec<JobFailure>,
    /// Its id.
    pub job_id: JobId,
    /// The list of its objects.
    pub manifest: Manifest,
    /// What it does to each of them.
    pub operation: Operation,
    /// How urgent it is.
    pub priority: Priority,
    /// How far it is.
    pub progress_summary: ProgressSummary,
    /// Its completion report.
    pub report: Report,
    /// The role under which it touches objects.
    pub role_arn: RoleArn,
    /// Where it stands.
    pub status: Lenient<JobStatus>,
    /// Why that last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_update_reason: Option<StatusUpdateReason>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_cause: Option<SuspendedCause>,
    /// Since when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_date: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_date: Option<Timestamp>,
}

/// How many of a job's tasks are done (`ProgressSummary`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProgressSummary {
    /// Tasks that were tried in vain.
    pub number_of_tasks_failed: u64,
    /// Tasks that succeeded.
    pub number_of_tasks_succeeded: u64,
    /// Tasks of the job; 0 while the manifest has not been read.
    pub total_number_of_tasks: u64,
}

/// One thing that made a job fail as a whole (`JobFailure`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobFailure {
    /// For programs.
    pub failure_code: FailureCode,
    /// For people.
    pub failure_reason: FailureReason,
}

/// A job as one row of a list (COS Batch API, ListJobs, `member`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobListMember {
    /// When the job was accepted.
    pub creation_time: Timestamp,
    /// A person's words about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Its id.
    pub job_id: JobId,
    /// What it does to each of its objects.
    pub operation: Lenient<OperationKind>,
    /// How urgent it is.
    pub priority: Priority,
    /// How far it is.
    pub progress_summary: ProgressSummary,
    /// Where it stands.
    pub status: Lenient<JobStatus>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_date: Option<Timestamp>,
}
