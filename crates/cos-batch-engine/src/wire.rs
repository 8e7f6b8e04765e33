//! Between the COS dialect of the API and the engine's own words.

mod foreign;

use bytes::Bytes;
use cos_batch_model::{
    self as model, ApiError, CreateJobRequest, DescribeJobResult, ErrorCode, FailureCode, FailureReason, Job,
    JobFailure, JobId, JobListMember, Lenient, Operation, OperationKind, Priority, ProgressSummary, StatusUpdateReason,
    SuspendedCause, Timestamp, ValidationError, xml,
};
use cos_batch_objectstore::{Grant, Metadata, StorageClass, Tag};

use crate::{
    clock::UnixMillis,
    job::{JobRecord, Progress},
    spec::{
        Change, Column, CopySpec, Dialect, JobSpec, ManifestFormat, ManifestSpec, PrefixReplace, ReportSpec,
        SPEC_VERSION, TaskOperation, Tier,
    },
};

/// What a CreateJob request asks for, in the engine's words.
///
/// # Errors
/// A rule between fields that does not hold, or an operation this engine does not know.
pub fn spec(request: &CreateJobRequest) -> Result<JobSpec, ApiError> {
    request.validate()?;
    let location = &request.manifest.location;
    let format = match request.manifest.spec.format.require("Format")? {
        model::ManifestFormat::BatchOperationsCsv => {
            let columns = request.manifest.spec.fields.iter().map(column).collect::<Result<_, _>>()?;
            ManifestFormat::Csv { columns }
        }
        model::ManifestFormat::InventoryReportCsv => ManifestFormat::Inventory,
        other => return Err(unknown("format", other.as_str())),
    };
    Ok(JobSpec {
        version: SPEC_VERSION,
        confirmation_required: request.confirmation_required,
        description: request.description.as_ref().map(|text| text.as_str().to_owned()),
        manifest: ManifestSpec {
            bucket: location.object_arn.bucket().to_owned(),
            key: location.object_arn.key().to_owned(),
            version: location.object_version_id.as_ref().map(|id| id.as_str().to_owned()),
            etag: location.e_tag.unquoted().to_owned(),
            format,
        },
        operation: operation(&request.operation)?,
        report: report(&request.report)?,
        role_arn: request.role_arn.as_str().to_owned(),
        tags: Vec::new(),
        dialect: Dialect::Cos,
        retry_of: None,
        request: String::from_utf8(xml::to_bytes(request).to_vec())
            .map_err(|_| ApiError::new(ErrorCode::InternalError, "the request has no form as text"))?,
    })
}

/// For what the model knows and this engine does not.
fn unknown(what: &str, name: &str) -> ApiError {
    ApiError::new(ErrorCode::NotImplemented, format!("this server does not know the {what} {name}"))
}

fn column(field: &Lenient<model::ManifestField>) -> Result<Column, ApiError> {
    Ok(match field.require("Fields")? {
        model::ManifestField::Bucket => Column::Bucket,
        model::ManifestField::Key => Column::Key,
        model::ManifestField::VersionId => Column::VersionId,
        model::ManifestField::Ignore => Column::Ignore,
        other => return Err(unknown("column", other.as_str())),
    })
}

fn report(report: &model::Report) -> Result<Option<ReportSpec>, ValidationError> {
    if !report.enabled {
        return Ok(None);
    }
    let bucket = report.bucket.as_ref().ok_or(ValidationError::Missing { field: "Report.Bucket" })?;
    let scope = report.report_scope.as_ref().ok_or(ValidationError::Missing { field: "Report.ReportScope" })?;
    Ok(Some(ReportSpec {
        bucket: bucket.bucket().to_owned(),
        prefix: report.prefix.as_ref().map(|prefix| prefix.as_str().to_owned()).unwrap_or_default(),
        all_tasks: scope.require("ReportScope")? == model::ReportScope::AllTasks,
    }))
}

fn operation(operation: &Operation) -> Result<TaskOperation, ApiError> {
    Ok(match operation {
        Operation::PutObjectCopy(copy) => TaskOperation::Copy(Box::new(self::copy(copy)?)),
        Operation::InitiateRestoreObject(restore) => TaskOperation::Restore {
            days: restore.expiration_in_days.get(),
            tier: match restore.job_tier.require("JobTier")? {
                model::JobTier::Bulk => Tier::Bulk,
                model::JobTier::Standard => Tier::Standard,
                other => return Err(unknown("tier", other.as_str())),
            },
        },
        Operation::DeleteObject => TaskOperation::Delete,
        Operation::PutObjectTagging(tagging) => TaskOperation::Tag {
            // Without a directive the set is replaced, as by the object API's Put Object tagging.
            tags: change(tagging.tagging_directive.as_ref(), Change::Replace, || tags(&tagging.tag_set))?,
        },
        other => return Err(unknown("operation", other.kind().as_str())),
    })
}

fn copy(copy: &model::PutObjectCopy) -> Result<CopySpec, ValidationError> {
    let text = |prefix: &Option<model::KeyPrefix>| {
        prefix.as_ref().map(|prefix| prefix.as_str().to_owned()).unwrap_or_default()
    };
    let mut metadata = match &copy.new_object_metadata {
        Some(new) => {
            let new = self::metadata(new)?;
            let encryption = new.server_side_encryption.clone();
            let change = change(copy.metadata_directive.as_ref(), |_| Change::Copy, || new)?;
            (change, encryption)
        }
        None => (change(copy.metadata_directive.as_ref(), |_| Change::Copy, Metadata::default)?, None),
    };
    // The directive rules the headers only: encryption is asked for by itself.
    if let (Change::Copy, Some(encryption)) = (&metadata.0, metadata.1.take()) {
        metadata.0 = Change::Add(Metadata { server_side_encryption: Some(encryption), ..Metadata::default() });
    }
    Ok(CopySpec {
        target_bucket: copy.target_resource.bucket().to_owned(),
        prefix: copy
            .prefix_replace
            .then(|| PrefixReplace { source: text(&copy.resources_prefix), target: text(&copy.target_key_prefix) }),
        metadata: metadata.0,
        tags: change(copy.tagging_directive.as_ref(), |_| Change::Copy, || tags(&copy.new_object_tagging))?,
        // A copy resets the access rules unless it is told otherwise (COS, PUT Object - Copy).
        grants: match &copy.access_control_directive {
            None => Change::Replace(grants(copy)?),
            directive => {
                let grants = grants(copy)?;
                change(directive.as_ref(), Change::Replace, || grants)?
            }
        },
        canned_acl: match &copy.canned_access_control_list {
            Some(acl) => Some(acl.require("CannedAccessControlList")?.as_str().to_owned()),
            None => None,
        },
        storage_class: match &copy.storage_class {
            Some(class) => Some(StorageClass::new(class.require("StorageClass")?.as_str())),
            None => None,
        },
        modified_since: copy.modified_since_constraint.map(Timestamp::unix_seconds),
        unmodified_since: copy.un_modified_since_constraint.map(Timestamp::unix_seconds),
    })
}

fn change<T>(
    directive: Option<&Lenient<model::Directive>>,
    absent: impl FnOnce(T) -> Change<T>,
    values: impl FnOnce() -> T,
) -> Result<Change<T>, ValidationError> {
    Ok(match directive {
        None => absent(values()),
        Some(directive) => match directive.require("directive")? {
            model::Directive::Copy => Change::Copy,
            model::Directive::Replaced => Change::Replace(values()),
            model::Directive::Add => Change::Add(values()),
        },
    })
}

fn metadata(new: &model::NewObjectMetadata) -> Result<Metadata, ValidationError> {
    let text = |header: &Option<model::HeaderText>| header.as_ref().map(|text| text.as_str().to_owned());
    Ok(Metadata {
        cache_control: text(&new.cache_control),
        content_disposition: text(&new.content_disposition),
        content_encoding: text(&new.content_encoding),
        // The API has no element for it.
        content_language: None,
        content_type: text(&new.content_type),
        expires: text(&new.http_expires_date),
        server_side_encryption: match &new.sse_algorithm {
            Some(algorithm) => Some(algorithm.require("SSEAlgorithm")?.as_str().to_owned()),
            None => None,
        },
        user: new
            .user_metadata
            .iter()
            .map(|entry| (entry.key.as_str().to_owned(), entry.value.as_str().to_owned()))
            .collect(),
    })
}

fn tags(tags: &[model::Tag]) -> Vec<Tag> {
    tags.iter().map(|tag| Tag { key: tag.key.as_str().to_owned(), value: tag.value.as_str().to_owned() }).collect()
}

fn grants(copy: &model::PutObjectCopy) -> Result<Vec<Grant>, ValidationError> {
    copy.access_control_grants
        .iter()
        .map(|grant| {
            Ok(Grant {
                grantee: grant.grantee.identifier.as_str().to_owned(),
                permission: grant.permission.require("Permission")?.as_str().to_owned(),
            })
        })
        .collect()
}

/// The request that made a job; for a job of another dialect, the request of this one that comes nearest.
///
/// # Errors
/// `InternalError` when what is stored cannot be read back; `NotImplemented` for a job of another dialect that this one has
/// no words for.
pub fn request(job: &JobRecord) -> Result<CreateJobRequest, ApiError> {
    match job.spec.dialect {
        Dialect::Cos => {
            xml::from_slice(job.spec.request.as_bytes(), xml::Mode::Lenient).map_err(|error| stored_wrong(job, &error))
        }
        Dialect::S3Control => foreign::request(job),
    }
}

/// Where a manifest is that was made here.
///
/// # Errors
/// A name that breaks a rule of the API.
pub fn csv_manifest(
    region: &str,
    bucket: &str,
    key: &str,
    etag: &str,
    version: bool,
) -> Result<model::Manifest, ApiError> {
    let mut fields = vec![model::ManifestField::Bucket.into(), model::ManifestField::Key.into()];
    if version {
        fields.push(model::ManifestField::VersionId.into());
    }
    Ok(model::Manifest {
        location: model::ManifestLocation {
            e_tag: model::ETag::new(etag)?,
            object_arn: model::ObjectArn::for_object(region, bucket, key)?,
            object_version_id: None,
        },
        spec: model::ManifestSpec { fields, format: model::ManifestFormat::BatchOperationsCsv.into() },
    })
}

/// A moment as the wire has it. Times come from a clock; one outside the years the wire can tell is cut to its ends.
#[must_use]
pub fn timestamp(at: UnixMillis) -> Timestamp {
    let seconds = at.div_euclid(1000).clamp(Timestamp::MIN_UNIX_SECONDS, Timestamp::MAX_UNIX_SECONDS);
    Timestamp::from_unix_seconds(seconds).expect("clamped to the legal range")
}

fn progress(progress: Progress) -> ProgressSummary {
    ProgressSummary {
        number_of_tasks_failed: progress.failed,
        number_of_tasks_succeeded: progress.succeeded,
        total_number_of_tasks: progress.total,
    }
}

/// The id of a job as the wire has it.
#[must_use]
pub fn job_id(id: uuid::Uuid) -> JobId {
    JobId::new(id.to_string()).expect("36 characters of hex digits and hyphens are a legal id")
}

/// The id that a wire id stands for, if it is one of ours: a UUID in its usual form.
#[must_use]
pub fn uuid(id: &str) -> Option<uuid::Uuid> {
    let uuid = uuid::Uuid::try_parse(id).ok()?;
    // One job, one id: other spellings of a UUID name nothing.
    (uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()) == id).then_some(uuid)
}

fn priority(job: &JobRecord) -> Result<Priority, ApiError> {
    Priority::new(job.priority).map_err(|error| stored_wrong(job, &error))
}

/// What DescribeJob answers.
///
/// # Errors
/// `InternalError` when what is stored cannot be read back.
pub fn job(job: &JobRecord) -> Result<Job, ApiError> {
    let request = self::request(job)?;
    Ok(Job {
        confirmation_required: request.confirmation_required,
        creation_time: timestamp(job.created_at),
        client_request_token: Some(request.client_request_token),
        description: request.description,
        failure_reasons: job
            .state
            .failures
            .iter()
            .map(|failure| JobFailure {
                failure_code: FailureCode::truncate(&failure.code),
                failure_reason: FailureReason::truncate(&failure.reason),
            })
            .collect(),
        job_id: job_id(job.id),
        manifest: request.manifest,
        operation: request.operation,
        priority: priority(job)?,
        progress_summary: progress(job.progress),
        report: request.report,
        role_arn: request.role_arn,
        status: job.state.status.into(),
        status_update_reason: job.state.reason.as_deref().map(StatusUpdateReason::truncate),
        suspended_cause: job.state.suspended_cause.as_deref().map(SuspendedCause::truncate),
        suspended_date: job.state.suspended_at.map(timestamp),
        termination_date: job.state.terminated_at.map(timestamp),
    })
}

/// What DescribeJob answers, as the document that is sent.
///
/// # Errors
/// As [`job`].
pub fn document(job: &JobRecord) -> Result<Bytes, ApiError> {
    Ok(DescribeJobResult { job: self::job(job)? }.document())
}

/// What ListJobs answers for one job.
///
/// # Errors
/// `InternalError` when what is stored cannot be read back.
pub fn member(job: &JobRecord) -> Result<JobListMember, ApiError> {
    let operation = match &job.spec.operation {
        TaskOperation::Copy(_) => OperationKind::PutObjectCopy.into(),
        TaskOperation::Restore { .. } => OperationKind::InitiateRestoreObject.into(),
        TaskOperation::Delete => OperationKind::DeleteObject.into(),
        TaskOperation::Tag { .. } => OperationKind::PutObjectTagging.into(),
        // This dialect has no such operation, so it has the name that it was asked for by.
        TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. }
        | TaskOperation::Checksum { .. }
        | TaskOperation::Custom(_) => {
            Lenient::Unknown(model::UnknownText::truncated(foreign::operation_name(&job.spec.operation)))
        }
    };
    let description = job.spec.description.as_deref().map(foreign::description).transpose();
    Ok(JobListMember {
        creation_time: timestamp(job.created_at),
        description: description.map_err(|error| stored_wrong(job, &error))?,
        job_id: job_id(job.id),
        operation,
        priority: priority(job)?,
        progress_summary: progress(job.progress),
        status: job.state.status.into(),
        termination_date: job.state.terminated_at.map(timestamp),
    })
}

fn stored_wrong(job: &JobRecord, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::InternalError, format!("what is stored of job {} cannot be read: {error}", job.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_usual_spelling_of_an_id_names_a_job() {
        let id = "0193a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b";
        assert_eq!(uuid(id).map(job_id).unwrap().as_str(), id);
        for other in [
            id.to_uppercase(),
            id.replace('-', ""),
            format!("{{{id}}}"),
            format!("urn:uuid:{id}"),
            format!("{id} "),
            "j".into(),
        ] {
            assert_eq!(uuid(&other), None, "{other}");
        }
    }

    #[test]
    fn every_moment_has_a_form() {
        assert_eq!(timestamp(1_700_000_000_999).to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(timestamp(-1).to_string(), "1969-12-31T23:59:59Z");
        assert!(timestamp(i64::MAX) > timestamp(0) && timestamp(i64::MIN) < timestamp(0));
    }
}
