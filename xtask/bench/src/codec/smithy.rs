//! The same answer written with `aws-smithy-xml`, as the AWS SDK's generated code does it.

use aws_smithy_types::primitive::Encoder;
use aws_smithy_xml::encode::{ScopeWriter, XmlWriter};

use super::plain::{DescribeJobResult, Job, NewObjectMetadata, Pair, PutObjectCopy};

/// Writes the answer.
pub(super) fn write(result: &DescribeJobResult) -> String {
    let mut out = String::new();
    {
        let mut writer = XmlWriter::new(&mut out);
        let mut root = writer.start_el("DescribeJobResult").finish();
        let mut scope = root.start_el("Job").finish();
        job(&mut scope, &result.job);
    }
    out
}

fn text(scope: &mut ScopeWriter<'_, '_>, name: &str, value: &str) {
    scope.start_el(name).finish().data(value);
}

fn optional(scope: &mut ScopeWriter<'_, '_>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        text(scope, name, value);
    }
}

fn flag(scope: &mut ScopeWriter<'_, '_>, name: &str, value: bool) {
    scope.start_el(name).finish().data(Encoder::from(value).encode());
}

fn number(scope: &mut ScopeWriter<'_, '_>, name: &str, value: u64) {
    scope.start_el(name).finish().data(Encoder::from(value).encode());
}

fn job(scope: &mut ScopeWriter<'_, '_>, job: &Job) {
    optional(scope, "ClientRequestToken", job.client_request_token.as_ref());
    flag(scope, "ConfirmationRequired", job.confirmation_required);
    text(scope, "CreationTime", &job.creation_time);
    optional(scope, "Description", job.description.as_ref());
    if let Some(reasons) = &job.failure_reasons {
        let mut list = scope.start_el("FailureReasons").finish();
        for reason in &reasons.job_failure {
            let mut entry = list.start_el("JobFailure").finish();
            text(&mut entry, "FailureCode", &reason.failure_code);
            text(&mut entry, "FailureReason", &reason.failure_reason);
        }
    }
    text(scope, "JobId", &job.job_id);
    {
        let mut manifest = scope.start_el("Manifest").finish();
        {
            let mut location = manifest.start_el("Location").finish();
            text(&mut location, "ETag", &job.manifest.location.etag);
            text(&mut location, "ObjectArn", &job.manifest.location.object_arn);
            optional(&mut location, "ObjectVersionId", job.manifest.location.object_version_id.as_ref());
        }
        let mut spec = manifest.start_el("Spec").finish();
        if let Some(fields) = &job.manifest.spec.fields {
            let mut list = spec.start_el("Fields").finish();
            for member in &fields.members {
                text(&mut list, "member", member);
            }
        }
        text(&mut spec, "Format", &job.manifest.spec.format);
    }
    {
        let mut operation = scope.start_el("Operation").finish();
        if let Some(found) = &job.operation.put_object_copy {
            copy(&mut operation.start_el("COSPutObjectCopy").finish(), found);
        }
    }
    number(scope, "Priority", u64::from(job.priority));
    {
        let mut summary = scope.start_el("ProgressSummary").finish();
        number(&mut summary, "NumberOfTasksFailed", job.progress_summary.number_of_tasks_failed);
        number(&mut summary, "NumberOfTasksSucceeded", job.progress_summary.number_of_tasks_succeeded);
        number(&mut summary, "TotalNumberOfTasks", job.progress_summary.total_number_of_tasks);
    }
    {
        let mut report = scope.start_el("Report").finish();
        text(&mut report, "Bucket", &job.report.bucket);
        flag(&mut report, "Enabled", job.report.enabled);
        text(&mut report, "Format", &job.report.format);
        text(&mut report, "Prefix", &job.report.prefix);
        text(&mut report, "ReportScope", &job.report.report_scope);
    }
    text(scope, "RoleArn", &job.role_arn);
    text(scope, "Status", &job.status);
    optional(scope, "StatusUpdateReason", job.status_update_reason.as_ref());
    optional(scope, "SuspendedCause", job.suspended_cause.as_ref());
    optional(scope, "SuspendedDate", job.suspended_date.as_ref());
    optional(scope, "TerminationDate", job.termination_date.as_ref());
}

fn copy(scope: &mut ScopeWriter<'_, '_>, copy: &PutObjectCopy) {
    optional(scope, "AccessControlDirective", copy.access_control_directive.as_ref());
    if let Some(grants) = &copy.access_control_grants {
        let mut list = scope.start_el("AccessControlGrants").finish();
        for grant in &grants.grants {
            let mut entry = list.start_el("COSGrant").finish();
            {
                let mut grantee = entry.start_el("Grantee").finish();
                optional(&mut grantee, "DisplayName", grant.grantee.display_name.as_ref());
                text(&mut grantee, "Identifier", &grant.grantee.identifier);
                text(&mut grantee, "TypeIdentifier", &grant.grantee.type_identifier);
            }
            text(&mut entry, "Permission", &grant.permission);
        }
    }
    if let Some(replace) = copy.prefix_replace {
        flag(scope, "PrefixReplace", replace);
    }
    optional(scope, "ResourcesPrefix", copy.resources_prefix.as_ref());
    optional(scope, "TargetKeyPrefix", copy.target_key_prefix.as_ref());
    optional(scope, "CannedAccessControlList", copy.canned_access_control_list.as_ref());
    optional(scope, "MetadataDirective", copy.metadata_directive.as_ref());
    for (name, seconds) in [
        ("ModifiedSinceConstraint", copy.modified_since_constraint),
        ("UnModifiedSinceConstraint", copy.un_modified_since_constraint),
    ] {
        if let Some(seconds) = seconds {
            scope.start_el(name).finish().data(Encoder::from(seconds).encode());
        }
    }
    if let Some(found) = &copy.new_object_metadata {
        metadata(&mut scope.start_el("NewObjectMetadata").finish(), found);
    }
    optional(scope, "TaggingDirective", copy.tagging_directive.as_ref());
    if let Some(tags) = &copy.new_object_tagging {
        pairs(&mut scope.start_el("NewObjectTagging").finish(), "COSTag", &tags.tags);
    }
    optional(scope, "StorageClass", copy.storage_class.as_ref());
    text(scope, "TargetResource", &copy.target_resource);
}

fn metadata(scope: &mut ScopeWriter<'_, '_>, metadata: &NewObjectMetadata) {
    optional(scope, "CacheControl", metadata.cache_control.as_ref());
    optional(scope, "ContentDisposition", metadata.content_disposition.as_ref());
    optional(scope, "ContentEncoding", metadata.content_encoding.as_ref());
    optional(scope, "ContentType", metadata.content_type.as_ref());
    optional(scope, "HttpExpiresDate", metadata.http_expires_date.as_ref());
    optional(scope, "SSEAlgorithm", metadata.sse_algorithm.as_ref());
    if let Some(found) = &metadata.user_metadata {
        pairs(&mut scope.start_el("UserMetadata").finish(), "member", &found.members);
    }
}

fn pairs(scope: &mut ScopeWriter<'_, '_>, name: &str, pairs: &[Pair]) {
    for pair in pairs {
        let mut entry = scope.start_el(name).finish();
        text(&mut entry, "Key", &pair.key);
        text(&mut entry, "Value", &pair.value);
    }
}
