//! The actions of the API, one module each: the request, the answer, and the HTTP form of both.
//!
//! Nothing here adds a host, a signature, a length or a digest: those belong to the transport.

mod create_job;
mod delete_job;
mod describe_job;
mod error_body;
mod list_jobs;
mod message;
mod query;
mod update_job_priority;
mod update_job_status;
mod validate;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};

pub use create_job::{CreateJobRequest, CreateJobResult};
pub use delete_job::{DeleteJobRequest, DeleteJobResult};
pub use describe_job::{DescribeJobRequest, DescribeJobResult};
pub use list_jobs::{ListJobsRequest, ListJobsResult};
pub use message::{REQUEST_ID_HEADER, TRACE_ID_HEADER, XML_MEDIA_TYPE};
pub use update_job_priority::{UpdateJobPriorityRequest, UpdateJobPriorityResult};
pub use update_job_status::{UpdateJobStatusRequest, UpdateJobStatusResult};

use crate::wire_enum::wire_enum;
use crate::{ApiError, AppId, ResponseError};

wire_enum! {
    /// The name of an action.
    ///
    /// Source: COS Batch API, a page for each; DeleteJob is the official Go SDK's.
    pub enum ActionName in "action" {
        /// Make a job.
        CreateJob = "CreateJob",
        /// Look at one job.
        DescribeJob = "DescribeJob",
        /// List jobs.
        ListJobs = "ListJobs",
        /// Change how urgent a job is.
        UpdateJobPriority = "UpdateJobPriority",
        /// Confirm or cancel a job.
        UpdateJobStatus = "UpdateJobStatus",
        /// Remove a job.
        DeleteJob = "DeleteJob",
    }
}

/// What can be asked of the API.
///
/// See [`ListJobsRequest`] for an example. Source: COS Batch API, a page for each action.
pub trait Action: Sized + Send {
    /// The action's name.
    const NAME: ActionName;
    /// What it answers.
    type Output: ActionOutput;

    /// The request, with an address that has path and query only, `x-cos-appid`, and
    /// `content-type` where there is a body.
    fn to_http(&self, appid: &AppId) -> Request<Bytes>;

    /// Reads a request strictly. Query parameters of other names are left to others, for
    /// example a signature.
    ///
    /// # Errors
    ///
    /// [`ApiError`] with the code that the API documents for the fault, and a message that
    /// names the element or parameter, the rule and what was found.
    fn from_http(head: &Parts, body: &[u8]) -> Result<Self, ApiError>;
}

/// What an action answers.
///
/// See [`Lenient`](crate::Lenient) for an example. Source: COS Batch API, a page for each action.
pub trait ActionOutput: Sized + Send {
    /// The answer with its status.
    fn to_http(&self) -> Response<Bytes>;

    /// Reads an answer leniently.
    ///
    /// # Errors
    ///
    /// [`ResponseError::Api`] for every status but 2xx, [`ResponseError::Decode`] for a body
    /// that cannot be read.
    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError>;
}
