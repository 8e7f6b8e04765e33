//! Each documented error that is the server's to give, and its form.

use cos_batch_model::*;

use crate::support::*;

/// Method, address, body, expected code, and a part of the message.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    ("GET", "/", "", "InvalidURI", "does not exist"),
    ("GET", "/jobs/j/other", "", "InvalidURI", "does not exist"),
    ("GET", "/jobs/%zz", "", "InvalidURI", "two hexadecimal digits"),
    ("PUT", "/jobs", "", "MethodNotAllowed", "GET, POST"),
    ("GET", "/jobs/", "", "InvalidRequest", "no job id"),
    ("POST", "/jobs//status?requestedJobStatus=Ready", "", "InvalidRequest", "no job id"),
    ("POST", "/jobs", "", "InvalidRequest", "empty"),
    ("POST", "/jobs", "<CreateJobRequest>", "MalformedXML", "CreateJobRequest"),
    ("POST", "/jobs", "<Other/>", "MalformedXML", "CreateJobRequest"),
    ("POST", "/jobs", "<CreateJobRequest><Priority>-1</Priority></CreateJobRequest>", "InvalidArgument", "Priority"),
    ("GET", "/jobs?jobStatuses=Idle", "", "InvalidArgument", "jobStatuses"),
    ("GET", "/jobs?maxResults=0", "", "InvalidArgument", "maxResults"),
    ("GET", "/jobs?maxresults=1", "", "InvalidArgument", "spelled maxResults"),
    ("GET", "/jobs?nextToken=a/b", "", "InvalidArgument", "nextToken"),
    ("POST", "/jobs/j/priority", "", "InvalidRequest", "priority"),
    ("POST", "/jobs/j/priority?priority=x", "", "InvalidArgument", "priority"),
    ("POST", "/jobs/j/status?requestedJobStatus=Paused", "", "InvalidArgument", "Cancelled"),
    ("GET", "/jobs/j", "body", "InvalidRequest", "DescribeJob has no request body"),
    ("DELETE", "/jobs/j", "body", "InvalidRequest", "DeleteJob has no request body"),
    ("GET", "/jobs/j", "", "NoSuchJob", "no job with this id"),
];

#[tokio::test]
async fn each_error_has_its_code_and_form() {
    let service = anonymous(Recorder::default()).build().unwrap();
    for (method, uri, body, code, part) in CASES {
        let (found, message) = refused(&service, plain(method, uri, body)).await;
        assert_eq!(&found, code, "{method} {uri}: {message}");
        assert!(message.to_lowercase().contains(&part.to_lowercase()), "{method} {uri}: {message}");
    }
}

#[tokio::test]
async fn over_a_socket_they_are_the_same() {
    let service = anonymous(Recorder::default()).request_ids(|| "id".to_owned()).build().unwrap();
    let server = Server::start(service.clone()).await;
    let mut connection = Connection::open(&server).await;
    for (method, uri, body, ..) in CASES {
        let length = body.len();
        let request = format!("{method} {uri} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}");
        let over_socket = connection.ask(request).await;
        let socketless = send(&service, plain(method, uri, body)).await;
        assert_eq!(over_socket.status(), socketless.status(), "{method} {uri}");
        assert_eq!(over_socket.body(), socketless.body(), "{method} {uri}");
        assert!(over_socket.headers().contains_key("date"));
        for (name, value) in socketless.headers() {
            assert_eq!(over_socket.headers().get(name), Some(value), "{method} {uri}");
        }
        if over_socket.headers().get("connection").is_some_and(|value| value == "close") {
            connection = Connection::open(&server).await;
        }
    }
    drop(connection);
    server.stop().await;
}

#[tokio::test]
async fn the_answer_as_a_whole() {
    let service = anonymous(Recorder::default()).request_ids(|| "NjkyM2FhYmI=".to_owned()).build().unwrap();
    let response = send(&service, plain("PATCH", "/jobs/a%3Cb", "")).await;
    let mut headers: Vec<_> =
        response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    insta::assert_snapshot!(format!(
        "{}\n{}\n\n{}",
        response.status(),
        headers.join("\n"),
        String::from_utf8_lossy(response.body())
    ));
}

#[tokio::test]
async fn head_and_options_are_not_allowed() {
    let service = anonymous(Recorder::default()).build().unwrap();
    for (method, path, allow) in [
        ("HEAD", "/jobs", "GET, POST"),
        ("OPTIONS", "/jobs", "GET, POST"),
        ("HEAD", "/jobs/j", "GET, DELETE"),
        ("OPTIONS", "/jobs/j/status", "POST"),
    ] {
        let response = send(&service, plain(method, path, "")).await;
        assert_eq!(error(&response).code, ErrorCode::MethodNotAllowed);
        assert_eq!(response.headers()["allow"], allow, "{method} {path}");
    }

    let server = Server::start(service).await;
    let mut connection = Connection::open(&server).await;
    connection.write("HEAD /jobs HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let answer = String::from_utf8(connection.rest().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "an answer to HEAD has no body: {answer}");
    server.stop().await;
}

#[tokio::test]
async fn answers_without_an_error_have_the_same_headers() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let list = send(&service, for_action(&ListJobsRequest::default())).await;
    assert_eq!(list.status(), 200);
    assert_eq!(list.headers()["content-type"], "application/xml");
    assert_eq!(list.headers()["server"], "cos-batch");
    assert!(list.headers().contains_key("x-cos-request-id"));

    let deleted = send(&service, for_action(&DeleteJobRequest { job_id: job_id() })).await;
    assert_eq!(deleted.status(), 204);
    assert!(deleted.body().is_empty() && !deleted.headers().contains_key("content-type"));
    assert!(deleted.headers().contains_key("x-cos-request-id"));
}

#[tokio::test]
async fn request_ids_are_the_services_own_where_given_ones_are_unusable() {
    let mut seen = std::collections::BTreeSet::new();
    for unusable in ["", "two words", "line\nfeed", "ä"] {
        let service = anonymous(Recorder::default()).request_ids(move || unusable.to_owned()).build().unwrap();
        let failure = error(&send(&service, plain("GET", "/", "")).await);
        let id = failure.request_id.unwrap();
        assert_ne!(id, unusable);
        assert!(seen.insert(id), "ids differ");
    }
}

#[tokio::test]
async fn the_context_of_a_call() {
    let recorder = Recorder::default();
    let service = anonymous(recorder.clone()).request_ids(|| "id-1".to_owned()).build().unwrap();
    let mut request = plain("GET", "/jobs", "");
    send(&service, request.clone()).await;
    request.headers_mut().insert("x-cos-appid", "1250000009".parse().unwrap());
    send(&service, request).await;
    let contexts: Vec<_> = recorder.take().into_iter().map(|(context, _)| context).collect();
    let other = AppId::new("1250000009").unwrap();
    assert_eq!(contexts, [RequestContext::new(appid(), "id-1"), RequestContext::new(other, "id-1")]);
}
