//! From a request to a job.

use cos_batch_engine::{
    JobSpec,
    manifest::Columns,
    spec::{Change, Column, Dialect, ManifestFormat, ManifestSpec, ReportSpec, SPEC_VERSION, TaskOperation, Tier},
};
use cos_batch_model::{ApiError, xml::ToXml as _};

use super::{Asker, arn, bucket, call, copy, generator, grants, invalid, keeping, missing, object_tags, tags};
use crate::{
    request::{CreateJobRequest, JOB_TAGS_MAX},
    shape::{Structure, Value},
    shapes::{manifest, report},
};

/// What a request asks for, in the engine's words.
///
/// # Errors
/// `InvalidArgument` for what makes no sense, `NotImplemented` with the name of what this server does not offer,
/// `AccessDenied` where the request expects another owner of its buckets.
pub fn spec(request: &CreateJobRequest, asker: Asker<'_>) -> Result<JobSpec, ApiError> {
    let members = request.members();
    // The names of what is missing come first: they do not depend on the rest.
    let operation = operation(members.structure("Operation"))?;
    let manifest = match (members.structure("Manifest"), members.structure("ManifestGenerator")) {
        (Some(manifest), _) => self::manifest(manifest)?,
        (None, generator) => generator::spec(generator, asker)?,
    };
    let tags = tags(members, "Tags");
    Ok(JobSpec {
        version: SPEC_VERSION,
        // The service's own command line leaves the element out where somebody wants to confirm.
        confirmation_required: members.get("ConfirmationRequired").is_none_or(|value| *value == Value::Flag(true)),
        description: members.text("Description").map(str::to_owned),
        manifest,
        operation,
        report: members.structure("Report").map(|report| self::report(report, asker)).transpose()?.flatten(),
        role_arn: members.text("RoleArn").unwrap_or_default().to_owned(),
        tags,
        dialect: Dialect::S3Control,
        retry_of: None,
        request: request.to_xml(),
    })
}

/// Whether a job would have too many tags.
#[must_use]
pub(crate) fn too_many_tags(tags: usize) -> Option<String> {
    (tags > JOB_TAGS_MAX).then(|| format!("a job has at most {JOB_TAGS_MAX} tags, not {tags}"))
}

fn manifest(manifest: &Structure) -> Result<ManifestSpec, ApiError> {
    let (Some(spec), Some(location)) = (manifest.structure("Spec"), manifest.structure("Location")) else {
        return Err(invalid("Manifest: Spec and Location are needed"));
    };
    let name = location.text("ObjectArn").unwrap_or_default();
    let (bucket, key) = arn("Manifest.Location.ObjectArn", name)?;
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return Err(invalid(format!("Manifest.Location.ObjectArn: {name} names no object")));
    };
    let format = if spec.text("Format") == Some(manifest::INVENTORY) {
        // Clients send the empty list all the same.
        if spec.texts("Fields").next().is_some() {
            return Err(invalid("Manifest.Spec.Fields: an inventory says itself which columns it has"));
        }
        ManifestFormat::Inventory
    } else {
        let columns: Vec<Column> = spec.texts("Fields").map(column).collect();
        if Columns::new(&columns).is_none() {
            let rule = "Bucket once, Key once, VersionId at most once, and Ignore for any other column are needed";
            return Err(invalid(format!("Manifest.Spec.Fields: {rule}")));
        }
        ManifestFormat::Csv { columns }
    };
    Ok(ManifestSpec {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: location.text("ObjectVersionId").map(str::to_owned),
        etag: location.text("ETag").unwrap_or_default().trim_matches('"').to_owned(),
        format,
    })
}

fn column(name: &str) -> Column {
    match name {
        "Bucket" => Column::Bucket,
        "Key" => Column::Key,
        "VersionId" => Column::VersionId,
        _ => Column::Ignore,
    }
}

fn report(report: &Structure, asker: Asker<'_>) -> Result<Option<ReportSpec>, ApiError> {
    if !report.flag("Enabled") {
        return Ok(None);
    }
    let bucket = bucket("Report.Bucket", report.text("Bucket").unwrap_or_default())?;
    asker.expect_owner(report, &bucket)?;
    Ok(Some(ReportSpec {
        bucket,
        prefix: report.text("Prefix").unwrap_or_default().to_owned(),
        all_tasks: report.text("ReportScope") == Some(report::ALL_TASKS),
    }))
}

fn operation(operation: Option<&Structure>) -> Result<TaskOperation, ApiError> {
    let Some((name, Value::Structure(asked))) = operation.and_then(Structure::only) else {
        return Err(invalid("Operation: one is needed"));
    };
    Ok(match name {
        "S3PutObjectCopy" => TaskOperation::Copy(Box::new(copy::spec(asked)?)),
        "S3PutObjectTagging" => TaskOperation::Tag { tags: Change::Replace(object_tags(asked, "TagSet")?) },
        // What is left behind is the same: an object without tags.
        "S3DeleteObjectTagging" => TaskOperation::Tag { tags: Change::Replace(Vec::new()) },
        "S3InitiateRestoreObject" => restore(asked)?,
        "S3PutObjectAcl" => acl(asked)?,
        "S3PutObjectLegalHold" => keeping::legal_hold(asked)?,
        "S3PutObjectRetention" => keeping::retention(asked)?,
        "S3ComputeObjectChecksum" => keeping::checksum(asked)?,
        "LambdaInvoke" => call::spec(asked)?,
        // By name: the operation is a legal one.
        name => return Err(missing(format!("the operation {name}"))),
    })
}

fn restore(asked: &Structure) -> Result<TaskOperation, ApiError> {
    let days = asked.number("ExpirationInDays");
    let days =
        days.ok_or_else(|| missing("restoring without ExpirationInDays, as from the tiers of INTELLIGENT_TIERING"))?;
    let days = u16::try_from(days).ok().filter(|days| (1..=DAYS_MAX).contains(days));
    let days = days.ok_or_else(|| invalid(format!("ExpirationInDays must be 1 to {DAYS_MAX}")))?;
    // As the object API has it, where the tier is not given.
    let tier = if asked.text("GlacierJobTier") == Some("BULK") { Tier::Bulk } else { Tier::Standard };
    Ok(TaskOperation::Restore { days, tier })
}

fn acl(asked: &Structure) -> Result<TaskOperation, ApiError> {
    let policy = asked.structure("AccessControlPolicy");
    let policy = policy.ok_or_else(|| invalid("S3PutObjectAcl: AccessControlPolicy is needed"))?;
    let canned = policy.text("CannedAccessControlList").map(str::to_owned);
    let list = policy.structure("AccessControlList");
    // The owner that the list names stays who he is: no store here can give an object away.
    let grants = list.map(|list| grants(list, "Grants")).transpose()?;
    match (grants, canned) {
        (Some(grants), None) => Ok(TaskOperation::Acl { grants, canned: None }),
        (None, Some(canned)) => Ok(TaskOperation::Acl { grants: Vec::new(), canned: Some(canned) }),
        _ => Err(invalid("AccessControlPolicy: either AccessControlList or CannedAccessControlList is needed")),
    }
}

/// Most days for which an object is restored: what a job of the engine may ask for (COS Batch API, ExpirationInDays).
const DAYS_MAX: u16 = 365;
