//! Rules between the fields of a CreateJob request.

use std::collections::BTreeSet;

use crate::{
    CreateJobRequest, Directive, Lenient, Manifest, ManifestField, ManifestFormat, ManifestSpec, NewObjectMetadata,
    Operation, OperationKind, PutObjectCopy, PutObjectTagging, Report, Tag, ValidationError, WireEnum,
};

impl CreateJobRequest {
    /// Checks what no single field can know.
    ///
    /// * A CSV manifest names its columns: exactly one Bucket, one Key, at most one VersionId;
    ///   at most [`ManifestSpec::MAX_FIELDS`] columns.
    /// * A copy gives prefixes only with PrefixReplace.
    /// * New tags, metadata and access rules do not come with the directive Copy, which would
    ///   leave them without effect. Without a directive they are let through. Directives that
    ///   replace or add tags or access rules come with some.
    /// * Lists keep their limits and no tag or metadata key comes twice.
    /// * A report that is wanted names bucket, format and scope.
    /// * No value is unknown.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold.
    pub fn validate(&self) -> Result<(), ValidationError> {
        manifest(&self.manifest)?;
        match &self.operation {
            Operation::PutObjectCopy(operation) => copy(operation)?,
            Operation::InitiateRestoreObject(restore) => {
                restore.job_tier.require("JobTier")?;
            }
            Operation::DeleteObject => {}
            Operation::PutObjectTagging(operation) => tagging(operation)?,
            Operation::Unknown(name) => {
                Lenient::<OperationKind>::Unknown(name.clone()).require("Operation")?;
            }
        }
        report(&self.report)
    }
}

fn rule(field: &'static str, rule: &'static str) -> Result<(), ValidationError> {
    Err(ValidationError::Rule { field, rule })
}

fn at_most(field: &'static str, max: usize, actual: usize) -> Result<(), ValidationError> {
    if actual <= max {
        return Ok(());
    }
    Err(ValidationError::TooMany { field, max, actual })
}

fn known<T: WireEnum>(field: &'static str, value: Option<&Lenient<T>>) -> Result<Option<T>, ValidationError> {
    value.map(|value| value.require(field)).transpose()
}

fn manifest(manifest: &Manifest) -> Result<(), ValidationError> {
    let ManifestSpec { fields, format } = &manifest.spec;
    at_most("Fields", ManifestSpec::MAX_FIELDS, fields.len())?;
    for field in fields {
        field.require("Fields")?;
    }
    if format.require("Format")? == ManifestFormat::InventoryReportCsv {
        return Ok(());
    }
    let count = |wanted: ManifestField| fields.iter().filter(|field| **field == wanted).count();
    if count(ManifestField::Bucket) != 1 || count(ManifestField::Key) != 1 {
        return rule("Fields", "must have exactly one Bucket and one Key for COSBatchOperations_CSV_V1");
    }
    if count(ManifestField::VersionId) > 1 {
        return rule("Fields", "may have VersionId only once");
    }
    Ok(())
}

fn copy(copy: &PutObjectCopy) -> Result<(), ValidationError> {
    let access = known("AccessControlDirective", copy.access_control_directive.as_ref())?;
    let metadata = known("MetadataDirective", copy.metadata_directive.as_ref())?;
    let tagging = known("TaggingDirective", copy.tagging_directive.as_ref())?;
    let canned = known("CannedAccessControlList", copy.canned_access_control_list.as_ref())?;
    known("StorageClass", copy.storage_class.as_ref())?;
    at_most("AccessControlGrants", PutObjectCopy::MAX_GRANTS, copy.access_control_grants.len())?;
    for grant in &copy.access_control_grants {
        grant.permission.require("Permission")?;
        grant.grantee.type_identifier.require("TypeIdentifier")?;
    }
    if !copy.prefix_replace {
        if copy.resources_prefix.is_some() {
            return rule("ResourcesPrefix", "may only be given when PrefixReplace is true");
        }
        if copy.target_key_prefix.is_some() {
            return rule("TargetKeyPrefix", "may only be given when PrefixReplace is true");
        }
    }
    let has_access = canned.is_some() || !copy.access_control_grants.is_empty();
    match access {
        Some(Directive::Copy) if has_access => {
            return rule(
                "AccessControlDirective",
                "must not be Copy when AccessControlGrants or CannedAccessControlList is given",
            );
        }
        Some(Directive::Replaced | Directive::Add) if !has_access => {
            return rule(
                "AccessControlDirective",
                "needs AccessControlGrants or CannedAccessControlList when it is Replaced or Add",
            );
        }
        _ => {}
    }
    if let Some(new) = &copy.new_object_metadata {
        new_metadata(new)?;
        if metadata == Some(Directive::Copy) && new.has_headers() {
            return rule("MetadataDirective", "must not be Copy when NewObjectMetadata has headers");
        }
    }
    tags("NewObjectTagging", &copy.new_object_tagging)?;
    let has_tags = !copy.new_object_tagging.is_empty();
    match tagging {
        Some(Directive::Copy) if has_tags => {
            rule("TaggingDirective", "must not be Copy when NewObjectTagging is given")
        }
        Some(Directive::Replaced | Directive::Add) if !has_tags => {
            rule("NewObjectTagging", "is needed when TaggingDirective is Replaced or Add")
        }
        _ => Ok(()),
    }
}

fn new_metadata(metadata: &NewObjectMetadata) -> Result<(), ValidationError> {
    known("SSEAlgorithm", metadata.sse_algorithm.as_ref())?;
    let mut seen = BTreeSet::new();
    let mut bytes = 0;
    for entry in &metadata.user_metadata {
        bytes += entry.key.as_str().len() + entry.value.as_str().len();
        // They become headers, whose names do not tell upper from lower case.
        if !seen.insert(entry.key.as_str().to_ascii_lowercase()) {
            return rule("UserMetadata", "may have each Key only once");
        }
    }
    if bytes <= NewObjectMetadata::MAX_USER_METADATA_BYTES {
        return Ok(());
    }
    Err(ValidationError::Length {
        field: "UserMetadata, keys and values together,",
        min: 0,
        max: NewObjectMetadata::MAX_USER_METADATA_BYTES,
        actual: bytes,
    })
}

fn tags(field: &'static str, tags: &[Tag]) -> Result<(), ValidationError> {
    at_most(field, Tag::MAX_PER_OBJECT, tags.len())?;
    let keys: BTreeSet<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    if keys.len() < tags.len() {
        return rule(field, "may have each Key only once");
    }
    Ok(())
}

fn tagging(tagging: &PutObjectTagging) -> Result<(), ValidationError> {
    if known("TaggingDirective", tagging.tagging_directive.as_ref())? == Some(Directive::Copy) {
        return rule("TaggingDirective", "must be Replaced or Add here, since there is nothing to copy from");
    }
    if tagging.tag_set.is_empty() {
        return rule("TagSet", "must have at least one COSTag");
    }
    tags("TagSet", &tagging.tag_set)
}

fn report(report: &Report) -> Result<(), ValidationError> {
    let format = known("Format", report.format.as_ref())?;
    let scope = known("ReportScope", report.report_scope.as_ref())?;
    if !report.enabled {
        return Ok(());
    }
    if report.bucket.is_none() {
        return rule("Report", "needs Bucket when Enabled is true");
    }
    if format.is_none() {
        return rule("Report", "needs Format when Enabled is true");
    }
    if scope.is_none() {
        return rule("Report", "needs ReportScope when Enabled is true");
    }
    Ok(())
}
