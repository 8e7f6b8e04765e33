//! The seam between who asks and who answers.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use cos_batch_model::{
    AppId, BatchApi, BoxFuture, DeleteJobRequest, DeleteJobResult, DescribeJobRequest, ErrorCode, ListJobsRequest,
    RequestContext, RequestedJobStatus, UpdateJobPriorityRequest, UpdateJobStatusRequest,
};

struct OnlyDelete;

impl BatchApi for OnlyDelete {
    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        _request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, cos_batch_model::ApiError>> {
        assert_eq!(context.request_id, "r-1");
        Box::pin(std::future::ready(Ok(DeleteJobResult)))
    }
}

/// Polls a future that must be ready.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("not ready"),
    }
}

#[test]
fn what_is_not_offered_says_so_by_name_also_through_an_arc() {
    let api: Arc<Arc<dyn BatchApi>> = Arc::new(Arc::new(OnlyDelete));
    let context = RequestContext::new(AppId::new("1250000000").unwrap(), "r-1");
    let job_id = cos_batch_model::JobId::new("a").unwrap();
    let create = crate::support::request(&crate::support::read("golden/CreateJob/copy.request.http")).into_parts();
    let create = cos_batch_model::Action::from_http(&create.0, &create.1).unwrap();
    let status = UpdateJobStatusRequest {
        job_id: job_id.clone(),
        requested_job_status: RequestedJobStatus::Ready,
        status_update_reason: None,
    };
    let priority = UpdateJobPriorityRequest { job_id: job_id.clone(), priority: 1_u32.try_into().unwrap() };
    let errors = [
        now(api.create_job(&context, create)).unwrap_err(),
        now(api.describe_job(&context, DescribeJobRequest { job_id: job_id.clone() })).unwrap_err(),
        now(api.list_jobs(&context, ListJobsRequest::default())).unwrap_err(),
        now(api.update_job_priority(&context, priority)).unwrap_err(),
        now(api.update_job_status(&context, status)).unwrap_err(),
    ];
    for (error, name) in
        errors.iter().zip(["CreateJob", "DescribeJob", "ListJobs", "UpdateJobPriority", "UpdateJobStatus"])
    {
        assert_eq!(error.code, ErrorCode::NotImplemented);
        assert_eq!(error.status.as_u16(), 501);
        assert_eq!(error.message, format!("{name} is not implemented"));
    }
    assert_eq!(now(api.delete_job(&context, DeleteJobRequest { job_id: job_id.clone() })), Ok(DeleteJobResult));
    let bare = OnlyDelete;
    let error = now(bare.describe_job(&context, DescribeJobRequest { job_id })).unwrap_err();
    assert_eq!(error.to_string(), "NotImplemented (501): DescribeJob is not implemented");
}
