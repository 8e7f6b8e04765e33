//! What clients and servers have stumbled over, one fixture for each.

use cos_batch_model::xml::{Mode, ToXml, from_slice};
use cos_batch_model::{
    Action, ActionOutput, AppId, CreateJobRequest, DescribeJobResult, Job, JobStatus, ListJobsResult, ManifestFormat,
    Operation, ProgressSummary, Report, ReportScope, UpdateJobStatusRequest,
};

use crate::support::{body, body_text, check_length, fixtures, name, read, request, response};

/// Reads a whole CreateJob request, strictly as a server does.
fn create(case: &str) -> CreateJobRequest {
    let file = format!("traps/CreateJob/{case}.request.http");
    let (head, body) = request(&read(&file)).into_parts();
    check_length(&file, &head.headers, &body);
    CreateJobRequest::from_http(&head, &body).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What DescribeJob answers about a job made so.
fn described(request: CreateJobRequest) -> String {
    let job = Job {
        client_request_token: Some(request.client_request_token),
        confirmation_required: request.confirmation_required,
        creation_time: "2026-11-01T08:30:00Z".parse().unwrap(),
        description: request.description,
        failure_reasons: Vec::new(),
        job_id: "0b9a6f0e-58f4-4d53-8f7b-0a2f6f1f9c01".parse().unwrap(),
        manifest: request.manifest,
        operation: request.operation,
        priority: request.priority,
        progress_summary: ProgressSummary::default(),
        report: request.report,
        role_arn: request.role_arn,
        status: JobStatus::New.into(),
        status_update_reason: None,
        suspended_cause: None,
        suspended_date: None,
        termination_date: None,
    };
    let answer = DescribeJobResult { job };
    let written = answer.to_xml();
    assert_eq!(from_slice(written.as_bytes(), Mode::Strict), Ok(answer));
    written
}

/// Reads a whole answer, strictly and leniently; both must agree.
fn answer<O: ActionOutput + cos_batch_model::xml::FromXml + PartialEq + std::fmt::Debug>(file: &str) -> O {
    let message = response(&read(file));
    check_length(file, message.headers(), message.body());
    let lenient = O::from_http(&message).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(from_slice::<O>(message.body(), Mode::Strict).as_ref(), Ok(&lenient), "{file}");
    lenient
}

/// An answer that we write to the same bytes.
fn own_answer<O: ActionOutput + cos_batch_model::xml::FromXml + PartialEq + std::fmt::Debug>(file: &str) -> O {
    let read: O = answer(file);
    assert_eq!(read.to_http().body()[..], body(file)[..], "{file}");
    read
}

#[test]
fn constraints_are_echoed_as_integers_however_they_came() {
    let as_integer = create("constraint-as-integer");
    let as_text = create("constraint-as-iso-text");
    assert_eq!(as_integer, as_text);
    for request in [as_integer, as_text] {
        let again =
            String::from_utf8(request.to_http(&AppId::new("1250000000").unwrap()).into_body().to_vec()).unwrap();
        for written in [again, described(request)] {
            assert!(written.contains("<ModifiedSinceConstraint>1760000000</ModifiedSinceConstraint>"), "{written}");
            assert!(written.contains("<UnModifiedSinceConstraint>1900000000</UnModifiedSinceConstraint>"), "{written}");
        }
    }
    let echoed: DescribeJobResult = own_answer("traps/DescribeJob/constraint-as-integer.response.http");
    let Operation::PutObjectCopy(copy) = echoed.job.operation else { panic!("{:?}", echoed.job.operation) };
    assert_eq!(copy.modified_since_constraint.unwrap().unix_seconds(), 1_760_000_000);
    assert_eq!(copy.un_modified_since_constraint.unwrap().unix_seconds(), 1_900_000_000);
}

#[test]
fn confirmation_required_is_written_when_it_is_false() {
    let file = "traps/DescribeJob/confirmation-required-present-when-false.response.http";
    assert!(body_text(file).contains("<ConfirmationRequired>false</ConfirmationRequired>"));
    assert!(!own_answer::<DescribeJobResult>(file).job.confirmation_required);
    assert!(described(create("arn-without-uid")).contains("<ConfirmationRequired>false</ConfirmationRequired>"));
}

#[test]
fn the_progress_summary_is_written_when_nothing_is_known() {
    let file = "traps/DescribeJob/progress-summary-present-when-new.response.http";
    let zeros = "<ProgressSummary><NumberOfTasksFailed>0</NumberOfTasksFailed>\
                 <NumberOfTasksSucceeded>0</NumberOfTasksSucceeded>\
                 <TotalNumberOfTasks>0</TotalNumberOfTasks></ProgressSummary>";
    assert!(body_text(file).contains(zeros));
    let job = own_answer::<DescribeJobResult>(file).job;
    assert_eq!((job.status, job.progress_summary), (JobStatus::New.into(), ProgressSummary::default()));
    assert!(described(create("arn-without-uid")).contains(zeros));
}

#[test]
fn fields_may_be_empty_for_an_inventory() {
    for case in ["fields-empty", "fields-empty-one-tag"] {
        let request = create(case);
        assert_eq!(request.manifest.spec.format, ManifestFormat::InventoryReportCsv);
        assert!(request.manifest.spec.fields.is_empty(), "{case}");
        assert!(!request.to_xml().contains("Fields"), "{case}: without columns there is no element");
    }
}

#[test]
fn optional_elements_may_be_there_and_empty() {
    let mut without = create("arn-without-uid");
    without.report = Report::disabled();
    assert_eq!(create("optional-elements-empty"), without);
}

#[test]
fn jobs_is_written_when_there_are_none() {
    let file = "traps/ListJobs/jobs-present-when-empty.response.http";
    assert!(body_text(file).contains("<Jobs></Jobs>"));
    assert_eq!(own_answer::<ListJobsResult>(file), ListJobsResult::default());
}

#[test]
fn the_last_page_has_no_next_token() {
    let file = "traps/ListJobs/last-page-without-next-token.response.http";
    assert!(!body_text(file).contains("NextToken"));
    let page: ListJobsResult = own_answer(file);
    assert_eq!((page.jobs.len(), page.next_token), (2, None));
}

#[test]
fn a_plus_in_the_query_is_a_space_and_an_escaped_one_a_plus() {
    // That the signature covers the space as %20 is a test of cos-signature, over the same fixture.
    let file = "traps/UpdateJobStatus/query-space-as-plus-signed-as-percent-20.request.http";
    let (head, body) = request(&read(file)).into_parts();
    let request = UpdateJobStatusRequest::from_http(&head, &body).unwrap();
    assert_eq!(request.status_update_reason.as_ref().unwrap().as_str(), "to do + done");
    let ours = request.to_http(&AppId::new("1250000000").unwrap());
    assert!(ours.uri().query().unwrap().ends_with("statusUpdateReason=to%20do%20%2B%20done"), "{}", ours.uri());
}

#[test]
fn etags_are_echoed_as_sent() {
    let hash = "0cc175b9c0f1b6a831c399e269772661";
    let quoted = format!("\"{hash}\"");
    for (case, sent) in [
        ("etag-with-quotes", quoted.as_str()),
        ("etag-with-quotes-as-references", quoted.as_str()),
        ("etag-without-quotes", hash),
    ] {
        let request = create(case);
        assert_eq!(request.manifest.location.e_tag.as_str(), sent, "{case}");
        assert_eq!(request.manifest.location.e_tag.unquoted(), hash, "{case}");
        assert!(described(request).contains(&format!("<ETag>{sent}</ETag>")), "{case}");
    }
}

#[test]
fn both_forms_of_arns_are_taken_and_echoed_as_sent() {
    for (case, owner, prefix) in [
        ("arn-with-uid", Some("1250000000"), "qcs::cos:ap-shanghai:uid/1250000000:"),
        ("arn-without-uid", None, "qcs::cos:ap-shanghai::"),
    ] {
        let request = create(case);
        let Operation::PutObjectCopy(copy) = &request.operation else { panic!("{:?}", request.operation) };
        let (manifest, target) = (&request.manifest.location.object_arn, &copy.target_resource);
        let report = request.report.bucket.as_ref().unwrap();
        assert_eq!((manifest.bucket(), manifest.key(), manifest.owner()), ("src-1250000000", "m.csv", owner), "{case}");
        assert_eq!((target.bucket(), target.owner()), ("dst-1250000000", owner), "{case}");
        assert_eq!((report.bucket(), report.owner()), ("src-1250000000", owner), "{case}");
        let described = described(request);
        for name in ["src-1250000000/m.csv</ObjectArn>", "dst-1250000000</TargetResource>", "src-1250000000</Bucket>"] {
            assert!(described.contains(&format!(">{prefix}{name}")), "{case}: {name}");
        }
    }
}

#[test]
fn white_space_around_values_of_closed_lists_does_not_count() {
    let padded = create("enum-values-padded");
    assert_eq!(padded, create("arn-without-uid"));
    assert_eq!(padded.report.report_scope, Some(ReportScope::AllTasks.into()));
}

#[test]
fn text_may_come_in_pieces() {
    let by_entities = create("text-split-by-entities");
    assert_eq!(by_entities.client_request_token.as_str(), "token-1");
    assert_eq!(by_entities.description.as_ref().unwrap().as_str(), "copy & \"quote\" <tag> 腾讯云");
    assert_eq!(by_entities, create("text-split-by-cdata"));
}

#[test]
fn declarations_in_single_quotes_and_namespaces_on_the_root_change_nothing() {
    let plain = create("arn-without-uid");
    assert_eq!(create("declaration-in-single-quotes"), plain);
    assert_eq!(create("xmlns-on-root"), plain);
    assert!(!plain.to_xml().contains("xmlns"), "we never send one");
    let expected: DescribeJobResult = answer("golden/DescribeJob/suspended.response.http");
    for case in ["declaration-in-single-quotes", "xmlns-on-root"] {
        let file = format!("traps/DescribeJob/{case}.response.http");
        assert_eq!(answer::<DescribeJobResult>(&file), expected, "{case}");
    }
}

#[test]
fn every_trap_has_a_test_above() {
    let here = include_str!("traps.rs");
    let mut count = 0;
    for folder in std::fs::read_dir(fixtures().join("traps")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let case = name(&path).split('.').next().unwrap();
            let named = [format!("\"{case}\""), format!("/{case}.")].iter().any(|text| here.contains(text));
            assert!(named, "{} is not tested", path.display());
            count += 1;
        }
    }
    assert!(count >= 20, "{count} traps");
}
