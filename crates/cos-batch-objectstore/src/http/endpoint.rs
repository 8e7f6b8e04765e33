//! Where a store is.

use std::fmt;

use http::{HeaderValue, Uri};

/// Bytes of a host's name at most (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

/// Scheme and host of a store. It comes from configuration alone: nothing a user of the store writes gets into it but the name
/// of a bucket, which is checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: &'static str,
    /// With the port, unless the scheme implies it: what the Host header says.
    host: String,
}

impl Endpoint {
    /// `http://127.0.0.1:9000`, `https://cos.ap-guangzhou.myqcloud.com`; the error says what is wrong.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        const RULE: &str = "an endpoint is `http://` or `https://`, a host, and perhaps `:` and a port";
        let refuse = || match url.contains('@') {
            // What stands before it may be a password.
            true => format!("{RULE}, without `@` and what stands before it"),
            false => format!("{RULE}, not {:?}", &url[..url.floor_char_boundary(64)]),
        };
        let parts = url.parse::<Uri>().map_err(|_| refuse())?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(refuse()) };
        let (scheme, default_port) = match scheme.as_str() {
            "http" => ("http", 80),
            "https" => ("https", 443),
            _ => return Err(refuse()),
        };
        let more_than_host = authority.as_str().len() != authority.host().len();
        let legal = !authority.as_str().contains('@')
            && !authority.host().is_empty()
            && authority.host().len() <= HOST_BYTES_MAX
            && (!more_than_host || authority.port_u16().is_some())
            && parts.path_and_query.is_none_or(|path| path == "/")
            && !url.contains('#');
        if !legal {
            return Err(refuse());
        }
        let implied = authority.port_u16().is_none_or(|port| port == default_port);
        let host = if implied { authority.host() } else { authority.as_str() }.to_ascii_lowercase();
        HeaderValue::from_str(&host).map_err(|_| refuse())?;
        Ok(Self { scheme, host })
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The host without a bucket.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether a bucket can be put before the host: an address has no subdomains.
    pub(crate) fn has_subdomains(&self) -> bool {
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        !name.starts_with('[') && name.parse::<std::net::IpAddr>().is_err()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_has_its_port_unless_the_scheme_implies_it() {
        for (url, host) in [
            ("http://127.0.0.1:9000", "127.0.0.1:9000"),
            ("http://A.example:80/", "a.example"),
            ("https://a.example:443", "a.example"),
            ("https://a.example:80", "a.example:80"),
            ("http://[::1]:9000", "[::1]:9000"),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap().host(), host, "{url}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_scheme_host_and_port_is_refused() {
        for url in [
            "",
            "a.example",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:",
            "http://a:x",
            "http://me@a",
            "http://a/prefix",
            "http://a?b",
            "http://a/#c",
            "http://a b",
        ] {
            let error = Endpoint::parse(url).expect_err(url);
            assert!(error.starts_with("an endpoint is `http://` or `https://`"), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        for url in ["http://me:hush@a.example", "http://me:hush@a.example:x/y", "me:hush@a"] {
            let error = Endpoint::parse(url).unwrap_err();
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn addresses_have_no_subdomains() {
        for (url, expected) in [
            ("http://localhost:1", true),
            ("http://s3.example", true),
            ("http://10.0.0.1", false),
            ("http://127.0.0.1:80", false),
            ("http://[::1]:1", false),
            ("http://[::1]", false),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap().has_subdomains(), expected, "{url}");
        }
    }
}
