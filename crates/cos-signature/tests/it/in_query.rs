//! Signatures in the query, as in a presigned URL.

use cos_signature::{Place, SignError, presign};

use super::*;

/// Moves the signature from the header to the query, by hand.
fn moved(uri: &str) -> Parts {
    let mut parts = signed(request("GET", uri, &[("host", "h.example")]), &credentials());
    let value = parts.headers.remove("authorization").unwrap();
    let separator = if uri.contains('?') { '&' } else { '?' };
    let query = value.to_str().unwrap().replace(';', "%3B");
    parts.uri = format!("{uri}{separator}{query}").parse().unwrap();
    parts
}

fn presigned(uri: &str) -> Parts {
    let mut request = request("GET", uri, &[("host", "h.example")]);
    presign(&mut request, &credentials(), hour()).unwrap();
    request.into_parts().0
}

fn with_token(token: &str) -> Credentials {
    credentials().with_security_token(token)
}

fn with_query(mut parts: Parts, more: &str) -> Parts {
    parts.uri = format!("{}{more}", parts.uri).parse().unwrap();
    parts
}

#[test]
fn it_verifies_and_other_parameters_must_be_signed() {
    for uri in ["/jobs", "/jobs?maxResults=2&x-cos-security-token=t%2F1"] {
        let parts = presigned(uri);
        assert_eq!(strict(&parts), Ok(()), "{uri}");
        assert_eq!(Presented::from_parts(&parts).unwrap().place, Place::Query);
        let more = with_query(parts, "&more=1");
        assert_eq!(strict(&more), Err(VerifyError::UnsignedParameter { name: "more".into() }), "{uri}");
    }
}

#[test]
fn the_token_is_read_from_the_query() {
    let parts = presigned("/jobs?x-cos-security-token=t%2F1+2");
    assert_eq!(Presented::from_parts(&parts).unwrap().security_token.as_deref(), Some("t/1 2"));
    let twice = with_query(parts, "&x-cos-security-token=t");
    assert!(matches!(strict(&twice), Err(VerifyError::Malformed { .. })));
}

#[test]
fn fields_twice_and_both_places_are_refused() {
    let twice = with_query(presigned("/jobs"), "&q-ak=other");
    assert!(matches!(strict(&twice), Err(VerifyError::Malformed { .. })));

    let mut both = presigned("/jobs");
    let header = signed(request("GET", "/jobs", &[("host", "h.example")]), &credentials());
    both.headers.insert("authorization", header.headers["authorization"].clone());
    assert!(matches!(strict(&both), Err(VerifyError::Malformed { .. })));
}

#[test]
fn an_alteration_is_refused() {
    let mut parts = presigned("/jobs?maxResults=2");
    parts.uri = parts.uri.to_string().replace("maxResults=2", "maxResults=3").parse().unwrap();
    assert_eq!(strict(&parts), Err(VerifyError::Mismatch));
}

#[test]
fn what_only_looks_like_a_field_must_be_signed() {
    for more in ["&Q-AK=other", "&q%2Dak=other", "&q-a%6B", "&Q-aK=x&q%2Dak=y"] {
        let parts = with_query(presigned("/jobs"), more);
        assert_eq!(Presented::from_parts(&parts).unwrap().secret_id, SECRET_ID);
        assert_eq!(strict(&parts), Err(VerifyError::UnsignedParameter { name: "q-ak".into() }), "{more}");
    }
}

#[test]
fn presigning_is_signing_with_the_fields_in_another_place() {
    for uri in ["/jobs", "/jobs?maxResults=2&jobStatuses=Active%2CReady", "/a?b=+%20&c", "http://h.example/jobs?a=1"] {
        assert_eq!(presigned(uri).uri, moved(uri).uri, "{uri}");
    }
    // Names in the list are encoded once as names, and again as parts of a value.
    let parts = presigned("/jobs?a%2Fb+c=1");
    assert!(parts.uri.query().unwrap().contains("&q-url-param-list=a%252fb%2520c&"), "{}", parts.uri);
    assert_eq!(strict(&parts), Ok(()));
}

#[test]
fn presigning_again_replaces_signature_and_token_and_keeps_the_rest() {
    let mut request = request(
        "GET",
        "/jobs?a=1&x-cos-security-token=old&b=2",
        &[
            ("host", "h.example"),
            ("authorization", "q-sign-algorithm=sha1"),
            ("x-cos-security-token", "old"),
            ("accept", "*/*"),
        ],
    );
    presign(&mut request, &with_token("t/1 2+"), hour()).unwrap();
    let first = request.uri().clone();
    assert!(
        first.query().unwrap().starts_with("a=1&b=2&x-cos-security-token=t%2F1%202%2B&q-sign-algorithm="),
        "{first}"
    );
    presign(&mut request, &with_token("t/1 2+"), hour()).unwrap();
    assert_eq!(request.uri(), &first);
    let names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["host", "accept"]);

    let parts = request.into_parts().0;
    assert_eq!(strict(&parts), Ok(()));
    let presented = Presented::from_parts(&parts).unwrap();
    assert_eq!(presented.security_token.as_deref(), Some("t/1 2+"));
    assert_eq!(presented.url_param_list.to_string(), "a;b;x-cos-security-token");
}

#[test]
fn a_token_in_a_header_stays_there_if_the_credentials_have_none() {
    let mut request = request("GET", "/jobs", &[("host", "h.example"), ("x-cos-security-token", "own")]);
    presign(&mut request, &credentials(), hour()).unwrap();
    let parts = request.into_parts().0;
    assert_eq!(strict(&parts), Ok(()));
    let presented = Presented::from_parts(&parts).unwrap();
    assert_eq!(presented.security_token.as_deref(), Some("own"));
    assert!(presented.signs_header("x-cos-security-token"));
}

#[test]
fn a_token_that_is_altered_added_or_dropped_does_not_hold() {
    let mut request = request("GET", "/jobs", &[("host", "h.example")]);
    presign(&mut request, &with_token("token"), hour()).unwrap();
    let parts = request.into_parts().0;
    let uri = parts.uri.to_string();
    let with = |uri: String| {
        let mut parts = parts.clone();
        parts.uri = uri.parse().unwrap();
        parts
    };
    let altered = with(uri.replace("security-token=token", "security-token=other"));
    assert_eq!(strict(&altered), Err(VerifyError::Mismatch));
    let dropped = with(uri.replace("x-cos-security-token=token&", ""));
    assert_eq!(strict(&dropped), Err(VerifyError::AbsentParameter { name: "x-cos-security-token".into() }));
    let added = with_query(presigned("/jobs"), "&x-cos-security-token=token");
    assert_eq!(strict(&added), Err(VerifyError::UnsignedParameter { name: "x-cos-security-token".into() }));
}

#[test]
fn what_cannot_be_presigned_is_told() {
    let refused = |uri: &str, host: &[(&str, &str)], credentials: &Credentials| {
        presign(&mut request("GET", uri, host), credentials, hour()).unwrap_err()
    };
    let host = [("host", "h.example")];
    assert_eq!(refused("/jobs", &[], &credentials()), SignError::NoHost);
    assert_eq!(refused("/jobs?=1", &host, &credentials()), SignError::UnnamedParameter);
    assert_eq!(refused("/jobs", &host, &Credentials::new("a&b", "s")), SignError::SecretId);
    assert_eq!(refused("/jobs", &host, &with_token(&"t".repeat(70_000))), SignError::TooLong);
    // It has room for the token, but not for the signature as well.
    assert_eq!(refused("/jobs", &host, &with_token(&"t".repeat(65_480))), SignError::TooLong);
}
