//! The host of a request, as it is signed.

use http::{HeaderMap, HeaderValue, Uri, header};

/// The host to sign: the `Host` header, else that of the address.
pub(crate) fn of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a [u8]> {
    headers.get(header::HOST).map(HeaderValue::as_bytes).or_else(|| of_address(uri))
}

/// The authority of the address without user information.
pub(crate) fn of_address(uri: &Uri) -> Option<&[u8]> {
    let authority = uri.authority()?.as_str();
    Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host).as_bytes())
}

/// The host without its port, where it has one.
pub(crate) fn without_port(host: &[u8]) -> Option<&[u8]> {
    let colon = host.iter().rposition(|byte| *byte == b':')?;
    let (name, port) = (&host[..colon], &host[colon + 1..]);
    let is_port = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    // An address like `::1` without brackets has colons, but no port.
    (is_port && (!name.contains(&b':') || name.ends_with(b"]"))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_told_from_addresses() {
        let cases: [(&str, Option<&str>); 8] = [
            ("a.example:80", Some("a.example")),
            ("127.0.0.1:1", Some("127.0.0.1")),
            ("[::1]:80", Some("[::1]")),
            ("a.example", None),
            ("a.example:", None),
            ("a.example:x", None),
            ("[::1]", None),
            ("::1", None),
        ];
        for (host, expected) in cases {
            assert_eq!(without_port(host.as_bytes()), expected.map(str::as_bytes), "{host}");
        }
    }
}
