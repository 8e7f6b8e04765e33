//! Budgets of documents at their edges, and what is shown of values and errors.

use std::error::Error as _;

use cos_batch_model::xml::{
    self, MAX_ATTRIBUTES, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_LIST_ENTRIES, MAX_REQUEST_BYTES, MAX_TEXT_BYTES, Mode,
    ToXml,
};
use cos_batch_model::{
    Action, ApiError, BucketArn, CreateJobRequest, CreateJobResult, DecodeErrorKind, DescribeJobResult, ErrorCode,
    FailureCode, JobStatus, Lenient, ListJobsResult, MetadataValue, Uin, UpdateJobStatusResult,
};
use http::Request;

use crate::support::body_text;

#[test]
fn the_budgets_are_the_published_ones() {
    assert_eq!(MAX_DOCUMENT_BYTES, 4_194_304);
    assert_eq!(MAX_REQUEST_BYTES, 1_048_576);
    assert_eq!(MAX_TEXT_BYTES, 65_536);
    assert_eq!((MAX_DEPTH, MAX_LIST_ENTRIES, MAX_ATTRIBUTES), (16, 1000, 16));
}

#[test]
fn a_document_may_have_all_its_bytes_and_no_more() {
    let mut document = "<CreateJobResult><JobId>a</JobId></CreateJobResult>".to_owned();
    document.push_str(&" ".repeat(MAX_DOCUMENT_BYTES - document.len()));
    let read = |document: &str| xml::from_slice::<CreateJobResult>(document.as_bytes(), Mode::Strict);
    assert!(read(&document).is_ok());
    document.push(' ');
    let kind = DecodeErrorKind::DocumentTooLarge { max: MAX_DOCUMENT_BYTES, actual: MAX_DOCUMENT_BYTES + 1 };
    assert_eq!(read(&document).unwrap_err().kind, kind);
}

#[test]
fn a_request_may_have_all_its_bytes_and_no_more() {
    let (head, ()) = Request::post("/jobs").body(()).unwrap().into_parts();
    let mut body = body_text("golden/CreateJob/tagging.request.http");
    body.push_str(&" ".repeat(MAX_REQUEST_BYTES - body.len()));
    assert!(CreateJobRequest::from_http(&head, body.as_bytes()).is_ok());
    body.push(' ');
    let error = CreateJobRequest::from_http(&head, body.as_bytes()).unwrap_err();
    assert_eq!(error.code, ErrorCode::XmlSizeLimit);
}

#[test]
fn elements_may_be_nested_as_deep_as_the_limit_and_no_deeper() {
    let read = |depth: usize, innermost: &str| {
        let (open, close) = ("<a>".repeat(depth - 2), "</a>".repeat(depth - 2));
        let document = format!("<CreateJobResult><JobId>j</JobId>{open}{innermost}{close}</CreateJobResult>");
        xml::from_slice::<CreateJobResult>(document.as_bytes(), Mode::Lenient).map_err(|error| error.kind)
    };
    for innermost in ["<b/>", "<b></b>"] {
        assert!(read(MAX_DEPTH, innermost).is_ok(), "{innermost}");
        let kind = DecodeErrorKind::TooDeep { max: MAX_DEPTH };
        assert_eq!(read(MAX_DEPTH + 1, innermost), Err(kind), "{innermost}");
    }
}

#[test]
fn an_element_may_have_as_many_attributes_as_the_limit_and_no_more() {
    let read = |count: usize, mode| {
        let attributes: String = (0..count).map(|index| format!(" xmlns:n{index}='u'")).collect();
        let document = format!("<CreateJobResult{attributes}><JobId>j</JobId></CreateJobResult>");
        xml::from_slice::<CreateJobResult>(document.as_bytes(), mode).map_err(|error| error.kind)
    };
    for mode in [Mode::Strict, Mode::Lenient] {
        assert!(read(MAX_ATTRIBUTES, mode).is_ok(), "{mode:?}");
        let kind = DecodeErrorKind::TooManyAttributes { max: MAX_ATTRIBUTES };
        assert_eq!(read(MAX_ATTRIBUTES + 1, mode), Err(kind), "{mode:?}");
    }
    let below_root = format!("<CreateJobResult><JobId>j</JobId><a{}/></CreateJobResult>", " b='c'".repeat(17));
    let kind = xml::from_slice::<CreateJobResult>(below_root.as_bytes(), Mode::Lenient).unwrap_err().kind;
    assert_eq!(kind, DecodeErrorKind::TooManyAttributes { max: MAX_ATTRIBUTES });
}

#[test]
fn owners_may_have_every_character_of_an_appid() {
    let arn = BucketArn::new("qcs::cos:ap-gz:uid/a-B_9:a-125").unwrap();
    assert_eq!(arn.owner(), Some("a-B_9"));
}

#[test]
fn a_text_that_just_fits_is_not_cut() {
    for bytes in [63, 64] {
        assert_eq!(FailureCode::truncate(&"a".repeat(bytes)).as_str().len(), bytes);
    }
    assert_eq!(FailureCode::truncate(&"a".repeat(65)).as_str().len(), 64);
}

#[test]
fn the_only_allowed_value_is_named_alone() {
    let request = body_text("golden/CreateJob/tagging.request.http").replace("Report_CSV_V1", "Report_CSV_V2");
    let error = xml::from_slice::<CreateJobRequest>(request.as_bytes(), Mode::Strict).unwrap_err();
    assert_eq!(error.kind.to_string(), "Format must be Report_CSV_V1, not `Report_CSV_V2`");
}

#[test]
fn the_source_of_a_decode_error_is_its_kind() {
    let error = xml::from_slice::<CreateJobResult>(b"<CreateJobResult/>", Mode::Strict).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "element JobId is missing");
}

#[test]
fn known_and_unknown_values_show_what_they_are() {
    let status = |status: &str| {
        let body = format!("<UpdateJobStatusResult><JobId>a</JobId><Status>{status}</Status></UpdateJobStatusResult>");
        xml::from_slice::<UpdateJobStatusResult>(body.as_bytes(), Mode::Lenient).unwrap().status
    };
    assert_eq!(status("Ready").known(), Some(&JobStatus::Ready));
    let Lenient::Unknown(text) = status("Hibernating") else { panic!("Hibernating is no status") };
    assert_eq!(format!("{text} {text:?}"), "Hibernating \"Hibernating\"");
}

#[test]
fn a_directive_that_is_empty_twice_counts_as_absent() {
    let copy = body_text("golden/CreateJob/copy.request.http");
    let with = |directives: &str| {
        let body = copy.replace("<COSPutObjectCopy>", &format!("<COSPutObjectCopy>{directives}"));
        xml::from_slice::<CreateJobRequest>(body.as_bytes(), Mode::Strict)
    };
    let (empty, given) = ("<MetadataDirective/>", "<MetadataDirective>Copy</MetadataDirective>");
    assert_eq!(with(&format!("{empty}{empty}")), with(""));
    for mixed in [format!("{empty}{given}"), format!("{given}{empty}")] {
        let kind = DecodeErrorKind::DuplicateElement { name: "MetadataDirective".into() };
        assert_eq!(with(&mixed).unwrap_err().kind, kind, "{mixed}");
    }
}

#[test]
fn an_unknown_operation_is_kept_if_its_name_is_one() {
    let text = body_text("spec/DescribeJob/suspended.response.http");
    let kind = |name: &str| {
        let text = text.replacen("COSPutObjectCopy", name, 2);
        let result = xml::from_slice::<DescribeJobResult>(text.as_bytes(), Mode::Lenient);
        result.map(|result| result.job.operation.kind().as_str().to_owned()).map_err(|error| error.kind)
    };
    for name in ["a-b_c.d:e9", "\u{e4}\u{817e}", "_a", ":a", &"a".repeat(256)] {
        assert_eq!(kind(name).as_deref(), Ok(name));
    }
    for name in ["-a", ".a", "9a", "a&b", &"a".repeat(257)] {
        assert!(matches!(kind(name), Err(DecodeErrorKind::Syntax(_))), "{name}");
    }
}

#[test]
fn a_declaration_inside_an_element_is_refused_in_both_modes() {
    let declaration = "<?xml version='1.0'?>";
    for document in [
        format!("<CreateJobResult>{declaration}<JobId>a</JobId></CreateJobResult>"),
        format!("<CreateJobResult><JobId>a{declaration}</JobId></CreateJobResult>"),
    ] {
        for mode in [Mode::Strict, Mode::Lenient] {
            let error = xml::from_slice::<CreateJobResult>(document.as_bytes(), mode).unwrap_err();
            assert!(error.to_string().contains("may only stand at the very start"), "{document}: {error}");
        }
    }
}

#[test]
fn what_is_reserved_for_writing_is_in_proportion_to_what_is_written() {
    let small = body_text("golden/CreateJob/tagging.request.http");
    let prefix = "qcs::cos:ap-guangzhou::src-1250000000/";
    let large = small
        .replace("\"9e107d9d372bb6826bd81d3542a419d6\"", &"e".repeat(1024))
        .replace(&format!("{prefix}lists/week 42.csv"), &format!("{prefix}{}", "k".repeat(1024 - prefix.len())));
    for document in [small, large] {
        let request: CreateJobRequest = xml::from_slice(document.as_bytes(), Mode::Strict).unwrap();
        let written = request.to_xml();
        assert_eq!(written, document);
        assert!(written.capacity() < 3 * written.len(), "{} for {}", written.capacity(), written.len());
    }

    let job = body_text("golden/DescribeJob/complete-every-field.response.http");
    let job: DescribeJobResult = xml::from_slice(job.as_bytes(), Mode::Strict).unwrap();
    let error = ApiError::new(ErrorCode::NoSuchJob, "m".repeat(300)).with_resource("r".repeat(300));
    let page = body_text("golden/ListJobs/page.response.http");
    let page: ListJobsResult = xml::from_slice(page.as_bytes(), Mode::Strict).unwrap();
    for written in [job.to_xml(), error.to_xml(), page.to_xml()] {
        assert!(written.capacity() < 3 * written.len(), "{} for {}", written.capacity(), written.len());
    }
}

#[test]
fn of_two_operations_lenient_reading_takes_the_first() {
    let document = body_text("golden/CreateJob/delete.request.http");
    let one: CreateJobRequest = xml::from_slice(document.as_bytes(), Mode::Lenient).unwrap();
    let tagging = "<COSPutObjectTagging><TagSet></TagSet></COSPutObjectTagging></Operation>";
    let two = document.replace("</Operation>", tagging);
    assert_ne!(two, document);
    let read = |mode| xml::from_slice::<CreateJobRequest>(two.as_bytes(), mode);
    assert_eq!(read(Mode::Lenient).unwrap(), one);
    let kind = read(Mode::Strict).unwrap_err().kind;
    assert!(matches!(kind, DecodeErrorKind::ExactlyOne { actual: 2, .. }), "{kind:?}");
}

#[test]
fn words_of_the_xml_library_have_160_bytes_at_most() {
    for bytes in [150, 300] {
        let name = "n".repeat(bytes);
        let document = format!("<CreateJobResult><{name}></CreateJobResult>");
        let kind = xml::from_slice::<CreateJobResult>(document.as_bytes(), Mode::Lenient).unwrap_err().kind;
        let DecodeErrorKind::Syntax(text) = kind else { panic!("{kind:?}") };
        assert_eq!(text.len(), 160, "{text}");
    }
}

#[test]
fn each_header_alone_contradicts_copying_all_of_them() {
    let document = body_text("golden/CreateJob/copy.request.http");
    let with = |metadata: &str| {
        let directive = format!(
            "<MetadataDirective>Copy</MetadataDirective><NewObjectMetadata>{metadata}</NewObjectMetadata><TargetResource>"
        );
        let document = document.replace("<TargetResource>", &directive);
        xml::from_slice::<CreateJobRequest>(document.as_bytes(), Mode::Strict).unwrap().validate()
    };
    for header in ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentType", "HttpExpiresDate"] {
        let error = with(&format!("<{header}>x</{header}>")).unwrap_err().to_string();
        assert!(error.contains("must not be Copy when NewObjectMetadata has headers"), "{header}: {error}");
    }
    assert!(with("<UserMetadata><member><Key>a</Key><Value>b</Value></member></UserMetadata>").is_err());
    // How a copy is encrypted is no header of the source.
    with("<SSEAlgorithm>AES256</SSEAlgorithm>").unwrap();
}

#[test]
fn what_goes_into_headers_has_their_characters() {
    for text in ["1 2", "1;2", "\u{7f}", "1/2"] {
        assert!(Uin::new(text).is_err(), "{text:?}");
    }
    assert!(Uin::new("100000000001").is_ok());
    for text in ["a\nb", "a\r", "\n"] {
        assert!(MetadataValue::new(text).is_err(), "{text:?}");
    }
    assert!(MetadataValue::new("a b\tc \u{ff21}").is_ok());
}

/// A document of the writer's own, with every way to write an element.
struct Note;

impl xml::XmlElement for Note {
    const ELEMENT: &'static str = "Note";
}

impl ToXml for Note {
    fn write<'a>(&self, encoder: xml::Encoder<'a>) -> xml::Encoder<'a> {
        encoder
            .plain("Bytes", 3)
            .element("Inside", |encoder| encoder.plain("True", true))
            .text("Text", "a<b")
            .optional_text("None", None)
            .optional_plain("None", None::<u64>)
    }
}

#[test]
fn numbers_and_flags_are_written_as_they_are() {
    let written = "<Note><Bytes>3</Bytes><Inside><True>true</True></Inside><Text>a&lt;b</Text></Note>";
    assert_eq!(Note.to_xml(), written);

    // The beginning of 1970 is the integer 0.
    let document = body_text("golden/CreateJob/copy.request.http");
    let with = |time: &str| {
        let constraint = format!("<ModifiedSinceConstraint>{time}</ModifiedSinceConstraint><TargetResource>");
        document.replace("<TargetResource>", &constraint)
    };
    for time in ["0", "1", "-1"] {
        let request: CreateJobRequest = xml::from_slice(with(time).as_bytes(), Mode::Strict).unwrap();
        let written = request.to_xml();
        assert!(written.contains(&format!("<ModifiedSinceConstraint>{time}</ModifiedSinceConstraint>")), "{written}");
    }
}

#[test]
fn a_text_of_two_pieces_may_have_all_its_bytes_and_no_more() {
    let kind = |first: usize| {
        let document = format!("<CreateJobResult><JobId>{}<![CDATA[b]]></JobId></CreateJobResult>", "a".repeat(first));
        xml::from_slice::<CreateJobResult>(document.as_bytes(), Mode::Strict).unwrap_err().kind
    };
    let fits = kind(MAX_TEXT_BYTES - 1);
    assert!(!matches!(fits, DecodeErrorKind::TextTooLong { .. }), "the job's id is too long, not the text: {fits:?}");
    let longer = kind(MAX_TEXT_BYTES);
    assert!(matches!(longer, DecodeErrorKind::TextTooLong { max: MAX_TEXT_BYTES }), "{longer:?}");
}

#[test]
fn what_is_not_utf_8_is_told_as_that_wherever_it_stands() {
    for place in [
        &b"<CreateJobResult><JobId a=\"\xFF\">a</JobId></CreateJobResult>"[..],
        b"<CreateJobResult><JobId\xFF>a</JobId></CreateJobResult>",
        b"<CreateJobResult><JobId>a\xFF</JobId></CreateJobResult>",
        b"<CreateJobResult><JobId>a</JobId\xFF></CreateJobResult>",
        b"<CreateJobResult><!-- \xFF --><JobId>a</JobId></CreateJobResult>",
        b"<CreateJobResult><JobId>a</JobId></CreateJobResult>\xFF",
    ] {
        for mode in [Mode::Strict, Mode::Lenient] {
            let kind = xml::from_slice::<CreateJobResult>(place, mode).unwrap_err().kind;
            assert!(matches!(kind, DecodeErrorKind::Encoding), "{}: {kind:?}", String::from_utf8_lossy(place));
        }
    }
}

#[test]
fn a_method_of_any_length_is_refused_in_a_short_message() {
    let method = "A".repeat(8_000);
    let (head, ()) = Request::builder().method(method.as_str()).uri("/jobs").body(()).unwrap().into_parts();
    let error = CreateJobRequest::from_http(&head, b"").unwrap_err();
    assert_eq!(error.code, ErrorCode::MethodNotAllowed);
    assert!(error.message.len() < 120, "{}", error.message);
    let (head, ()) = Request::delete("/jobs").body(()).unwrap().into_parts();
    let error = CreateJobRequest::from_http(&head, b"").unwrap_err();
    assert_eq!(error.message, "the method must be POST, not DELETE");
}
