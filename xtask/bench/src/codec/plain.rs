//! The same answer as plain structs with derived serde: no rules, times and values of closed lists as texts.

use serde::{Deserialize, Serialize};

/// Declares structs whose fields are elements in Pascal case.
macro_rules! plain {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)+ })+) => {
        $(
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(rename_all = "PascalCase")]
            pub(super) struct $name {
                $($(#[$meta])* pub(super) $field: $type,)+
            }
        )+
    };
}

plain! {
    DescribeJobResult { job: Job, }
    Job {
        client_request_token: Option<String>,
        confirmation_required: bool,
        creation_time: String,
        description: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        failure_reasons: Option<FailureReasons>,
        job_id: String,
        manifest: Manifest,
        operation: Operation,
        priority: u32,
        progress_summary: ProgressSummary,
        report: Report,
        role_arn: String,
        status: String,
        status_update_reason: Option<String>,
        suspended_cause: Option<String>,
        suspended_date: Option<String>,
        termination_date: Option<String>,
    }
    FailureReasons { job_failure: Vec<JobFailure>, }
    JobFailure { failure_code: String, failure_reason: String, }
    Manifest { location: Location, spec: Spec, }
    Location {
        #[serde(rename = "ETag")]
        etag: String,
        object_arn: String,
        object_version_id: Option<String>,
    }
    Spec { fields: Option<Fields>, format: String, }
    Fields {
        #[serde(rename = "member")]
        members: Vec<String>,
    }
    Operation {
        #[serde(rename = "COSPutObjectCopy")]
        put_object_copy: Option<PutObjectCopy>,
    }
    PutObjectCopy {
        access_control_directive: Option<String>,
        access_control_grants: Option<Grants>,
        prefix_replace: Option<bool>,
        resources_prefix: Option<String>,
        target_key_prefix: Option<String>,
        canned_access_control_list: Option<String>,
        metadata_directive: Option<String>,
        modified_since_constraint: Option<i64>,
        un_modified_since_constraint: Option<i64>,
        new_object_metadata: Option<NewObjectMetadata>,
        tagging_directive: Option<String>,
        new_object_tagging: Option<Tags>,
        storage_class: Option<String>,
        target_resource: String,
    }
    Grants {
        #[serde(rename = "COSGrant")]
        grants: Vec<Grant>,
    }
    Grant { grantee: Grantee, permission: String, }
    Grantee { display_name: Option<String>, identifier: String, type_identifier: String, }
    NewObjectMetadata {
        cache_control: Option<String>,
        content_disposition: Option<String>,
        content_encoding: Option<String>,
        content_type: Option<String>,
        http_expires_date: Option<String>,
        #[serde(rename = "SSEAlgorithm")]
        sse_algorithm: Option<String>,
        user_metadata: Option<UserMetadata>,
    }
    UserMetadata {
        #[serde(rename = "member")]
        members: Vec<Pair>,
    }
    Tags {
        #[serde(rename = "COSTag")]
        tags: Vec<Pair>,
    }
    Pair { key: String, value: String, }
    ProgressSummary { number_of_tasks_failed: u64, number_of_tasks_succeeded: u64, total_number_of_tasks: u64, }
    Report { bucket: String, enabled: bool, format: String, prefix: String, report_scope: String, }
}
