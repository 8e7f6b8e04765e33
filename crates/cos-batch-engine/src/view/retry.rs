//! A new job over all failed tasks of an old one.

use cos_batch_model::{ApiError, ClientRequestToken, ErrorCode, Priority, RequestContext};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{details::ObjectName, object_error, rows::lines};
use crate::{
    access::Right,
    api::store_error,
    engine::Engine,
    job::JobRecord,
    report::{self, row, spool::Rows},
    runtime::ObjectWriter,
    spec::{Column, Dialect, JobSpec, ManifestFormat, ManifestSpec},
    store::{JobStatus, NewJob, StoreError},
    task::REFUSED_AS_LISTED,
    wire,
};

/// Most failed tasks that become one manifest: what is read and written well within the time of a request.
pub const RETRY_ROWS_MAX: u64 = 10_000_000;

/// Segments asked for at once.
const SEGMENTS_PER_PAGE: usize = 256;

/// What a new job is to be like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RetryRequest {
    /// Guards against the same job being made twice: the same again is answered with the job that was made.
    pub client_request_token: String,
    /// Its priority; none: that of the old job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Whether it waits for a confirmation; none: as the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_required: Option<bool>,
    /// Where the manifest of the failed tasks goes; none: into the folder of the old job's report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ObjectName>,
}

/// A job that tries failed tasks again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RetryResult {
    /// The new job.
    pub job_id: String,
    /// The old one.
    pub retry_of: String,
    /// Tasks that are tried again.
    pub rows: u64,
    /// Failed tasks that are not: an inventory lists them as delete markers, or as older versions of what is copied.
    #[serde(default)]
    pub left_out: u64,
    /// Where they are listed.
    pub manifest: ObjectName,
    /// ETag of that manifest, without quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
    /// The job waits for a confirmation.
    pub confirmation_required: bool,
}

impl Engine {
    /// Makes a new job of the failed tasks of one that has ended: with the same operation, report and description, over
    /// a manifest that is written for it. What an inventory lists as delete markers or older versions is left out: in a
    /// manifest without that list an older version would be copied like any other, over what the job made of the latest.
    ///
    /// # Errors
    /// NoSuchJob; InvalidRequest for a job that has not ended, has no failed tasks to try again, or too many, and for a token that
    /// made another job; InvalidArgument where there is no place for the manifest; AccessDenied; those of the stores.
    pub async fn retry(
        &self,
        context: &RequestContext,
        id: &str,
        request: RetryRequest,
    ) -> Result<RetryResult, ApiError> {
        let token = ClientRequestToken::new(request.client_request_token.as_str())?;
        let priority = request.priority.map(Priority::new).transpose()?;
        let old = self.find(context, id).await?;
        if let Some(made) = self.made_with(context, &old, token.as_str()).await? {
            return Ok(made);
        }
        self.check_retryable(context, &old)?;
        // Before anything is written: what was there would be gone.
        if self.left_out(&old).await? >= old.progress.failed {
            return Err(nothing_left(old.progress.failed));
        }
        let place = self.place(context, &old, request.manifest)?;
        let version = match &old.spec.manifest.format {
            ManifestFormat::Csv { columns } => columns.contains(&Column::VersionId),
            ManifestFormat::Inventory => true,
            ManifestFormat::Listed(_) => false,
        };
        let etag = self.write_failed_rows(&old, &place, version).await?;

        let priority = priority.unwrap_or(Priority::new(old.priority)?);
        let confirmation = request.confirmation_required.unwrap_or(old.spec.confirmation_required);
        let mut spec = match old.spec.dialect {
            Dialect::Cos => {
                let mut create = wire::request(&old)?;
                let region = create.manifest.location.object_arn.region().to_owned();
                create.manifest = wire::csv_manifest(&region, &place.bucket, &place.key, &etag, version)?;
                create.client_request_token = token.clone();
                create.priority = priority;
                create.confirmation_required = confirmation;
                wire::spec(&create)?
            }
            // Its request in the words of this dialect would be another job.
            Dialect::S3Control => JobSpec {
                manifest: rows_manifest(&place, &etag, version),
                confirmation_required: confirmation,
                ..JobSpec::clone(&old.spec)
            },
        };
        spec.retry_of = Some(old.id);
        self.check_access(context.appid.as_str(), &spec)?;
        let job = NewJob {
            tenant: old.tenant.clone(),
            token: token.as_str().to_owned(),
            spec,
            priority: priority.get(),
            live_jobs_max: self.core.config.live_jobs_max,
        };
        let made = match self.core.store.create(job).await {
            Ok(made) => made,
            // The same was asked for twice at once: the other one was first.
            Err(StoreError::TokenUsed { .. }) => {
                let made = self.made_with(context, &old, token.as_str()).await?;
                return made.ok_or_else(|| store_error(StoreError::NoSuchJob));
            }
            Err(error) => return Err(store_error(error)),
        };
        self.core.wake.notify_one();
        self.retried(&old, &made).await
    }

    /// The retry that this token made, if it made one.
    async fn made_with(
        &self,
        context: &RequestContext,
        old: &JobRecord,
        token: &str,
    ) -> Result<Option<RetryResult>, ApiError> {
        let found = self.core.store.find_token(context.appid.as_str(), token).await.map_err(store_error)?;
        let Some(job) = found else { return Ok(None) };
        match self.core.store.get(job).await.map_err(store_error)? {
            Some(made) if made.spec.retry_of == Some(old.id) => self.retried(old, &made).await.map(Some),
            _ => Err(store_error(StoreError::TokenUsed { job })),
        }
    }

    fn check_retryable(&self, context: &RequestContext, old: &JobRecord) -> Result<(), ApiError> {
        let refused = |message: String| Err(ApiError::new(ErrorCode::InvalidRequest, message));
        let status = old.state.status;
        if !matches!(status, JobStatus::Complete | JobStatus::Failed | JobStatus::Cancelled) {
            return refused(format!("the job is {status}: its failed tasks can be tried again once it has ended"));
        }
        match old.progress.failed {
            0 if status == JobStatus::Failed => {
                let text =
                    "the job failed as a whole, and none of its tasks did: once its failure is mended, make it again";
                return refused(text.to_owned());
            }
            0 => return refused("none of the job's tasks has failed: there is nothing to try again".to_owned()),
            failed if failed > RETRY_ROWS_MAX => {
                return refused(format!(
                    "{failed} tasks of the job failed; at most {RETRY_ROWS_MAX} become one manifest"
                ));
            }
            _ => {}
        }
        // Before anything is written.
        self.check_access(context.appid.as_str(), &old.spec)
    }

    /// Where the manifest goes.
    fn place(
        &self,
        context: &RequestContext,
        old: &JobRecord,
        chosen: Option<ObjectName>,
    ) -> Result<ObjectName, ApiError> {
        let place = match (chosen, &old.spec.report) {
            (Some(chosen), _) => chosen,
            // A name of its own, so that two retries at once never write the same object.
            (None, Some(report)) => ObjectName {
                bucket: report.bucket.clone(),
                key: format!("{}/retry-{}.csv", report::folder(report, old.id), Uuid::new_v4()),
            },
            (None, None) => {
                let message = "the job has no report: say where the manifest of its failed tasks is to go";
                return Err(ApiError::new(ErrorCode::InvalidArgument, message));
            }
        };
        let tenant = context.appid.as_str();
        for right in [Right::Write, Right::Read] {
            if !self.core.access.allows(tenant, &place.bucket, right) {
                let message =
                    format!("Manifest.Bucket: APPID {tenant} may not {} bucket {}", right.name(), place.bucket);
                return Err(ApiError::new(ErrorCode::AccessDenied, message));
            }
        }
        Ok(place)
    }

    /// Writes a manifest of all failed tasks and gives its ETag.
    async fn write_failed_rows(&self, old: &JobRecord, place: &ObjectName, version: bool) -> Result<String, ApiError> {
        let mut writer = ObjectWriter::new(&self.core.buckets, &place.bucket, &place.key, "text/csv");
        match self.copy_failed_rows(old, &mut writer, version).await {
            Ok(()) => writer.finish().await.map(|outcome| outcome.etag).map_err(|error| object_error(&error)),
            Err(error) => {
                writer.abandon().await;
                Err(error)
            }
        }
    }

    async fn copy_failed_rows(
        &self,
        old: &JobRecord,
        writer: &mut ObjectWriter,
        version: bool,
    ) -> Result<(), ApiError> {
        let mut after = None;
        let (mut rows, mut left_out) = (0, 0);
        loop {
            let page =
                self.core.store.job_segments(old.id, true, after, SEGMENTS_PER_PAGE).await.map_err(store_error)?;
            for segment in &page {
                let body = self.segment(old.id, segment, Rows::Failed, u64::MAX).await?;
                let mut out = Vec::with_capacity(body.len() / 2);
                for row in lines(&body) {
                    if refused_as_listed(old, &row.code) {
                        left_out += 1;
                        continue;
                    }
                    row::write_manifest_row(&mut out, &row, version);
                    rows += 1;
                }
                writer.push(&out).await.map_err(|error| object_error(&error))?;
            }
            after = page.last().map(|segment| (segment.shard, segment.number));
            if page.len() < SEGMENTS_PER_PAGE {
                break;
            }
        }
        // Less would leave tasks out without a word.
        if rows + left_out != old.progress.failed {
            let kept = rows + left_out;
            tracing::error!(job = %old.id, kept, failed = old.progress.failed, "failed rows are missing from the spool");
            let message = format!("{} tasks of the job failed, but only {kept} of them are kept", old.progress.failed);
            return Err(ApiError::new(ErrorCode::InternalError, message));
        }
        if rows == 0 {
            return Err(nothing_left(left_out));
        }
        Ok(())
    }

    /// What the retry of a job is answered with.
    async fn retried(&self, old: &JobRecord, made: &JobRecord) -> Result<RetryResult, ApiError> {
        let left_out = self.left_out(old).await?;
        let manifest = &made.spec.manifest;
        Ok(RetryResult {
            job_id: made.id.to_string(),
            retry_of: old.id.to_string(),
            rows: old.progress.failed.saturating_sub(left_out),
            left_out,
            manifest: ObjectName { bucket: manifest.bucket.clone(), key: manifest.key.clone() },
            etag: manifest.etag.clone(),
            confirmation_required: made.spec.confirmation_required,
        })
    }

    /// How many of the failed tasks are not tried again.
    async fn left_out(&self, old: &JobRecord) -> Result<u64, ApiError> {
        let codes = self.core.store.codes(old.id).await.map_err(store_error)?;
        Ok(codes.iter().filter(|(code, _)| refused_as_listed(old, code)).map(|(_, tasks)| tasks).sum())
    }
}

/// A manifest of report rows that was written here.
fn rows_manifest(place: &ObjectName, etag: &str, version: bool) -> ManifestSpec {
    let mut columns = vec![Column::Bucket, Column::Key];
    if version {
        columns.push(Column::VersionId);
    }
    ManifestSpec {
        bucket: place.bucket.clone(),
        key: place.key.clone(),
        version: None,
        etag: etag.trim_matches('"').to_owned(),
        format: ManifestFormat::Csv { columns },
    }
}

/// Whether a task with this code failed for what the job's inventory lists it as.
fn refused_as_listed(job: &JobRecord, code: &str) -> bool {
    job.spec.manifest.format == ManifestFormat::Inventory && REFUSED_AS_LISTED.contains(&code)
}

fn nothing_left(left_out: u64) -> ApiError {
    let message = format!(
        "all {left_out} failed tasks of the job are delete markers and older versions of its inventory: there is nothing to \
         try again"
    );
    ApiError::new(ErrorCode::InvalidRequest, message)
}
