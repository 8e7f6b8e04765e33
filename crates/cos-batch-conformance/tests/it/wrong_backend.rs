//! A backend that is right but for one thing.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use cos_batch_model::*;

use crate::world::APPIDS;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Descriptions are lost.
    NoDescription,
    /// A description is unescaped once too often.
    UnescapesTwice,
    /// ETags are given back without quotes.
    UnquotesETags,
    /// A change of priority is answered, but not made.
    ForgetsPriority,
    /// DeleteJob is answered, but nothing is deleted.
    DeletesNothing,
    /// Every job is described as if it were the same one.
    OneId,
    /// A job is found for whoever asks.
    AnswersForeignJobs,
    /// A job of somebody else is told to exist.
    TellsForeignJobs,
    /// Everybody's jobs are in everybody's list.
    ListsForeignJobs,
    /// Tokens do not matter.
    IgnoresTokens,
    /// An unknown job is a fault of the server.
    UnknownIsInternal,
    /// Rules between fields are not looked at: what does not fit is left out.
    RepairsRequests,
    /// The last page has a token, too.
    TokenOnTheLastPage,
    /// Tokens are no ids.
    PagesOnePast,
    /// maxResults does not matter.
    IgnoresMaxResults,
    /// jobStatuses does not matter.
    IgnoresStatuses,
    /// nextToken does not matter.
    IgnoresTheToken,
    /// Requests about finished jobs are answered as if they had an effect.
    FinishedJobsChange,
    /// Jobs do not wait for their confirmation.
    NeverSuspends,
    /// A confirmed job waits for another confirmation.
    ConfirmsNothing,
    /// Only an active job can be cancelled.
    CancelsLate,
    /// The reason of a change is lost.
    NoReason,
    /// Jobs end without a date.
    NoTerminationDate,
    /// Failed jobs do not say why.
    NoFailureReasons,
}

pub(crate) struct Wrong {
    pub(crate) inner: Arc<dyn BatchApi>,
    pub(crate) fault: Fault,
    pub(crate) tokens: AtomicU32,
}

fn other(context: &RequestContext) -> RequestContext {
    let other = APPIDS.iter().find(|appid| **appid != context.appid.as_str()).unwrap();
    RequestContext::new(AppId::new(*other).unwrap(), "other")
}

impl Wrong {
    pub(crate) fn new(inner: Arc<dyn BatchApi>, fault: Fault) -> Arc<Self> {
        Arc::new(Self { inner, fault, tokens: AtomicU32::new(0) })
    }

    fn twist(&self, mut job: Job) -> Job {
        match self.fault {
            Fault::NoDescription => job.description = None,
            Fault::UnescapesTwice => {
                let text = job.description.as_ref().map_or("", |text| text.as_str()).replace("&", "&amp;");
                job.description = Description::new(text).ok();
            }
            Fault::UnquotesETags => {
                job.manifest.location.e_tag = ETag::new(job.manifest.location.e_tag.unquoted()).unwrap();
            }
            Fault::OneId => job.job_id = JobId::new("the-job").unwrap(),
            Fault::NoTerminationDate => job.termination_date = None,
            Fault::NoFailureReasons => job.failure_reasons.clear(),
            Fault::NoReason => job.status_update_reason = None,
            _ => {}
        }
        job
    }

    fn refuse<T>(&self, error: ApiError) -> Result<T, ApiError> {
        match (self.fault, &error.code) {
            (Fault::UnknownIsInternal, ErrorCode::NoSuchJob) => {
                Err(ApiError::new(ErrorCode::InternalError, error.message))
            }
            _ => Err(error),
        }
    }

    async fn describe(&self, context: &RequestContext, id: &JobId) -> Result<Job, ApiError> {
        let request = DescribeJobRequest { job_id: id.clone() };
        Ok(self.inner.describe_job(context, request).await?.job)
    }

    async fn is_foreign(&self, context: &RequestContext, id: &JobId) -> bool {
        self.describe(&other(context), id).await.is_ok()
    }
}

impl BatchApi for Wrong {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        mut request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        let token = ClientRequestToken::new(format!("wrong-{}", self.tokens.fetch_add(1, Ordering::Relaxed)));
        match self.fault {
            Fault::IgnoresTokens => request.client_request_token = token.unwrap(),
            Fault::NeverSuspends => request.confirmation_required = false,
            Fault::RepairsRequests if request.validate().is_err() => {
                request.operation = Operation::DeleteObject;
                request.report = Report::disabled();
                request.manifest.spec =
                    ManifestSpec { fields: Vec::new(), format: ManifestFormat::InventoryReportCsv.into() };
            }
            _ => {}
        }
        self.inner.create_job(context, request)
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        Box::pin(async move {
            let mut found = self.describe(context, &request.job_id).await;
            if self.fault == Fault::AnswersForeignJobs && found.is_err() {
                found = self.describe(&other(context), &request.job_id).await;
            }
            if self.fault == Fault::TellsForeignJobs
                && found.is_err()
                && self.is_foreign(context, &request.job_id).await
            {
                return Err(ApiError::new(ErrorCode::AccessDenied, "the job is somebody else's"));
            }
            match found {
                Ok(job) => Ok(DescribeJobResult { job: self.twist(job) }),
                Err(error) => self.refuse(error),
            }
        })
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        mut request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        Box::pin(async move {
            let max = usize::from(request.max_results.unwrap_or_default().get());
            match self.fault {
                Fault::IgnoresMaxResults => request.max_results = None,
                Fault::IgnoresStatuses => request.job_statuses.clear(),
                Fault::IgnoresTheToken => request.next_token = None,
                _ => {}
            }
            let mut page = self.inner.list_jobs(context, request.clone()).await?;
            match self.fault {
                Fault::ListsForeignJobs => {
                    let more = self.inner.list_jobs(&other(context), request).await?.jobs;
                    let room = max.saturating_sub(page.jobs.len());
                    page.jobs.extend(more.into_iter().take(room));
                }
                Fault::TokenOnTheLastPage if page.next_token.is_none() => {
                    page.next_token = page.jobs.last().map(|row| NextToken::new(row.job_id.as_str()).unwrap());
                }
                Fault::PagesOnePast if page.next_token.is_some() && page.jobs.len() > 1 => {
                    page.jobs.pop();
                }
                Fault::NoDescription => page.jobs.iter_mut().for_each(|row| row.description = None),
                _ => {}
            }
            Ok(page)
        })
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        Box::pin(async move {
            let UpdateJobPriorityRequest { job_id, priority } = request.clone();
            let answer = Ok(UpdateJobPriorityResult { job_id: job_id.clone(), priority });
            if self.fault == Fault::ForgetsPriority && self.describe(context, &job_id).await.is_ok() {
                return answer;
            }
            match self.inner.update_job_priority(context, request).await {
                Err(_) if self.fault == Fault::FinishedJobsChange && self.describe(context, &job_id).await.is_ok() => {
                    answer
                }
                Err(error) => self.refuse(error),
                Ok(result) => Ok(result),
            }
        })
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        Box::pin(async move {
            let UpdateJobStatusRequest { job_id, requested_job_status: asked, .. } = request.clone();
            if let Ok(job) = self.describe(context, &job_id).await {
                let answer = |status: JobStatus| {
                    let status_update_reason = request.status_update_reason.clone();
                    Ok(UpdateJobStatusResult { job_id: job_id.clone(), status: status.into(), status_update_reason })
                };
                if self.fault == Fault::ConfirmsNothing && asked == RequestedJobStatus::Ready {
                    return answer(JobStatus::Suspended);
                }
                if self.fault == Fault::CancelsLate && asked == RequestedJobStatus::Cancelled {
                    return Err(ApiError::new(ErrorCode::InvalidRequest, "only active jobs can be cancelled"));
                }
                if self.fault == Fault::FinishedJobsChange && job.status == JobStatus::Cancelled {
                    return answer(JobStatus::Ready);
                }
            }
            match self.inner.update_job_status(context, request).await {
                Ok(mut result) => {
                    if self.fault == Fault::NoReason {
                        result.status_update_reason = None;
                    }
                    Ok(result)
                }
                Err(error) => self.refuse(error),
            }
        })
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        Box::pin(async move {
            if self.fault == Fault::DeletesNothing && self.describe(context, &request.job_id).await.is_ok() {
                return Ok(DeleteJobResult);
            }
            match self.inner.delete_job(context, request).await {
                Err(error) => self.refuse(error),
                Ok(result) => Ok(result),
            }
        })
    }
}
