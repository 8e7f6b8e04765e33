//! Requests that the trait has no method for: making buckets, switching versions on.

use bytes::Bytes;
use cos_signature::{
    Credentials,
    sigv4::{Payload, SigningKey, sign_with},
};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(super) const SECRET_ID: &str = "testkey";
pub(super) const SECRET_KEY: &str = "testsecret";

pub(super) fn credentials() -> Credentials {
    Credentials::new(SECRET_ID, SECRET_KEY)
}

#[expect(clippy::disallowed_methods, reason = "the server compares the time with its own")]
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Sends a request in the dialect of S3; gives the status and the body, or nothing where there is no answer.
pub(super) async fn send(address: &str, method: Method, target: &str, body: &str) -> Option<(u16, String)> {
    send_with(address, method, target, &[], body).await
}

/// The same with further headers.
pub(super) async fn send_with(
    address: &str,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    let credentials = credentials();
    let time = now();
    let key = SigningKey::derive(&credentials.secret_key, time, "us-east-1", "s3");
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", address)
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    sign_with(&mut request, &credentials, &key, time, &Payload::Signed(body.as_bytes())).unwrap();
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    driver.abort();
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}
