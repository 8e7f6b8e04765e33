//! The actions of the API, one method each.

use bytes::Bytes;
use cos_batch_model::{
    Action as _, DeleteJobRequest, DescribeJobRequest, ErrorCode, Job, JobId, JobStatus, Lenient, ListJobsRequest,
    ListJobsResult, Priority, RequestedJobStatus, StatusUpdateReason, UpdateJobPriorityRequest,
    UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};
use http::Response;

use crate::retry::{Doubt, Repeat};
use crate::{Client, Error, Transport};

impl<S: Transport> Client<S> {
    /// Looks at one job (COS Batch API, DescribeJob).
    ///
    /// # Errors
    ///
    /// [`Error::Api`], for example NoSuchJob; [`Error::Transport`], [`Error::Decode`].
    pub async fn describe_job(&self, job_id: &JobId) -> Result<Job, Error> {
        let request = DescribeJobRequest { job_id: job_id.clone() };
        let (result, _) = self.call(&request, Repeat::Always).await;
        Ok(result?.job)
    }

    /// Looks at one job, and gives the answer as it came: status, headers and body, error answers included. For showing
    /// it to a person.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`].
    pub async fn describe_job_response(&self, job_id: &JobId) -> Result<Response<Bytes>, Error> {
        let request = DescribeJobRequest { job_id: job_id.clone() };
        self.exchange(&request.to_http(self.appid()), Repeat::Always).await.outcome
    }

    /// One page of jobs (COS Batch API, ListJobs); [`Client::jobs`] goes through all pages.
    ///
    /// # Errors
    ///
    /// [`Error::Api`], [`Error::Transport`], [`Error::Decode`].
    pub async fn list_jobs(&self, request: ListJobsRequest) -> Result<ListJobsResult, Error> {
        self.call(&request, Repeat::Always).await.0
    }

    /// Changes how urgent a job is (COS Batch API, UpdateJobPriority).
    ///
    /// # Errors
    ///
    /// [`Error::Api`], for example NoSuchJob, which is also the answer for a job that has ended; [`Error::Transport`],
    /// [`Error::Decode`].
    pub async fn update_job_priority(
        &self,
        job_id: &JobId,
        priority: Priority,
    ) -> Result<UpdateJobPriorityResult, Error> {
        let request = UpdateJobPriorityRequest { job_id: job_id.clone(), priority };
        self.call(&request, Repeat::Always).await.0
    }

    /// Confirms a job that waits for it, so that it runs (COS Batch API, UpdateJobStatus).
    ///
    /// # Errors
    ///
    /// As [`Client::update_job_status`].
    pub async fn confirm(
        &self,
        job_id: &JobId,
        reason: Option<StatusUpdateReason>,
    ) -> Result<UpdateJobStatusResult, Error> {
        self.request_status(job_id, RequestedJobStatus::Ready, reason).await
    }

    /// Ends a job (COS Batch API, UpdateJobStatus). What is in flight then still comes home.
    ///
    /// # Errors
    ///
    /// As [`Client::update_job_status`].
    pub async fn cancel(
        &self,
        job_id: &JobId,
        reason: Option<StatusUpdateReason>,
    ) -> Result<UpdateJobStatusResult, Error> {
        self.request_status(job_id, RequestedJobStatus::Cancelled, reason).await
    }

    async fn request_status(
        &self,
        job_id: &JobId,
        requested_job_status: RequestedJobStatus,
        status_update_reason: Option<StatusUpdateReason>,
    ) -> Result<UpdateJobStatusResult, Error> {
        let job_id = job_id.clone();
        self.update_job_status(UpdateJobStatusRequest { job_id, requested_job_status, status_update_reason }).await
    }

    /// Confirms or cancels a job (COS Batch API, UpdateJobStatus).
    ///
    /// A repeat after a 5xx may be refused because the attempt before was carried out; the job itself then tells.
    ///
    /// # Errors
    ///
    /// [`Error::Api`]: InvalidRequest where the job's status does not allow it, NoSuchJob. [`Error::Transport`], after
    /// which the change may have been made, unless its kind [`is_unsent`](crate::TransportErrorKind::is_unsent).
    /// [`Error::Decode`].
    pub async fn update_job_status(&self, request: UpdateJobStatusRequest) -> Result<UpdateJobStatusResult, Error> {
        let (result, doubt) = self.call(&request, Repeat::IfAnswered).await;
        match result {
            Err(error) if doubt > Doubt::None && is_refusal(&error) => match self.describe_job(&request.job_id).await {
                Ok(job) if is_reached(request.requested_job_status, &job.status) => Ok(UpdateJobStatusResult {
                    job_id: job.job_id,
                    status: job.status,
                    status_update_reason: job.status_update_reason,
                }),
                _ => Err(error),
            },
            result => result,
        }
    }

    /// Removes a job (known from the official Go SDK: DeleteJob). A repeat that finds no job any more, because the
    /// attempt before was carried out after all, is a success.
    ///
    /// # Errors
    ///
    /// [`Error::Api`], for example NoSuchJob; [`Error::Transport`], after which the job may be gone.
    pub async fn delete_job(&self, job_id: &JobId) -> Result<(), Error> {
        let request = DeleteJobRequest { job_id: job_id.clone() };
        let (result, doubt) = self.call(&request, Repeat::Always).await;
        match result {
            Err(Error::Api(error)) if doubt > Doubt::None && error.code == ErrorCode::NoSuchJob => Ok(()),
            result => result.map(drop),
        }
    }
}

/// Whether the server refuses a change of status: because of the status, or because the job has ended.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Api(error) if matches!(error.code, ErrorCode::InvalidRequest | ErrorCode::NoSuchJob))
}

/// Whether a job is where a request for a status leads.
fn is_reached(requested: RequestedJobStatus, status: &Lenient<JobStatus>) -> bool {
    use JobStatus::{Active, Cancelled, Cancelling, Complete, Completing, Paused, Pausing, Ready};
    let Some(status) = status.known() else { return false };
    match requested {
        RequestedJobStatus::Cancelled => matches!(status, Cancelling | Cancelled),
        RequestedJobStatus::Ready => matches!(status, Ready | Active | Pausing | Paused | Completing | Complete),
        _ => false,
    }
}
