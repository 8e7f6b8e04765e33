//! Signing a request.

use http::{HeaderName, HeaderValue, Request, header};
use sha2::{Digest, Sha256};

use super::{
    ALGORITHM, CONTENT_SHA256, DATE, SECURITY_TOKEN, SigningKey, UNSIGNED_PAYLOAD, canonical::Canonical, time,
};
use crate::{Credentials, SignError, Unsigned, blocks, credentials, hex, unsigned::Headers};

/// The hash of no bytes, in hex.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const DATE_NAME: HeaderName = HeaderName::from_static(DATE);
const CONTENT_SHA256_NAME: HeaderName = HeaderName::from_static(CONTENT_SHA256);
const SECURITY_TOKEN_NAME: HeaderName = HeaderName::from_static(SECURITY_TOKEN);

/// Room for the header's value of an ordinary request, so that it is allocated once, bytes.
const ORDINARY_AUTHORIZATION_BYTES: usize = 384;

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
    let hash = payload.hash();
    let headers = request.headers_mut();
    let ascii = |value: &[u8]| HeaderValue::from_bytes(value).expect("digits and letters can stand in a header");
    headers.insert(DATE_NAME, ascii(&time::write(unix_seconds)));
    headers.insert(
        CONTENT_SHA256_NAME,
        match hash {
            PayloadHash::Known(text) => HeaderValue::from_static(text),
            PayloadHash::Computed(text) => ascii(&text),
        },
    );
    headers.remove(SECURITY_TOKEN_NAME);
    if let Some(token) = &credentials.security_token {
        let mut value = HeaderValue::from_str(token).map_err(|_| SignError::SecurityToken)?;
        value.set_sensitive(true);
        headers.insert(SECURITY_TOKEN_NAME, value);
    }
    let mut value = Vec::with_capacity(ORDINARY_AUTHORIZATION_BYTES);
    {
        let headers = Headers::of(request.uri(), request.headers());
        let unsigned = Unsigned::of(request.method(), request.uri(), &headers);
        authorization(&unsigned, &credentials.secret_id, key, unix_seconds, hash.as_str(), &mut value)?;
    }
    let mut value = HeaderValue::from_maybe_shared(value).map_err(|_| SignError::Scope)?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

/// What `x-amz-content-sha256` says of a payload.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadHash {
    /// A word, or the hash of no bytes.
    Known(&'static str),
    /// The hex digits of a hash.
    Computed([u8; 2 * super::key::DIGEST_BYTES]),
}

impl PayloadHash {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(text) => text,
            Self::Computed(text) => std::str::from_utf8(text).expect("hex digits are ASCII"),
        }
    }
}

impl Payload<'_> {
    /// What `x-amz-content-sha256` says of it.
    ///
    /// ```
    /// use cos_signature::sigv4::Payload;
    ///
    /// assert_eq!(Payload::Signed(b"").hash(), Payload::Empty.hash());
    /// assert_eq!(Payload::Unsigned.hash().as_str(), "UNSIGNED-PAYLOAD");
    /// ```
    #[must_use]
    pub fn hash(&self) -> PayloadHash {
        match self {
            Self::Empty | Self::Signed([]) => PayloadHash::Known(EMPTY_SHA256),
            Self::Unsigned => PayloadHash::Known(UNSIGNED_PAYLOAD),
            Self::Signed(body) => PayloadHash::Computed(hex::encode(&Sha256::digest(body).into())),
        }
    }
}

/// Adds the value of the `Authorization` header of a request to `out`, where the request is none of `http`. Among its headers must
/// be the host, `x-amz-date` with the [time](super::basic_time) of this Unix second, and `x-amz-content-sha256` with this `payload`
/// ([`Payload::hash`]), and for temporary keys `x-amz-security-token`.
///
/// ```
/// use cos_signature::{SecretKey, Unsigned, sigv4};
///
/// let key = sigv4::SigningKey::derive(&SecretKey::new("exampleSecret"), 1_700_000_000, "us-east-1", "s3");
/// let (hash, time) = (sigv4::Payload::Empty.hash(), sigv4::basic_time(1_700_000_000));
/// let headers: [(&str, &[u8]); 3] = [
///     ("host", b"127.0.0.1:9000"),
///     (sigv4::CONTENT_SHA256, hash.as_str().as_bytes()),
///     (sigv4::DATE, time.as_bytes()),
/// ];
/// let request = Unsigned { method: "GET", path: "/photos/a.jpg", query: "", headers: &headers };
/// let mut value = Vec::new();
/// sigv4::authorization(&request, "AKIDEXAMPLE", &key, 1_700_000_000, hash.as_str(), &mut value)?;
/// assert!(value.starts_with(b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/us-east-1/s3/aws4_request, SignedHeaders=host;"));
/// # Ok::<(), cos_signature::SignError>(())
/// ```
///
/// # Errors
///
/// As for [`sign_with`]; nothing is added then.
pub fn authorization(
    request: &Unsigned<'_>,
    secret_id: &str,
    key: &SigningKey,
    unix_seconds: i64,
    payload: &str,
    out: &mut Vec<u8>,
) -> Result<(), SignError> {
    if !credentials::is_secret_id(secret_id) {
        return Err(SignError::SecretId);
    }
    if request.headers.iter().all(|(name, _)| *name != header::HOST.as_str()) {
        return Err(SignError::NoHost);
    }
    if !blocks::all(key.scope().as_bytes(), |byte| byte.is_ascii_graphic() | (byte == b' ')) {
        return Err(SignError::Scope);
    }
    let canonical = Canonical::new(request, is_signed, payload);
    if let Some(name) = canonical.twice {
        return Err(SignError::DuplicateHeader { name });
    }
    let signature: [u8; 2 * super::key::DIGEST_BYTES] = hex::encode(&key.signature(unix_seconds, &canonical.text));
    for piece in [
        ALGORITHM.as_bytes(),
        b" Credential=",
        secret_id.as_bytes(),
        b"/",
        key.scope().as_bytes(),
        b", SignedHeaders=",
        canonical.names(),
        b", Signature=",
        &signature,
    ] {
        out.extend_from_slice(piece);
    }
    Ok(())
}

/// Whether this header, named in lower case, is signed when the request has it.
fn is_signed(name: &str) -> bool {
    name.starts_with("x-amz-") || SIGNED_HEADERS.binary_search(&name).is_ok()
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
        let digits: [u8; 64] = hex::encode(&Sha256::digest(b"").into());
        assert_eq!(digits, EMPTY_SHA256.as_bytes());
    }
}
