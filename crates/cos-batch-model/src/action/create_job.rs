//! CreateJob: `POST /jobs`

use serde::Serialize;

use crate::{ClientRequestToken, Description, JobId, Manifest, Operation, Priority, Report, RoleArn};

/// Make a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateJobRequest {
    /// A token of the caller's choice that keeps the same job from being made twice.
    pub client_request_token: ClientRequestToken,
    /// Whether the job waits for a person before it runs; `false` if not given.
    pub confirmation_required: bool,
    /// A person's words about the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// The list of objects.
    pub manifest: Manifest,
    /// What to do to each of them.
    pub operation: Operation,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether and where the completion report goes.
    pub report: Report,
    /// The role under which objects are touched.
    pub role_arn: RoleArn,
}

/// The job was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateJobResult {
    /// Its id.
    pub job_id: JobId,
}
