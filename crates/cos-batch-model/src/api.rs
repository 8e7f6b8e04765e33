//! The seam between who asks and who answers.
//!
//! A client implements [`BatchApi`] by asking a server, an engine by running jobs; a server
//! answers with whatever implements it.

use std::pin::Pin;
use std::sync::Arc;

use crate::{
    ActionName, ApiError, AppId, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ErrorCode, ListJobsRequest, ListJobsResult, Uin, UpdateJobPriorityRequest,
    UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};

/// A future on the heap that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// On whose behalf a call is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// The account that owns what the call touches.
    pub appid: AppId,
    /// The account's UIN, where it is known.
    pub uin: Option<Uin>,
    /// Id of the call, for logs and for the answer's header `x-cos-request-id`.
    pub request_id: String,
}

impl RequestContext {
    /// A context without a UIN.
    pub fn new(appid: AppId, request_id: impl Into<String>) -> Self {
        Self { appid, uin: None, request_id: request_id.into() }
    }
}

fn not_implemented<'a, T: Send + 'a>(action: ActionName) -> BoxFuture<'a, Result<T, ApiError>> {
    Box::pin(std::future::ready(Err(ApiError::new(ErrorCode::NotImplemented, format!("{action} is not implemented")))))
}

/// The API, one method for each action. Each default answers `NotImplemented` and names the
/// action, so an implementation has only what it offers.
pub trait BatchApi: Send + Sync {
    /// Makes a job.
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        let _ = (context, request);
        not_implemented(ActionName::CreateJob)
    }

    /// Looks at one job.
    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        let _ = (context, request);
        not_implemented(ActionName::DescribeJob)
    }

    /// Lists jobs.
    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        let _ = (context, request);
        not_implemented(ActionName::ListJobs)
    }

    /// Changes how urgent a job is.
    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        let _ = (context, request);
        not_implemented(ActionName::UpdateJobPriority)
    }

    /// Confirms or cancels a job.
    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        let _ = (context, request);
        not_implemented(ActionName::UpdateJobStatus)
    }

    /// Removes a job.
    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        let _ = (context, request);
        not_implemented(ActionName::DeleteJob)
    }
}

impl<T: BatchApi + ?Sized> BatchApi for Arc<T> {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        (**self).create_job(context, request)
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        (**self).describe_job(context, request)
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        (**self).list_jobs(context, request)
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        (**self).update_job_priority(context, request)
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        (**self).update_job_status(context, request)
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        (**self).delete_job(context, request)
    }
}
