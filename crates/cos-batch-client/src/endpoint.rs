//! Where the service is.

use std::fmt;
use std::str::FromStr;

use cos_batch_model::Uin;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use crate::BuildError;

/// Most bytes of one part of a host name (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;

/// Most bytes of a refused address that the error repeats.
const SHOWN_BYTES_MAX: usize = 64;

/// Where the service is: scheme, host, port.
///
/// ```
/// use cos_batch_client::Endpoint;
///
/// let cos = Endpoint::cos(&"100000000001".parse()?, "ap-guangzhou")?;
/// assert_eq!(cos.to_string(), "https://100000000001.cos-control.ap-guangzhou.myqcloud.com");
/// let own: Endpoint = "http://127.0.0.1:9450".parse()?;
/// assert_eq!(own, Endpoint::url("http://127.0.0.1:9450/")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    /// What stands in the Host header, and so is signed: without a port that the scheme implies.
    host: HeaderValue,
}

impl Endpoint {
    /// Tencent COS over TLS: `https://<UIN>.cos-control.<region>.myqcloud.com` (COS Batch API, CreateJob).
    ///
    /// # Errors
    ///
    /// [`BuildError::Endpoint`] where UIN or region cannot be a part of a host name.
    pub fn cos(uin: &Uin, region: &str) -> Result<Self, BuildError> {
        const RULE: &str = "needs a UIN and a region of 1 to 63 ASCII letters, digits and `-`";
        for label in [uin.as_str(), region] {
            let legal = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !legal || label.is_empty() || label.len() > LABEL_BYTES_MAX {
                return Err(refused(RULE, label));
            }
        }
        Self::url(&format!("https://{uin}.cos-control.{region}.myqcloud.com"))
    }

    /// Any other server of the API: `http://127.0.0.1:9450`, `https://batch.example.com`.
    ///
    /// Over `http` everybody on the way can read the requests, and repeat them while their signature lives.
    ///
    /// # Errors
    ///
    /// [`BuildError::Endpoint`] where this is not scheme, host and perhaps port alone.
    pub fn url(url: &str) -> Result<Self, BuildError> {
        const RULE: &str = "must be `http://` or `https://`, a host, and perhaps `:` and a port";
        let refuse = || refused(RULE, url);
        let parts = url.parse::<Uri>().map_err(|_| refuse())?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(refuse()) };
        let default_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return Err(refuse()),
        };
        let user_or_port = authority.as_str().len() != authority.host().len();
        if user_or_port && authority.port_u16().is_none() || authority.as_str().contains('@') {
            return Err(refuse());
        }
        if authority.host().is_empty() || parts.path_and_query.is_some_and(|path| path != "/") || url.contains('#') {
            return Err(refuse());
        }
        let implied = authority.port_u16() == Some(default_port);
        let host = if implied { authority.host() } else { authority.as_str() };
        let host = HeaderValue::from_str(host).map_err(|_| refuse())?;
        Ok(Self { scheme, authority, host })
    }

    /// The value of the Host header.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Whether connections are secure.
    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The whole address of a path here.
    pub(crate) fn uri(&self, path: Option<&PathAndQuery>) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path.cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
        Uri::from_parts(parts).expect("scheme, authority and path are all there, which is the only rule")
    }
}

impl FromStr for Endpoint {
    type Err = BuildError;

    fn from_str(url: &str) -> Result<Self, BuildError> {
        Self::url(url)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

fn refused(rule: &'static str, actual: &str) -> BuildError {
    let cut = actual.floor_char_boundary(SHOWN_BYTES_MAX);
    BuildError::Endpoint { rule, actual: actual[..cut].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_header_has_the_port_unless_the_scheme_implies_it() {
        for (url, host) in [
            ("http://127.0.0.1:9450", "127.0.0.1:9450"),
            ("http://a.example:80/", "a.example"),
            ("http://a.example:443", "a.example:443"),
            ("https://a.example", "a.example"),
            ("https://a.example:443", "a.example"),
            ("https://a.example:80", "a.example:80"),
            ("http://[::1]:9450", "[::1]:9450"),
            ("http://[::1]", "[::1]"),
        ] {
            assert_eq!(Endpoint::url(url).unwrap().host(), host, "{url}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_scheme_host_and_port_is_refused() {
        for url in [
            "",
            "a.example",
            "a.example:80",
            "/jobs",
            "ftp://a.example",
            "http://",
            "http://:80",
            "http://a.example:",
            "http://a.example:65536",
            "http://a.example:x",
            "http://me@a.example",
            "http://me:secret@a.example:80",
            "http://a.example/prefix",
            "http://a.example/?",
            "http://a.example?a=b",
            "http://a.example/#part",
            "http://a b",
        ] {
            let error = Endpoint::url(url).expect_err(url);
            assert!(error.to_string().contains("`http://` or `https://`"), "{error}");
        }
    }

    #[test]
    fn a_refused_address_is_shown_in_part() {
        let BuildError::Endpoint { actual, .. } = Endpoint::url(&"ä".repeat(100)).unwrap_err() else { panic!() };
        assert_eq!(actual, "ä".repeat(32));
    }

    #[test]
    fn uin_and_region_are_parts_of_a_host_name() {
        let uin = |text: &str| text.parse::<Uin>().unwrap();
        let longest = "1".repeat(63);
        assert!(Endpoint::cos(&uin(&longest), &longest).is_ok());
        for (number, region) in [
            ("1", ""),
            ("1", "a.b"),
            ("1", "a/b"),
            ("1", "ä"),
            ("1_2", "a"),
            ("1", &"a".repeat(64)),
            (&"1".repeat(64), "a"),
        ] {
            assert!(Endpoint::cos(&uin(number), region).is_err(), "{number} {region}");
        }
    }
}
