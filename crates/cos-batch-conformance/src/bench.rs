//! Where checks work: the system, counted requests, and the jobs to be removed afterwards.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use cos_batch_model::{
    ApiError, AppId, BatchApi, CreateJobRequest, DeleteJobRequest, DescribeJobRequest, ErrorCode, Job, JobId,
    JobStatus, ListJobsRequest, ListJobsResult, MaxResults, NextToken, Priority, RequestContext, RequestedJobStatus,
    StatusUpdateReason, UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest,
    UpdateJobStatusResult,
};

use crate::{
    setup::{Account, Setup},
    verdict::{Miss, failed, skipped, succeeds},
};

/// Most requests of one check besides those that wait for a job: the longest check, walking a list, needs
/// [`PAGES_MAX`] twice.
const REQUESTS_MAX: u64 = 1_000;

/// Most pages of a list that a check walks: a system with 200,000 jobs of one account can still be checked.
const PAGES_MAX: usize = 200;

/// An id that no job has.
const UNKNOWN_JOB: &str = "00000000-0000-4000-8000-000000000000";

/// A job of a check.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) id: JobId,
    pub(crate) request: CreateJobRequest,
}

pub(crate) struct Bench {
    api: Arc<dyn BatchApi>,
    pub(crate) setup: Setup,
    tokens: AtomicU32,
    /// Requests of all checks so far.
    requests: AtomicU64,
    /// As many requests the check that runs now may have led to in all.
    requests_end: AtomicU64,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    made: Vec<(AppId, JobId)>,
    left_behind: Vec<JobId>,
}

impl Bench {
    pub(crate) fn new(api: Arc<dyn BatchApi>, setup: &Setup) -> Self {
        Self {
            api,
            setup: setup.clone(),
            tokens: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            requests_end: AtomicU64::new(0),
            jobs: Mutex::default(),
        }
    }

    /// Before each check.
    pub(crate) fn begin(&self) {
        let room = REQUESTS_MAX + 8 * u64::from(self.setup.polls);
        self.requests_end.store(self.requests() + room, Ordering::Relaxed);
    }

    /// How many requests were made.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn left_behind(&self) -> Vec<JobId> {
        self.jobs().left_behind.clone()
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request, unless the check has made too many.
    pub(crate) fn count(&self) -> Result<(), ApiError> {
        if self.requests.fetch_add(1, Ordering::Relaxed) < self.requests_end.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::InternalError, "the check has made so many requests that it was stopped"))
    }

    fn context(&self, account: &Account) -> Result<RequestContext, ApiError> {
        self.count()?;
        Ok(RequestContext::new(account.appid.clone(), format!("{}-{}", self.setup.run, self.requests())))
    }

    pub(crate) fn other(&self) -> Result<&Account, Miss> {
        self.setup.other.as_ref().ok_or_else(|| skipped("there is no second account"))
    }

    pub(crate) fn needs_running_jobs(&self) -> Result<(), Miss> {
        if self.setup.runs_jobs { Ok(()) } else { Err(skipped("the system does not run jobs")) }
    }

    pub(crate) fn unknown_job() -> JobId {
        JobId::new(UNKNOWN_JOB).expect("a UUID is a legal id")
    }

    /// A legal request of the account with a token of its own, that waits for a confirmation.
    pub(crate) fn request_of(&self, account: &Account) -> CreateJobRequest {
        let mut request = account.request();
        request.client_request_token = self.setup.token(self.tokens.fetch_add(1, Ordering::Relaxed));
        request.confirmation_required = true;
        request
    }

    pub(crate) fn request(&self) -> CreateJobRequest {
        self.request_of(&self.setup.account)
    }

    /// Remembers a job for cleaning up.
    pub(crate) fn remember(&self, account: &Account, job: &JobId) {
        self.jobs().made.push((account.appid.clone(), job.clone()));
    }

    pub(crate) async fn try_create_as(&self, account: &Account, request: CreateJobRequest) -> Result<JobId, ApiError> {
        let made = self.api.create_job(&self.context(account)?, request).await?;
        self.remember(account, &made.job_id);
        Ok(made.job_id)
    }

    pub(crate) async fn try_create(&self, request: CreateJobRequest) -> Result<JobId, ApiError> {
        self.try_create_as(&self.setup.account, request).await
    }

    /// A job from a legal request after this change to it.
    pub(crate) async fn create(&self, change: impl FnOnce(&mut CreateJobRequest)) -> Result<Made, Miss> {
        let mut request = self.request();
        change(&mut request);
        let id = succeeds("CreateJob", self.try_create(request.clone()).await)?;
        Ok(Made { id, request })
    }

    pub(crate) async fn create_several(&self, count: usize) -> Result<Vec<JobId>, Miss> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.create(|_| {}).await?.id);
        }
        Ok(ids)
    }

    pub(crate) async fn try_describe_as(&self, account: &Account, job: &JobId) -> Result<Job, ApiError> {
        let request = DescribeJobRequest { job_id: job.clone() };
        Ok(self.api.describe_job(&self.context(account)?, request).await?.job)
    }

    pub(crate) async fn try_describe(&self, job: &JobId) -> Result<Job, ApiError> {
        self.try_describe_as(&self.setup.account, job).await
    }

    pub(crate) async fn describe(&self, job: &JobId) -> Result<Job, Miss> {
        succeeds("DescribeJob", self.try_describe(job).await)
    }

    pub(crate) async fn try_set_priority_as(
        &self,
        account: &Account,
        job: &JobId,
        priority: Priority,
    ) -> Result<UpdateJobPriorityResult, ApiError> {
        let request = UpdateJobPriorityRequest { job_id: job.clone(), priority };
        self.api.update_job_priority(&self.context(account)?, request).await
    }

    pub(crate) async fn try_set_priority(
        &self,
        job: &JobId,
        priority: Priority,
    ) -> Result<UpdateJobPriorityResult, ApiError> {
        self.try_set_priority_as(&self.setup.account, job, priority).await
    }

    pub(crate) async fn try_set_status_as(
        &self,
        account: &Account,
        job: &JobId,
        status: RequestedJobStatus,
        reason: Option<StatusUpdateReason>,
    ) -> Result<UpdateJobStatusResult, ApiError> {
        let request =
            UpdateJobStatusRequest { job_id: job.clone(), requested_job_status: status, status_update_reason: reason };
        self.api.update_job_status(&self.context(account)?, request).await
    }

    pub(crate) async fn try_set_status(
        &self,
        job: &JobId,
        status: RequestedJobStatus,
    ) -> Result<UpdateJobStatusResult, ApiError> {
        self.try_set_status_as(&self.setup.account, job, status, None).await
    }

    pub(crate) async fn try_delete_as(&self, account: &Account, job: &JobId) -> Result<(), ApiError> {
        let request = DeleteJobRequest { job_id: job.clone() };
        self.api.delete_job(&self.context(account)?, request).await?;
        Ok(())
    }

    /// Deletes a job; skips the check where the system does not offer that.
    pub(crate) async fn delete(&self, job: &JobId) -> Result<(), Miss> {
        match self.try_delete_as(&self.setup.account, job).await {
            Err(error) if error.code == ErrorCode::NotImplemented => {
                Err(skipped("the system does not offer DeleteJob, which no documentation asks for"))
            }
            result => succeeds("DeleteJob", result),
        }
    }

    pub(crate) async fn try_list_as(
        &self,
        account: &Account,
        request: ListJobsRequest,
    ) -> Result<ListJobsResult, ApiError> {
        self.api.list_jobs(&self.context(account)?, request).await
    }

    pub(crate) async fn list(&self, request: ListJobsRequest) -> Result<ListJobsResult, Miss> {
        succeeds("ListJobs", self.try_list_as(&self.setup.account, request).await)
    }

    /// All pages of a list, from `request`'s token on, until `enough` says so or there is no further one.
    pub(crate) async fn walk_as(
        &self,
        account: &Account,
        mut request: ListJobsRequest,
        mut enough: impl FnMut(&ListJobsResult) -> bool,
    ) -> Result<Vec<ListJobsResult>, Miss> {
        let mut pages = Vec::new();
        let mut tokens: Vec<NextToken> = Vec::new();
        loop {
            let page = succeeds("ListJobs", self.try_list_as(account, request.clone()).await)?;
            let (next, done) = (page.next_token.clone(), enough(&page));
            pages.push(page);
            let Some(next) = next.filter(|_| !done) else { return Ok(pages) };
            if tokens.contains(&next) {
                return Err(failed("each page's NextToken differs from those before", format!("{next} again")));
            }
            if pages.len() >= PAGES_MAX {
                return Err(skipped(format!("the account has more jobs than {PAGES_MAX} pages hold")));
            }
            tokens.push(next.clone());
            request.next_token = Some(next);
        }
    }

    /// All pages of the list of all jobs, with as many jobs on a page as there may be.
    pub(crate) async fn walk(&self) -> Result<Vec<ListJobsResult>, Miss> {
        let request = ListJobsRequest { max_results: Some(MaxResults::default()), ..ListJobsRequest::default() };
        self.walk_as(&self.setup.account, request, |_| false).await
    }

    /// Looks at the job until it is as wanted.
    pub(crate) async fn until(
        &self,
        job: &JobId,
        expected: &str,
        mut wanted: impl FnMut(&Job) -> Result<bool, Miss>,
    ) -> Result<Job, Miss> {
        let mut last = self.describe(job).await?;
        for _ in 0..self.setup.polls {
            if wanted(&last)? {
                return Ok(last);
            }
            self.setup.pause().await;
            last = self.describe(job).await?;
        }
        Err(failed(expected, format!("after {} looks it is {}", self.setup.polls, last.status)))
    }

    /// Looks at the job until it waits for its confirmation.
    pub(crate) async fn until_suspended(&self, job: &JobId) -> Result<Job, Miss> {
        let expected = "a job that needs a confirmation becomes Suspended";
        let wanted = |job: &Job| {
            if is_final(job)? {
                return Err(failed(expected, format!("it is {}", job.status)));
            }
            Ok(job.status == JobStatus::Suspended)
        };
        self.until(job, expected, wanted).await
    }

    /// Removes the jobs that the check made.
    pub(crate) async fn clean_up(&self) {
        self.begin();
        let made = std::mem::take(&mut self.jobs().made);
        for (appid, job) in made {
            let account = self.setup.account_of(&appid);
            let Err(error) = self.try_delete_as(account, &job).await else { continue };
            if error.code == ErrorCode::NoSuchJob {
                continue;
            }
            // So that at least it does not run; where that fails too, the job is in the report all the same.
            let _ = self.try_set_status_as(account, &job, RequestedJobStatus::Cancelled, None).await;
            self.jobs().left_behind.push(job);
        }
    }
}

/// Whether the job has ended.
pub(crate) fn is_final(job: &Job) -> Result<bool, Miss> {
    let status = job.status.known().ok_or_else(|| failed("one of the 13 statuses", &job.status))?;
    Ok(status.is_final())
}
