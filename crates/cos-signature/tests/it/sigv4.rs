//! Signature Version 4 against an example from its documentation, and against the signer of the AWS SDK for Rust.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode,
    },
    sign::v4,
};
use cos_signature::{
    Credentials, NameList,
    sigv4::{Payload, SigningKey, canonical, sign_with},
};
use http::{Method, Request};
use proptest::prelude::*;

/// `GET Object` of the Amazon S3 API Reference's examples of signature calculations.
#[test]
fn the_documented_example_is_reproduced() {
    const MIDNIGHT: i64 = 1_369_353_600; // 2013-05-24
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let key = SigningKey::derive(&credentials.secret_key, MIDNIGHT, "us-east-1", "s3");
    let mut request = Request::get("/test.txt")
        .header("host", "examplebucket.s3.amazonaws.com")
        .header("range", "bytes=0-9")
        .body(())
        .unwrap();
    sign_with(&mut request, &credentials, &key, MIDNIGHT, &Payload::Empty).unwrap();
    assert_eq!(
        request.headers()["authorization"].to_str().unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );

    // A verifier comes to the same texts with the list that the request presents.
    let (parts, ()) = request.into_parts();
    let list = NameList::parse("host;range;x-amz-content-sha256;x-amz-date");
    let hash = parts.headers["x-amz-content-sha256"].to_str().unwrap();
    let text = canonical::request(&parts, &list, hash);
    let to_sign = String::from_utf8(canonical::string_to_sign(&key, MIDNIGHT, &text)).unwrap();
    assert_eq!(
        to_sign,
        "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n\
         7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"
    );
    assert_eq!(key.signature(MIDNIGHT, &text)[..4], [0xf0, 0xe8, 0xbd, 0xb8]);
}

#[derive(Debug, Clone)]
struct Case {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    token: Option<String>,
    time: i64,
}

/// Percent-encoding as our object stores write it.
fn encoded(text: &str, bare: &[u8]) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || bare.contains(&byte) {
            all.push(char::from(byte));
        } else {
            all.push_str(&format!("%{byte:02X}"));
        }
        all
    })
}

fn case() -> impl Strategy<Value = Case> {
    let method = prop::sample::select(vec![Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::HEAD]);
    let name = prop::sample::select(vec![
        "content-type",
        "content-md5",
        "range",
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-meta-a",
        "x-amz-meta-b-c",
        "x-amz-storage-class",
    ]);
    let headers = prop::collection::btree_map(name.prop_map(str::to_owned), "[!-~]{1,3}( {1,3}[!-~]{1,4}){0,2}", 0..6);
    (
        method,
        "[ -~äé/.]{0,20}",
        prop::collection::vec(("[a-zA-Z.~/ -]{1,6}", "[ -~ä]{0,6}"), 0..4),
        headers,
        prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        prop::option::of("[a-zA-Z0-9+/=]{1,30}"),
        0_i64..4_000_000_000,
    )
        .prop_map(|(method, path, query, headers, body, token, time)| Case {
            method,
            path,
            query,
            headers: headers.into_iter().collect(),
            body,
            token,
            time,
        })
}

fn uri(case: &Case) -> String {
    let pairs =
        case.query.iter().map(|(name, value)| format!("{}={}", encoded(name, b"-_.~"), encoded(value, b"-_.~")));
    let query = pairs.collect::<Vec<_>>().join("&");
    format!("http://b.example:81/{}{}{query}", encoded(&case.path, b"-_.~/"), if query.is_empty() { "" } else { "?" })
}

fn theirs(case: &Case) -> String {
    let credentials =
        aws_credential_types::Credentials::new("AKID1", "secret", case.token.clone(), None, "test").into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = v4::SigningParams::builder()
        .identity(&credentials)
        .region("ap-east-1")
        .name("s3")
        .time(UNIX_EPOCH + Duration::from_secs(case.time.unsigned_abs()))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let headers = case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = case.body.as_ref().map_or(SignableBody::UnsignedPayload, |body| SignableBody::Bytes(body));
    let uri = uri(case);
    let headers = headers.chain([("host", "b.example:81")]);
    let request = SignableRequest::new(case.method.as_str(), &uri, headers, body).unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(request, &params).unwrap().into_parts();
    let mut found = instructions.headers().filter(|(name, _)| *name == "authorization").map(|(_, value)| value);
    found.next().unwrap().to_owned()
}

fn ours(case: &Case) -> String {
    let credentials = Credentials::new("AKID1", "secret");
    let credentials = match &case.token {
        Some(token) => credentials.with_security_token(token.as_str()),
        None => credentials,
    };
    let key = SigningKey::derive(&credentials.secret_key, case.time, "ap-east-1", "s3");
    let mut request = Request::builder().method(case.method.clone()).uri(uri(case));
    for (name, value) in &case.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(()).unwrap();
    let payload = case.body.as_deref().map_or(Payload::Unsigned, Payload::Signed);
    sign_with(&mut request, &credentials, &key, case.time, &payload).unwrap();
    request.headers()["authorization"].to_str().unwrap().to_owned()
}

proptest! {
    #[test]
    fn signatures_are_those_of_the_official_signer(case in case()) {
        prop_assert_eq!(ours(&case), theirs(&case));
    }
}
