//! What another dialect of the API asks of the engine, in the engine's own words.

use cos_batch_model::{ApiError, ErrorCode, RequestContext};
use cos_batch_objectstore::Tag;

use crate::{
    api::{CONFLICTS_MAX, store_error},
    clock::UnixMillis,
    engine::Engine,
    job::JobRecord,
    spec::JobSpec,
    store::{JobChange, JobStatus, ListFilter, StoreError},
};

impl Engine {
    /// Makes a job for the caller. The same again, with the same token and the same request, is answered with the job that was
    /// made: `None` instead means that the token made another one.
    ///
    /// # Errors
    /// `AccessDenied` for a bucket that the caller may not use so; `InvalidArgument` for an operation of a kind that there is not, or
    /// that does not take what it is told; `TooManyJobs`; those of the job store.
    pub async fn create(
        &self,
        context: &RequestContext,
        token: String,
        priority: u32,
        spec: JobSpec,
    ) -> Result<Option<JobRecord>, ApiError> {
        let (dialect, request) = (spec.dialect, spec.request.clone());
        match self.make_job(context, token, priority, spec).await? {
            Ok(job) => Ok(Some(job)),
            Err(StoreError::TokenUsed { job }) => {
                let made = self.core.store.get(job).await.map_err(store_error)?;
                Ok(made.filter(|made| !made.deleted && made.spec.dialect == dialect && made.spec.request == request))
            }
            Err(error) => Err(store_error(error)),
        }
    }

    /// Whether a bucket is the caller's own, by its name or by what the server was told.
    #[must_use]
    pub fn owns(&self, context: &RequestContext, bucket: &str) -> bool {
        self.core.access.owns(context.appid.as_str(), bucket)
    }

    /// A job of the caller.
    ///
    /// # Errors
    /// `NoSuchJob`, also for a job of somebody else; those of the job store.
    pub async fn job(&self, context: &RequestContext, id: &str) -> Result<JobRecord, ApiError> {
        self.find(context, id).await
    }

    /// One page of the caller's jobs by id, at most `limit` after the named one, and whether there are more.
    ///
    /// # Errors
    /// Those of the job store.
    pub async fn jobs_of(
        &self,
        context: &RequestContext,
        statuses: &[JobStatus],
        after: Option<uuid::Uuid>,
        limit: usize,
    ) -> Result<(Vec<JobRecord>, bool), ApiError> {
        let filter = ListFilter { tenant: context.appid.as_str(), statuses, after, limit, newest_first: false };
        self.core.store.list(filter).await.map_err(store_error)
    }

    /// For how long a job has been Active, in whole seconds, as far as its timeline goes back.
    ///
    /// # Errors
    /// Those of the job store.
    pub async fn active_seconds(&self, job: &JobRecord) -> Result<u64, ApiError> {
        let events = self.core.store.events(job.id).await.map_err(store_error)?;
        let mut active_since: Option<UnixMillis> = None;
        let mut millis: u64 = 0;
        for event in &events {
            if let Some(since) = active_since.take() {
                millis = millis.saturating_add_signed(event.at.saturating_sub(since).max(0));
            }
            active_since = (event.status == JobStatus::Active).then_some(event.at);
        }
        if let Some(since) = active_since {
            millis = millis.saturating_add_signed(self.core.store.now().saturating_sub(since).max(0));
        }
        Ok(millis / 1000)
    }

    /// Replaces the tags of a job, whatever its status.
    ///
    /// # Errors
    /// `NoSuchJob`; those of the job store.
    pub async fn set_job_tags(&self, context: &RequestContext, id: &str, tags: Vec<Tag>) -> Result<(), ApiError> {
        for _ in 0..CONFLICTS_MAX {
            let job = self.find(context, id).await?;
            let change = JobChange { tags: Some(tags.clone()), ..JobChange::default() };
            match self.core.store.transition(job.id, job.version, change).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(store_error(error)),
                Ok(_) => return Ok(()),
            }
        }
        Err(ApiError::new(ErrorCode::ServiceUnavailable, "the job changes too often; try again"))
    }
}
