//! What a server offers beside the API.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cos_batch_model::{ApiError, BatchApi, BoxFuture, ErrorCode, RequestContext};
use cos_batch_server::{BatchService, EXTENSION_PREFIX, Extension, Limits, StaticKeys};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::ServiceExt as _;

use crate::support::{APPID, NOW, SECRET_ID, appid, key, md5_of, plain, signed};

struct Backend;
impl BatchApi for Backend {}

/// Notes who asked for what, and answers as the path says.
#[derive(Clone, Default)]
struct Echo(Arc<Mutex<Vec<String>>>);

impl Extension for Echo {
    fn answer<'a>(
        &'a self,
        context: &'a RequestContext,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, ApiError>> {
        Box::pin(async move {
            let body = String::from_utf8_lossy(request.body());
            let line = format!("{} {} {} [{body}]", context.appid, request.method(), request.uri());
            self.0.lock().unwrap().push(line.clone());
            match request.uri().path() {
                "/-/fails" => Err(ApiError::new(ErrorCode::NoSuchJob, "there is no such thing")),
                "/-/panics" => panic!("as the test asks"),
                "/-/hangs" => std::future::pending().await,
                _ => Ok(Response::builder().header("content-type", "text/plain").body(line.into()).unwrap()),
            }
        })
    }
}

fn service(echo: Echo, limits: Limits) -> BatchService {
    let keys = StaticKeys::new().with(SECRET_ID, key());
    BatchService::builder(Arc::new(Backend))
        .authenticate(keys)
        .extension(echo)
        .limits(limits)
        .clock(|| NOW)
        .build()
        .unwrap()
}

/// A request to the extension, complete but for its signature.
fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let mut request = plain(method, path, body);
    request.headers_mut().insert("host", "batch.example".parse().unwrap());
    request.headers_mut().insert("x-cos-appid", APPID.parse().unwrap());
    if !body.is_empty() {
        request.headers_mut().insert("content-md5", md5_of(body).parse().unwrap());
    }
    request
}

async fn ask(service: &BatchService, request: Request<Full<Bytes>>) -> (u16, String) {
    let response = service.clone().oneshot(request).await.unwrap();
    assert!(response.headers().contains_key("x-cos-request-id"));
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_signed_request_reaches_the_extension_and_only_it() {
    let echo = Echo::default();
    let service = service(echo.clone(), Limits::default());
    assert_eq!(EXTENSION_PREFIX, "/-/");
    let answer = ask(&service, signed(request("GET", "/-/any/thing?a=b", ""))).await;
    assert_eq!(answer, (200, format!("{APPID} GET /-/any/thing?a=b []")));
    let answer = ask(&service, signed(request("PATCH", "/-/", "words"))).await;
    assert_eq!(answer, (200, format!("{APPID} PATCH /-/ [words]")));
    let (status, body) = ask(&service, signed(request("GET", "/jobs", ""))).await;
    assert_eq!(status, 501, "{body}");
    assert_eq!(echo.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_api_refuses_is_refused_here_too() {
    let echo = Echo::default();
    let limits = Limits { extension_body_bytes: 5, ..Limits::default() };
    let service = service(echo.clone(), limits);
    let mut unbound = request("PUT", "/-/x", "words");
    unbound.headers_mut().remove("content-md5");
    let mut altered = signed(request("PUT", "/-/x", "words"));
    *altered.body_mut() = Full::from("sword");
    let mut added = signed(request("PUT", "/-/x", ""));
    *added.body_mut() = Full::from("words");
    let cases = [
        (request("GET", "/-/x", ""), 403, "AccessDenied"),
        (signed(unbound), 403, "AccessDenied"),
        (added, 403, "AccessDenied"),
        (altered, 400, "BadDigest"),
        (signed(request("PUT", "/-/x", "longer")), 400, "InvalidRequest"),
        (signed(request("GET", "/-/x?MAXRESULTS=1", "")), 400, "InvalidArgument"),
        (signed(request("GET", &format!("/-/{}", "x".repeat(9000)), "")), 400, "InvalidURI"),
    ];
    for (request, expected, code) in cases {
        let shown = format!("{} {}", request.method(), request.uri().path().chars().take(9).collect::<String>());
        let (status, body) = ask(&service, request).await;
        assert_eq!(status, expected, "{shown}: {body}");
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{shown}: {body}");
    }
    assert_eq!(*echo.0.lock().unwrap(), [] as [String; 0]);
}

#[tokio::test]
async fn errors_of_the_extension_are_rendered_as_those_of_the_api() {
    let limits = Limits { extension_timeout: std::time::Duration::from_millis(20), ..Limits::default() };
    let service = service(Echo::default(), limits);
    for (path, expected, code) in
        [("/-/fails", 404, "NoSuchJob"), ("/-/panics", 500, "InternalError"), ("/-/hangs", 500, "ServiceUnavailable")]
    {
        let (status, body) = ask(&service, signed(request("GET", path, ""))).await;
        assert_eq!(status, expected, "{body}");
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
        assert!(body.contains(&format!("<Resource>{path}</Resource>")), "{body}");
    }
}

#[tokio::test]
async fn without_an_extension_it_is_said_that_there_is_none() {
    let keys = StaticKeys::new().with(SECRET_ID, key());
    let service = BatchService::builder(Arc::new(Backend)).authenticate(keys).clock(|| NOW).build().unwrap();
    let (status, body) = ask(&service, signed(request("GET", "/-/jobs/j", ""))).await;
    assert!(status == 501 && body.contains("<Code>NotImplemented</Code>"), "{status} {body}");
    // Not to everybody.
    assert_eq!(ask(&service, request("GET", "/-/jobs/j", "")).await.0, 403);
}

#[tokio::test]
async fn without_keys_the_caller_is_whom_he_names() {
    let builder = BatchService::builder(Arc::new(Backend)).allow_anonymous(appid()).clock(|| NOW);
    let service = builder.extension(Echo::default()).build().unwrap();
    let mut request = plain("POST", "/-/x", "unsigned");
    request.headers_mut().insert("x-cos-appid", "7".parse().unwrap());
    assert_eq!(ask(&service, request).await, (200, "7 POST /-/x [unsigned]".to_owned()));
}
