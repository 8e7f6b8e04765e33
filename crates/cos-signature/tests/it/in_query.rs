//! Signatures in the query, as in a presigned URL.

use cos_signature::Place;

use super::*;

/// Moves the signature from the header to the query.
fn presigned(uri: &str) -> Parts {
    let mut parts = signed(request("GET", uri, &[("host", "h.example")]), &credentials());
    let value = parts.headers.remove("authorization").unwrap();
    let separator = if uri.contains('?') { '&' } else { '?' };
    let query = value.to_str().unwrap().replace(';', "%3B");
    parts.uri = format!("{uri}{separator}{query}").parse().unwrap();
    parts
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
