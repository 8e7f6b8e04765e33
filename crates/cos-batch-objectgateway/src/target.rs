//! What a request is about: bucket and key, from host and path.

use http::{header, request::Parts};
use percent_encoding::percent_decode_str;

use crate::error::{Code, Failure};

/// Host names of the service itself, which has no buckets in it.
const SERVICE_HOST: &str = "service.cos.";

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Bucket with its appid suffix; none: the service.
    pub(crate) bucket: Option<String>,
    /// Key, percent-decoded once; none: the bucket.
    pub(crate) key: Option<String>,
    /// Region, where the host names one.
    pub(crate) region: Option<String>,
    /// Host as the client named it.
    pub(crate) host: String,
    /// The bucket stands in the path.
    pub(crate) in_path: bool,
}

/// How a host names bucket and region.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    bucket: Option<&'a str>,
    region: Option<&'a str>,
    is_service: bool,
}

impl Target {
    /// The host in the address of the request counts, as HTTP has it, and must be that of the `Host` header if both are
    /// there: the header is what was signed.
    pub(crate) fn of(head: &Parts) -> Result<Self, Failure> {
        let refuse = |message: &str| Failure::new(Code::InvalidRequest, message);
        let mut hosts = head.headers.get_all(header::HOST).iter();
        let in_header = hosts.next().map(|value| value.to_str().map_err(|_| refuse("the Host header is not ASCII")));
        let in_header = in_header.transpose()?;
        if hosts.next().is_some() {
            return Err(refuse("the header Host is given more than once"));
        }
        let in_address = head.uri.authority().map(http::uri::Authority::as_str);
        let host = match (in_address, in_header) {
            (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => {
                return Err(refuse("the address and the Host header name different hosts"));
            }
            (Some(host), _) | (None, Some(host)) if !host.contains('@') => host,
            (Some(_), _) | (None, Some(_)) => return Err(refuse("the host must be without user information")),
            (None, None) => return Err(refuse("the request names no host")),
        };
        let lower = host.to_ascii_lowercase();
        let place = Place::of(without_port(&lower));
        let path = head.uri.path().strip_prefix('/').ok_or_else(|| {
            Failure::new(Code::InvalidUri, "the address of a request is a path that begins with a slash")
        })?;
        let (bucket, key) = match place.bucket {
            Some(bucket) => (Some(bucket), path),
            None if place.is_service || path.is_empty() => (None, path),
            None => path.split_once('/').map_or((Some(path), ""), |(bucket, key)| (Some(bucket), key)),
        };
        if place.is_service && !path.is_empty() {
            return Err(Failure::new(Code::InvalidUri, "the service has no path: buckets have hosts of their own"));
        }
        let decode = |text: &str| {
            let bytes: Vec<u8> = percent_decode_str(text).collect();
            String::from_utf8(bytes).map_err(|_| Failure::new(Code::InvalidUri, "the key is not UTF-8"))
        };
        Ok(Self {
            bucket: bucket.map(str::to_owned),
            key: if key.is_empty() { None } else { Some(decode(key)?) },
            region: place.region.map(str::to_owned),
            host: host.to_owned(),
            in_path: place.bucket.is_none(),
        })
    }
}

impl<'a> Place<'a> {
    /// `host` is in lower case and without a port.
    fn of(host: &'a str) -> Self {
        let path_style = Self { bucket: None, region: None, is_service: false };
        if host.starts_with(SERVICE_HOST) {
            return Self { is_service: true, ..path_style };
        }
        for label in ["cos.", "cos-internal."] {
            if let Some(rest) = host.strip_prefix(label) {
                return Self { region: region(rest), ..path_style };
            }
            let dotted = format!(".{label}");
            if let Some(at) = host.find(&dotted) {
                return Self {
                    bucket: Some(&host[..at]),
                    region: region(&host[at + dotted.len()..]),
                    is_service: false,
                };
            }
        }
        if let Some(bucket) = host.strip_suffix(".localhost") {
            return Self { bucket: Some(bucket), ..path_style };
        }
        let mut labels = host.rsplitn(5, '.');
        let address = labels.by_ref().take(4).filter(|label| label.parse::<u8>().is_ok()).count() == 4;
        match labels.next() {
            Some(bucket) if address => Self { bucket: Some(bucket), ..path_style },
            _ => path_style,
        }
    }
}

/// The region of what follows `cos.` in a host.
fn region(rest: &str) -> Option<&str> {
    rest.split_once('.').map(|(region, _)| region).filter(|region| *region != "myqcloud" && *region != "tencentcos")
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// The name of the bucket that a host, as in `x-cos-copy-source`, begins with; none: it stands in the path.
pub(crate) fn bucket_of_host(host: &str) -> Option<String> {
    let lower = host.to_ascii_lowercase();
    let name = without_port(&lower);
    let is_address = name.parse::<std::net::IpAddr>().is_ok() || name.starts_with('[');
    match Place::of(name) {
        Place { bucket: Some(bucket), .. } => Some(bucket.to_owned()),
        Place { is_service: true, .. } => None,
        // Of any other host, the first label is a bucket if it looks like one: it ends with an APPID. A name such as
        // `objects.example` or `store` does not, and has its buckets in the path.
        Place { bucket: None, .. } if is_address || name.starts_with("cos.") => None,
        Place { bucket: None, .. } => {
            name.split('.').next().filter(|label| appid_of(label).is_some()).map(str::to_owned)
        }
    }
}

/// The APPID that ends the name of a bucket, where one does.
pub(crate) fn appid_of(bucket: &str) -> Option<&str> {
    let (name, appid) = bucket.rsplit_once('-')?;
    let is_appid = !name.is_empty() && !appid.is_empty() && appid.bytes().all(|byte| byte.is_ascii_digit());
    is_appid.then_some(appid)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn target(uri: &str, host: Option<&str>) -> Result<Target, Failure> {
        let mut request = Request::get(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        Target::of(&request.body(()).unwrap().into_parts().0)
    }

    fn shape(uri: &str, host: &str) -> (Option<String>, Option<String>, Option<String>) {
        let target = target(uri, Some(host)).unwrap();
        (target.bucket, target.key, target.region)
    }

    #[test]
    fn hosts_and_paths() {
        let some = |text: &str| Some(text.to_owned());
        let gz = some("ap-guangzhou");
        for (uri, host, bucket, key, region) in [
            ("/", "b-125.cos.ap-guangzhou.myqcloud.com", some("b-125"), None, gz.clone()),
            ("/k", "b-125.cos.ap-guangzhou.myqcloud.com:80", some("b-125"), some("k"), gz.clone()),
            (
                "/a/b//c/../d%20%2F+",
                "B-125.COS.ap-guangzhou.tencentcos.cn",
                some("b-125"),
                some("a/b//c/../d /+"),
                gz.clone(),
            ),
            ("/d%2Fk", "b-125.cos-internal.ap-guangzhou.tencentcos.cn", some("b-125"), some("d/k"), gz.clone()),
            ("/", "cos.ap-guangzhou.myqcloud.com", None, None, gz.clone()),
            ("/b-125/k/l", "cos.ap-guangzhou.myqcloud.com", some("b-125"), some("k/l"), gz.clone()),
            ("/", "service.cos.myqcloud.com", None, None, None),
            ("/", "127.0.0.1:9460", None, None, None),
            ("/b-125", "127.0.0.1:9460", some("b-125"), None, None),
            ("/b-125/", "[::1]:9460", some("b-125"), None, None),
            ("/b-125//k", "localhost:9460", some("b-125"), some("/k"), None),
            ("/k", "b-125.localhost:9460", some("b-125"), some("k"), None),
            ("/k", "b-125.127.0.0.1:9460", some("b-125"), some("k"), None),
            ("/b-125/k", "objects.internal", some("b-125"), some("k"), None),
        ] {
            assert_eq!(shape(uri, host), (bucket, key, region), "{uri} {host}");
        }
    }

    #[test]
    fn the_address_counts_and_the_header_must_agree() {
        let absolute = "http://b-125.cos.ap-guangzhou.myqcloud.com/k";
        for host in [None, Some("b-125.cos.ap-guangzhou.myqcloud.com")] {
            assert_eq!(target(absolute, host).unwrap().bucket.as_deref(), Some("b-125"));
        }
        assert!(target(absolute, Some("other-125.cos.ap-guangzhou.myqcloud.com")).is_err());
        assert!(target("http://user:secret@b-125.localhost/k", None).is_err());
        assert!(target("/k", None).is_err());
        assert!(target("/k", Some("service.cos.myqcloud.com")).is_err());
        assert_eq!(target("/%ff", Some("b-1.localhost")).unwrap_err().code, "InvalidURI");
    }

    #[test]
    fn sources_of_copies() {
        for (host, bucket) in [
            ("src-125.cos.ap-guangzhou.myqcloud.com", Some("src-125")),
            ("src-125.127.0.0.1:9460", Some("src-125")),
            ("src-125.example.com", Some("src-125")),
            ("src-125", Some("src-125")),
            ("objects.example.com", None),
            ("objects-eu.example.com:80", None),
            ("store:9460", None),
            ("store", None),
            ("cos.ap-guangzhou.myqcloud.com", None),
            ("127.0.0.1:9460", None),
            ("localhost:9460", None),
        ] {
            assert_eq!(bucket_of_host(host).as_deref(), bucket, "{host}");
        }
    }
}
