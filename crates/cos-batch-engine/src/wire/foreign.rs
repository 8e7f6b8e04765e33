//! Jobs that were made in another dialect, in the words of this one. `docs/s3control.md` has what was decided.

use std::borrow::Cow;

use cos_batch_model::{
    self as model, ApiError, BucketArn, ClientRequestToken, CreateJobRequest, Description, ErrorCode, HeaderText,
    Lenient, ObjectArn, Operation, Priority, PutObjectCopy, RoleArn, Timestamp, ValidationError, WireEnum,
    bucket_appid,
};
use cos_batch_objectstore::{Grant, Metadata, Tag};

use crate::{
    job::JobRecord,
    spec::{Change, Column, CopySpec, ManifestFormat, TaskOperation, Tier},
};

/// Region in names of buckets that were named without one.
const REGION: &str = "s3";

/// The request of this dialect that would make the same job, but for names of buckets: one that does not end with an APPID
/// is shown with that of the job's owner.
pub(super) fn request(job: &JobRecord) -> Result<CreateJobRequest, ApiError> {
    form(job).map_err(|error| {
        let message = format!(
            "job {} was made through the API of S3 Control and has no form in this one: {error}; describe it there",
            job.id
        );
        ApiError::new(ErrorCode::NotImplemented, message)
    })
}

fn form(job: &JobRecord) -> Result<CreateJobRequest, ValidationError> {
    let spec = &job.spec;
    let manifest = &spec.manifest;
    let (format, fields) = match &manifest.format {
        ManifestFormat::Csv { columns } => {
            (model::ManifestFormat::BatchOperationsCsv, columns.iter().filter_map(field).map(Lenient::from).collect())
        }
        ManifestFormat::Inventory => (model::ManifestFormat::InventoryReportCsv, Vec::new()),
        ManifestFormat::Listed(_) => {
            return Err(ValidationError::Rule {
                field: "Manifest",
                rule: "is made by a ManifestGenerator, which only S3 has",
            });
        }
    };
    let bucket = full_name(job, &manifest.bucket);
    Ok(CreateJobRequest {
        client_request_token: ClientRequestToken::new(cut(&job.token, ClientRequestToken::MAX_BYTES))?,
        confirmation_required: spec.confirmation_required,
        description: spec.description.as_deref().map(description).transpose()?,
        manifest: model::Manifest {
            location: model::ManifestLocation {
                e_tag: model::ETag::new(manifest.etag.as_str())?,
                object_arn: ObjectArn::for_object(REGION, &bucket, &manifest.key)?,
                object_version_id: manifest.version.as_deref().map(model::ObjectVersionId::new).transpose()?,
            },
            spec: model::ManifestSpec { fields, format: format.into() },
        },
        operation: operation(job)?,
        priority: Priority::new(job.priority)?,
        report: report(job)?,
        role_arn: RoleArn::new(spec.role_arn.as_str())?,
    })
}

/// The description; limits of other dialects count characters where this one counts bytes.
pub(super) fn description(text: &str) -> Result<Description, ValidationError> {
    Description::new(cut(text, Description::MAX_BYTES))
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A bucket as this dialect names it: with an APPID at its end.
fn full_name<'a>(job: &JobRecord, bucket: &'a str) -> Cow<'a, str> {
    match bucket_appid(bucket) {
        Some(appid) if appid.bytes().all(|byte| byte.is_ascii_digit()) => Cow::Borrowed(bucket),
        _ => Cow::Owned(format!("{bucket}-{}", job.tenant)),
    }
}

fn bucket(job: &JobRecord, bucket: &str) -> Result<BucketArn, ValidationError> {
    BucketArn::for_bucket(REGION, &full_name(job, bucket))
}

fn field(column: &Column) -> Option<model::ManifestField> {
    Some(match column {
        Column::Bucket => model::ManifestField::Bucket,
        Column::Key => model::ManifestField::Key,
        Column::VersionId => model::ManifestField::VersionId,
        Column::Ignore => model::ManifestField::Ignore,
        // In inventories only, whose columns no request names.
        Column::Appid | Column::IsLatest | Column::IsDeleteMarker => return None,
    })
}

fn report(job: &JobRecord) -> Result<model::Report, ValidationError> {
    let Some(report) = &job.spec.report else {
        return Ok(model::Report { bucket: None, enabled: false, format: None, prefix: None, report_scope: None });
    };
    let scope = if report.all_tasks { model::ReportScope::AllTasks } else { model::ReportScope::FailedTasksOnly };
    Ok(model::Report {
        bucket: Some(bucket(job, &report.bucket)?),
        enabled: true,
        format: Some(Lenient::Unknown(model::UnknownText::truncated(job.spec.dialect.report_format()))),
        prefix: Some(model::ReportPrefix::new(report.prefix.as_str())?),
        report_scope: Some(scope.into()),
    })
}

fn operation(job: &JobRecord) -> Result<Operation, ValidationError> {
    Ok(match &job.spec.operation {
        TaskOperation::Copy(copy) => Operation::PutObjectCopy(Box::new(self::copy(job, copy)?)),
        TaskOperation::Restore { days, tier } => Operation::InitiateRestoreObject(model::InitiateRestoreObject {
            expiration_in_days: model::Days::new(*days)?,
            job_tier: match tier {
                Tier::Bulk => model::JobTier::Bulk,
                Tier::Standard => model::JobTier::Standard,
            }
            .into(),
        }),
        TaskOperation::Delete => Operation::DeleteObject,
        TaskOperation::Tag { tags } => Operation::PutObjectTagging(model::PutObjectTagging {
            tagging_directive: directive(tags),
            tag_set: self::tags(tags.values().map(Vec::as_slice).unwrap_or_default())?,
        }),
        TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. }
        | TaskOperation::Checksum { .. }
        | TaskOperation::Custom(_) => {
            let rule = match operation_name(&job.spec.operation) {
                "S3PutObjectAcl" => "is S3PutObjectAcl, which only S3 has",
                "S3PutObjectLegalHold" => "is S3PutObjectLegalHold, which only S3 has",
                "S3PutObjectRetention" => "is S3PutObjectRetention, which only S3 has",
                "S3ComputeObjectChecksum" => "is S3ComputeObjectChecksum, which only S3 has",
                _ => "is of a kind that only LambdaInvoke of S3 can name",
            };
            return Err(ValidationError::Rule { field: "Operation", rule });
        }
    })
}

/// What S3 calls an operation that this dialect has no name for.
pub(super) fn operation_name(operation: &TaskOperation) -> &'static str {
    match operation {
        TaskOperation::Acl { .. } => "S3PutObjectAcl",
        TaskOperation::LegalHold { .. } => "S3PutObjectLegalHold",
        TaskOperation::Retention { .. } => "S3PutObjectRetention",
        TaskOperation::Checksum { .. } => "S3ComputeObjectChecksum",
        _ => "LambdaInvoke",
    }
}

fn copy(job: &JobRecord, copy: &CopySpec) -> Result<PutObjectCopy, ValidationError> {
    let prefix = |text: &str| (!text.is_empty()).then(|| model::KeyPrefix::new(text)).transpose();
    let at = |seconds: Option<i64>| seconds.map(Timestamp::from_unix_seconds).transpose();
    let given = copy.grants.values().filter(|grants| !grants.is_empty());
    Ok(PutObjectCopy {
        prefix_replace: copy.prefix.is_some(),
        resources_prefix: copy.prefix.as_ref().map(|replace| prefix(&replace.source)).transpose()?.flatten(),
        target_key_prefix: copy.prefix.as_ref().map(|replace| prefix(&replace.target)).transpose()?.flatten(),
        metadata_directive: directive(&copy.metadata),
        new_object_metadata: copy.metadata.values().map(metadata).transpose()?,
        tagging_directive: directive(&copy.tags),
        new_object_tagging: tags(copy.tags.values().map(Vec::as_slice).unwrap_or_default())?,
        access_control_directive: given.and(directive(&copy.grants)),
        access_control_grants: given.into_iter().flatten().map(grant).collect::<Result<_, _>>()?,
        canned_access_control_list: copy.canned_acl.as_deref().map(known).transpose()?,
        storage_class: copy.storage_class.as_ref().map(|class| lenient(&class.0)),
        modified_since_constraint: at(copy.modified_since)?,
        un_modified_since_constraint: at(copy.unmodified_since)?,
        ..PutObjectCopy::to(bucket(job, &copy.target_bucket)?)
    })
}

/// A value of a closed list, or what there is instead.
fn lenient<T: WireEnum>(text: &str) -> Lenient<T> {
    T::from_wire_name(text).map_or_else(|| Lenient::Unknown(model::UnknownText::truncated(text)), Lenient::Known)
}

/// A value that must be in its closed list, since a reader would take another for one that gives fewer rights.
fn known<T: WireEnum>(text: &str) -> Result<Lenient<T>, ValidationError> {
    lenient(text).require(T::FIELD).map(Lenient::Known)
}

fn directive<T>(change: &Change<T>) -> Option<Lenient<model::Directive>> {
    Some(
        match change {
            Change::Copy => return None,
            Change::Replace(_) => model::Directive::Replaced,
            Change::Add(_) => model::Directive::Add,
        }
        .into(),
    )
}

fn tags(tags: &[Tag]) -> Result<Vec<model::Tag>, ValidationError> {
    let tag = |tag: &Tag| {
        Ok(model::Tag { key: model::TagKey::new(tag.key.as_str())?, value: model::TagValue::new(tag.value.as_str())? })
    };
    tags.iter().map(tag).collect()
}

fn grant(grant: &Grant) -> Result<model::Grant, ValidationError> {
    Ok(model::Grant {
        grantee: model::Grantee {
            display_name: None,
            identifier: model::GranteeId::new(grant.grantee.as_str())?,
            type_identifier: model::GranteeType::Id.into(),
        },
        permission: known(&grant.permission)?,
    })
}

fn metadata(new: &Metadata) -> Result<model::NewObjectMetadata, ValidationError> {
    let text = |text: &Option<String>| text.as_deref().map(HeaderText::new).transpose();
    if new.content_language.is_some() {
        return Err(ValidationError::Rule { field: "ContentLanguage", rule: "has no place in this API" });
    }
    let user = |(key, value): (&String, &String)| {
        Ok(model::UserMetadata {
            key: model::MetadataKey::new(key.as_str())?,
            value: model::MetadataValue::new(value.as_str())?,
        })
    };
    Ok(model::NewObjectMetadata {
        cache_control: text(&new.cache_control)?,
        content_disposition: text(&new.content_disposition)?,
        content_encoding: text(&new.content_encoding)?,
        content_type: text(&new.content_type)?,
        http_expires_date: text(&new.expires)?,
        sse_algorithm: new.server_side_encryption.as_deref().map(lenient),
        user_metadata: new.user.iter().map(user).collect::<Result<_, _>>()?,
    })
}
