//! Signing a request.

use http::{HeaderValue, Request, header};

use crate::{
    Credentials, KeyTime, SECURITY_TOKEN, SignError, SigningKey, Unsigned,
    canonical::HttpString,
    credentials,
    error::shown,
    header_line::{HOST, HeaderLine},
    hex, host,
};

/// Whether this header, named in lower case, is signed when the request has it: all `x-cos-` and `x-ci-` headers, and those
/// that the official Go SDK signs.
fn is_signed(name: &[u8]) -> bool {
    name.starts_with(b"x-cos-")
        || name.starts_with(b"x-ci-")
        || matches!(
            name,
            b"access-control-request-headers"
                | b"access-control-request-method"
                | b"cache-control"
                | b"content-disposition"
                | b"content-encoding"
                | b"content-length"
                | b"content-md5"
                | b"content-type"
                | b"expect"
                | b"expires"
                | b"host"
                | b"if-match"
                | b"if-modified-since"
                | b"if-none-match"
                | b"if-unmodified-since"
                | b"origin"
                | b"pic-operations"
                | b"range"
                | b"transfer-encoding"
        )
}

/// Signs a request for this window of time: adds `x-cos-security-token` where the credentials have one, then
/// `Authorization`, replacing older values of both.
///
/// Signed are the host, every `x-cos-` header, every query parameter, and the headers the official Go SDK signs. So
/// the request must be complete: whoever adds a `Host`, `Content-Length` or `Content-MD5` header does so before.
///
/// # Errors
///
/// The request names no host, has a signed header twice, or the credentials cannot stand in a header. The request may
/// then have the token's header already.
pub fn sign<B>(request: &mut Request<B>, credentials: &Credentials, key_time: KeyTime) -> Result<(), SignError> {
    sign_with(request, credentials, &SigningKey::derive(&credentials.secret_key, key_time))
}

/// As [`sign`], with a key that was derived before from the same credentials.
///
/// ```
/// use cos_signature::{Credentials, KeyTime, SignError, SigningKey, sign_with};
///
/// let credentials = Credentials::new("AKIDEXAMPLE", "exampleSecret");
/// let hour = KeyTime::new(1_700_000_000, 1_700_003_600)?;
/// let key = SigningKey::derive(&credentials.secret_key, hour);
/// assert_eq!(key.key_time(), hour);
/// for address in ["/jobs", "/jobs/job-1"] {
///     let mut request = http::Request::get(address).header("host", "127.0.0.1:8080").body(())?;
///     sign_with(&mut request, &credentials, &key)?;
///     assert!(request.headers().contains_key("authorization"));
/// }
/// let mut nowhere = http::Request::get("/jobs").body(())?;
/// assert_eq!(sign_with(&mut nowhere, &credentials, &key), Err(SignError::NoHost));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As for [`sign`].
pub fn sign_with<B>(request: &mut Request<B>, credentials: &Credentials, key: &SigningKey) -> Result<(), SignError> {
    if let Some(token) = &credentials.security_token {
        let mut value = HeaderValue::from_str(token).map_err(|_| SignError::SecurityToken)?;
        value.set_sensitive(true);
        request.headers_mut().insert(SECURITY_TOKEN, value);
    }
    let value = authorization_value(request, &credentials.secret_id, key)?;
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

/// The value of the header that signs a request.
pub(crate) fn authorization_value<B>(
    request: &Request<B>,
    secret_id: &str,
    key: &SigningKey,
) -> Result<HeaderValue, SignError> {
    let (uri, headers) = (request.uri(), request.headers());
    // Looked for in the address first: that is nearly always a path alone.
    let from_address = match uri.authority() {
        Some(_) if !headers.contains_key(header::HOST) => host::of(uri, headers),
        _ => None,
    };
    let named = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let named = named.chain(from_address.map(|host| (header::HOST.as_str(), host)));
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let signed = Signed::new(request.method().as_str(), path, query, named, secret_id, key)?;
    let mut value = HeaderValue::from_bytes(signed.value()).map_err(|_| SignError::SecretId)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Adds the value of the `Authorization` header of a request to `out`, where the request is none of `http`. The token of temporary
/// credentials must be among its headers.
///
/// ```
/// use cos_signature::{Credentials, KeyTime, SigningKey, Unsigned, authorization};
///
/// let key = SigningKey::derive(&Credentials::new("AKIDEXAMPLE", "exampleSecret").secret_key, KeyTime::new(1, 2)?);
/// let request = Unsigned { method: "GET", path: "/jobs", query: "maxResults=2", headers: &[("host", b"127.0.0.1:8080")] };
/// let mut value = Vec::new();
/// authorization(&request, "AKIDEXAMPLE", &key, &mut value)?;
/// assert!(value.starts_with(b"q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&q-sign-time=1;2&q-key-time=1;2&q-header-list=host&"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As for [`sign`]; nothing is added then.
pub fn authorization(
    request: &Unsigned<'_>,
    secret_id: &str,
    key: &SigningKey,
    out: &mut Vec<u8>,
) -> Result<(), SignError> {
    let Unsigned { method, path, query, headers } = *request;
    let signed = Signed::new(method, path, query, headers.iter().copied(), secret_id, key)?;
    out.extend_from_slice(signed.value());
    Ok(())
}

/// The value of an `Authorization` header, in one buffer with the text it signs.
struct Signed {
    buffer: Vec<u8>,
    value_start: usize,
}

impl Signed {
    fn new<'a>(
        method: &str,
        path: &str,
        query: &str,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        secret_id: &str,
        key: &SigningKey,
    ) -> Result<Self, SignError> {
        if !credentials::is_secret_id(secret_id) {
            return Err(SignError::SecretId);
        }
        let headers = HeaderLine::new(headers.filter(|(name, _)| is_signed(name.as_bytes())));
        if let Some(name) = headers.duplicate() {
            return Err(SignError::DuplicateHeader { name: shown(name.as_bytes()) });
        }
        if !headers.names().any(|name| name == HOST) {
            return Err(SignError::NoHost);
        }
        let mut text = HttpString::new(method, path);
        text.parameters(query, |_| true);
        text.headers(&headers);
        if text.parameter_names().any(<[u8]>::is_empty) {
            return Err(SignError::UnnamedParameter);
        }

        let signature: [u8; hex::TEXT_BYTES] = hex::encode(&key.signature(text.as_bytes()));
        let value_start = text.as_bytes().len();
        text.append(b"q-sign-algorithm=sha1&q-ak=");
        text.append(secret_id.as_bytes());
        text.append(b"&q-sign-time=");
        text.append(key.key_time_text());
        text.append(b"&q-key-time=");
        text.append(key.key_time_text());
        text.append(b"&q-header-list=");
        for (index, name) in headers.names().enumerate() {
            if index > 0 {
                text.append(b";");
            }
            text.append(name.as_bytes());
        }
        text.append(b"&q-url-param-list=");
        text.append_parameter_names();
        text.append(b"&q-signature=");
        text.append(&signature);
        Ok(Self { buffer: text.finish(), value_start })
    }

    fn value(&self) -> &[u8] {
        &self.buffer[self.value_start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> KeyTime {
        KeyTime::new(1_700_000_000, 1_700_003_600).unwrap()
    }

    #[test]
    fn what_cannot_be_signed_is_told() {
        let good = Credentials::new("AKID", "secret");
        let mut no_host = Request::get("/jobs").body(()).unwrap();
        assert_eq!(sign(&mut no_host, &good, window()), Err(SignError::NoHost));

        let mut unnamed = Request::get("http://h/jobs?a=1&=2").body(()).unwrap();
        assert_eq!(sign(&mut unnamed, &good, window()), Err(SignError::UnnamedParameter));

        for name in ["x-cos-appid", "host"] {
            let twice = Request::get("http://h/jobs").header(name, "1").header(name, "2").header("host", "h");
            let error = sign(&mut twice.body(()).unwrap(), &good, window()).unwrap_err();
            assert_eq!(error, SignError::DuplicateHeader { name: name.to_owned() });
        }

        let mut request = Request::get("http://h/jobs").body(()).unwrap();
        for id in ["", "a b", "a&b", "a;b", "ä", "a\n"] {
            assert_eq!(sign(&mut request, &Credentials::new(id, "s"), window()), Err(SignError::SecretId), "{id:?}");
        }
        let bad_token = good.with_security_token("a\nb");
        assert_eq!(sign(&mut request, &bad_token, window()), Err(SignError::SecurityToken));
        assert!(!request.headers().contains_key(header::AUTHORIZATION));
    }

    #[test]
    fn signing_again_replaces_the_signature_and_keeps_other_headers() {
        let credentials = Credentials::new("AKID", "secret").with_security_token("token");
        let mut request = Request::get("http://h/jobs").header("accept", "x").body(()).unwrap();
        sign(&mut request, &credentials, window()).unwrap();
        let first = request.headers().clone();
        sign(&mut request, &credentials, window()).unwrap();
        assert_eq!(request.headers(), &first);
        assert_eq!(request.headers().len(), 3);
        assert!(!format!("{request:?}").contains("q-signature"), "sensitive values are not shown");
    }
}
