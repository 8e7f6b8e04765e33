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
use cos_batch_objectstore::Tag;

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
pub(crate) fn write_manifest(encoder: &mut Encoder, job: &JobRecord, shown: &Shown) {
    let manifest = &job.spec.manifest;
    if let (ManifestFormat::Listed(_), Shown::Own(request)) = (&manifest.format, shown) {
        return write_member(encoder, request.members(), "ManifestGenerator");
    }
    encoder.element("Manifest", |encoder| {
        encoder.element("Spec", |encoder| match &manifest.format {
            ManifestFormat::Csv { columns } => {
                encoder.text("Format", manifest::CSV);
                encoder.element("Fields", |encoder| {
                    for column in columns {
                        encoder.text("member", column_name(*column));
                    }
                });
            }
            ManifestFormat::Inventory => encoder.text("Format", manifest::INVENTORY),
            // Only this dialect asks for it.
            ManifestFormat::Listed(_) => {}
        });
        encoder.element("Location", |encoder| {
            encoder.text("ObjectArn", &format!("arn:aws:s3:::{}/{}", manifest.bucket, manifest.key));
            if let Some(version) = &manifest.version {
                encoder.text("ObjectVersionId", version);
            }
            encoder.text("ETag", etag(job, shown));
        });
    });
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
pub(crate) fn write_operation(encoder: &mut Encoder, job: &JobRecord, shown: &Shown) {
    let foreign = match shown {
        Shown::Own(request) => return write_member(encoder, request.members(), "Operation"),
        Shown::Foreign(operation) => operation,
    };
    match &job.spec.operation {
        TaskOperation::Copy(copy) if is_sayable(copy) => {
            encoder.element("Operation", |encoder| {
                encoder.element("S3PutObjectCopy", |encoder| write_copy(encoder, copy));
            });
        }
        TaskOperation::Restore { days, tier } => encoder.element("Operation", |encoder| {
            encoder.element("S3InitiateRestoreObject", |encoder| {
                encoder.plain("ExpirationInDays", days);
                encoder.text("GlacierJobTier", if *tier == Tier::Bulk { "BULK" } else { "STANDARD" });
            });
        }),
        TaskOperation::Tag { tags: Change::Replace(tags) } => encoder.element("Operation", |encoder| {
            encoder.element("S3PutObjectTagging", |encoder| write_tags(encoder, "TagSet", tags));
        }),
        // All behind the third are never asked for in another dialect.
        TaskOperation::Copy(_)
        | TaskOperation::Delete
        | TaskOperation::Tag { .. }
        | TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. }
        | TaskOperation::Checksum { .. }
        | TaskOperation::Custom(_) => {
            encoder.element("Operation", |encoder| foreign.write(encoder));
        }
    }
}

fn write_copy(encoder: &mut Encoder, copy: &CopySpec) {
    encoder.text("TargetResource", &format!("arn:aws:s3:::{}", copy.target_bucket));
    if let Some(acl) = &copy.canned_acl {
        encoder.text("CannedAccessControlList", acl);
    }
    if let Some(grants) = copy.grants.values().filter(|grants| !grants.is_empty()) {
        encoder.element("AccessControlGrants", |encoder| {
            for grant in grants {
                encoder.element("member", |encoder| {
                    encoder.element("Grantee", |encoder| {
                        encoder.text("TypeIdentifier", super::grantee_kind(&grant.grantee));
                        encoder.text("Identifier", &grant.grantee);
                    });
                    encoder.text("Permission", &grant.permission);
                });
            }
        });
    }
    if let Change::Replace(metadata) = &copy.metadata {
        encoder.text("MetadataDirective", "REPLACE");
        encoder.element("NewObjectMetadata", |encoder| {
            for (name, value) in [
                ("CacheControl", &metadata.cache_control),
                ("ContentDisposition", &metadata.content_disposition),
                ("ContentEncoding", &metadata.content_encoding),
                ("ContentLanguage", &metadata.content_language),
                ("ContentType", &metadata.content_type),
                ("SSEAlgorithm", &metadata.server_side_encryption),
            ] {
                if let Some(value) = value {
                    encoder.text(name, value);
                }
            }
            if !metadata.user.is_empty() {
                encoder.element("UserMetadata", |encoder| {
                    for (key, value) in &metadata.user {
                        encoder.element("entry", |encoder| {
                            encoder.text("key", key);
                            encoder.text("value", value);
                        });
                    }
                });
            }
        });
    }
    for (name, at) in
        [("ModifiedSinceConstraint", copy.modified_since), ("UnModifiedSinceConstraint", copy.unmodified_since)]
    {
        if let Some(at) = at {
            encoder.plain(name, wire::timestamp(at.saturating_mul(1000)));
        }
    }
    if let Change::Replace(tags) = &copy.tags {
        write_tags(encoder, "NewObjectTagging", tags);
    }
    if let Some(class) = &copy.storage_class {
        encoder.text("StorageClass", &class.0);
    }
    if let Some(prefix) = &copy.prefix {
        encoder.text("TargetKeyPrefix", &prefix.target);
    }
}

fn write_tags(encoder: &mut Encoder, name: &str, tags: &[Tag]) {
    encoder.element(name, |encoder| {
        for tag in tags {
            encoder.element("member", |encoder| {
                encoder.text("Key", &tag.key);
                encoder.text("Value", &tag.value);
            });
        }
    });
}

/// Writes the member `Report`.
pub(crate) fn write_report(encoder: &mut Encoder, job: &JobRecord, shown: &Shown) {
    if let Shown::Own(request) = shown {
        return write_member(encoder, request.members(), "Report");
    }
    encoder.element("Report", |encoder| {
        let Some(report) = &job.spec.report else {
            encoder.plain("Enabled", false);
            return;
        };
        encoder.text("Bucket", &format!("arn:aws:s3:::{}", report.bucket));
        encoder.text("Format", job.spec.dialect.report_format());
        encoder.plain("Enabled", true);
        if !report.prefix.is_empty() {
            encoder.text("Prefix", &report.prefix);
        }
        encoder.text("ReportScope", if report.all_tasks { report::ALL_TASKS } else { report::FAILED_TASKS });
    });
}
