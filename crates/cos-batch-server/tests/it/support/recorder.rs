//! A backend that writes down what it is asked.

use std::sync::{Arc, Mutex};

use cos_batch_model::*;

use super::job_id;

/// Answers everything that has a simple answer, and writes down what it was asked. Clones share what was written.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<(RequestContext, String)>>>);

impl Recorder {
    fn write(&self, context: &RequestContext, request: &impl std::fmt::Debug) {
        self.0.lock().unwrap().push((context.clone(), format!("{request:#?}")));
    }

    /// What was asked until now; begins anew.
    pub(crate) fn take(&self) -> Vec<(RequestContext, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn answer<'a, T: Send + 'a>(result: T) -> BoxFuture<'a, Result<T, ApiError>> {
    Box::pin(std::future::ready(Ok(result)))
}

impl BatchApi for Recorder {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        self.write(context, &request);
        answer(CreateJobResult { job_id: job_id() })
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        self.write(context, &request);
        Box::pin(std::future::ready(Err(ApiError::new(ErrorCode::NoSuchJob, "no job with this id"))))
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        self.write(context, &request);
        answer(ListJobsResult { jobs: Vec::new(), next_token: None })
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        self.write(context, &request);
        answer(UpdateJobPriorityResult { job_id: request.job_id, priority: request.priority })
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        self.write(context, &request);
        let status = match request.requested_job_status {
            RequestedJobStatus::Ready => JobStatus::Ready,
            RequestedJobStatus::Cancelled => JobStatus::Cancelling,
            other => panic!("{other} is not known here"),
        };
        let UpdateJobStatusRequest { job_id, status_update_reason, .. } = request;
        answer(UpdateJobStatusResult { job_id, status: status.into(), status_update_reason })
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        self.write(context, &request);
        answer(DeleteJobResult)
    }
}
