//! What is signed verifies, whatever it is, and reading never panics.

use cos_signature::{NameList, Place, canonical, presign};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::prelude::*;

use super::*;

fn encoded() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| percent_encode(&bytes, NON_ALPHANUMERIC).to_string())
}

/// Text that is legal in a URI, with `+`, stray `%` and everything that needs no encoding.
fn literal() -> impl Strategy<Value = String> {
    "[A-Za-z0-9%+*~'!(),:@._-]{0,12}"
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![encoded(), literal()]
}

/// A parameter without a name cannot be listed.
fn name() -> impl Strategy<Value = String> {
    (piece(), "[a-z+]").prop_map(|(piece, last)| piece + &last)
}

prop_compose! {
    fn any_request()(
        method in prop_oneof![Just("GET"), Just("POST"), Just("DELETE"), Just("PUT")],
        path in prop::collection::vec(piece(), 0..4),
        query in prop::collection::vec((name(), prop::option::of(piece())), 0..6),
        headers in prop::collection::btree_map("x-cos-[a-z!#'*.^_|~-]{1,8}", "[ -~]{0,20}", 0..6),
        host in "[a-z]{1,8}(:[0-9]{1,4})?",
    ) -> Request<()> {
        let query: Vec<String> = query
            .into_iter()
            .map(|(name, value)| value.map_or(name.clone(), |value| format!("{name}={value}")))
            .collect();
        let uri = format!("/{}?{}", path.join("/"), query.join("&"));
        let mut request = request(method, &uri, &[("host", &host)]);
        for (name, value) in headers {
            request.headers_mut().insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        request
    }
}

proptest! {
    #[test]
    fn signed_requests_verify_strictly(request in any_request(), secret in ".{0,80}", token in prop::option::of("[!-~]{1,40}")) {
        let credentials = Credentials { security_token: token.clone(), ..Credentials::new(SECRET_ID, secret) };
        // A generated header may itself be the token's.
        let token = token.or_else(|| {
            request.headers().get("x-cos-security-token").map(|value| value.to_str().unwrap().to_owned())
        });
        let parts = signed(request, &credentials);
        let presented = Presented::from_parts(&parts).unwrap();
        let result = verify(&parts, &presented, Some(&credentials.secret_key), START, Strictness::Strict);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(presented.security_token.as_deref(), token.as_deref());
        prop_assert_eq!(presented.key_time, hour());
    }

    #[test]
    fn presigned_requests_verify_strictly(mut request in any_request(), secret in ".{0,80}", token in prop::option::of(".{1,40}")) {
        // A token is sent in one place, so that a generated header must not be another one's.
        request.headers_mut().remove("x-cos-security-token");
        let credentials = Credentials { security_token: token.clone(), ..Credentials::new(SECRET_ID, secret) };
        let before = request.headers().clone();
        presign(&mut request, &credentials, hour()).unwrap();
        prop_assert_eq!(request.headers(), &before);
        let (parts, ()) = request.into_parts();
        let presented = Presented::from_parts(&parts).unwrap();
        prop_assert_eq!(presented.place, Place::Query);
        let result = verify(&parts, &presented, Some(&credentials.secret_key), START, Strictness::Strict);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(presented.security_token.as_deref(), token.as_deref());
    }

    /// Method, parameters and headers each have one line, and the path cannot reach into them: the count of line feeds
    /// is that of the path plus four.
    #[test]
    fn lines_of_the_http_string_cannot_be_forged(request in any_request()) {
        let (parts, ()) = request.into_parts();
        let path: Vec<u8> = percent_encoding::percent_decode_str(parts.uri.path()).collect();
        let text = canonical::http_string(&parts, &NameList::parse("host"), &NameList::parse(""));
        let feeds = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(feeds(&text), feeds(&path) + 4);
    }

    #[test]
    fn reading_any_header_does_not_panic(value in "[ -~]{0,200}") {
        let (mut parts, ()) = request("GET", "/jobs", &[]).into_parts();
        parts.headers.insert("authorization", value.parse().unwrap());
        prop_assert!(Presented::from_parts(&parts).is_err());
    }

    #[test]
    fn any_alteration_of_a_header_is_refused_or_means_the_same(at in 0usize..400, byte in 0x20u8..0x7f) {
        let parts = signed(request("GET", "/jobs?a=1", &[("host", "h"), ("x-cos-appid", "1")]), &credentials());
        let mut value = authorization(&parts).as_bytes().to_vec();
        let at = at % value.len();
        let list = "&q-header-list=";
        prop_assume!(value[at] != byte);
        value[at] = byte;
        let altered = String::from_utf8(value).unwrap();
        let mut changed = parts.clone();
        changed.headers.insert("authorization", altered.parse().unwrap());
        // The key id is not signed: it says which key to try. In a list, the case of a name does not count.
        let before = authorization(&parts);
        let (ak, ak_end) = (before.find("&q-ak=").unwrap() + 6, before.find("&q-sign-time").unwrap());
        let same = (ak..ak_end).contains(&at) || (at >= before.find(list).unwrap() && altered.eq_ignore_ascii_case(before));
        prop_assert_eq!(check(&changed, START, Strictness::Strict).is_ok(), same && Presented::from_parts(&changed).is_ok());
    }
}
