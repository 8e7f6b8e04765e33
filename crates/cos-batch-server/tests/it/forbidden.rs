//! What 403 answers say: which step failed, and nothing that would help to pass it.

use std::fmt::Write as _;

use bytes::Bytes;
use cos_batch_model::*;
use cos_batch_server::Key;
use cos_signature::{Credentials, KeyTime, sign};
use http::Request;
use http_body_util::Full;

use crate::support::*;

const HOUR: (i64, i64) = (NOW, NOW + 3600);

fn list() -> Request<Full<Bytes>> {
    for_action(&ListJobsRequest::default())
}

fn signed_as(mut request: Request<Full<Bytes>>, credentials: &Credentials, time: (i64, i64)) -> Request<Full<Bytes>> {
    sign(&mut request, credentials, KeyTime::new(time.0, time.1).unwrap()).unwrap();
    request
}

fn set(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn at(mut request: Request<Full<Bytes>>, uri: &str) -> Request<Full<Bytes>> {
    *request.uri_mut() = uri.parse().unwrap();
    request
}

/// A signed request with a piece of its signature replaced.
fn resigned(from: &str, to: &str) -> Request<Full<Bytes>> {
    let request = signed(list());
    let value = request.headers()["authorization"].to_str().unwrap().to_owned();
    assert!(value.contains(from), "{from}");
    set(request, "authorization", &value.replace(from, to))
}

fn twice(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

/// Every way to be refused for want of a right, as a server with a permanent key sees it.
fn cases() -> Vec<(&'static str, Request<Full<Bytes>>)> {
    let without_digest = {
        let mut request = create();
        request.headers_mut().remove("content-md5");
        signed(request)
    };
    let token = credentials().with_security_token("a-token");
    let other_id = Credentials::new("AKIDUNKNOWN", SECRET_KEY);
    let other_key = Credentials::new(SECRET_ID, "another");
    let time = "q-sign-time=1700000000;1700003600";
    let in_both = signed(list());
    let in_query = in_both.headers()["authorization"].to_str().unwrap().replace(';', "%3B");
    vec![
        ("no signature", list()),
        ("a signature of another kind", set(list(), "authorization", "Basic dXNlcg==")),
        ("a field is missing", resigned("q-sign-algorithm=sha1&", "")),
        ("a field twice", resigned("q-sign-algorithm=sha1", "q-ak=x&q-sign-algorithm=sha1")),
        ("a field nobody knows", resigned("q-sign-algorithm=sha1", "q-sign-algorithm=sha1&q-more=1")),
        ("another algorithm", resigned("=sha1&", "=sha256&")),
        ("a key id that cannot be", resigned("q-ak=A", "q-ak= ")),
        ("a time that is none", resigned("q-key-time=1", "q-key-time=x")),
        ("a signature that is none", resigned("q-signature=", "q-signature=x")),
        ("in both places", at(in_both, &format!("/jobs?{in_query}"))),
        ("two Authorization headers", twice(signed(list()), "authorization", "x")),
        ("an Authorization header of 9 KB", set(list(), "authorization", &"x".repeat(9000))),
        ("times that differ", resigned(time, "q-sign-time=1700000000;1700003601")),
        ("a window of more than a day", signed_as(list(), &credentials(), (NOW, NOW + 86_401))),
        ("too early", signed_as(list(), &credentials(), (NOW + 901, NOW + 3600))),
        ("too late", signed_as(list(), &credentials(), (NOW - 3600, NOW - 1))),
        ("host not signed", resigned("host;", "")),
        ("account not signed", resigned(";x-cos-appid", "")),
        ("a header of COS not signed", set(signed(list()), "x-cos-more", "1")),
        ("a listed header is not there", resigned("host;", "date;host;")),
        ("a signed header twice", twice(signed(list()), "host", "other")),
        ("a parameter not signed", at(signed(list()), "/jobs?maxResults=1")),
        ("a listed parameter is not there", resigned("q-url-param-list=", "q-url-param-list=priority")),
        ("an unknown key", signed_as(list(), &other_id, HOUR)),
        ("another secret", signed_as(list(), &other_key, HOUR)),
        ("an altered path", at(signed(list()), "/jobs/j")),
        ("another account, not signed", set(signed(list()), "x-cos-appid", "1250000001")),
        ("another account, signed", signed(set(list(), "x-cos-appid", "1250000001"))),
        ("a token for a permanent key", signed_as(list(), &token, HOUR)),
        ("a CreateJob without Content-MD5", without_digest),
    ]
}

/// What a server with a temporary key refuses besides.
fn cases_of_a_temporary_key() -> Vec<(&'static str, Request<Full<Bytes>>)> {
    let other = credentials().with_security_token("another-token");
    vec![("no token", signed(list())), ("another token", signed_as(list(), &other, HOUR))]
}

#[tokio::test]
async fn the_bodies() {
    let permanent = strict(Recorder::default());
    let temporary = with_key(Recorder::default(), Key { security_token: Some("tok-tok".into()), ..key() });
    let mut text = String::new();
    let cases = cases().into_iter().map(|case| (&permanent, case));
    for (service, (what, request)) in cases.chain(cases_of_a_temporary_key().into_iter().map(|case| (&temporary, case)))
    {
        let head = request.clone().into_parts().0;
        let answer = send(service, request).await;
        let body = String::from_utf8(answer.body().to_vec()).unwrap();
        assert_eq!(answer.status(), 403, "{what}: {body}");
        let found = error(&answer);
        let id = found.request_id.clone().unwrap();
        writeln!(text, "{what}\n  {}", body.lines().next_back().unwrap().replace(&id, "…")).unwrap();

        // Nothing that is secret, and nothing that a signature is made of: what must be signed is for the client to
        // know, and how the server sees it would tell an attacker what to sign.
        let mut hidden: Vec<String> = vec![SECRET_KEY.into(), SECRET_ID.into(), "tok-tok".into(), "a-token".into()];
        hidden.push("another-token".into());
        if let Some(signature) = head.headers.get("authorization").and_then(|value| value.to_str().ok()) {
            hidden
                .extend(signature.split("q-signature=").nth(1).map(|digits| digits[..digits.len().min(8)].to_owned()));
        }
        if let Ok(presented) = cos_signature::Presented::from_parts(&head) {
            let lists = (&presented.header_list, &presented.url_param_list);
            let canonical = cos_signature::canonical::http_string(&head, lists.0, lists.1);
            let canonical = String::from_utf8_lossy(&canonical).into_owned();
            let key = cos_signature::SecretKey::new(SECRET_KEY);
            let right = cos_signature::SigningKey::derive(&key, presented.key_time).signature(canonical.as_bytes());
            hidden.push(right.iter().take(4).map(|byte| format!("{byte:02x}")).collect());
            hidden.extend(
                cos_signature::canonical::string_to_sign(presented.key_time, canonical.as_bytes())
                    .lines()
                    .skip(2)
                    .map(str::to_owned),
            );
            hidden.extend(canonical.lines().skip(2).filter(|line| !line.is_empty()).map(str::to_owned));
        }
        for secret in hidden {
            assert!(!body.contains(&secret), "{what}: {secret} in {body}");
        }
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_wrong_request_of_an_unknown_key_is_refused_at_the_same_step() {
    // Up to the signature itself nothing depends on the key: these answers do not tell whether there is one.
    let service = strict(Recorder::default());
    for time in [(NOW + 901, NOW + 3600), (NOW - 3600, NOW - 1), (NOW, NOW + 86_401)] {
        let mut answers = Vec::new();
        for id in [SECRET_ID, "AKIDUNKNOWN"] {
            answers.push(refused(&service, signed_as(list(), &Credentials::new(id, "another"), time)).await);
        }
        assert_eq!(answers[0], answers[1]);
    }
    let mut answers = Vec::new();
    for id in [SECRET_ID, "AKIDUNKNOWN"] {
        let request = signed_as(list(), &Credentials::new(id, "another"), HOUR);
        answers.push(refused(&service, set(request, "x-cos-more", "1")).await);
    }
    assert_eq!(answers[0], answers[1]);
    // After it, what is wrong with account, token or digest is told only to who has the key.
    let other_account = set(list(), "x-cos-appid", "1250000001");
    for id in [SECRET_ID, "AKIDUNKNOWN"] {
        let (code, _) =
            refused(&service, signed_as(other_account.clone(), &Credentials::new(id, "another"), HOUR)).await;
        assert!(["SignatureDoesNotMatch", "InvalidAccessKeyId"].contains(&code.as_str()), "{code}");
    }
}
