//! A job as this dialect shows it, whichever it was made in.

use cos_batch_engine::{
    JobRecord,
    spec::{Change, Column, CopySpec, Dialect, ManifestFormat, TaskOperation, Tier},
    wire,
};
use cos_batch_model::{
    ApiError, ErrorCode,
    xml::{self, Encoder, Mode, ToXml as _},
};
use cos_batch_objectstore::{Grant, Metadata, Tag};

use crate::{
    request::CreateJobRequest,
    shape::write_member,
    shapes::{manifest, report},
};

/// What of a job is shown as it was asked for.
#[derive(Debug)]
pub enum Shown {
    /// It was made in this dialect, by this request.
    Own(CreateJobRequest),
    /// It was made in the dialect of COS, and its operation has this form there.
    Foreign(Box<cos_batch_model::Operation>),
}

impl Shown {
    /// Of a job.
    ///
    /// # Errors
    /// `InternalError` when what is stored cannot be read back.
    pub fn of(job: &JobRecord) -> Result<Self, ApiError> {
        match job.spec.dialect {
            Dialect::S3Control => {
                let request = xml::from_slice(job.spec.request.as_bytes(), Mode::Lenient);
                request.map(Self::Own).map_err(|error| {
                    let message = format!("what is stored of job {} cannot be read: {error}", job.id);
                    ApiError::new(ErrorCode::InternalError, message)
                })
            }
            Dialect::Cos => Ok(Self::Foreign(Box::new(wire::request(job)?.operation))),
        }
    }
}

/// As many characters of a text as a field takes.
pub(crate) fn cut(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

/// The name of a job's operation: its own, if this dialect has no word for it.
pub(crate) fn operation_name(job: &JobRecord) -> &'static str {
    match &job.spec.operation {
        // A request of this dialect is one, whatever it asks for.
        TaskOperation::Copy(copy) if job.spec.dialect == Dialect::S3Control || is_sayable(copy) => "S3PutObjectCopy",
        TaskOperation::Copy(_) => "COSPutObjectCopy",
        TaskOperation::Restore { .. } => "S3InitiateRestoreObject",
        TaskOperation::Delete => "COSDeleteObject",
        TaskOperation::Tag { tags: Change::Replace(tags) } => {
            if tags.is_empty() && job.spec.request.contains("<S3DeleteObjectTagging>") {
                "S3DeleteObjectTagging"
            } else {
                "S3PutObjectTagging"
            }
        }
        TaskOperation::Tag { .. } => "COSPutObjectTagging",
        TaskOperation::Acl { .. } => "S3PutObjectAcl",
        TaskOperation::LegalHold { .. } => "S3PutObjectLegalHold",
        TaskOperation::Retention { .. } => "S3PutObjectRetention",
        TaskOperation::Checksum { .. } => "S3ComputeObjectChecksum",
        TaskOperation::Custom(_) => "LambdaInvoke",
    }
}

/// Whether this dialect can say what a copy does: it knows neither adding to what the source has, nor taking a prefix away,
/// nor taking access rules over.
fn is_sayable(copy: &CopySpec) -> bool {
    !matches!(copy.metadata, Change::Add(_))
        && !matches!(copy.tags, Change::Add(_))
        && matches!(copy.grants, Change::Replace(_))
        && copy.prefix.as_ref().is_none_or(|prefix| prefix.source.is_empty() && prefix.target.ends_with('/'))
        // A date as text has no moment.
        && copy.metadata.values().is_none_or(|metadata| metadata.expires.is_none())
}

/// Writes the member `Manifest`.
pub(crate) fn write_manifest<'a>(encoder: Encoder<'a>, job: &JobRecord, shown: &Shown) -> Encoder<'a> {
    let manifest = &job.spec.manifest;
    if let (ManifestFormat::Listed(_), Shown::Own(request)) = (&manifest.format, shown) {
        return write_member(encoder, request.members(), "ManifestGenerator");
    }
    let spec = |encoder: Encoder<'a>| match &manifest.format {
        ManifestFormat::Csv { columns } => encoder.text("Format", manifest::CSV).element("Fields", |encoder| {
            encoder.each(columns, |encoder, column| encoder.text("member", column_name(*column)))
        }),
        ManifestFormat::Inventory => encoder.text("Format", manifest::INVENTORY),
        // Only this dialect asks for it.
        ManifestFormat::Listed(_) => encoder,
    };
    encoder.element("Manifest", |encoder| {
        encoder.element("Spec", spec).element("Location", |encoder| {
            encoder
                .text("ObjectArn", &format!("arn:aws:s3:::{}/{}", manifest.bucket, manifest.key))
                .optional_text("ObjectVersionId", manifest.version.as_deref())
                .text("ETag", etag(job, shown))
        })
    })
}

/// The manifest's ETag as it was given, if this is still the manifest that was given.
fn etag<'a>(job: &'a JobRecord, shown: &'a Shown) -> &'a str {
    let kept = &job.spec.manifest.etag;
    let Shown::Own(request) = shown else { return kept };
    let location = request.members().structure("Manifest").and_then(|manifest| manifest.structure("Location"));
    let given = location.and_then(|location| location.text("ETag"));
    given.filter(|given| given.trim_matches('"') == kept).unwrap_or(kept)
}

fn column_name(column: Column) -> &'static str {
    match column {
        Column::Bucket => "Bucket",
        Column::Key => "Key",
        Column::VersionId => "VersionId",
        Column::Ignore | Column::Appid | Column::IsLatest | Column::IsDeleteMarker => "Ignore",
    }
}

/// Writes the member `Operation`. What this dialect cannot say stands there in the words of the other, under a name that no
/// client of this one takes for something else.
pub(crate) fn write_operation<'a>(encoder: Encoder<'a>, job: &JobRecord, shown: &Shown) -> Encoder<'a> {
    let foreign = match shown {
        Shown::Own(request) => return write_member(encoder, request.members(), "Operation"),
        Shown::Foreign(operation) => operation,
    };
    encoder.element("Operation", |encoder| match &job.spec.operation {
        TaskOperation::Copy(copy) if is_sayable(copy) => {
            encoder.element("S3PutObjectCopy", |encoder| write_copy(encoder, copy))
        }
        TaskOperation::Restore { days, tier } => encoder.element("S3InitiateRestoreObject", |encoder| {
            let tier = if *tier == Tier::Bulk { "BULK" } else { "STANDARD" };
            encoder.plain("ExpirationInDays", days).text("GlacierJobTier", tier)
        }),
        TaskOperation::Tag { tags: Change::Replace(tags) } => {
            encoder.element("S3PutObjectTagging", |encoder| write_tags(encoder, "TagSet", tags))
        }
        // All behind the third are never asked for in another dialect.
        TaskOperation::Copy(_)
        | TaskOperation::Delete
        | TaskOperation::Tag { .. }
        | TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. }
        | TaskOperation::Checksum { .. }
        | TaskOperation::Custom(_) => foreign.write(encoder),
    })
}

fn write_copy<'a>(encoder: Encoder<'a>, copy: &CopySpec) -> Encoder<'a> {
    let encoder = encoder
        .text("TargetResource", &format!("arn:aws:s3:::{}", copy.target_bucket))
        .optional_text("CannedAccessControlList", copy.canned_acl.as_deref());
    let encoder = encoder.each(copy.grants.values().filter(|grants| !grants.is_empty()), |encoder, grants| {
        encoder.element("AccessControlGrants", |encoder| {
            encoder.each(grants, |encoder, grant| encoder.element("member", |encoder| write_grant(encoder, grant)))
        })
    });
    let encoder = match &copy.metadata {
        Change::Replace(metadata) => encoder
            .text("MetadataDirective", "REPLACE")
            .element("NewObjectMetadata", |encoder| write_metadata(encoder, metadata)),
        _ => encoder,
    };
    let moment = |seconds: i64| wire::timestamp(seconds.saturating_mul(1000));
    let encoder = encoder
        .optional_plain("ModifiedSinceConstraint", copy.modified_since.map(moment))
        .optional_plain("UnModifiedSinceConstraint", copy.unmodified_since.map(moment));
    let encoder = match &copy.tags {
        Change::Replace(tags) => write_tags(encoder, "NewObjectTagging", tags),
        _ => encoder,
    };
    encoder
        .optional_text("StorageClass", copy.storage_class.as_ref().map(|class| class.0.as_str()))
        .optional_text("TargetKeyPrefix", copy.prefix.as_ref().map(|prefix| prefix.target.as_str()))
}

fn write_grant<'a>(encoder: Encoder<'a>, grant: &Grant) -> Encoder<'a> {
    encoder
        .element("Grantee", |encoder| {
            encoder.text("TypeIdentifier", super::grantee_kind(&grant.grantee)).text("Identifier", &grant.grantee)
        })
        .text("Permission", &grant.permission)
}

fn write_metadata<'a>(encoder: Encoder<'a>, metadata: &Metadata) -> Encoder<'a> {
    let encoder = encoder
        .optional_text("CacheControl", metadata.cache_control.as_deref())
        .optional_text("ContentDisposition", metadata.content_disposition.as_deref())
        .optional_text("ContentEncoding", metadata.content_encoding.as_deref())
        .optional_text("ContentLanguage", metadata.content_language.as_deref())
        .optional_text("ContentType", metadata.content_type.as_deref())
        .optional_text("SSEAlgorithm", metadata.server_side_encryption.as_deref());
    if metadata.user.is_empty() {
        return encoder;
    }
    encoder.element("UserMetadata", |encoder| {
        encoder.each(&metadata.user, |encoder, (key, value)| {
            encoder.element("entry", |encoder| encoder.text("key", key).text("value", value))
        })
    })
}

fn write_tags<'a>(encoder: Encoder<'a>, name: &str, tags: &[Tag]) -> Encoder<'a> {
    encoder.element(name, |encoder| {
        encoder.each(tags, |encoder, tag| {
            encoder.element("member", |encoder| encoder.text("Key", &tag.key).text("Value", &tag.value))
        })
    })
}

/// Writes how many tasks a job has, and how many are done.
pub(crate) fn write_counts<'a>(encoder: Encoder<'a>, job: &JobRecord) -> Encoder<'a> {
    encoder
        .plain("TotalNumberOfTasks", job.progress.total)
        .plain("NumberOfTasksSucceeded", job.progress.succeeded)
        .plain("NumberOfTasksFailed", job.progress.failed)
}

/// Writes the member `Report`.
pub(crate) fn write_report<'a>(encoder: Encoder<'a>, job: &JobRecord, shown: &Shown) -> Encoder<'a> {
    if let Shown::Own(request) = shown {
        return write_member(encoder, request.members(), "Report");
    }
    encoder.element("Report", |encoder| match &job.spec.report {
        None => encoder.plain("Enabled", false),
        Some(report) => encoder
            .text("Bucket", &format!("arn:aws:s3:::{}", report.bucket))
            .text("Format", job.spec.dialect.report_format())
            .plain("Enabled", true)
            .optional_text("Prefix", Some(report.prefix.as_str()).filter(|prefix| !prefix.is_empty()))
            .text("ReportScope", if report.all_tasks { report::ALL_TASKS } else { report::FAILED_TASKS }),
    })
}
