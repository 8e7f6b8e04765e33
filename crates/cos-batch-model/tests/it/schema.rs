//! The schema inside whole requests: names of resources and counted lists at their edges, each place of a closed value,
//! and the forms that are shown but not insisted on.

use bytes::Bytes;
use cos_batch_model::xml::{self, Mode};
use cos_batch_model::{
    Action, BucketArn, CreateJobRequest, GranteeId, ListJobsRequest, NewObjectMetadata, ObjectArn, RoleArn, Timestamp,
    UpdateJobStatusRequest, ValidationError,
};
use http::Request;

use crate::limits::text;
use crate::support::body_text;

fn body(case: &str) -> String {
    body_text(&format!("golden/CreateJob/{case}.request.http"))
}

/// As a server reads it, rules between fields included.
fn create(body: &str) -> Result<CreateJobRequest, String> {
    let (head, ()) = Request::post("/jobs").body(()).unwrap().into_parts();
    CreateJobRequest::from_http(&head, body.as_bytes()).map_err(|error| error.to_string())
}

/// The body with one part, which must stand there once, replaced.
fn with(body: &str, part: &str, other: &str) -> String {
    assert_eq!(body.matches(part).count(), 1, "{part}");
    body.replacen(part, other, 1)
}

fn said<T, E: ToString>(outcome: Result<T, E>) -> String {
    outcome.map_or_else(|error| error.to_string(), |_| "fits".to_owned())
}

#[test]
fn names_of_resources_at_their_edges() {
    let edges = [BucketArn::MIN_BYTES - 1, BucketArn::MIN_BYTES, BucketArn::MAX_BYTES, BucketArn::MAX_BYTES + 1];
    assert_eq!(edges, [0, 1, 1024, 1025]);
    assert_eq!((ObjectArn::MIN_BYTES, ObjectArn::MAX_BYTES), (1, 1024));
    let mut rows = String::new();
    let mut say = |what: &str, bytes: usize, outcome: Result<(), ValidationError>| {
        rows.push_str(&format!("{what}, {bytes} bytes: {}\n", said(outcome)));
    };
    let object = "qcs::cos:ap-guangzhou::b-1250000000/";
    let (region, bucket) = ("qcs::cos:", "::b-1250000000");
    for bytes in edges {
        for character in ['a', 'é', '好', '😀'] {
            let padded = |prefix: &str| match bytes.checked_sub(prefix.len()) {
                Some(left) => format!("{prefix}{}", text(character, left)),
                None => text(character, bytes),
            };
            // A key may have any character, a bucket's name has none that is wider than a byte.
            say(&format!("ObjectArn with {character}"), bytes, ObjectArn::new(padded(object)).map(drop));
            say(&format!("BucketArn with {character}"), bytes, BucketArn::new(padded(region)).map(drop));
        }
        if let Some(left) = bytes.checked_sub(region.len() + bucket.len()) {
            let name = format!("{region}{}{bucket}", "a".repeat(left));
            say("BucketArn with a long region", bytes, BucketArn::new(name).map(drop));
        }
    }
    insta::assert_snapshot!(rows);
}

#[test]
fn counted_lists_at_their_edges() {
    let every = body("copy-every-field");
    let tagging = body("tagging");
    let mut rows = String::new();
    let mut say = |what: &str, body: &str| rows.push_str(&format!("{what}: {}\n", said(create(body))));

    let fields = "<member>Ignore</member><member>Bucket</member><member>Key</member><member>VersionId</member>";
    for count in [0, 1, 2, 99, 100, 101] {
        let names: Vec<&str> = ["Bucket", "Key"].into_iter().chain(std::iter::repeat("Ignore")).take(count).collect();
        let list: String = names.iter().map(|name| format!("<member>{name}</member>")).collect();
        say(&format!("{count} of Fields"), &with(&every, fields, &list));
    }

    let start = every.find("<COSGrant>").unwrap();
    let end = every.find("</AccessControlGrants>").unwrap();
    for count in [0, 1, 99, 100, 101] {
        let grants = every[start..end].repeat(count);
        say(&format!("{count} of AccessControlGrants"), &with(&every, &every[start..end], &grants));
    }

    let tags = |count: usize| -> String {
        (0..count).map(|key| format!("<COSTag><Key>{key}</Key><Value>好</Value></COSTag>")).collect()
    };
    let (start, end) = (tagging.find("<COSTag>").unwrap(), tagging.find("</TagSet>").unwrap());
    for count in [0, 1, 9, 10, 11] {
        let old = "<COSTag><Key>tier</Key><Value>cold</Value></COSTag>";
        say(&format!("{count} of NewObjectTagging"), &with(&every, old, &tags(count)));
        say(&format!("{count} of TagSet"), &with(&tagging, &tagging[start..end], &tags(count)));
    }

    let start = every.find("<UserMetadata>").unwrap() + "<UserMetadata>".len();
    let end = every.find("</UserMetadata>").unwrap();
    assert_eq!(NewObjectMetadata::MAX_USER_METADATA_BYTES, 2048);
    for bytes in [0, 1, 2047, 2048, 2049] {
        for character in ['a', 'é', '好', '😀'] {
            // Two entries, so that it is the sum that counts: keys of one byte each.
            let value = |bytes| text(character, bytes);
            let entry = |key: &str, value: &str| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
            let entries = match bytes {
                0 => String::new(),
                1 => entry("k", ""),
                _ => entry("k", &value(1000)) + &entry("l", &value(bytes - 1002)),
            };
            let what = format!("{bytes} bytes of UserMetadata, {character}");
            say(&what, &with(&every, &every[start..end], &entries));
        }
    }
    insta::assert_snapshot!(rows);
}

/// Where a closed value stands: a golden request, what stands before the value, the value there, all values in the
/// documented order, and what stands behind it.
const PLACES: &[(&str, &str, &str, &str, &str)] = &[
    ("copy-every-field", "<Fields><member>", "Ignore", "Ignore Bucket Key VersionId", "</member>"),
    (
        "copy-every-field",
        "</Fields><Format>",
        "COSBatchOperations_CSV_V1",
        "COSBatchOperations_CSV_V1 COSInventoryReport_CSV_V1",
        "</Format>",
    ),
    ("copy-every-field", "<AccessControlDirective>", "Replaced", "Copy Replaced Add", "<"),
    ("copy-every-field", "<TypeIdentifier>", "ID", "ID", "<"),
    ("copy-every-field", "<Permission>", "READ", "READ WRITE FULL_CONTROL", "<"),
    ("copy-every-field", "<CannedAccessControlList>", "private", "private public-read", "<"),
    ("copy-every-field", "<MetadataDirective>", "Replaced", "Copy Replaced Add", "<"),
    ("copy-every-field", "<SSEAlgorithm>", "AES256", "AES256", "<"),
    ("copy-every-field", "<TaggingDirective>", "Add", "Copy Replaced Add", "<"),
    (
        "copy-every-field",
        "<StorageClass>",
        "STANDARD_IA",
        "STANDARD STANDARD_IA INTELLIGENT_TIERING ARCHIVE DEEP_ARCHIVE MAZ_STANDARD MAZ_STANDARD_IA \
         MAZ_INTELLIGENT_TIERING",
        "<",
    ),
    ("copy-every-field", "</Enabled><Format>", "Report_CSV_V1", "Report_CSV_V1", "<"),
    ("copy-every-field", "<ReportScope>", "FailedTasksOnly", "AllTasks FailedTasksOnly", "<"),
    ("restore-inventory", "<JobTier>", "Bulk", "Bulk Standard", "<"),
    ("tagging", "<TaggingDirective>", "Replaced", "Copy Replaced Add", "<"),
];

#[test]
fn each_place_of_a_closed_value_takes_its_values_and_no_other() {
    let mut rows = String::new();
    for (case, before, value, values, behind) in PLACES {
        let body = body(case);
        let placed =
            |other: &str| with(&body, &format!("{before}{value}{behind}"), &format!("{before}{other}{behind}"));
        let read = |body: &str, mode| xml::from_slice::<CreateJobRequest>(body.as_bytes(), mode);
        for allowed in values.split(' ') {
            assert!(read(&placed(allowed), Mode::Strict).is_ok(), "{before}{allowed}");
        }
        let other = placed(&format!("{value}x"));
        rows.push_str(&format!("{}\n", read(&other, Mode::Strict).unwrap_err()));
        // Kept where documents are read leniently, and refused when the request is to be sent or carried out.
        let kept = read(&other, Mode::Lenient).unwrap();
        assert_eq!(kept.validate().unwrap_err(), kept_error(&other), "{before}");
    }
    for element in ["ConfirmationRequired", "PrefixReplace", "Enabled"] {
        let body = body("copy-every-field");
        let placed = |value: &str| with(&body, &format!("<{element}>true<"), &format!("<{element}>{value}<"));
        assert!(create(&placed("true")).is_ok(), "{element}");
        // Whatever else the other value asks for, it is one.
        assert!(xml::from_slice::<CreateJobRequest>(placed("false").as_bytes(), Mode::Strict).is_ok(), "{element}");
        for other in ["truex", "True", "1", "yes"] {
            rows.push_str(&format!("{}\n", create(&placed(other)).unwrap_err()));
        }
    }
    insta::assert_snapshot!(rows);
}

/// What strict reading says of the value.
fn kept_error(body: &str) -> ValidationError {
    match xml::from_slice::<CreateJobRequest>(body.as_bytes(), Mode::Strict).unwrap_err().kind {
        cos_batch_model::DecodeErrorKind::Value(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn an_operation_that_was_kept_is_refused_when_it_is_to_be_carried_out() {
    let body = body("tagging").replace("COSPutObjectTagging", "COSPutObjectTaggingx");
    let kept: CreateJobRequest = xml::from_slice(body.as_bytes(), Mode::Lenient).unwrap();
    assert_eq!(
        kept.validate().unwrap_err().to_string(),
        "Operation must be one of COSPutObjectCopy, COSInitiateRestoreObject, COSDeleteObject, COSPutObjectTagging; \
         not `COSPutObjectTaggingx`"
    );
}

#[test]
fn each_closed_value_of_a_query_takes_its_values_and_no_other() {
    let read = |method: &str, address: &str| {
        Request::builder().method(method).uri(address).body(Bytes::new()).unwrap().into_parts().0
    };
    let mut rows = String::new();
    let statuses = "Active Cancelled Cancelling Complete Completing Failed Failing New Paused Pausing Preparing Ready \
                    Suspended";
    for status in statuses.split(' ') {
        let list = |status: &str| {
            let head = read("GET", &format!("/jobs?jobStatuses={status}"));
            ListJobsRequest::from_http(&head, b"").map_err(|error| error.to_string())
        };
        assert_eq!(list(status).unwrap().job_statuses.len(), 1, "{status}");
        rows.push_str(&format!("{}\n", list(&format!("{status}x")).unwrap_err()));
        let update = |status: &str| {
            let head = read("POST", &format!("/jobs/a/status?requestedJobStatus={status}"));
            UpdateJobStatusRequest::from_http(&head, b"").map_err(|error| error.to_string())
        };
        assert_eq!(update(status).is_ok(), ["Cancelled", "Ready"].contains(&status), "{status}");
        rows.push_str(&format!("{}\n", update(&format!("{status}x")).unwrap_err()));
    }
    insta::assert_snapshot!(rows);
}

#[test]
fn roles_and_grantees_are_bound_by_length_alone() {
    // The pages show a form of both. Both are names of another service, which knows what else there is.
    for text in ["qcs::cam::uin/1:roleName/r", "qcs::cam::uin/1:role/tke", "r", "arn:aws:iam::1:role/r", "好"] {
        assert_eq!(said(RoleArn::new(text)), "fits", "{text}");
        assert_eq!(said(GranteeId::new(text)), "fits", "{text}");
    }
}

#[test]
fn moments_have_the_published_bounds() {
    assert_eq!(Timestamp::MIN_UNIX_SECONDS, -62_167_219_200);
    assert_eq!(Timestamp::MAX_UNIX_SECONDS, 253_402_207_200);
    let said =
        |seconds| said(Timestamp::from_unix_seconds(seconds).map(|moment| assert!(!moment.to_string().is_empty())));
    let refused = "timestamp must be a whole number in -62167219200–253402207200, not";
    assert_eq!(said(-62_167_219_201), format!("{refused} `-62167219201`"));
    assert_eq!(said(-62_167_219_200), "fits");
    assert_eq!(said(253_402_207_200), "fits");
    assert_eq!(said(253_402_207_201), format!("{refused} `253402207201`"));
    let text = |seconds| Timestamp::from_unix_seconds(seconds).unwrap().to_string();
    assert_eq!(text(-62_167_219_200), "0000-01-01T00:00:00Z");
    assert_eq!(text(253_402_207_200), "9999-12-30T22:00:00Z");
}
