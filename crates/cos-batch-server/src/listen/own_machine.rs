//! A server that lets everybody in, and the web pages that its user looks at.

use std::{collections::BTreeSet, net::IpAddr, pin::Pin, sync::Arc};

use bytes::Bytes;
use cos_batch_model::{ApiError, ErrorCode};
use http::{HeaderMap, Request, Response, Uri, header, uri::Authority};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::service::Service;

use crate::{
    request_id::RequestIds,
    service::{SERVER, system_time},
};

/// Domains of Tencent Cloud under which the API has its hosts. Whoever could make one of their names mean another machine
/// could do worse than this.
const COS_DOMAINS: [&str; 2] = [".myqcloud.com", ".tencentcos.cn"];

/// A service for programs of its own machine: it refuses with `AccessDenied` what a web page may have sent.
///
/// A server that lets everybody in listens on loopback, where a page of any site can reach it through its visitor's
/// browser. A browser says so: by `Origin`, or by `Sec-Fetch-Site` with a site that is not the server itself. A page whose
/// own host is made to mean this machine (DNS rebinding) does not; but then the request names that host. So a host must be
/// a loopback address, `localhost`, either of them with a bucket before it (`photos.localhost`), or a host of COS
/// (`*.myqcloud.com`, `*.tencentcos.cn`), unless it is one that [`allow_host`](Self::allow_host) names.
///
/// Source: ours.
#[derive(Clone)]
pub struct OwnMachine<S> {
    service: S,
    hosts: Arc<BTreeSet<String>>,
    ids: Arc<RequestIds>,
}

impl<S> OwnMachine<S> {
    /// This service, for programs of its own machine.
    pub fn new(service: S) -> Self {
        Self { service, hosts: Arc::default(), ids: Arc::new(RequestIds::new()) }
    }

    /// Also accepts requests to this host, on any port: a name that means this machine where it runs, such as that of a
    /// container. In any case, without a port, and without what may stand before it: `photos.NAME` is another host. Name none
    /// that somebody else could make mean this machine.
    #[must_use]
    pub fn allow_host(mut self, name: impl AsRef<str>) -> Self {
        Arc::make_mut(&mut self.hosts).insert(name_of(name.as_ref()));
        self
    }
}

impl<S> OwnMachine<S> {
    /// Whether a host, with or without a port, is a name under which this service answers.
    pub fn is_own(&self, host: &str) -> bool {
        is_own(host) || self.hosts.contains(&name_of(host))
    }
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<S, R, B> Service<Request<R>> for OwnMachine<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes>,
{
    type Response = Response<Either<Full<Bytes>, B>>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Self::Response, S::Error>>;

    fn call(&self, request: Request<R>) -> Self::Future {
        if let Err(reason) = check(request.headers(), request.uri(), &self.hosts) {
            tracing::info!(reason, "a request that a web page may have sent is refused");
            let mut error = ApiError::new(ErrorCode::AccessDenied, reason);
            error.resource = Some(request.uri().path().to_owned());
            error.request_id = Some(self.ids.next(system_time()));
            let mut refusal = error.to_http();
            refusal.headers_mut().insert(header::SERVER, SERVER);
            return Box::pin(async { Ok(refusal.map(|bytes| Either::Left(Full::new(bytes)))) });
        }
        let answer = self.service.call(request);
        Box::pin(async move { Ok(answer.await?.map(Either::Right)) })
    }
}

fn check(headers: &HeaderMap, uri: &Uri, allowed: &BTreeSet<String>) -> Result<(), &'static str> {
    if headers.contains_key(header::ORIGIN) {
        return Err("this server lets everybody of its machine in, but no web page: the request has an Origin");
    }
    let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    if site.is_some_and(|site| !matches!(site, b"none" | b"same-origin")) {
        return Err("this server lets everybody of its machine in, but no web page: Sec-Fetch-Site names another site");
    }
    let named = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let mut hosts = named.chain(uri.authority().map(Authority::as_str));
    if hosts.all(|host| is_own(host) || allowed.contains(&name_of(host))) {
        return Ok(());
    }
    Err("this server lets everybody of its machine in, under a name of this machine: a loopback address, localhost, \
         BUCKET.localhost, a host of COS, or a name that the server was told to allow")
}

/// A host without its port and the dot that may end it, in small letters.
fn name_of(host: &str) -> String {
    let port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, after)) if port(after) && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    name.strip_suffix('.').unwrap_or(&name).to_owned()
}

/// Whether a host, with or without a port, can only mean this machine, or one of COS.
fn is_own(host: &str) -> bool {
    let name = name_of(host);
    if name == "localhost" || name.ends_with(".localhost") || COS_DOMAINS.iter().any(|domain| name.ends_with(domain)) {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.is_loopback();
    }
    // The last four labels, where a bucket stands before an address: a name whose last label is a number is no other.
    let start = name.rmatch_indices('.').nth(3).map(|(at, _)| at + 1);
    start.and_then(|start| name[start..].parse::<IpAddr>().ok()).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9460",
            "127.1.2.3",
            "[::1]:9460",
            "[::1]",
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "b-125.localhost:9460",
            "b-125.127.0.0.1:9460",
            "b-125.cos.ap-guangzhou.myqcloud.com",
            "service.cos.tencentcos.cn",
            "100000000001.cos-control.ap-guangzhou.myqcloud.com:80",
        ] {
            assert!(is_own(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:9460",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "myqcloud.com.evil.example",
            "evilmyqcloud.com",
            "10.0.0.1",
            "b-125.10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "x.127.0.0.1.com",
            "evil.example:localhost",
        ] {
            assert!(!is_own(host), "{host}");
        }
    }

    #[test]
    fn hosts_that_are_named() {
        let service = OwnMachine::new(()).allow_host("Cos-Batch").allow_host("dev.example.");
        let check = |host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            check(&headers, &Uri::from_static("/"), &service.hosts).is_ok()
        };
        for host in ["cos-batch", "COS-BATCH:9460", "dev.example", "dev.example.:1", "127.0.0.1"] {
            assert!(check(host), "{host}");
        }
        for host in ["x.cos-batch", "cos-batch.example", "example", "dev.example.evil", ""] {
            assert!(!check(host), "{host}");
        }
    }

    #[test]
    fn what_browsers_say() {
        let check = |pairs: &[(&'static str, &str)], uri: &str| {
            let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            check(&headers.collect(), &uri.parse().unwrap(), &BTreeSet::new()).is_ok()
        };
        assert!(check(&[("host", "localhost")], "/jobs") && check(&[], "/jobs"));
        assert!(check(&[("host", "b.localhost")], "http://b.localhost/k"));
        for site in ["none", "same-origin"] {
            assert!(check(&[("host", "localhost"), ("sec-fetch-site", site)], "/"), "{site}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert!(!check(&[("host", "localhost"), ("sec-fetch-site", site)], "/"), "{site}");
        }
        assert!(!check(&[("host", "localhost"), ("origin", "http://localhost")], "/"));
        assert!(!check(&[("host", "localhost"), ("origin", "null")], "/"));
        assert!(!check(&[("host", "localhost")], "http://evil.example/"));
    }
}
