//! Making a job, once.

use std::cmp::Reverse;

use cos_batch_model::{
    CreateJobRequest, CreateJobResult, ErrorCode, JobId, JobListMember, ListJobsRequest, OperationKind,
};
use cos_signature::CLOCK_SKEW_SECONDS;

use crate::retry::{Doubt, Repeat, is_unreadable};
use crate::{BuildError, Client, Error, Transport};

/// Most pages of jobs that are looked through for a job whose creation was not answered: 10,000 jobs of the last 90
/// days. They may come in any order, so the job can be on any page.
///
/// Source: ours.
pub const SCAN_PAGES_MAX: usize = 10;

/// Most jobs that are looked at for their token. They are of the same operation and were made since the call began, so
/// more than one is rare.
///
/// Source: ours.
pub const SCAN_JOBS_MAX: usize = 32;

impl<S: Transport> Client<S> {
    /// Makes a job (COS Batch API, CreateJob).
    ///
    /// All attempts carry the same token, so that they make at most one job. A repeat that is refused because the token
    /// is used, after an answer was lost, is resolved: the client looks through the list for a job of this operation
    /// that was made since, and whose description has the token. That needs a server that tells tokens; the API's
    /// documents say that DescribeJob may.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] where [`CreateJobRequest::validate`] finds a fault; [`Error::Api`], after which no job was made
    /// by this call unless the status is 5xx; [`Error::AmbiguousCreate`] where an answer was lost and the job was not
    /// found; [`Error::Transport`] of a kind that [`is_unsent`](crate::TransportErrorKind::is_unsent).
    pub async fn create_job(&self, request: CreateJobRequest) -> Result<CreateJobResult, Error> {
        request.validate().map_err(BuildError::from)?;
        let begun = self.unix_seconds();
        let (result, doubt) = self.call(&request, Repeat::Always).await;
        let error = match result {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        let refused = matches!(&error, Error::Api(error) if error.code == ErrorCode::InvalidRequest);
        let may_exist = doubt > Doubt::None && refused || is_unreadable(&error);
        if may_exist && let Some(job_id) = self.find_job(&request, begun).await {
            return Ok(CreateJobResult { job_id });
        }
        if may_exist || doubt.max(Doubt::of(&error)) == Doubt::Lost {
            return Err(Error::AmbiguousCreate { token: request.client_request_token, source: Box::new(error) });
        }
        Err(error)
    }

    /// The job that was made with this request's token since `begun` (Unix seconds). None also where the service does
    /// not answer: the caller has an error to tell already.
    async fn find_job(&self, request: &CreateJobRequest, begun: i64) -> Option<JobId> {
        let kind = request.operation.kind().known().copied()?;
        for job_id in self.candidates(kind, begun.saturating_sub(CLOCK_SKEW_SECONDS)).await.ok()? {
            // A job that cannot be described is not the only candidate.
            let Ok(job) = self.describe_job(&job_id).await else { continue };
            if job.client_request_token.as_ref() == Some(&request.client_request_token) {
                return Some(job.job_id);
            }
        }
        None
    }

    /// Jobs of an operation that were made since then, newest first, at most [`SCAN_JOBS_MAX`].
    async fn candidates(&self, kind: OperationKind, since: i64) -> Result<Vec<JobId>, Error> {
        let mut candidates: Vec<JobListMember> = Vec::new();
        let mut request = ListJobsRequest::default();
        for _ in 0..SCAN_PAGES_MAX {
            let page = self.list_jobs(request.clone()).await?;
            let fits = |job: &JobListMember| job.operation == kind && job.creation_time.unix_seconds() >= since;
            candidates.extend(page.jobs.into_iter().filter(fits));
            candidates.sort_by_key(|job| Reverse(job.creation_time));
            candidates.truncate(SCAN_JOBS_MAX);
            if page.next_token.is_none() || page.next_token == request.next_token {
                break;
            }
            request.next_token = page.next_token;
        }
        Ok(candidates.into_iter().map(|job| job.job_id).collect())
    }
}
