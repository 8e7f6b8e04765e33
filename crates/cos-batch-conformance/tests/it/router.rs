//! A backend for each account: a client signs with the key of one.

use std::{collections::BTreeMap, sync::Arc};

use cos_batch_model::*;

pub(crate) struct Router(pub(crate) BTreeMap<AppId, Arc<dyn BatchApi>>);

macro_rules! passed_on {
    ($($method:ident($request:ident) -> $result:ident;)+) => {
        impl BatchApi for Router {
            $(fn $method<'a>(
                &'a self,
                context: &'a RequestContext,
                request: $request,
            ) -> BoxFuture<'a, Result<$result, ApiError>> {
                self.0[&context.appid].$method(context, request)
            })+
        }
    };
}

passed_on! {
    create_job(CreateJobRequest) -> CreateJobResult;
    describe_job(DescribeJobRequest) -> DescribeJobResult;
    list_jobs(ListJobsRequest) -> ListJobsResult;
    update_job_priority(UpdateJobPriorityRequest) -> UpdateJobPriorityResult;
    update_job_status(UpdateJobStatusRequest) -> UpdateJobStatusResult;
    delete_job(DeleteJobRequest) -> DeleteJobResult;
}
