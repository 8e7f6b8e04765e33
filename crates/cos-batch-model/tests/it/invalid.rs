//! Bodies that must be refused, each for one reason.

use cos_batch_model::{Action, AppId, CreateJobRequest};
use http::Request;

use crate::support::{files, name};

#[test]
fn refusals_name_code_path_rule_and_place() {
    let mut lines = String::new();
    for path in files("invalid") {
        let body = std::fs::read(&path).unwrap();
        let (head, ()) = Request::post("/jobs").body(()).unwrap().into_parts();
        let error = CreateJobRequest::from_http(&head, &body).expect_err(name(&path));
        lines.push_str(&format!("{}\n    {error}\n", name(&path)));
        assert!(error.message.len() < 400, "{}: an error message stays short", name(&path));
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn the_document_that_the_invalid_ones_are_made_from_is_valid() {
    let body = String::from_utf8(crate::support::read("invalid/priority-word.xml")).unwrap();
    let body = body.replacen(">high<", ">5<", 1);
    let (head, ()) = Request::post("/jobs").body(()).unwrap().into_parts();
    let request = CreateJobRequest::from_http(&head, body.as_bytes()).unwrap();
    let appid = AppId::new("1250000000").unwrap();
    assert_eq!(request.to_http(&appid).uri(), "/jobs");
}
