//! Requests as the SDK for Rust signs them, in the header and in the query.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use cos_batch_s3control::sigv4::{Payload, Presented, SignatureError, verify};
use cos_signature::SecretKey;
use http::{Request, request::Parts};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// Ids of keys may have a slash.
const KEY_ID: &str = "AKID/1";
pub(crate) const SECRET: &str = "exampleSecret";
pub(crate) const NOW: i64 = 1_796_000_000;

/// What is signed.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) token: Option<String>,
    /// Seconds for which a signature in the query is good; none: it stands in the header.
    pub(crate) expires: Option<u64>,
}

impl Asked {
    pub(crate) fn new(method: &'static str, target: &str) -> Self {
        let headers = vec![("x-amz-account-id".to_owned(), "123456789012".to_owned())];
        let (target, body) = (target.to_owned(), Some(Vec::new()));
        Self { method, target, headers, body, token: None, expires: None }
    }

    /// Signed by the SDK.
    pub(crate) fn signed(&self) -> Parts {
        let identity = aws_credential_types::Credentials::new(KEY_ID, SECRET, self.token.clone(), None, "test").into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if let Some(seconds) = self.expires {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(seconds));
            settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("snow")
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let uri = format!("http://127.0.0.1:9450{}", self.target);
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = headers.chain([("host", "127.0.0.1:9450")]).collect();
        let body = match &self.body {
            Some(body) if self.expires.is_none() => SignableBody::Bytes(body),
            _ => SignableBody::UnsignedPayload,
        };
        let signable = SignableRequest::new(self.method, &uri, headers.clone().into_iter(), body).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = Request::builder().method(self.method).uri(&self.target);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }
}

pub(crate) fn check(head: &Parts, now: i64) -> Result<Presented, SignatureError> {
    let presented = Presented::from_parts(head)?;
    let secret = (presented.secret_id == KEY_ID).then(|| SecretKey::new(SECRET));
    verify(head, &presented, secret.as_ref(), now)?;
    Ok(presented)
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        prop::sample::select(vec!["GET", "POST", "PUT", "DELETE"]),
        prop::sample::select(vec![
            "/v20180820/jobs",
            "/v20180820/jobs/a-b_c/status?requestedJobStatus=Ready&statusUpdateReason=go%20on%2B%C3%A9",
            "/v20180820/jobs?jobStatuses=Active&jobStatuses=Complete&maxResults=5&nextToken=t%2B%2F%3D",
        ]),
        prop::collection::btree_map("x-amz-[a-z]{1,6}|content-type", "[!-~]{1,4}( {1,3}[!-~]{1,4})?", 0..4),
        prop::collection::vec(any::<u8>(), 0..40),
        prop::option::of("[a-zA-Z0-9+/=]{1,30}"),
        prop::option::of(1_u64..=604_800),
    )
        .prop_map(|(method, target, headers, body, token, expires)| {
            let mut asked = Asked::new(method, target);
            asked.headers.extend(headers.into_iter().filter(|(name, _)| name != "x-amz-account-id"));
            Asked { body: Some(body), token, expires, ..asked }
        })
}

proptest! {
    #[test]
    fn what_the_sdk_signs_is_accepted(asked in asked()) {
        let head = asked.signed();
        let presented = check(&head, NOW).map_err(|error| TestCaseError::fail(format!("{error} {head:?}")))?;
        prop_assert_eq!((presented.secret_id.as_str(), presented.region.as_str()), (KEY_ID, "snow"));
        prop_assert_eq!(&presented.security_token, &asked.token);
        let expected = match asked.expires {
            None => Payload::Hash(hex::encode(Sha256::digest(asked.body.unwrap()))),
            Some(_) => Payload::Unsigned,
        };
        prop_assert_eq!(presented.payload, expected);
    }
}

#[test]
fn a_signature_is_good_around_its_time() {
    let in_header = Asked::new("GET", "/v20180820/jobs").signed();
    for (now, good) in [(NOW - 900, true), (NOW - 901, false), (NOW + 900, true), (NOW + 901, false)] {
        let found = check(&in_header, now);
        assert!(good == found.is_ok(), "{now} {found:?}");
        assert!(good || matches!(found, Err(SignatureError::Skewed { seconds: 901, .. })));
    }
    let in_query = Asked { expires: Some(60), ..Asked::new("GET", "/v20180820/jobs?maxResults=1") }.signed();
    for (now, good) in [(NOW - 900, true), (NOW - 901, false), (NOW + 60, true), (NOW + 61, false)] {
        assert!(good == check(&in_query, now).is_ok(), "{now}");
    }
    assert_eq!(check(&in_query, NOW + 70).unwrap_err(), SignatureError::Expired { seconds: 10 });
    let too_long = Asked { expires: Some(604_801), ..Asked::new("GET", "/v20180820/jobs") }.signed();
    assert!(matches!(check(&too_long, NOW), Err(SignatureError::Malformed { what: "X-Amz-Expires", .. })));
}

#[test]
fn without_a_key_nothing_is_right() {
    let head = Asked::new("GET", "/v20180820/jobs").signed();
    let presented = Presented::from_parts(&head).unwrap();
    assert_eq!(verify(&head, &presented, None, NOW), Err(SignatureError::UnknownKey));
    assert_eq!(verify(&head, &presented, Some(&SecretKey::new("other")), NOW), Err(SignatureError::Mismatch));
}
