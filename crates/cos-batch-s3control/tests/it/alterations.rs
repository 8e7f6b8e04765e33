//! Whatever is altered on the way from client to server: nothing of it is accepted.

use cos_batch_s3control::sigv4::SignatureError;
use http::{HeaderName, HeaderValue, request::Parts};

use crate::signing::{Asked, NOW, check};

const TARGET: &str = "/v20180820/jobs/a-b/status?requestedJobStatus=Ready&statusUpdateReason=go";

/// An alteration: what is done, and how.
type Alteration = (&'static str, fn(&mut Parts));

fn set(head: &mut Parts, name: &'static str, value: &str) {
    head.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

fn edit(head: &mut Parts, name: &'static str, from: &str, to: &str) {
    let old = head.headers[name].to_str().unwrap().to_owned();
    let new = old.replacen(from, to, 1);
    assert_ne!(old, new, "the alteration alters nothing");
    set(head, name, &new);
}

fn go(head: &mut Parts, from: &str, to: &str) {
    let old = head.uri.to_string();
    let new = old.replacen(from, to, 1);
    assert_ne!(old, new, "the alteration alters nothing");
    head.uri = new.parse().unwrap();
}

const ANYWHERE: &[Alteration] = &[
    ("another method", |head| head.method = http::Method::PUT),
    ("another job", |head| go(head, "/a-b/", "/a-c/")),
    ("a dot in the path", |head| go(head, "/jobs/", "/./jobs/")),
    ("a slash more", |head| go(head, "/jobs/", "//jobs/")),
    ("another status", |head| go(head, "=Ready", "=Cancelled")),
    ("a parameter more", |head| go(head, "?", "?a=b&")),
    ("a parameter less", |head| go(head, "&statusUpdateReason=go", "")),
    ("the case of a parameter", |head| go(head, "requestedJobStatus", "RequestedJobStatus")),
    ("another host", |head| set(head, "host", "127.0.0.2:9450")),
    ("another account", |head| set(head, "x-amz-account-id", "210987654321")),
    ("a second account", |head| {
        head.headers.append("x-amz-account-id", HeaderValue::from_static("123456789012"));
    }),
    ("no account", |head| {
        head.headers.remove("x-amz-account-id");
    }),
    ("a header of S3 that nobody signed", |head| set(head, "x-amz-more", "1")),
    ("a token that nobody signed", |head| set(head, "x-amz-security-token", "t")),
];

const IN_HEADER: &[Alteration] = &[
    ("the next second", |head| {
        let now = cos_signature::sigv4::basic_time(NOW + 1);
        set(head, "x-amz-date", &now);
    }),
    ("another body", |head| {
        let other = "a".repeat(64);
        set(head, "x-amz-content-sha256", &other);
    }),
    ("a body that nobody signed", |head| set(head, "x-amz-content-sha256", "UNSIGNED-PAYLOAD")),
    ("a hash in capitals", |head| {
        let hash = head.headers["x-amz-content-sha256"].to_str().unwrap().to_uppercase();
        set(head, "x-amz-content-sha256", &hash);
    }),
    ("no hash", |head| {
        head.headers.remove("x-amz-content-sha256");
    }),
    ("another key", |head| edit(head, "authorization", "AKID/1", "AKID/2")),
    ("another region", |head| edit(head, "authorization", "/snow/", "/rain/")),
    ("another service", |head| edit(head, "authorization", "/s3/", "/sts/")),
    ("a signature that is shorter", |head| edit(head, "authorization", "Signature=", "Signature=0")),
    ("headers out of order", |head| edit(head, "authorization", "host;x-amz-account-id", "x-amz-account-id;host")),
    ("the account unsigned", |head| edit(head, "authorization", ";x-amz-account-id", "")),
    ("the host unsigned", |head| edit(head, "authorization", "host;", "")),
    ("the date unsigned", |head| edit(head, "authorization", ";x-amz-date", "")),
    ("a signed header that is not there", |head| edit(head, "authorization", "host;", "accept;host;")),
    ("a name twice", |head| edit(head, "authorization", "host;", "host;host;")),
    ("a name in capitals", |head| edit(head, "authorization", "host;", "Host;")),
    ("another algorithm", |head| edit(head, "authorization", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512")),
    ("a part twice", |head| edit(head, "authorization", "Signature=", "Signature=1, Signature=")),
    ("a second Authorization", |head| {
        let value = head.headers["authorization"].clone();
        head.headers.append("authorization", value);
    }),
    ("no Authorization", |head| {
        head.headers.remove("authorization");
    }),
    ("signed in the query as well", |head| go(head, "?", "?X-Amz-Signature=00&")),
];

const IN_QUERY: &[Alteration] = &[
    ("good for longer", |head| go(head, "X-Amz-Expires=60", "X-Amz-Expires=61")),
    ("good for ever", |head| go(head, "X-Amz-Expires=60", "X-Amz-Expires=-1")),
    ("two lives", |head| go(head, "X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=600")),
    ("no end", |head| go(head, "X-Amz-Expires=60&", "")),
    ("another key", |head| go(head, "AKID", "AKIX")),
    ("another region", |head| go(head, "snow", "rain")),
    ("a hash that nobody signed", |head| set(head, "x-amz-content-sha256", &"a".repeat(64))),
    ("another signature", |head| go(head, "X-Amz-Signature=", "X-Amz-Signature=0")),
    ("two signatures", |head| go(head, "X-Amz-Signature=", "X-Amz-Signature=00&X-Amz-Signature=")),
    ("a name in other letters", |head| go(head, "X-Amz-Date", "x-amz-date")),
];

fn refuse(head: &Parts, alterations: &[Alteration]) {
    check(head, NOW).unwrap();
    for (name, alter) in alterations {
        let mut altered = head.clone();
        alter(&mut altered);
        check(&altered, NOW).expect_err(name);
    }
}

#[test]
fn nothing_that_was_altered_is_accepted() {
    let in_header = Asked::new("POST", TARGET).signed();
    refuse(&in_header, ANYWHERE);
    refuse(&in_header, IN_HEADER);
    let in_query = Asked { expires: Some(60), ..Asked::new("POST", TARGET) }.signed();
    refuse(&in_query, ANYWHERE);
    refuse(&in_query, IN_QUERY);
}

#[test]
fn refusals_say_what_is_wrong() {
    let head = Asked::new("POST", TARGET).signed();
    let with = |alter: fn(&mut Parts)| {
        let mut altered = head.clone();
        alter(&mut altered);
        check(&altered, NOW).unwrap_err()
    };
    assert_eq!(with(|head| set(head, "x-amz-more", "1")), SignatureError::HeaderNotSigned("x-amz-more".into()));
    assert_eq!(with(|head| go(head, "?", "?X-Amz-Signature=00&")), SignatureError::Twice);
    assert_eq!(with(|head| go(head, "=go", "=no")), SignatureError::Mismatch);
    assert_eq!(with(|head| drop(head.headers.remove("authorization"))), SignatureError::NotSigned,);
}
