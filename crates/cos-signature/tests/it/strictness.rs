//! What strict verifying demands beyond a signature that matches, and what the compatible mode lets pass.

use cos_signature::{NameList, SigningKey, canonical};

use super::*;

/// Signs only what the lists name, as a careless client would.
fn signed_as_listed(request: Request<()>, header_list: &str, param_list: &str) -> Parts {
    let (mut parts, ()) = request.into_parts();
    let text = canonical::http_string(&parts, &NameList::parse(header_list), &NameList::parse(param_list));
    let signature = SigningKey::derive(&key(), hour()).signature(&text);
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let value = format!(
        "q-sign-algorithm=sha1&q-ak={SECRET_ID}&q-sign-time={0}&q-key-time={0}&q-header-list={header_list}\
         &q-url-param-list={param_list}&q-signature={signature}",
        hour()
    );
    parts.headers.insert("authorization", value.parse().unwrap());
    parts
}

fn compatible(parts: &Parts) -> Result<(), VerifyError> {
    check(parts, START, Strictness::CosCompatible)
}

const HEADERS: [(&str, &str); 2] = [("host", "h.example"), ("x-cos-appid", "1250000000")];

#[test]
fn unsigned_parts_pass_only_in_compatible_mode() {
    let unsigned_header = |name: &str| VerifyError::UnsignedHeader { name: name.into() };
    let absent = |name: &str| VerifyError::AbsentHeader { name: name.into() };
    let cases = [
        ("/jobs", "x-cos-appid", "", unsigned_header("host")),
        ("/jobs", "host", "", unsigned_header("x-cos-appid")),
        ("/jobs?maxResults=2", "host;x-cos-appid", "", VerifyError::UnsignedParameter { name: "maxresults".into() }),
        ("/jobs?b&a", "host;x-cos-appid", "a", VerifyError::UnsignedParameter { name: "b".into() }),
        ("/jobs", "date;host;x-cos-appid", "", absent("date")),
        ("/jobs", "host;range;x-cos-appid", "", absent("range")),
        ("/jobs", "host;x-cos-appid;x-late", "", absent("x-late")),
        ("/jobs?b", "host;x-cos-appid", "a;b", VerifyError::AbsentParameter { name: "a".into() }),
        ("/jobs?b", "host;x-cos-appid", "b;c", VerifyError::AbsentParameter { name: "c".into() }),
    ];
    for (uri, header_list, param_list, error) in cases {
        let parts = signed_as_listed(request("GET", uri, &HEADERS), header_list, param_list);
        assert_eq!(strict(&parts), Err(error), "{uri} {header_list} {param_list}");
        assert_eq!(compatible(&parts), Ok(()), "{uri} {header_list} {param_list}");
    }
}

#[test]
fn a_header_twice_passes_only_in_compatible_mode() {
    let twice = [HEADERS[0], HEADERS[1], ("x-cos-appid", "1250000001")];
    let parts = signed_as_listed(request("GET", "/jobs", &twice), "host;x-cos-appid", "");
    assert_eq!(strict(&parts), Err(VerifyError::DuplicateHeader { name: "x-cos-appid".into() }));
    assert_eq!(compatible(&parts), Ok(()));

    let hosts = [HEADERS[0], ("host", "other.example")];
    let parts = signed_as_listed(request("GET", "/jobs", &hosts), "host", "");
    assert_eq!(strict(&parts), Err(VerifyError::DuplicateHeader { name: "host".into() }));
}

#[test]
fn compatible_mode_still_finds_what_was_altered() {
    let mut parts = signed_as_listed(request("GET", "/jobs", &HEADERS), "x-cos-appid", "");
    parts.headers.insert("x-cos-appid", "1250000009".parse().unwrap());
    assert_eq!(compatible(&parts), Err(VerifyError::Mismatch));
}

#[test]
fn differing_times_count_only_where_both_are_open() {
    let parts = signed_as_listed(request("GET", "/jobs", &HEADERS), "host;x-cos-appid", "");
    let parts = with_authorization(parts, "q-sign-time=1700000000;1700003600", "q-sign-time=1700001000;1700009999");
    let at = |now| check(&parts, now, Strictness::CosCompatible);
    assert_eq!(at(1_700_001_000), Ok(()));
    assert_eq!(at(1_700_003_600), Ok(()));
    assert_eq!(at(1_700_003_601), Err(VerifyError::Expired { end: 1_700_003_600, now: 1_700_003_601 }));
    assert_eq!(at(1_700_000_099), Err(VerifyError::NotYetValid { start: 1_700_001_000, now: 1_700_000_099 }));
}

#[test]
fn the_host_may_be_signed_with_or_without_its_port() {
    let sent = |host| request("GET", "/jobs", &[("host", host), HEADERS[1]]);
    for (signed_host, received) in
        [("127.0.0.1:8080", "127.0.0.1:8080"), ("127.0.0.1", "127.0.0.1:8080"), ("[::1]", "[::1]:8080")]
    {
        let mut parts = signed(sent(signed_host), &credentials());
        parts.headers.insert("host", received.parse().unwrap());
        assert_eq!(strict(&parts), Ok(()), "{signed_host} {received}");
    }
    for (signed_host, received) in
        [("127.0.0.1:8080", "127.0.0.1"), ("127.0.0.1:8080", "127.0.0.1:8081"), ("a", "b:80")]
    {
        let mut parts = signed(sent(signed_host), &credentials());
        parts.headers.insert("host", received.parse().unwrap());
        assert_eq!(strict(&parts), Err(VerifyError::Mismatch), "{signed_host} {received}");
    }
}

#[test]
fn an_absolute_uri_stands_for_the_host_header() {
    let parts = signed(request("GET", "http://h.example:81/jobs", &HEADERS[1..]), &credentials());
    let mut received = parts.clone();
    received.uri = "/jobs".parse().unwrap();
    received.headers.insert("host", "h.example:81".parse().unwrap());
    assert_eq!(strict(&parts), Ok(()));
    assert_eq!(strict(&received), Ok(()));
}
