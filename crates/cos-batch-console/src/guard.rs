//! What a browser must not be talked into by a page of another site.

use http::{
    HeaderMap, HeaderValue, Response,
    header::{self, HeaderName},
};

/// Everything comes from this server, nothing is inline, nobody frames it, forms go nowhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What each answer of the console carries.
pub(crate) fn protect<B>(response: &mut Response<B>) {
    const HEADERS: [(HeaderName, &str); 7] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // To ourselves it is told: without it a browser's Origin would be null.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Whether a request that changes something was sent by a page of this server: a browser says from where it sends.
pub(crate) fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin") {
        return false;
    }
    match (text(&header::ORIGIN), text(&header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        (None, _) => site.is_some(),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_server_send_forms() {
        let from = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            is_from_here(&headers.collect())
        };
        let host = ("host", "127.0.0.1:9450");
        assert!(from(&[host, ("origin", "http://127.0.0.1:9450")]));
        assert!(from(&[host, ("origin", "http://127.0.0.1:9450"), ("sec-fetch-site", "same-origin")]));
        assert!(from(&[host, ("sec-fetch-site", "same-origin")]));
        for wrong in [
            &[host][..],
            &[host, ("origin", "null")],
            &[host, ("origin", "http://evil.example")],
            &[host, ("origin", "http://127.0.0.1:9451")],
            &[host, ("origin", "127.0.0.1:9450")],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "http://127.0.0.1:9450"), ("sec-fetch-site", "cross-site")],
            &[("origin", "http://127.0.0.1:9450")],
        ] {
            assert!(!from(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn nothing_inline_and_nothing_from_elsewhere() {
        assert!(
            !POLICY.contains("unsafe")
                && !POLICY.contains("http")
                && !POLICY.contains('*')
                && !POLICY.contains("data:")
        );
        let mut response = Response::new(());
        protect(&mut response);
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
}
