//! Two jobs in place of one: the first over some of the rows, the second over the rest.

use cos_batch_model::{ApiError, ClientRequestToken, CreateJobRequest, ErrorCode, Manifest, RequestContext};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{details::ObjectName, object_error};
use crate::{
    access::Right,
    api::store_error,
    checks::Finding,
    engine::Engine,
    lifecycle::Command,
    manifest::{Columns, Row},
    report::row,
    runtime::ObjectWriter,
    runtime::survey::{self, RowReader, Source},
    spec::{Column, JobSpec, ManifestFormat},
    store::NewJob,
    wire,
};

/// Most rows of a manifest that is divided: what is read twice and written once within the time of a request.
pub const DIVIDED_ROWS_MAX: u64 = 50_000_000;

/// The two jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SampleResult {
    /// The job over the sample.
    pub sample: SampledJob,
    /// The job over the rest, which waits for its confirmation.
    pub rest: SampledJob,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SampledJob {
    /// Its id.
    pub job_id: String,
    /// Rows of its manifest.
    pub rows: u64,
    /// Its manifest.
    pub manifest: ObjectName,
    /// ETag of that manifest, without quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
}

impl Engine {
    /// Divides the manifest of a request, and makes two jobs: one over `rows` rows spread evenly over it, which begins
    /// at once unless the request wants a confirmation, and one over all others, which waits for its confirmation.
    ///
    /// The new manifests are written beside the old one, or below `place`.
    ///
    /// # Errors
    /// InvalidArgument for a number of rows that leaves no sample or no rest; InvalidRequest for a manifest that cannot be
    /// divided, and for a token that made another job; AccessDenied; those of the stores.
    pub async fn create_sampled(
        &self,
        context: &RequestContext,
        request: CreateJobRequest,
        rows: u64,
        place: Option<ObjectName>,
    ) -> Result<SampleResult, ApiError> {
        let spec = wire::spec(&request)?;
        let tenant = context.appid.as_str();
        self.check_access(tenant, &spec)?;
        let ManifestFormat::Csv { columns } = &spec.manifest.format else {
            let message =
                "only a manifest of format COSBatchOperations_CSV_V1 can be divided; make one of the inventory";
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        };
        let version = columns.contains(&Column::VersionId);
        let columns = Columns::new(columns)
            .ok_or_else(|| ApiError::new(ErrorCode::InvalidArgument, "Fields must name Bucket once and Key once"))?;
        let token = request.client_request_token.clone();
        let rest_token = ClientRequestToken::new(hex::encode(Md5::digest(format!("{}/rest", token.as_str()))))?;
        for token in [&token, &rest_token] {
            if let Some(job) = self.core.store.find_token(tenant, token.as_str()).await.map_err(store_error)? {
                return Err(store_error(crate::store::StoreError::TokenUsed { job }));
            }
        }
        let place = place.unwrap_or_else(|| beside(&spec));
        if !self.core.access.allows(tenant, &place.bucket, Right::Write)
            || !self.core.access.allows(tenant, &place.bucket, Right::Read)
        {
            let text =
                format!("APPID {tenant} may not write to bucket {}: say where the two manifests go", place.bucket);
            return Err(ApiError::new(ErrorCode::AccessDenied, text));
        }
        let (source, size) = self.pinned(&spec).await?;
        let total = count(&source, size, &columns).await?;
        check_rows(rows, total)?;
        let id = Uuid::new_v4().simple().to_string();
        let name = |what: &str| ObjectName {
            bucket: place.bucket.clone(),
            key: format!("{}.{}-{what}.csv", place.key, &id[..8]),
        };
        let (sample, rest) = (name("sample"), name("rest"));
        let divide = Divide { rows, total, version };
        let (sample_etag, rest_etag) = self.divide(&source, size, columns, &divide, &sample, &rest).await?;

        let region = request.manifest.location.object_arn.region().to_owned();
        let manifest = |of: &ObjectName, etag: &str| wire::csv_manifest(&region, &of.bucket, &of.key, etag, version);
        // The one that waits comes first: if the other cannot be made, nothing has begun.
        let mut second = request.clone();
        second.client_request_token = rest_token;
        second.confirmation_required = true;
        let rest_job = self.make(tenant, second, manifest(&rest, &rest_etag)?).await?;
        let sample_job = match self.make(tenant, request, manifest(&sample, &sample_etag)?).await {
            Ok(id) => id,
            Err(error) => {
                self.withdraw(rest_job).await;
                return Err(error);
            }
        };
        self.core.wake.notify_one();
        Ok(SampleResult {
            sample: SampledJob { job_id: sample_job.to_string(), rows, manifest: sample, etag: sample_etag },
            rest: SampledJob { job_id: rest_job.to_string(), rows: total - rows, manifest: rest, etag: rest_etag },
        })
    }

    /// Cancels the job over the rest, which nobody is told of.
    async fn withdraw(&self, rest: Uuid) {
        let reason = Some("the job over the sample could not be made".to_owned());
        if let Err(error) = self.core.command(rest, Command::Cancel { reason }).await {
            tracing::warn!(job = %rest, %error, "a job that waits to be confirmed is left behind");
        }
    }

    /// The manifest that a request means, pinned, and its size.
    async fn pinned(&self, spec: &JobSpec) -> Result<(Source, u64), ApiError> {
        let store = self.core.buckets.store(&spec.manifest.bucket);
        let mut source = Source::of_manifest(store, &spec.manifest, survey::version(&spec.manifest), None);
        let meta = survey::head(&source).await.map_err(|error| object_error(&error))?;
        if !meta.etag.eq_ignore_ascii_case(&spec.manifest.etag) {
            let text = format!("Manifest.Location.ETag is {}, but the object has {}", spec.manifest.etag, meta.etag);
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
        source.pin = Some(meta.pin);
        Ok((source, meta.size))
    }

    /// Writes both manifests and gives their ETags.
    async fn divide(
        &self,
        source: &Source,
        size: u64,
        columns: Columns,
        divide: &Divide,
        sample: &ObjectName,
        rest: &ObjectName,
    ) -> Result<(String, String), ApiError> {
        let writer = |to: &ObjectName| ObjectWriter::new(&self.core.buckets, &to.bucket, &to.key, "text/csv");
        let (mut first, mut second) = (writer(sample), writer(rest));
        let copied = copy(source, size, columns, divide, &mut first, &mut second).await;
        if let Err(error) = copied {
            first.abandon().await;
            second.abandon().await;
            return Err(error);
        }
        let etag = match first.finish().await {
            Ok(outcome) => outcome.etag,
            Err(error) => {
                second.abandon().await;
                return Err(object_error(&error));
            }
        };
        let other = second.finish().await.map_err(|error| object_error(&error))?;
        Ok((etag, other.etag))
    }

    async fn make(&self, tenant: &str, mut request: CreateJobRequest, manifest: Manifest) -> Result<Uuid, ApiError> {
        request.manifest = manifest;
        let spec = wire::spec(&request)?;
        self.check_access(tenant, &spec)?;
        let job = NewJob {
            tenant: tenant.to_owned(),
            token: request.client_request_token.into_string(),
            spec,
            priority: request.priority.get(),
            live_jobs_max: self.core.config.live_jobs_max,
        };
        Ok(self.core.store.create(job).await.map_err(store_error)?.id)
    }
}

/// How rows are divided.
struct Divide {
    rows: u64,
    total: u64,
    version: bool,
}

impl Divide {
    /// Whether the row with this number, from 0, belongs to the sample: evenly spread, and just so many.
    fn is_sample(&self, number: u64) -> bool {
        let before = |number: u64| u128::from(number) * u128::from(self.rows) / u128::from(self.total.max(1));
        before(number + 1) > before(number)
    }
}

fn check_rows(rows: u64, total: u64) -> Result<(), ApiError> {
    let refused = |text: String| Err(ApiError::new(ErrorCode::InvalidArgument, text));
    if total > DIVIDED_ROWS_MAX {
        return refused(format!("the manifest has {total} rows; at most {DIVIDED_ROWS_MAX} are divided"));
    }
    if rows == 0 || rows >= total {
        let most = total.saturating_sub(1);
        return refused(format!("the manifest has {total} rows: a sample has 1 to {most} of them, not {rows}"));
    }
    Ok(())
}

/// Below the name of the old manifest.
fn beside(spec: &JobSpec) -> ObjectName {
    let key = spec.manifest.key.trim_end_matches(".gz").trim_end_matches(".csv");
    ObjectName { bucket: spec.manifest.bucket.clone(), key: key.to_owned() }
}

async fn count(source: &Source, size: u64, columns: &Columns) -> Result<u64, ApiError> {
    let mut reader = RowReader::open(source.clone(), size, columns.clone()).await.map_err(unreadable)?;
    let mut total = 0;
    while reader.piece(&mut |_: &Row<'_>| total += 1).await.map_err(unreadable)?.is_some() {
        if total > DIVIDED_ROWS_MAX {
            break;
        }
    }
    Ok(total)
}

async fn copy(
    source: &Source,
    size: u64,
    columns: Columns,
    divide: &Divide,
    sample: &mut ObjectWriter,
    rest: &mut ObjectWriter,
) -> Result<(), ApiError> {
    let mut reader = RowReader::open(source.clone(), size, columns).await.map_err(unreadable)?;
    let mut number = 0;
    loop {
        let (mut picked, mut others) = (Vec::new(), Vec::new());
        let mut each = |row: &Row<'_>| {
            let out = if divide.is_sample(number) { &mut picked } else { &mut others };
            row::write_object(
                out,
                &row.bucket.full(),
                &row.key,
                divide.version.then(|| row.version.unwrap_or_default()),
            );
            number += 1;
        };
        let more = reader.piece(&mut each).await.map_err(unreadable)?;
        sample.push(&picked).await.map_err(|error| object_error(&error))?;
        rest.push(&others).await.map_err(|error| object_error(&error))?;
        if more.is_none() {
            return Ok(());
        }
    }
}

fn unreadable(finding: Finding) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, finding.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_just_so_many_rows_evenly_spread() {
        for (rows, total) in [(1, 2), (1, 1000), (10, 1000), (333, 1000), (999, 1000), (7, 10)] {
            let divide = Divide { rows, total, version: false };
            let picked: Vec<u64> = (0..total).filter(|number| divide.is_sample(*number)).collect();
            assert_eq!(picked.len() as u64, rows);
            let gaps = picked.windows(2).map(|two| two[1] - two[0]);
            let (least, most) = (total / rows, total.div_ceil(rows));
            assert!(gaps.clone().all(|gap| (least..=most).contains(&gap)), "{rows} of {total}");
        }
    }

    #[test]
    fn a_sample_leaves_a_rest() {
        for (rows, total, ok) in
            [(0, 5, false), (1, 5, true), (4, 5, true), (5, 5, false), (1, 1, false), (1, 0, false)]
        {
            assert_eq!(check_rows(rows, total).is_ok(), ok, "{rows} of {total}");
        }
        assert!(check_rows(1, DIVIDED_ROWS_MAX).is_ok() && check_rows(1, DIVIDED_ROWS_MAX + 1).is_err());
    }
}
