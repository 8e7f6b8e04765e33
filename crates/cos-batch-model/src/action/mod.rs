//! The actions of the API, one module each.

mod create_job;
mod delete_job;
mod describe_job;
mod list_jobs;
mod update_job_priority;
mod update_job_status;

pub use create_job::{CreateJobRequest, CreateJobResult};
pub use delete_job::{DeleteJobRequest, DeleteJobResult};
pub use describe_job::{DescribeJobRequest, DescribeJobResult};
pub use list_jobs::{ListJobsRequest, ListJobsResult};
pub use update_job_priority::{UpdateJobPriorityRequest, UpdateJobPriorityResult};
pub use update_job_status::{UpdateJobStatusRequest, UpdateJobStatusResult};

use crate::wire_enum::wire_enum;

wire_enum! {
    /// The name of an action.
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
