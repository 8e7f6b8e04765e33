//! Integration tests of cos-signature.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

mod alterations;
mod captures;
mod in_query;
mod malformed;
mod round_trip;
mod shown;
mod sigv4;
mod sizes;
mod strictness;
mod tables;
mod vectors;

use cos_signature::{Credentials, KeyTime, Presented, SecretKey, Strictness, VerifyError, sign, verify};
use http::{Request, request::Parts};

const SECRET_ID: &str = "AKIDEXAMPLEONLYNOTREAL0001";
const SECRET_KEY: &str = "exampleSecretKeyNotReal0001";
const START: i64 = 1_700_000_000;
const END: i64 = 1_700_003_600;

fn credentials() -> Credentials {
    Credentials::new(SECRET_ID, SECRET_KEY)
}

fn key() -> SecretKey {
    SecretKey::new(SECRET_KEY)
}

fn hour() -> KeyTime {
    KeyTime::new(START, END).unwrap()
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let builder = Request::builder().method(method).uri(uri);
    headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value)).body(()).unwrap()
}

fn signed(mut request: Request<()>, credentials: &Credentials) -> Parts {
    sign(&mut request, credentials, hour()).unwrap();
    request.into_parts().0
}

/// Reads and verifies a signature with the test key.
fn check(parts: &Parts, now: i64, strictness: Strictness) -> Result<(), VerifyError> {
    verify(parts, &Presented::from_parts(parts)?, Some(&key()), now, strictness)
}

fn strict(parts: &Parts) -> Result<(), VerifyError> {
    check(parts, START + 1, Strictness::Strict)
}

fn authorization(parts: &Parts) -> &str {
    parts.headers["authorization"].to_str().unwrap()
}

/// The same request with a piece of its Authorization header replaced.
fn with_authorization(mut parts: Parts, from: &str, to: &str) -> Parts {
    let old = authorization(&parts).to_owned();
    let new = old.replace(from, to);
    assert_ne!(old, new, "{from} does not stand in the header");
    parts.headers.insert("authorization", new.parse().unwrap());
    parts
}
