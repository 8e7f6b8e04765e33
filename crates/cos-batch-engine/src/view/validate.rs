//! What can be known of a job before it is made. Nothing is changed.

use std::{sync::Arc, time::Duration};

use cos_batch_model::{ApiError, CreateJobRequest, RequestContext};
use cos_batch_objectstore::ErrorKind;
use serde::{Deserialize, Serialize};

use super::details::ObjectName;
use crate::{
    access::Right,
    api::store_error,
    checks::{self, Finding, Level, Survey},
    engine::Engine,
    runtime::survey::{self, Source},
    spec::{JobSpec, TaskOperation},
    wire,
};

/// Most bytes of a manifest's text that are read: a second's work. The rows of a longer one are guessed.
const READ_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long objects are looked at: somebody waits for the answer.
const LOOK_TIME: Duration = Duration::from_secs(20);

/// What a job would do, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Validation {
    /// The worst of the findings: `Ok`, `Warning`, `Error`.
    pub result: Level,
    /// What was looked at, in the order in which a job would meet it.
    pub findings: Vec<Finding>,
    /// `copy`, `restore`, `delete`, `tag`.
    pub operation: String,
    /// The manifest.
    pub manifest: ObjectName,
    /// Its rows, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Rows were counted to the last; else their number is a guess from the part that was read.
    pub rows_are_exact: bool,
    /// The bucket that its rows name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_bucket: Option<String>,
    /// The bucket that copies go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_bucket: Option<String>,
    /// Objects that were looked at in the store.
    pub objects_looked_at: u64,
    /// Bytes of all objects together, guessed from these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_bytes: Option<u64>,
    /// Requests to the object store for all tasks, if none has to be tried again; more for objects copied in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

impl Engine {
    /// Looks at everything that can be known before a job is made of this request: rights, buckets, manifest, rows, and
    /// some of the objects. Changes nothing.
    ///
    /// # Errors
    /// Those of the job store. What is wrong with the request, or around it, is a finding.
    pub async fn validate(&self, context: &RequestContext, request: &CreateJobRequest) -> Result<Validation, ApiError> {
        let location = &request.manifest.location.object_arn;
        let mut validation = Validation {
            result: Level::Ok,
            findings: Vec::new(),
            operation: request.operation.kind().to_string(),
            manifest: ObjectName { bucket: location.bucket().to_owned(), key: location.key().to_owned() },
            rows: None,
            rows_are_exact: false,
            source_bucket: None,
            target_bucket: None,
            objects_looked_at: 0,
            object_bytes: None,
            requests: None,
        };
        match wire::spec(request) {
            Err(error) => validation.findings.push(Finding::error("request", error.message)),
            Ok(spec) => {
                validation.findings.push(Finding::ok("request", "keeps the rules of the API"));
                let token = request.client_request_token.as_str();
                self.look_around(context, &spec, token, &mut validation).await?;
            }
        }
        validation.result = validation.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
        Ok(validation)
    }

    async fn look_around(
        &self,
        context: &RequestContext,
        spec: &JobSpec,
        token: &str,
        validation: &mut Validation,
    ) -> Result<(), ApiError> {
        let tenant = context.appid.as_str();
        validation.operation = spec.operation.name().to_owned();
        if let TaskOperation::Copy(copy) = &spec.operation {
            validation.target_bucket = Some(copy.target_bucket.clone());
        }
        if let Some(job) = self.core.store.find_token(tenant, token).await.map_err(store_error)? {
            let text = format!("ClientRequestToken was already used, by job {job}");
            validation.findings.push(Finding::error("request", text));
        }
        validation.findings.extend(checks::request(spec));
        let access = checks::access(&self.core.access, tenant, spec);
        let refused = access.iter().any(|finding| finding.level == Level::Error);
        validation.findings.extend(access);
        if refused {
            // What is in buckets of others is not told.
            return Ok(());
        }
        validation.findings.extend(self.look_at_buckets(spec).await);
        let Some((source, size)) = self.look_at_manifest(spec, validation).await else { return Ok(()) };
        let mut survey = Survey::new(spec, tenant, &self.core.access);
        match survey::read(spec, &source, size, READ_BYTES_MAX, &mut survey).await {
            Err(finding) => validation.findings.push(finding),
            Ok(extent) => {
                validation.rows = Some(extent.rows);
                validation.rows_are_exact = extent.whole;
                validation.requests = Some(extent.rows.saturating_mul(checks::requests_per_task(spec)));
                let text = match (extent.rows, extent.whole) {
                    (0, _) => Finding::warning("manifest", "has no rows: there is nothing to do"),
                    (1, true) => Finding::ok("manifest", "1 row, well-formed"),
                    (rows, true) => Finding::ok("manifest", format!("{rows} rows, all well-formed")),
                    (rows, false) if extent.opened < extent.files => {
                        let (opened, files) = (extent.opened, extent.files);
                        let text = format!(
                            "about {rows} rows; those that were read, in the first {opened} of {files} files, are \
                             well-formed"
                        );
                        Finding::ok("manifest", text)
                    }
                    (rows, false) => {
                        let text =
                            format!("about {rows} rows; those in the first {READ_BYTES_MAX} bytes are well-formed");
                        Finding::ok("manifest", text)
                    }
                };
                validation.findings.push(text);
                self.look_at_rows(spec, tenant, survey, validation).await;
            }
        }
        Ok(())
    }

    async fn look_at_buckets(&self, spec: &JobSpec) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (field, bucket, right) in checks::named_buckets(spec) {
            // That of the manifest is found with the manifest.
            if right != Right::Write {
                continue;
            }
            findings.push(match survey::bucket_exists(&self.core, bucket).await {
                Ok(true) => Finding::ok("buckets", format!("{field}: {bucket} is there")),
                Ok(false) => Finding::error("buckets", format!("{field}: there is no bucket {bucket}")),
                Err(error) => Finding::error("buckets", format!("{field}: {bucket} cannot be looked at: {error}")),
            });
        }
        findings
    }

    /// The manifest, pinned, if it is the one that the request means.
    async fn look_at_manifest(&self, spec: &JobSpec, validation: &mut Validation) -> Option<(Source, u64)> {
        let store = self.core.buckets.store(&spec.manifest.bucket);
        let mut source = Source::of_manifest(store, &spec.manifest, survey::version(&spec.manifest), None);
        let meta = match survey::head(&source).await {
            Ok(meta) => meta,
            Err(error) => {
                let text = match error.kind() {
                    ErrorKind::NoSuchKey | ErrorKind::NoSuchBucket | ErrorKind::NoSuchVersion => {
                        format!("{}/{} is not there ({})", source.bucket, source.key, error.kind().code())
                    }
                    _ => format!("{}/{} cannot be read: {error}", source.bucket, source.key),
                };
                validation.findings.push(Finding::error("manifest", text));
                return None;
            }
        };
        if !meta.etag.eq_ignore_ascii_case(&spec.manifest.etag) {
            let text = format!("Manifest.Location.ETag is {}, but the object has {}", spec.manifest.etag, meta.etag);
            validation.findings.push(Finding::error("manifest", text));
            return None;
        }
        validation.findings.push(Finding::ok("manifest", format!("is there, {} bytes, with this ETag", meta.size)));
        source.pin = Some(meta.pin);
        Some((source, meta.size))
    }

    async fn look_at_rows(&self, spec: &JobSpec, tenant: &str, mut survey: Survey<'_>, validation: &mut Validation) {
        validation.findings.extend(survey.findings());
        let sample = checks::visible(survey.sample(), &self.core.access, tenant);
        let Some(first) = sample.first() else { return };
        let source = first.bucket.clone();
        validation.source_bucket = Some(source.clone());
        validation.findings.extend(self.look_at_source(spec, &source).await);
        if validation.findings.iter().any(|finding| finding.check == "source" && finding.level == Level::Error) {
            return;
        }
        let looked = survey::look(&self.core, spec, sample, LOOK_TIME).await;
        if looked.is_empty() {
            let text = "no object could be looked at in time";
            validation.findings.push(Finding::warning("objects", text));
        }
        let sampled = checks::judge(spec, &looked);
        validation.objects_looked_at = looked.len() as u64;
        let rows = validation.rows.unwrap_or_default();
        validation.object_bytes = sampled.estimate(looked.len(), rows);
        validation.findings.extend(sampled.findings);
    }

    /// The source bucket and what its store can do.
    async fn look_at_source(&self, spec: &JobSpec, source: &str) -> Vec<Finding> {
        match survey::bucket_exists(&self.core, source).await {
            Ok(true) => {}
            Ok(false) => {
                return vec![Finding::error("source", format!("rows name bucket {source}: there is no such bucket"))];
            }
            Err(error) => {
                return vec![Finding::error("source", format!("bucket {source} cannot be looked at: {error}"))];
            }
        }
        let store = self.core.buckets.store(source);
        if let TaskOperation::Copy(copy) = &spec.operation
            && !Arc::ptr_eq(&store, &self.core.buckets.store(&copy.target_bucket))
        {
            let text = format!("{source} and {} are in different object stores", copy.target_bucket);
            return vec![Finding::error("source", text)];
        }
        vec![match checks::missing_ability(spec, None, store.capabilities()) {
            Some(name) => Finding::error("source", format!("the object store of {source} does not support {name}")),
            None => Finding::ok("source", format!("{source} is there, and its store can {}", spec.operation.name())),
        }]
    }
}
