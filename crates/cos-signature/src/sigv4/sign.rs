//! Signing a request.

use http::{HeaderName, HeaderValue, Request, header};
use sha2::{Digest, Sha256};

use super::{
    ALGORITHM, CONTENT_SHA256, DATE, SECURITY_TOKEN, SigningKey, UNSIGNED_PAYLOAD, canonical::Canonical, time,
};
use crate::{Credentials, SignError, canonical, hex, presented};

/// The hash of no bytes, in hex.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const DATE_NAME: HeaderName = HeaderName::from_static(DATE);
const CONTENT_SHA256_NAME: HeaderName = HeaderName::from_static(CONTENT_SHA256);
const SECURITY_TOKEN_NAME: HeaderName = HeaderName::from_static(SECURITY_TOKEN);

/// Headers that are signed when the request has them, besides all `x-amz-` headers. Others may be changed on the way
/// without harm. Sorted.
const SIGNED_HEADERS: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
    "host",
    "if-match",
    "if-none-match",
    "range",
];

/// How the body is bound to the signature.
///
/// See the [module](super) for an example. Source: Amazon S3 API Reference, *Authenticating Requests*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// There is none.
    Empty,
    /// By its hash.
    Signed(&'a [u8]),
    /// Not at all, which S3 accepts over TLS, where nobody changes it on the way; a signed `Content-MD5` binds it too.
    Unsigned,
}

/// Signs a request at this Unix second with a key that was derived from the same credentials, for a day that has this second:
/// adds `x-amz-date`, `x-amz-content-sha256`, for temporary keys `x-amz-security-token`, then `Authorization`, replacing
/// older values of all of them.
///
/// Signed are the host, every `x-amz-` header, every query parameter, and the headers that say what the body is or which
/// object is meant. So the request must be complete.
///
/// See the [module](super) for an example. Source: Amazon S3 API Reference, *Authenticating Requests*.
///
/// # Errors
///
/// The request names no host, has a signed header twice, or the credentials cannot stand in a header.
pub fn sign_with<B>(
    request: &mut Request<B>,
    credentials: &Credentials,
    key: &SigningKey,
    unix_seconds: i64,
    payload: &Payload<'_>,
) -> Result<(), SignError> {
    if !presented::is_secret_id(&credentials.secret_id) {
        return Err(SignError::SecretId);
    }
    let digest;
    let hash = match payload {
        Payload::Empty | Payload::Signed([]) => EMPTY_SHA256,
        Payload::Unsigned => UNSIGNED_PAYLOAD,
        Payload::Signed(body) => {
            let mut text = Vec::with_capacity(2 * super::key::DIGEST_BYTES);
            hex::write(&Sha256::digest(body), |pair| text.extend_from_slice(pair));
            digest = String::from_utf8(text).expect("hex digits are ASCII");
            &digest
        }
    };
    let headers = request.headers_mut();
    let ascii = |value: &[u8]| HeaderValue::from_bytes(value).expect("digits and letters can stand in a header");
    headers.insert(DATE_NAME, ascii(&time::write(unix_seconds)));
    headers.insert(
        CONTENT_SHA256_NAME,
        match payload {
            Payload::Empty => HeaderValue::from_static(EMPTY_SHA256),
            Payload::Unsigned => HeaderValue::from_static(UNSIGNED_PAYLOAD),
            Payload::Signed(_) => ascii(hash.as_bytes()),
        },
    );
    headers.remove(SECURITY_TOKEN_NAME);
    if let Some(token) = &credentials.security_token {
        let mut value = HeaderValue::from_str(token).map_err(|_| SignError::SecurityToken)?;
        value.set_sensitive(true);
        headers.insert(SECURITY_TOKEN_NAME, value);
    }
    // The canonical form is a function of the parts, and a request gives its parts only whole.
    let (method, uri, headers) =
        (request.method().clone(), request.uri().clone(), std::mem::take(request.headers_mut()));
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri, parts.headers) = (method, uri, headers);
    let authorization = authorization(&parts, &credentials.secret_id, key, unix_seconds, hash);
    *request.headers_mut() = parts.headers;
    request.headers_mut().insert(header::AUTHORIZATION, authorization?);
    Ok(())
}

fn authorization(
    parts: &http::request::Parts,
    secret_id: &str,
    key: &SigningKey,
    unix_seconds: i64,
    hash: &str,
) -> Result<HeaderValue, SignError> {
    canonical::host(&parts.uri, &parts.headers).ok_or(SignError::NoHost)?;
    let wanted = |name: &str| name.starts_with("x-amz-") || SIGNED_HEADERS.binary_search(&name).is_ok();
    let canonical = Canonical::new(parts, wanted, hash);
    if let Some(name) = canonical.twice {
        return Err(SignError::DuplicateHeader { name });
    }
    let mut value = Vec::with_capacity(384);
    value.extend_from_slice(ALGORITHM.as_bytes());
    value.extend_from_slice(b" Credential=");
    value.extend_from_slice(secret_id.as_bytes());
    value.push(b'/');
    value.extend_from_slice(key.scope().as_bytes());
    value.extend_from_slice(b", SignedHeaders=");
    value.extend_from_slice(canonical.names());
    value.extend_from_slice(b", Signature=");
    let signature = key.signature(unix_seconds, &canonical.text);
    hex::write(&signature, |pair| value.extend_from_slice(pair));
    let mut value = HeaderValue::from_maybe_shared(value).map_err(|_| SignError::Scope)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_its_search() {
        assert!(SIGNED_HEADERS.is_sorted());
    }

    #[test]
    fn what_cannot_be_signed_is_told() {
        let good = Credentials::new("AKID", "secret");
        let key = SigningKey::derive(&good.secret_key, 0, "r", "s3");
        let sign = |request: &mut Request<()>, credentials: &Credentials| {
            sign_with(request, credentials, &key, 0, &Payload::Empty)
        };
        let mut request = Request::get("/").body(()).unwrap();
        assert_eq!(sign(&mut request, &good), Err(SignError::NoHost));
        let mut request = Request::get("http://h/").header("x-amz-acl", "1").header("x-amz-acl", "2").body(()).unwrap();
        let error = SignError::DuplicateHeader { name: "x-amz-acl".to_owned() };
        assert_eq!(sign(&mut request, &good), Err(error));
        let mut request = Request::get("http://h/").body(()).unwrap();
        assert_eq!(sign(&mut request, &Credentials::new("", "s")), Err(SignError::SecretId));
        assert_eq!(sign(&mut request, &good.clone().with_security_token("a\nb")), Err(SignError::SecurityToken));
        let bad_region = SigningKey::derive(&good.secret_key, 0, "a\nb", "s3");
        assert_eq!(sign_with(&mut request, &good, &bad_region, 0, &Payload::Empty), Err(SignError::Scope));
        assert!(!request.headers().contains_key(header::AUTHORIZATION));
    }

    #[test]
    fn signing_again_replaces_what_signing_added() {
        let credentials = Credentials::new("AKID", "secret").with_security_token("token");
        let key = SigningKey::derive(&credentials.secret_key, 0, "r", "s3");
        let mut request = Request::put("http://h/k").body(()).unwrap();
        sign_with(&mut request, &credentials, &key, 0, &Payload::Signed(b"body")).unwrap();
        let first = request.headers().clone();
        sign_with(&mut request, &credentials, &key, 0, &Payload::Signed(b"body")).unwrap();
        assert_eq!(request.headers(), &first);
        assert_eq!(first.len(), 4);
        let plain = Credentials::new("AKID", "secret");
        sign_with(&mut request, &plain, &key, 0, &Payload::Unsigned).unwrap();
        assert!(!request.headers().contains_key(SECURITY_TOKEN), "a token of other credentials does not stay");
        assert_eq!(request.headers()[CONTENT_SHA256], UNSIGNED_PAYLOAD);
        assert!(!format!("{request:?}").contains("Signature="), "sensitive values are not shown");
    }

    #[test]
    fn the_hash_of_nothing_is_that_of_no_bytes() {
        let mut text = Vec::new();
        hex::write(&Sha256::digest(b""), |pair| text.extend_from_slice(pair));
        assert_eq!(text, EMPTY_SHA256.as_bytes());
    }
}
