//! Signing a request into its address.

use http::{Request, Uri, header, uri::PathAndQuery};

use crate::{
    Credentials, KeyTime, SECURITY_TOKEN, SignError, SigningKey, canonical::query_pairs, credentials, percent::encode,
    presented, sign::authorization_value,
};

/// Signs a request for this window of time in the query of its address, as in a presigned URL: whoever has the address
/// can make the request while the window is open, with the headers that are signed, and needs no key.
///
/// Signed are the same parts as by [`sign`](crate::sign()). The token of temporary credentials goes into the query as
/// well. A signature that the request has already, in a header or in the query, is replaced, and so is such a token.
///
/// ```
/// use cos_signature::{Credentials, KeyTime, Place, Presented, Strictness, presign, verify};
/// use std::time::Duration;
///
/// let credentials = Credentials::new("AKIDEXAMPLE", "exampleSecret");
/// let now = 1_700_000_000;
/// let mut request = http::Request::get("/jobs?maxResults=2").header("host", "127.0.0.1:8080").body(())?;
/// presign(&mut request, &credentials, KeyTime::starting_at(now, Duration::from_secs(900)))?;
///
/// let address = request.uri().to_string();
/// assert!(address.starts_with("/jobs?maxResults=2&q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&"));
/// let parts = http::Request::get(address).header("host", "127.0.0.1:8080").body(())?.into_parts().0;
/// let presented = Presented::from_parts(&parts)?;
/// assert_eq!(presented.place, Place::Query);
/// verify(&parts, &presented, Some(&credentials.secret_key), now + 60, Strictness::Strict)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As for [`sign`](crate::sign()), and [`SignError::TooLong`]. The request then has no signature, and may have the token
/// already.
pub fn presign<B>(request: &mut Request<B>, credentials: &Credentials, key_time: KeyTime) -> Result<(), SignError> {
    if !credentials::is_secret_id(&credentials.secret_id) {
        return Err(SignError::SecretId);
    }
    let token = credentials.security_token.as_deref();
    request.headers_mut().remove(header::AUTHORIZATION);
    if token.is_some() {
        request.headers_mut().remove(SECURITY_TOKEN);
    }
    let mut query = String::new();
    for pair in request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let name = query_pairs(pair).next().map_or("", |(name, _)| name);
        let replaced = presented::field(name.as_bytes()).is_some() || (token.is_some() && name == SECURITY_TOKEN);
        if !replaced {
            add(&mut query, pair);
        }
    }
    if let Some(token) = token {
        add(&mut query, &format!("{SECURITY_TOKEN}={}", encoded(token)));
    }
    set_query(request, &query)?;

    let key = SigningKey::derive(&credentials.secret_key, key_time);
    let authorization = authorization_value(request, &credentials.secret_id, &key)?;
    // The fields are the same in both places, but a query has its own way of writing them.
    for (name, value) in authorization.to_str().map(query_pairs).map_err(|_| SignError::SecretId)? {
        add(&mut query, &format!("{name}={}", encoded(value)));
    }
    set_query(request, &query)
}

fn add(query: &mut String, pair: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(pair);
}

fn encoded(value: &str) -> String {
    let mut text = Vec::with_capacity(value.len());
    encode(&mut text, value.as_bytes());
    String::from_utf8(text).expect("percent-encoded text is ASCII")
}

fn set_query<B>(request: &mut Request<B>, query: &str) -> Result<(), SignError> {
    let mut uri = request.uri().clone().into_parts();
    let path = uri.path_and_query.as_ref().map_or("/", PathAndQuery::path);
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    // What is added is visible ASCII, so that nothing but the length can be wrong.
    uri.path_and_query = Some(PathAndQuery::try_from(target).map_err(|_| SignError::TooLong)?);
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| SignError::TooLong)?;
    Ok(())
}
