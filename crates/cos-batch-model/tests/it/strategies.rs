//! Generated values of every type of the model, valid by construction.
//!
//! Optional texts are never empty and optional groups never bare, because on the wire those are
//! the same as absent.

use std::collections::BTreeMap;

use cos_batch_model::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Characters that have made trouble in some codec or other.
fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => proptest::char::range('!', '~'),
        2 => select(vec!['&', '<', '>', '"', '\'', ';', ']', ' ', '\t', '\n', '\r', '%', '+']),
        1 => select(vec!['\u{7f}', '\u{85}', '\u{2028}', 'é', '好', '\u{ff21}', '\u{fffd}', '\u{e000}', '😀']),
    ]
}

/// A text of at least one byte and at most so many.
fn text(max: usize) -> BoxedStrategy<String> {
    let cut = move |characters: Vec<char>| {
        let mut text: String = characters.into_iter().collect();
        text.truncate(text.floor_char_boundary(max));
        if text.is_empty() { "x".to_owned() } else { text }
    };
    prop_oneof![20 => vec(character(), 1..12).prop_map(cut), 1 => vec(character(), max..=max).prop_map(cut)].boxed()
}

fn scalar<T: TryFrom<String, Error = ValidationError> + std::fmt::Debug>(max: usize) -> impl Strategy<Value = T> {
    text(max).prop_map(|text| T::try_from(text).unwrap())
}

/// A text of so many of the bytes given.
fn ascii<T: TryFrom<String, Error = ValidationError> + std::fmt::Debug>(
    bytes: &'static [u8],
    max: usize,
) -> impl Strategy<Value = T> {
    vec(select(bytes), 1..=max).prop_map(|bytes| {
        let text = String::from_utf8(bytes).unwrap();
        T::try_from(text.replace("..", "._").trim_start_matches('.').to_owned() + "x").unwrap()
    })
}

const SEGMENT: &[u8] = b"abcXYZ0123456789-_.~!$'()*+,;=:@<>\"\\^`{|}[]";
const TOKEN: &[u8] = b"abcxyz0123456789-_.!#$%&'*+^`|~";

pub(crate) fn job_id() -> impl Strategy<Value = JobId> {
    ascii(SEGMENT, 63)
}

fn header() -> impl Strategy<Value = HeaderText> {
    text(1024).prop_map(|text| HeaderText::new(text.replace(['\r', '\n'], " ")).unwrap())
}

fn bucket() -> impl Strategy<Value = BucketArn> {
    select(vec!["qcs::cos:ap-gz::b-1", "qcs::cos:ap-shanghai:uid/1250000000:a-long-name-1250000000"])
        .prop_map(|text| BucketArn::new(text).unwrap())
}

fn object() -> impl Strategy<Value = ObjectArn> {
    text(900).prop_map(|key| ObjectArn::for_object("ap-gz", "b-1", &key).unwrap())
}

fn known<T: WireEnum + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = Lenient<T>> {
    select(all).prop_map(Lenient::Known)
}

fn time() -> impl Strategy<Value = Timestamp> {
    let range =
        prop_oneof![1_500_000_000_i64..2_000_000_000, Timestamp::MIN_UNIX_SECONDS..=Timestamp::MAX_UNIX_SECONDS];
    range.prop_map(|seconds| Timestamp::from_unix_seconds(seconds).unwrap())
}

fn priority() -> impl Strategy<Value = Priority> {
    (0..=Priority::MAX).prop_map(|number| Priority::new(number).unwrap())
}

prop_compose! {
    fn manifest()(
        e_tag in scalar(1024),
        object_arn in object(),
        object_version_id in option::of(scalar(1024)),
        inventory in any::<bool>(),
        version in any::<bool>(),
        ignored in 0_usize..98,
        swapped in any::<bool>(),
    ) -> Manifest {
        let mut fields: Vec<Lenient<ManifestField>> = Vec::new();
        let format = if inventory { ManifestFormat::InventoryReportCsv } else { ManifestFormat::BatchOperationsCsv };
        if !inventory {
            fields.extend([ManifestField::Bucket.into(), ManifestField::Key.into()]);
            fields.extend(version.then_some(ManifestField::VersionId.into()));
            fields.extend(vec![ManifestField::Ignore.into(); ignored.saturating_sub(80)]);
            if swapped {
                fields.reverse();
            }
        }
        Manifest {
            location: ManifestLocation { e_tag, object_arn, object_version_id },
            spec: ManifestSpec { fields, format: format.into() },
        }
    }
}

prop_compose! {
    fn grant()(
        display_name in option::of(scalar(256)),
        identifier in scalar(256),
        permission in known(Permission::ALL),
    ) -> Grant {
        Grant { grantee: Grantee { display_name, identifier, type_identifier: GranteeType::Id.into() }, permission }
    }
}

/// Values that may be empty, under keys of which none comes twice.
fn tags(min: usize) -> impl Strategy<Value = Vec<Tag>> {
    let entry = (text(128), prop_oneof![Just(String::new()), text(256)]);
    vec(entry, min..=Tag::MAX_PER_OBJECT).prop_map(|entries| {
        let entries: BTreeMap<String, String> = entries.into_iter().collect();
        entries
            .into_iter()
            .map(|(key, value)| Tag { key: TagKey::new(key).unwrap(), value: TagValue::new(value).unwrap() })
            .collect()
    })
}

fn user_metadata() -> impl Strategy<Value = Vec<UserMetadata>> {
    let value = prop_oneof![Just(String::new()), text(200)];
    vec((ascii::<MetadataKey>(TOKEN, 100), value), 0..6).prop_map(|entries| {
        let entries: BTreeMap<String, String> =
            entries.into_iter().map(|(key, value)| (key.into_string(), value.replace(['\r', '\n'], " "))).collect();
        entries
            .into_iter()
            .map(|(key, value)| UserMetadata {
                key: MetadataKey::new(key).unwrap(),
                value: MetadataValue::new(value).unwrap(),
            })
            .collect()
    })
}

prop_compose! {
    fn new_metadata()(
        cache_control in option::of(header()),
        content_disposition in option::of(header()),
        content_encoding in option::of(header()),
        content_type in option::of(header()),
        http_expires_date in option::of(header()),
        sse_algorithm in option::of(known(SseAlgorithm::ALL)),
        user_metadata in user_metadata(),
    ) -> Option<NewObjectMetadata> {
        let metadata = NewObjectMetadata {
            cache_control, content_disposition, content_encoding, content_type, http_expires_date, sse_algorithm,
            user_metadata,
        };
        (metadata != NewObjectMetadata::default()).then_some(metadata)
    }
}

/// A directive that fits to whether there is something new.
fn directive(has_new: bool) -> BoxedStrategy<Option<Lenient<Directive>>> {
    let fitting = if has_new { vec![Directive::Replaced, Directive::Add] } else { vec![Directive::Copy] };
    option::of(select(fitting).prop_map(Lenient::Known)).boxed()
}

fn copy() -> impl Strategy<Value = PutObjectCopy> {
    let new = (vec(grant(), 0..3), option::of(known(CannedAcl::ALL)), new_metadata(), tags(0));
    new.prop_flat_map(|(grants, canned, metadata, tags)| {
        (
            directive(!grants.is_empty() || canned.is_some()),
            directive(metadata.is_some()),
            directive(!tags.is_empty()),
            option::of((option::of(scalar(1024)), option::of(scalar(1024)))),
            (option::of(time()), option::of(time())),
            option::of(known(StorageClass::ALL)),
            bucket(),
        )
            .prop_map(move |(access, metadata_directive, tagging, prefixes, times, storage_class, target)| {
                PutObjectCopy {
                    access_control_directive: access,
                    access_control_grants: grants.clone(),
                    prefix_replace: prefixes.is_some(),
                    resources_prefix: prefixes.as_ref().and_then(|(from, _)| from.clone()),
                    target_key_prefix: prefixes.and_then(|(_, to)| to),
                    canned_access_control_list: canned.clone(),
                    metadata_directive,
                    modified_since_constraint: times.0,
                    un_modified_since_constraint: times.1,
                    new_object_metadata: metadata.clone(),
                    tagging_directive: tagging,
                    new_object_tagging: tags.clone(),
                    storage_class,
                    target_resource: target,
                }
            })
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let restore = (1..=Days::MAX, known(JobTier::ALL))
        .prop_map(|(days, job_tier)| InitiateRestoreObject { expiration_in_days: Days::new(days).unwrap(), job_tier });
    let tagging = (directive(true), tags(1))
        .prop_map(|(tagging_directive, tag_set)| PutObjectTagging { tagging_directive, tag_set });
    prop_oneof![
        4 => copy().prop_map(|copy| Operation::PutObjectCopy(Box::new(copy))),
        1 => restore.prop_map(Operation::InitiateRestoreObject),
        1 => Just(Operation::DeleteObject),
        1 => tagging.prop_map(Operation::PutObjectTagging),
    ]
}

prop_compose! {
    fn report()(
        bucket in bucket(),
        prefix in option::of(scalar(256)),
        scope in select(ReportScope::ALL),
        enabled in any::<bool>(),
    ) -> Report {
        if enabled { Report { prefix, ..Report::to(bucket, scope) } } else { Report::disabled() }
    }
}

prop_compose! {
    pub(crate) fn create_request()(
        client_request_token in scalar(64),
        confirmation_required in any::<bool>(),
        description in option::of(scalar(256)),
        manifest in manifest(),
        operation in operation(),
        priority in priority(),
        report in report(),
        role_arn in scalar(1024),
    ) -> CreateJobRequest {
        CreateJobRequest {
            client_request_token, confirmation_required, description, manifest, operation, priority, report, role_arn,
        }
    }
}

prop_compose! {
    fn progress()(failed in any::<u64>(), succeeded in any::<u64>(), total in any::<u64>()) -> ProgressSummary {
        ProgressSummary {
            number_of_tasks_failed: failed, number_of_tasks_succeeded: succeeded, total_number_of_tasks: total,
        }
    }
}

fn failure() -> impl Strategy<Value = JobFailure> {
    let maybe_empty = |max| prop_oneof![Just(String::new()), text(max)];
    (maybe_empty(64), maybe_empty(256)).prop_map(|(code, reason)| JobFailure {
        failure_code: FailureCode::new(code).unwrap(),
        failure_reason: FailureReason::new(reason).unwrap(),
    })
}

prop_compose! {
    pub(crate) fn job()(
        request in create_request(),
        has_token in any::<bool>(),
        creation_time in time(),
        failure_reasons in vec(failure(), 0..3),
        job_id in job_id(),
        progress_summary in progress(),
        status in known(JobStatus::ALL),
        (status_update_reason, suspended_cause) in (option::of(scalar(256)), option::of(scalar(1024))),
        (suspended_date, termination_date) in (option::of(time()), option::of(time())),
    ) -> Job {
        Job {
            client_request_token: has_token.then_some(request.client_request_token),
            confirmation_required: request.confirmation_required,
            creation_time,
            description: request.description,
            failure_reasons,
            job_id,
            manifest: request.manifest,
            operation: request.operation,
            priority: request.priority,
            progress_summary,
            report: request.report,
            role_arn: request.role_arn,
            status,
            status_update_reason,
            suspended_cause,
            suspended_date,
            termination_date,
        }
    }
}

prop_compose! {
    fn list_member()(
        creation_time in time(),
        description in option::of(scalar(256)),
        job_id in job_id(),
        operation in known(OperationKind::ALL),
        priority in priority(),
        progress_summary in progress(),
        status in known(JobStatus::ALL),
        termination_date in option::of(time()),
    ) -> JobListMember {
        JobListMember {
            creation_time, description, job_id, operation, priority, progress_summary, status, termination_date,
        }
    }
}

fn next_token() -> impl Strategy<Value = Option<NextToken>> {
    option::of(ascii(SEGMENT, 63))
}

prop_compose! {
    pub(crate) fn list_result()(jobs in vec(list_member(), 0..4), next_token in next_token()) -> ListJobsResult {
        ListJobsResult { jobs, next_token }
    }
}

prop_compose! {
    pub(crate) fn list_request()(
        job_statuses in subsequence(JobStatus::ALL, 0..=JobStatus::ALL.len()).prop_shuffle(),
        max_results in option::of(1..=MaxResults::MAX),
        next_token in next_token(),
    ) -> ListJobsRequest {
        let max_results = max_results.map(|number| MaxResults::new(number).unwrap());
        ListJobsRequest { job_statuses, max_results, next_token }
    }
}

prop_compose! {
    pub(crate) fn priority_request()(job_id in job_id(), priority in priority()) -> UpdateJobPriorityRequest {
        UpdateJobPriorityRequest { job_id, priority }
    }
}

prop_compose! {
    pub(crate) fn status_request()(
        job_id in job_id(),
        requested_job_status in select(RequestedJobStatus::ALL),
        status_update_reason in option::of(scalar(256)),
    ) -> UpdateJobStatusRequest {
        UpdateJobStatusRequest { job_id, requested_job_status, status_update_reason }
    }
}

prop_compose! {
    pub(crate) fn status_result()(
        job_id in job_id(),
        status in known(JobStatus::ALL),
        status_update_reason in option::of(scalar(256)),
    ) -> UpdateJobStatusResult {
        UpdateJobStatusResult { job_id, status, status_update_reason }
    }
}

prop_compose! {
    pub(crate) fn api_error()(
        code in select(ErrorCode::ALL),
        message in text(300),
        resource in option::of(text(100)),
        request_id in option::of(text(64)),
        trace_id in option::of(text(64)),
    ) -> ApiError {
        ApiError { resource, request_id, trace_id, ..ApiError::new(code, message) }
    }
}
