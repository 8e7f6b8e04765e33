//! Whatever is altered after signing is refused.

use http::{HeaderName, Method, Uri};

use super::*;

const STATUS: &str = "/jobs/job-1/status?requestedJobStatus=Ready&statusUpdateReason=go+on";

const HEADERS: [(&str, &str); 7] = [
    ("content-length", "3"),
    ("content-md5", "kAFQmDzST7DWlj99KOF/cg=="),
    ("content-type", "application/xml"),
    ("host", "batch.example:8080"),
    ("x-cos-appid", "1250000000"),
    ("x-cos-meta-a!b", "1"),
    ("user-agent", "test"),
];

fn original() -> Parts {
    signed(request("POST", STATUS, &HEADERS), &credentials().with_security_token("token"))
}

#[test]
fn the_original_is_accepted() {
    assert_eq!(strict(&original()), Ok(()));
}

#[test]
fn method_and_path() {
    let mut parts = original();
    parts.method = Method::PUT;
    assert_eq!(strict(&parts), Err(VerifyError::Mismatch));
    for path in ["/jobs/job-2/status", "/jobs/job-1/statu", "/jobs/job-1/status/", "/Jobs/job-1/status", "/"] {
        let mut parts = original();
        parts.uri = format!("{path}?{}", parts.uri.query().unwrap()).parse().unwrap();
        assert_eq!(strict(&parts), Err(VerifyError::Mismatch), "{path}");
    }
}

#[test]
fn query() {
    let mismatches = [
        "requestedJobStatus=Cancelled&statusUpdateReason=go+on",
        "requestedJobStatus=&statusUpdateReason=go+on",
        "requestedJobStatus=Ready&statusUpdateReason=go%2Bon",
        "requestedJobStatus=Ready&requestedJobStatus=Ready&statusUpdateReason=go+on",
        "requestedJobStatus=Ready&statusUpdateReason=go+on&statusUpdateReason",
    ];
    let absent = |name: &str| VerifyError::AbsentParameter { name: name.into() };
    let unsigned = |name: &str| VerifyError::UnsignedParameter { name: name.into() };
    let others = [
        ("requestedJobStatus=Ready", absent("statusupdatereason")),
        ("statusUpdateReason=go+on", absent("requestedjobstatus")),
        ("", absent("requestedjobstatus")),
        ("requestedJobStatus=Ready&statusUpdateReason=go+on&more", unsigned("more")),
        ("a=1&requestedJobStatus=Ready&statusUpdateReason=go+on", unsigned("a")),
        ("requestedJobStatu=Ready&statusUpdateReason=go+on", unsigned("requestedjobstatu")),
        ("requestedJobStatus=Ready&statusUpdateReason=go+on&q-ak=x", unsigned("q-ak")),
    ];
    let cases = mismatches.into_iter().map(|query| (query, VerifyError::Mismatch)).chain(others);
    for (query, error) in cases {
        let mut parts = original();
        let uri = format!("/jobs/job-1/status?{query}");
        parts.uri = uri.parse::<Uri>().unwrap();
        assert_eq!(strict(&parts), Err(error), "{query}");
    }
}

#[test]
fn the_same_query_in_another_spelling_is_the_same() {
    let mut parts = original();
    parts.uri = "/jobs/job%2D1/status?&statusUpdateReason=go%20on&requestedJobStatus=%52eady".parse().unwrap();
    assert_eq!(strict(&parts), Ok(()));
}

#[test]
fn each_signed_header() {
    let signed_names: Vec<HeaderName> = original()
        .headers
        .keys()
        .filter(|name| !["authorization", "user-agent"].contains(&name.as_str()))
        .cloned()
        .collect();
    assert_eq!(signed_names.len(), 7);
    for name in signed_names {
        let mut changed = original();
        let value = format!("{}x", changed.headers[&name].to_str().unwrap());
        changed.headers.insert(&name, value.parse().unwrap());
        assert_eq!(strict(&changed), Err(VerifyError::Mismatch), "{name} changed");

        let mut removed = original();
        removed.headers.remove(&name);
        let listed = name.as_str().replace('!', "%21");
        assert_eq!(strict(&removed), Err(VerifyError::AbsentHeader { name: listed.clone() }), "{name} removed");

        let mut twice = original();
        twice.headers.append(&name, "again".parse().unwrap());
        assert_eq!(strict(&twice), Err(VerifyError::DuplicateHeader { name: listed }), "{name} twice");
    }
}

#[test]
fn headers_that_are_not_signed_may_change() {
    let mut parts = original();
    parts.headers.insert("user-agent", "other".parse().unwrap());
    parts.headers.insert("via", "proxy".parse().unwrap());
    assert_eq!(strict(&parts), Ok(()));
}

#[test]
fn keys() {
    let parts = original();
    let presented = Presented::from_parts(&parts).unwrap();
    let verify = |secret: Option<&SecretKey>| verify(&parts, &presented, secret, START, Strictness::Strict);
    assert_eq!(verify(Some(&key())), Ok(()));
    assert_eq!(verify(Some(&SecretKey::new("exampleSecretKeyNotReal0002"))), Err(VerifyError::Mismatch));
    assert_eq!(verify(Some(&SecretKey::new(""))), Err(VerifyError::Mismatch));
    assert_eq!(verify(None), Err(VerifyError::UnknownKey));
}

#[test]
fn an_unknown_key_is_unknown_even_with_the_signature_of_no_key() {
    let parts = signed(request("GET", "/jobs", &HEADERS[3..5]), &Credentials::new(SECRET_ID, ""));
    let presented = Presented::from_parts(&parts).unwrap();
    let result = verify(&parts, &presented, None, START, Strictness::Strict);
    assert_eq!(result, Err(VerifyError::UnknownKey));
}

#[test]
fn each_bit_of_the_signature() {
    let parts = original();
    let presented = Presented::from_parts(&parts).unwrap();
    for bit in 0..presented.signature.len() * 8 {
        let mut altered = presented.clone();
        altered.signature[bit / 8] ^= 1 << (bit % 8);
        let result = verify(&parts, &altered, Some(&key()), START, Strictness::Strict);
        assert_eq!(result, Err(VerifyError::Mismatch), "bit {bit}");
    }
}

#[test]
fn the_fields_of_the_signature() {
    let absent = |name: &str| VerifyError::AbsentHeader { name: name.into() };
    let unsigned = |name: &str| VerifyError::UnsignedHeader { name: name.into() };
    let cases = [
        ("q-sign-time=1700000000", "q-sign-time=1700000001", VerifyError::TimesDiffer),
        ("q-key-time=1700000000", "q-key-time=1700000001", VerifyError::TimesDiffer),
        ("=1700000000;", "=1700000001;", VerifyError::Mismatch),
        (";1700003600&", ";1700003601&", VerifyError::Mismatch),
        ("content-md5;", "", VerifyError::Mismatch),
        ("content-md5;", "content-md5;date;", absent("date")),
        ("host;", "", unsigned("host")),
        ("x-cos-appid;", "", unsigned("x-cos-appid")),
        (";x-cos-security-token", "", unsigned("x-cos-security-token")),
        ("x-cos-meta-a%21b", "x-cos-meta-a!b", unsigned("x-cos-meta-a%21b")),
    ];
    for (from, to, error) in cases {
        assert_eq!(strict(&with_authorization(original(), from, to)), Err(error), "{from} -> {to}");
    }
}

#[test]
fn order_and_repetition_in_a_list_mean_nothing() {
    let list = "content-length;content-md5";
    let other = with_authorization(original(), list, "content-md5;content-length;content-md5");
    assert_eq!(strict(&other), Ok(()));
}

#[test]
fn a_parameter_with_two_values_may_be_listed_twice() {
    // The Go SDK lists a name once for each value, and sorts the values. The signature is that of an independent
    // program, over `jobstatuses=Active&jobstatuses=Ready&maxresults=2`.
    let signature = "744ff8af532da70b68d0547cb8fa2057e332880b";
    for (list, sent) in [
        ("jobstatuses;jobstatuses;maxresults", "jobStatuses=Active&jobStatuses=Ready&maxResults=2"),
        ("jobstatuses;jobstatuses;maxresults", "maxResults=2&jobStatuses=Ready&jobStatuses=Active"),
        ("jobstatuses;maxresults", "jobStatuses=Active&jobStatuses=Ready&maxResults=2"),
    ] {
        let parts = |sent: &str| {
            let authorization = format!(
                "q-sign-algorithm=sha1&q-ak={SECRET_ID}&q-sign-time={0}&q-key-time={0}&q-header-list=host;x-cos-appid\
                 &q-url-param-list={list}&q-signature={signature}",
                hour()
            );
            let headers = [("host", "h.example"), ("x-cos-appid", "1250000000"), ("authorization", &authorization)];
            request("GET", &format!("/jobs?{sent}"), &headers).into_parts().0
        };
        assert_eq!(strict(&parts(sent)), Ok(()), "{list} {sent}");
        // One value less, one more, or the same twice is another request, though every name is listed.
        for other in
            [sent.replace("jobStatuses=Ready", ""), format!("{sent}&jobStatuses=New"), sent.replace("Ready", "Active")]
        {
            assert_eq!(strict(&parts(&other)), Err(VerifyError::Mismatch), "{list} {other}");
        }
    }
}

#[test]
fn time() {
    let parts = original();
    let at = |now| check(&parts, now, Strictness::Strict);
    assert_eq!(at(START - 901), Err(VerifyError::NotYetValid { start: START, now: START - 901 }));
    assert_eq!(at(START - 900), Ok(()));
    assert_eq!(at(END), Ok(()));
    assert_eq!(at(END + 1), Err(VerifyError::Expired { end: END, now: END + 1 }));
    assert_eq!(at(i64::MIN), Err(VerifyError::NotYetValid { start: START, now: i64::MIN }));
    assert_eq!(at(i64::MAX), Err(VerifyError::Expired { end: END, now: i64::MAX }));
}

#[test]
fn the_longest_window() {
    for (seconds, expected) in [
        (cos_signature::WINDOW_SECONDS_MAX, Ok(())),
        (86_401, Err(VerifyError::WindowTooLong { seconds: 86_401, max: 86_400 })),
    ] {
        let mut request = request("GET", "/jobs", &HEADERS[3..5]);
        sign(&mut request, &credentials(), KeyTime::new(START, START + seconds).unwrap()).unwrap();
        let (parts, ()) = request.into_parts();
        assert_eq!(strict(&parts), expected);
        assert_eq!(check(&parts, START, Strictness::CosCompatible), Ok(()));
    }
}
