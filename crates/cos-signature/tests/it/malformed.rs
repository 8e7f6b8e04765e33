//! Signatures that cannot be read.

use cos_signature::PRESENTED_BYTES_MAX;

use super::*;

const HEADERS: [(&str, &str); 2] = [("host", "h.example"), ("x-cos-appid", "1250000000")];

fn good() -> Parts {
    signed(request("GET", "/jobs", &HEADERS), &credentials())
}

fn read(value: &str) -> Result<Presented<'static>, VerifyError> {
    let mut parts = good();
    parts.headers.insert("authorization", value.parse().unwrap());
    Presented::from_parts(&parts).map(Presented::into_owned)
}

#[test]
fn no_signature() {
    let (parts, ()) = request("GET", "/jobs", &HEADERS).into_parts();
    assert_eq!(Presented::from_parts(&parts).unwrap_err(), VerifyError::Missing);
}

#[test]
fn two_authorization_headers() {
    let mut parts = good();
    let value = parts.headers["authorization"].clone();
    parts.headers.append("authorization", value);
    let error = Presented::from_parts(&parts).unwrap_err();
    assert_eq!(error, VerifyError::DuplicateHeader { name: "authorization".into() });
}

#[test]
fn each_field_is_needed_once() {
    let parts = good();
    let value = authorization(&parts);
    let fields: Vec<&str> = value.split('&').collect();
    assert_eq!(fields.len(), 7);
    for index in 0..fields.len() {
        let mut missing = fields.clone();
        missing.remove(index);
        assert!(matches!(read(&missing.join("&")), Err(VerifyError::Malformed { .. })), "{missing:?}");
        let mut twice = fields.clone();
        twice.push(fields[index]);
        assert!(matches!(read(&twice.join("&")), Err(VerifyError::Malformed { .. })), "{twice:?}");
    }
    let mut backwards = fields;
    backwards.reverse();
    assert_eq!(read(&backwards.join("&")).unwrap().secret_id, SECRET_ID, "the order of the fields does not count");
}

#[test]
fn bad_values() {
    let parts = good();
    let value = authorization(&parts);
    let signature = value.rsplit_once('=').unwrap().1;
    assert_eq!(read(&value.replace("=sha1", "=sha256")).unwrap_err(), VerifyError::UnsupportedAlgorithm);
    let of_aws = "AWS4-HMAC-SHA256 Credential=AKID/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=00";
    assert_eq!(read(of_aws).unwrap_err(), VerifyError::UnsupportedAlgorithm);
    let long_id = "A".repeat(cos_signature::SECRET_ID_BYTES_MAX + 1);
    let upper = signature.to_uppercase();
    for (from, to) in [
        (SECRET_ID, ""),
        (SECRET_ID, long_id.as_str()),
        (SECRET_ID, "a b"),
        ("q-key-time=1", "q-key-time=01"),
        ("q-sign-time=1700000000;", "q-sign-time=1700000000,"),
        (signature, &signature[1..]),
        (signature, upper.as_str()),
        ("q-signature=", "q-signature"),
        ("q-ak", "q-ka"),
    ] {
        let altered = value.replace(from, to);
        assert_ne!(altered, value, "{from}");
        assert!(matches!(read(&altered), Err(VerifyError::Malformed { .. })), "{altered}");
    }
    for other in ["", "Basic dXNlcjpwYXNz", "&", "q-ak=x"] {
        assert!(matches!(read(other), Err(VerifyError::Malformed { .. })), "{other}");
    }
}

#[test]
fn length() {
    let parts = good();
    let value = authorization(&parts);
    let room = PRESENTED_BYTES_MAX - value.len();
    let padded = |bytes: usize| value.replace("q-header-list=", &format!("q-header-list={}", ";".repeat(bytes)));
    assert!(read(&padded(room)).is_ok());
    assert!(matches!(read(&padded(room + 1)), Err(VerifyError::Malformed { .. })));
}

#[test]
fn debug_does_not_show_what_could_be_replayed() {
    let parts = signed(request("GET", "/jobs", &HEADERS), &credentials().with_security_token("tok-tok"));
    let presented = Presented::from_parts(&parts).unwrap();
    let shown = format!("{presented:?}");
    assert!(shown.contains(SECRET_ID) && shown.contains("x-cos-security-token"), "{shown}");
    assert!(!shown.contains("tok-tok") && !shown.contains("signature"), "{shown}");
}
