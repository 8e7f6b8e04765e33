//! What is signed, and how long things may be, against lists and numbers that are written here once more.

use cos_signature::{
    SignError,
    sigv4::{self, Payload, SigningKey},
};
use http::HeaderName;

use super::*;

/// Headers that the official Go SDK signs besides the host and all `x-cos-` headers.
const SIGNED: [&str; 18] = [
    "access-control-request-headers",
    "access-control-request-method",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-type",
    "expect",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "origin",
    "pic-operations",
    "range",
    "transfer-encoding",
];

/// The same for Signature Version 4, besides all `x-amz-` headers: what says what the body is or which object is meant.
const SIGNED_V4: [&str; 10] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
    "if-match",
    "if-none-match",
    "range",
];

/// Headers that are not signed.
const UNSIGNED: [&str; 4] = ["accept", "accept-encoding", "connection", "user-agent"];

fn with_each(names: &[&'static str]) -> Request<()> {
    let mut request = request("GET", "/", &[("host", "h")]);
    for name in names.iter().chain(&UNSIGNED) {
        request.headers_mut().insert(HeaderName::from_static(name), "1".parse().unwrap());
    }
    request
}

#[test]
fn headers_of_the_list_are_signed_and_no_others() {
    let parts = signed(with_each(&SIGNED), &credentials());
    let mut expected = [SIGNED.as_slice(), &["host"]].concat();
    expected.sort_unstable();
    let list = format!("&q-header-list={}&", expected.join(";"));
    assert!(authorization(&parts).contains(&list), "{}", authorization(&parts));
    strict(&parts).unwrap();
}

fn sign_v4(request: &mut Request<()>) -> Result<(), SignError> {
    let key = SigningKey::derive(&key(), START, "r", "s3");
    sigv4::sign_with(request, &credentials(), &key, START, &Payload::Empty)
}

#[test]
fn headers_of_the_list_of_version_4_are_signed_and_no_others() {
    let mut request = with_each(&SIGNED_V4);
    sign_v4(&mut request).unwrap();
    let mut expected = [SIGNED_V4.as_slice(), &["host", "x-amz-content-sha256", "x-amz-date"]].concat();
    expected.sort_unstable();
    let list = format!(" SignedHeaders={}, ", expected.join(";"));
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains(&list), "{authorization}");
}

#[test]
fn a_host_that_stands_there_twice_is_not_signed_with_version_4() {
    let mut twice = request("GET", "/", &[("host", "h"), ("host", "h")]);
    assert_eq!(sign_v4(&mut twice).unwrap_err(), SignError::DuplicateHeader { name: "host".to_owned() });
}

#[test]
fn a_key_id_has_1_to_128_bytes() {
    for (bytes, accepted) in [(0, false), (1, true), (127, true), (128, true), (129, false), (130, false)] {
        let credentials = Credentials::new("k".repeat(bytes), SECRET_KEY);
        let mut request = request("GET", "/", &[("host", "h")]);
        assert_eq!(sign(&mut request, &credentials, hour()).is_ok(), accepted, "{bytes}");
        if bytes > 0 {
            let parts = signed(request_of_host(), &self::credentials());
            let parts = with_authorization(parts, SECRET_ID, &"k".repeat(bytes));
            assert_eq!(Presented::from_parts(&parts).is_ok(), accepted, "{bytes}");
        }
    }
}

fn request_of_host() -> Request<()> {
    request("GET", "/", &[("host", "h")])
}

#[test]
fn an_error_repeats_64_bytes_of_a_name_at_most() {
    for (bytes, shown) in [(63, 63), (64, 64), (65, 64), (66, 64)] {
        let name = "x".repeat(bytes);
        let mut parts = signed(request_of_host(), &credentials());
        // A list that names a header which stands there twice.
        parts = with_authorization(parts, "q-header-list=host", &format!("q-header-list=host;{name}"));
        let header = HeaderName::from_bytes(name.as_bytes()).unwrap();
        parts.headers.append(header.clone(), "1".parse().unwrap());
        parts.headers.append(header, "2".parse().unwrap());
        let error = strict(&parts).unwrap_err();
        let VerifyError::DuplicateHeader { name } = &error else { panic!("{error:?}") };
        assert_eq!(name.trim_end_matches('…').len(), shown, "{name}");
    }
}
