//! The engine's answers to the API's actions.

use bytes::Bytes;
use cos_batch_model::{
    ApiError, BatchApi, BoxFuture, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ErrorCode, ListJobsRequest, ListJobsResult, NextToken, RequestContext,
    RequestedJobStatus, UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest,
    UpdateJobStatusResult,
};
use uuid::Uuid;

use crate::{
    checks,
    engine::Engine,
    job::JobRecord,
    lifecycle::{Command, Refusal},
    runtime::CommandError,
    spec::{JobSpec, TaskOperation},
    store::{JobChange, ListFilter, NewJob, StoreError},
    task::kinds,
    wire,
};

/// How often a write is worked out anew because the job changed meanwhile.
pub(crate) const CONFLICTS_MAX: u32 = 64;

impl BatchApi for Engine {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        Box::pin(async move {
            let spec = wire::spec(&request)?;
            let token = request.client_request_token.into_string();
            let job = self.make_job(context, token, request.priority.get(), spec).await?.map_err(store_error)?;
            Ok(CreateJobResult { job_id: wire::job_id(job.id) })
        })
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        Box::pin(async move {
            let job = self.find(context, request.job_id.as_str()).await?;
            Ok(DescribeJobResult { job: wire::job(&job)? })
        })
    }

    fn describe_job_document<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<Bytes, ApiError>> {
        Box::pin(async move {
            let id = wire::uuid(request.job_id.as_str()).unwrap_or(Uuid::nil());
            let found = self.core.store.rendition(id, wire::document).await.map_err(store_error)?;
            let shown = found.as_ref().and_then(|job| job.shown_to(context.appid.as_str()));
            shown.cloned().unwrap_or_else(|| Err(store_error(StoreError::NoSuchJob)))
        })
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        Box::pin(async move {
            let after = match &request.next_token {
                None => None,
                Some(token) => Some(wire::uuid(token.as_str()).ok_or_else(|| {
                    ApiError::new(ErrorCode::InvalidArgument, "nextToken is not one that this server gave out")
                })?),
            };
            let filter = ListFilter {
                tenant: context.appid.as_str(),
                statuses: &request.job_statuses,
                after,
                limit: usize::from(request.max_results.unwrap_or_default().get()),
                newest_first: false,
            };
            let (jobs, more) = self.core.store.list(filter).await.map_err(store_error)?;
            let next_token = match jobs.last() {
                Some(last) if more => Some(NextToken::new(last.id.to_string())?),
                _ => None,
            };
            let jobs = jobs.iter().map(wire::member).collect::<Result<_, _>>()?;
            Ok(ListJobsResult { jobs, next_token })
        })
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        Box::pin(async move {
            for _ in 0..CONFLICTS_MAX {
                let job = self.find(context, request.job_id.as_str()).await?;
                if job.state.status.is_final() {
                    let message = format!("the job does not exist or has already finished: it is {}", job.state.status);
                    return Err(ApiError::new(ErrorCode::NoSuchJob, message));
                }
                let change = JobChange { priority: Some(request.priority.get()), ..JobChange::default() };
                match self.core.store.transition(job.id, job.version, change).await {
                    Err(StoreError::Conflict) => {}
                    Err(error) => return Err(store_error(error)),
                    Ok(job) => {
                        self.core.set_priority(job.id, job.priority);
                        self.core.wake.notify_one();
                        return Ok(UpdateJobPriorityResult { job_id: request.job_id, priority: request.priority });
                    }
                }
            }
            Err(store_error(StoreError::Conflict))
        })
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        Box::pin(async move {
            let job = self.find(context, request.job_id.as_str()).await?;
            let reason = request
                .status_update_reason
                .as_ref()
                .map(|reason| reason.as_str().to_owned())
                .filter(|r| !r.is_empty());
            let command = match request.requested_job_status {
                RequestedJobStatus::Ready => Command::Confirm { reason },
                RequestedJobStatus::Cancelled => Command::Cancel { reason },
                other => {
                    let message = format!("this server cannot bring a job to {other}");
                    return Err(ApiError::new(ErrorCode::NotImplemented, message));
                }
            };
            let job = match self.core.command(job.id, command).await {
                Ok(job) => job,
                Err(error) => {
                    // Whoever deleted it meanwhile has cancelled it: that is not for others to see.
                    self.find(context, request.job_id.as_str()).await?;
                    return Err(command_error(error));
                }
            };
            Ok(UpdateJobStatusResult {
                job_id: request.job_id,
                status: job.state.status.into(),
                status_update_reason: request.status_update_reason,
            })
        })
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        Box::pin(async move {
            let job = self.find(context, request.job_id.as_str()).await?;
            let reason = Some("deleted".to_owned());
            let hide = JobChange { delete: true, ..JobChange::default() };
            match self.core.change(job.id, Command::Cancel { reason }, hide).await {
                Ok(_) => Ok(DeleteJobResult),
                // It has ended, or is about to: it only has to be hidden.
                Err(CommandError::Refused(_)) => self.hide(context, request.job_id.as_str()).await,
                Err(CommandError::Store(error)) => Err(store_error(error)),
            }
        })
    }
}

impl Engine {
    /// Makes a job, whichever dialect it was asked for in. What the store answers is left to that: a token that was used
    /// means something else in each.
    pub(crate) async fn make_job(
        &self,
        context: &RequestContext,
        token: String,
        priority: u32,
        spec: JobSpec,
    ) -> Result<Result<JobRecord, StoreError>, ApiError> {
        let tenant = context.appid.as_str();
        self.check_access(tenant, &spec)?;
        self.check_kind(&spec)?;
        let live_jobs_max = self.core.config.live_jobs_max;
        let made =
            self.core.store.create(NewJob { tenant: tenant.to_owned(), token, spec, priority, live_jobs_max }).await;
        if let Ok(job) = &made {
            tracing::info!(job = %job.id, appid = tenant, request_id = context.request_id, "job made");
            // Of the server's, for whoever traces.
            tracing::Span::current().record("job", tracing::field::display(job.id));
            self.core.wake.notify_one();
        }
        Ok(made)
    }

    /// A job of the caller. A foreign one, a deleted one and one that never was are the same answer, found the same way.
    pub(crate) async fn find(&self, context: &RequestContext, id: &str) -> Result<JobRecord, ApiError> {
        // An id that cannot be one of ours is looked up too: it takes the same way to the same answer.
        let id = wire::uuid(id).unwrap_or(Uuid::nil());
        let job = self.core.store.get(id).await.map_err(store_error)?;
        job.filter(|job| job.tenant == context.appid.as_str() && !job.deleted)
            .ok_or_else(|| store_error(StoreError::NoSuchJob))
    }

    async fn hide(&self, context: &RequestContext, id: &str) -> Result<DeleteJobResult, ApiError> {
        for _ in 0..CONFLICTS_MAX {
            let job = self.find(context, id).await?;
            let change = JobChange { delete: true, ..JobChange::default() };
            match self.core.store.transition(job.id, job.version, change).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(store_error(error)),
                Ok(_) => return Ok(DeleteJobResult),
            }
        }
        Err(store_error(StoreError::Conflict))
    }

    /// An operation of a kind of its own must be of one that there is, and say to it what that takes.
    pub(crate) fn check_kind(&self, spec: &JobSpec) -> Result<(), ApiError> {
        let TaskOperation::Custom(custom) = &spec.operation else { return Ok(()) };
        let invalid = |message| ApiError::new(ErrorCode::InvalidArgument, message);
        let kind = self.core.config.kinds.get(&custom.kind);
        kind.ok_or_else(|| invalid(kinds::unknown(&custom.kind)))?.check(custom).map_err(invalid)
    }

    /// What a job names must be the caller's own or granted; the source objects are checked row by row.
    pub(crate) fn check_access(&self, tenant: &str, spec: &JobSpec) -> Result<(), ApiError> {
        for (field, bucket, right) in checks::named_buckets(spec) {
            if !self.core.access.allows(tenant, bucket, right) {
                let message = format!("{field}: APPID {tenant} may not {} bucket {bucket}", right.name());
                return Err(ApiError::new(ErrorCode::AccessDenied, message));
            }
        }
        Ok(())
    }
}

fn command_error(error: CommandError) -> ApiError {
    match error {
        CommandError::Refused(refusal @ (Refusal::Finished(_) | Refusal::NotNow { .. })) => {
            ApiError::new(ErrorCode::InvalidRequest, refusal.to_string())
        }
        CommandError::Store(error) => store_error(error),
    }
}

/// What the API answers where the job store fails or refuses.
pub(crate) fn store_error(error: StoreError) -> ApiError {
    match error {
        StoreError::NoSuchJob => ApiError::new(ErrorCode::NoSuchJob, "there is no job with this id"),
        StoreError::TokenUsed { job } => {
            let message = format!("ClientRequestToken was already used, by job {job}");
            ApiError::new(ErrorCode::InvalidRequest, message)
        }
        StoreError::TooManyJobs { .. } => ApiError::new(ErrorCode::TooManyJobs, error.to_string()),
        other => {
            tracing::error!(error = %other, "job store");
            ApiError::new(ErrorCode::ServiceUnavailable, "the job could not be read or written; try again")
        }
    }
}
