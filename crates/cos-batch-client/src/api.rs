//! The client where a [`BatchApi`] is expected: in front of a server it makes a proxy.

use cos_batch_model::{
    ApiError, BatchApi, BoxFuture, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ErrorCode, ListJobsRequest, ListJobsResult, RequestContext,
    UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};

use crate::{BuildError, Client, Error, Transport};

/// Each call is made for the context's account: its APPID is sent as `x-cos-appid`, signed with the client's
/// credentials. What the service answers is passed on; where it does not answer, the error is ServiceUnavailable, and
/// what is this side's fault is InternalError.
impl<S: Transport> BatchApi for Client<S> {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        let client = self.with_appid(context.appid.clone());
        Box::pin(async move { client.create_job(request).await.map_err(passed_on) })
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        let client = self.with_appid(context.appid.clone());
        Box::pin(async move {
            let job = client.describe_job(&request.job_id).await.map_err(passed_on)?;
            Ok(DescribeJobResult { job })
        })
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        let client = self.with_appid(context.appid.clone());
        Box::pin(async move { client.list_jobs(request).await.map_err(passed_on) })
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        let client = self.with_appid(context.appid.clone());
        Box::pin(async move { client.update_job_priority(&request.job_id, request.priority).await.map_err(passed_on) })
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        let client = self.with_appid(context.appid.clone());
        Box::pin(async move { client.update_job_status(request).await.map_err(passed_on) })
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        let client = self.with_appid(context.appid.clone());
        Box::pin(async move {
            client.delete_job(&request.job_id).await.map_err(passed_on)?;
            Ok(DeleteJobResult)
        })
    }
}

/// The error for whoever called the [`BatchApi`].
fn passed_on(error: Error) -> ApiError {
    let code = match error {
        Error::Api(error) if error.status.is_client_error() || error.status.is_server_error() => return error,
        // The request came from the caller, so its fault is the caller's.
        Error::Build(BuildError::Request(_)) => ErrorCode::InvalidArgument,
        // With the same token the caller may try again, as after any 5xx.
        Error::AmbiguousCreate { .. } => ErrorCode::ServiceUnavailable,
        Error::Transport { kind, .. } if kind.is_transient() => ErrorCode::ServiceUnavailable,
        // A redirect among them: it is meant for this client, not for whoever it asks for.
        _ => ErrorCode::InternalError,
    };
    ApiError::new(code, error.to_string())
}
