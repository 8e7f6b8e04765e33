//! The seam between who asks and who answers.
//!
//! A client implements [`BatchApi`] by asking a server, an engine by running jobs; a server
//! answers with whatever implements it.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::{
    ActionName, ApiError, AppId, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ErrorCode, ListJobsRequest, ListJobsResult, Uin, UpdateJobPriorityRequest,
    UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};

/// A future on the heap that can be sent between threads.
///
/// Source: ours, so that [`BatchApi`] can be used as `dyn BatchApi`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// On whose behalf a call is made.
///
/// ```
/// use cos_batch_model::{AppId, RequestContext};
///
/// let context = RequestContext::new(AppId::new("1250000000")?, "NjkyM2FhYmJfMTFfMjJfMzM=");
/// assert_eq!(context.uin, None);
/// # Ok::<(), cos_batch_model::ValidationError>(())
/// ```
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
///
/// ```
/// use cos_batch_model::{
///     ApiError, BatchApi, BoxFuture, ErrorCode, ListJobsRequest, ListJobsResult, RequestContext,
/// };
///
/// /// Has no jobs, and makes none.
/// struct Empty;
///
/// impl BatchApi for Empty {
///     fn list_jobs<'a>(
///         &'a self,
///         _: &'a RequestContext,
///         _: ListJobsRequest,
///     ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
///         Box::pin(async { Ok(ListJobsResult::default()) })
///     }
/// }
///
/// # fn block_on<T>(future: impl Future<Output = T>) -> T {
/// #     let mut future = std::pin::pin!(future);
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     loop { if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) { return value } }
/// # }
/// let context = RequestContext::new("1250000000".parse()?, "id");
/// assert!(block_on(Empty.list_jobs(&context, ListJobsRequest::default()))?.jobs.is_empty());
/// let request = cos_batch_model::DeleteJobRequest { job_id: "job-1".parse()? };
/// let refused = block_on(Empty.delete_job(&context, request)).unwrap_err();
/// assert_eq!(refused.code, ErrorCode::NotImplemented);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// Looks at one job, and gives the [body](DescribeJobResult::document) of the answer: whoever keeps it written need not
    /// make a [`DescribeJobResult`] of it for it to be written again. By default the result of
    /// [`describe_job`](Self::describe_job) is written; the two must not differ.
    fn describe_job_document<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<Bytes, ApiError>> {
        let result = self.describe_job(context, request);
        Box::pin(async move { Ok(result.await?.document()) })
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

    fn describe_job_document<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<Bytes, ApiError>> {
        (**self).describe_job_document(context, request)
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
