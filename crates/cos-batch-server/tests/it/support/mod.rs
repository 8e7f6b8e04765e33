//! What the tests have in common.

pub(crate) mod honest;
mod recorder;
pub(crate) mod socket;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_model::{Action, ApiError, AppId, BatchApi, JobId};
use cos_batch_server::{BatchService, Builder, Key, StaticKeys};
use cos_signature::{Credentials, KeyTime, SecretKey, sign};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use md5::{Digest, Md5};
use tower::ServiceExt;

pub(crate) use recorder::Recorder;
pub(crate) use socket::{Connection, Server};

pub(crate) const SECRET_ID: &str = "AKIDEXAMPLEONLYNOTREAL0001";
pub(crate) const SECRET_KEY: &str = "exampleSecretKeyNotReal0001";
pub(crate) const APPID: &str = "1250000000";
pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const JOB: &str = "53dc6228-c50b-46f7-8ad7-65e7159f1aae";

pub(crate) const CREATE: &str = "<CreateJobRequest><ClientRequestToken>t</ClientRequestToken><Manifest><Location>\
    <ETag>e</ETag><ObjectArn>qcs::cos:ap-guangzhou::b-1250000000/m.json</ObjectArn></Location><Spec>\
    <Format>COSInventoryReport_CSV_V1</Format></Spec></Manifest><Operation><COSDeleteObject/></Operation>\
    <Priority>1</Priority><Report><Enabled>false</Enabled></Report><RoleArn>role</RoleArn></CreateJobRequest>";

pub(crate) fn appid() -> AppId {
    AppId::new(APPID).unwrap()
}

pub(crate) fn job_id() -> JobId {
    JobId::new(JOB).unwrap()
}

pub(crate) fn key() -> Key {
    Key::new(SecretKey::new(SECRET_KEY), appid())
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new(SECRET_ID, SECRET_KEY)
}

/// A service at the time of the tests that lets everybody in.
pub(crate) fn anonymous(api: impl BatchApi + 'static) -> Builder {
    BatchService::builder(Arc::new(api)).allow_anonymous(appid()).clock(|| NOW)
}

/// A service at the time of the tests with one key.
pub(crate) fn strict(api: impl BatchApi + 'static) -> BatchService {
    with_key(api, key())
}

pub(crate) fn with_key(api: impl BatchApi + 'static, key: Key) -> BatchService {
    let keys = StaticKeys::new().with(SECRET_ID, key);
    BatchService::builder(Arc::new(api)).authenticate(keys).clock(|| NOW).build().unwrap()
}

/// An unsigned request without headers.
pub(crate) fn plain(method: &str, uri: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(uri).body(Full::from(body.to_owned())).unwrap()
}

/// A request for an action as a client makes it, but for the signature.
pub(crate) fn for_action(action: &impl Action) -> Request<Full<Bytes>> {
    let mut request = action.to_http(&appid());
    request.headers_mut().insert("host", "batch.example".parse().unwrap());
    if !request.body().is_empty() {
        let md5 = md5_of(request.body());
        request.headers_mut().insert("content-md5", md5.parse().unwrap());
        let length = request.body().len();
        request.headers_mut().insert("content-length", length.into());
    }
    request.map(Full::new)
}

/// What Content-MD5 says of a body.
pub(crate) fn md5_of(body: impl AsRef<[u8]>) -> String {
    STANDARD.encode(Md5::digest(body))
}

/// A CreateJob that all is well with, but for the signature.
pub(crate) fn create() -> Request<Full<Bytes>> {
    create_with(CREATE)
}

/// A CreateJob with this body, but for the signature.
pub(crate) fn create_with(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let body = body.into();
    let digest = md5_of(&body);
    let mut request = plain("POST", "/jobs", "");
    for (name, value) in [
        ("host", "batch.example"),
        ("x-cos-appid", APPID),
        ("content-type", "application/xml"),
        ("content-md5", &digest),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request.map(|_| Full::new(body))
}

/// The request as HTTP/1.1 sends it.
pub(crate) async fn on_the_wire(request: Request<Full<Bytes>>) -> Vec<u8> {
    let (head, body) = request.into_parts();
    let mut bytes = format!("{} {} HTTP/1.1\r\n", head.method, head.uri).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body.collect().await.unwrap().to_bytes());
    bytes
}

/// The request, signed for the hour from now.
pub(crate) fn signed<B>(mut request: Request<B>) -> Request<B> {
    sign(&mut request, &credentials(), KeyTime::new(NOW, NOW + 3600).unwrap()).unwrap();
    request
}

/// Where a captured request of the official Go SDK is; without a name, the folder.
pub(crate) fn captured_path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/captures/cos-go-sdk");
    if name.is_empty() { folder } else { folder.join(name).with_extension("http") }
}

/// Hands a request to the service without a socket.
pub(crate) async fn send<B>(service: &BatchService, request: Request<B>) -> Response<Bytes>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

/// The error of an answer, after checking what all error answers have in common.
pub(crate) fn error(response: &Response<Bytes>) -> ApiError {
    assert!(!response.status().is_success(), "{response:?}");
    assert_eq!(response.headers()["content-type"], "application/xml");
    assert_eq!(response.headers()["server"], "cos-batch");
    let error = ApiError::from_http(response);
    let id = response.headers()["x-cos-request-id"].to_str().unwrap();
    assert_eq!(error.request_id.as_deref(), Some(id));
    assert_eq!(error.status, error.code.status(), "{error}");
    assert!(!error.message.is_empty());
    error
}

/// Hands a request to the service that is refused, and gives the code and the message.
pub(crate) async fn refused<B>(service: &BatchService, request: Request<B>) -> (String, String)
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    let path = request.uri().path().to_owned();
    let error = error(&send(service, request).await);
    assert_eq!(error.resource.as_deref(), Some(path.as_str()));
    (error.code.as_str().to_owned(), error.message)
}
