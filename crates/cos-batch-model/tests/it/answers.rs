//! Answers: what a newer or a broken server may send.

use bytes::Bytes;
use cos_batch_model::xml::{self, Mode, ToXml};
use cos_batch_model::{
    ActionOutput, ApiError, CreateJobResult, DeleteJobResult, DescribeJobResult, ErrorCode, Lenient, ListJobsResult,
    Operation, ResponseError, UpdateJobStatusResult,
};
use http::{Response, StatusCode};

use crate::support::body_text;

fn answer(status: u16, body: &str) -> Response<Bytes> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Response::builder().status(status).body(body).unwrap()
}

#[test]
fn every_code_and_its_status() {
    let mut lines = String::new();
    for code in ErrorCode::ALL {
        lines.push_str(&format!("{} {code}\n", code.status().as_u16()));
        assert_eq!(ErrorCode::from_wire(code.as_str()), *code);
        assert_eq!(ErrorCode::from_wire(&format!(" {code}\n")), *code);
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn unknown_things_of_a_newer_server_are_lived_with() {
    let text = body_text("spec/DescribeJob/suspended.response.http");
    let newer = text
        .replacen("<Status>Suspended", "<Shard><Count>3</Count><Of/></Shard><Status>Hibernating", 1)
        .replacen("<Job>", "<Job version='2'>note", 1)
        .replacen("COSPutObjectCopy", "COSPutObjectRetention", 2)
        .replacen("COSBatchOperations_CSV_V1", "COSBatchOperations_Parquet_V1", 1)
        .replacen("<member>Key", "<member>Owner", 1)
        .replacen("<Priority>20</Priority>", "<Priority>20</Priority><Priority>21</Priority>", 1);
    assert!(xml::from_slice::<DescribeJobResult>(newer.as_bytes(), Mode::Strict).is_err());
    let job = DescribeJobResult::from_http(&answer(200, &newer)).unwrap().job;
    assert_eq!(job.priority.get(), 20, "of a repeated element the first counts");
    assert_eq!(job.status.to_string(), "Hibernating");
    assert_eq!(job.status.known(), None);
    let error = job.status.require("Status").unwrap_err();
    assert!(error.to_string().contains("Hibernating"), "{error}");
    assert!(matches!(&job.operation, Operation::Unknown(name) if name.as_str() == "COSPutObjectRetention"));
    assert_eq!(job.operation.kind().as_str(), "COSPutObjectRetention");
    assert!(matches!(&job.manifest.spec.format, Lenient::Unknown(_)));
    // What was kept can be written and read again.
    let again = DescribeJobResult { job };
    assert_eq!(xml::from_slice(again.to_xml().as_bytes(), Mode::Lenient), Ok(again));
}

#[test]
fn an_unknown_operation_must_have_a_name_that_can_be_written_again() {
    let text = body_text("spec/DescribeJob/suspended.response.http");
    for name in ["1x", "a&b", "a<b"] {
        let broken = text.replacen("COSPutObjectCopy", name, 2);
        let error = DescribeJobResult::from_http(&answer(200, &broken)).unwrap_err();
        assert!(matches!(error, ResponseError::Decode(_)), "{name}: {error}");
    }
}

#[test]
fn empty_elements_count_as_absent() {
    let text = "<ListJobsResult><Jobs/><NextToken></NextToken></ListJobsResult>";
    assert_eq!(ListJobsResult::from_http(&answer(200, text)), Ok(ListJobsResult::default()));
    let text =
        "<UpdateJobStatusResult><JobId>a</JobId><Status>New</Status><StatusUpdateReason/></UpdateJobStatusResult>";
    let result = UpdateJobStatusResult::from_http(&answer(200, text)).unwrap();
    assert_eq!(result.status_update_reason, None);
}

#[test]
fn a_success_that_cannot_be_read_says_where() {
    for (body, expected) in [
        ("", "the document ends too early (at byte 0)"),
        ("<html></html>", "the root element must be CreateJobResult, not html (at byte 6)"),
        ("<CreateJobResult><JobId>", "CreateJobResult/JobId: "),
        ("<CreateJobResult></CreateJobResult>", "CreateJobResult: element JobId is missing (at byte 35)"),
        (
            "<CreateJobResult><JobId/></CreateJobResult>",
            "CreateJobResult/JobId: JobId is missing or empty (at byte 25)",
        ),
    ] {
        let error = CreateJobResult::from_http(&answer(200, body)).unwrap_err();
        assert!(matches!(error, ResponseError::Decode(_)), "{body}");
        assert!(error.to_string().contains(expected), "{body}: {error}");
    }
}

#[test]
fn every_success_means_deleted() {
    for status in [200, 202, 204] {
        assert_eq!(DeleteJobResult::from_http(&answer(status, "anything")), Ok(DeleteJobResult));
    }
    assert!(DeleteJobResult::from_http(&answer(304, "")).is_err());
}

#[test]
fn errors_without_a_readable_body_are_still_errors() {
    let mut lines = String::new();
    let page = format!("<html><body>{}</body></html>", "busy ".repeat(100));
    for status in [302, 400, 401, 403, 404, 405, 411, 412, 413, 429, 500, 501, 502, 503, 504] {
        for body in ["", "<Error><Code> </Code></Error>", page.as_str()] {
            let error = ApiError::from_http(&answer(status, body));
            assert_eq!(error.status.as_u16(), status);
            lines.push_str(&format!("{error}\n"));
        }
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn ids_are_taken_from_the_headers_when_the_body_has_none() {
    let response = Response::builder()
        .status(500)
        .header("x-cos-request-id", "request-1")
        .header("x-cos-trace-id", "trace-1")
        .body(Bytes::from_static(b"<Error><Code>Odd &amp; new</Code><RequestId>other</RequestId></Error>"))
        .unwrap();
    let error = ApiError::from_http(&response);
    assert_eq!(error.request_id.as_deref(), Some("other"));
    assert_eq!(error.trace_id.as_deref(), Some("trace-1"));
    assert_eq!(error.code.as_str(), "Odd & new");
    assert_eq!(error.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn the_request_id_falls_back_to_its_header() {
    for body in ["", "<Error><Code>NoSuchJob</Code></Error>", "<Error><RequestId></RequestId><TraceId/></Error>"] {
        let mut response = answer(404, body);
        response.headers_mut().insert("x-cos-request-id", "request-1".parse().unwrap());
        response.headers_mut().insert("x-cos-trace-id", "trace-1".parse().unwrap());
        let error = ApiError::from_http(&response);
        assert_eq!(error.request_id.as_deref(), Some("request-1"), "{body}");
        assert_eq!(error.trace_id.as_deref(), Some("trace-1"), "{body}");
        // A header without content is no id.
        response.headers_mut().insert("x-cos-request-id", "".parse().unwrap());
        assert_eq!(ApiError::from_http(&response).request_id, None, "{body}");
    }
}

#[test]
fn an_error_about_control_characters_is_still_well_formed() {
    let error = ApiError::new(ErrorCode::InvalidArgument, "not `\u{1}\u{0}<\r\u{ffff}`").with_request_id("a\nb");
    let response = error.to_http();
    assert!(response.headers().get("x-cos-request-id").is_none(), "a line end must not reach a header");
    let again = ApiError::from_http(&response);
    assert_eq!(again.message, "not `\u{fffd}\u{fffd}<\r\u{fffd}`");
    assert_eq!(again.code, ErrorCode::InvalidArgument);
}
