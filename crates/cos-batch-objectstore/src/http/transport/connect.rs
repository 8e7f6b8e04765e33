//! Making connections: TCP, TLS, through a proxy.

use std::{
    error::Error as StdError,
    fmt, io,
    path::Path,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tower::ServiceExt as _;

use super::Destination;

/// After so long without a byte the system asks whether the other side is still there: a copy may take minutes in which nothing
/// comes, and a machine that is gone must not hold a row for as long.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);

/// How long it waits for an answer to that, and then asks again.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);

/// So often without an answer the connection is given up.
const KEEPALIVE_TIMES: u32 = 3;

/// A connection before HTTP is spoken on it.
pub(super) enum Stream {
    /// TCP and nothing around it.
    Plain(TcpStream),
    /// With TLS.
    Secured(Box<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>),
}

impl From<MaybeHttpsStream<TokioIo<TcpStream>>> for Stream {
    fn from(stream: MaybeHttpsStream<TokioIo<TcpStream>>) -> Self {
        match stream {
            MaybeHttpsStream::Http(stream) => Self::Plain(stream.into_inner()),
            secured => Self::Secured(Box::new(TokioIo::new(secured))),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Secured(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secured(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secured(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Which certificate authorities are trusted.
#[derive(Clone, Debug, Default)]
pub(crate) enum Tls {
    /// Those of webpki-roots.
    #[default]
    PublicRoots,
    /// Only those of this file.
    Roots(RootCertStore),
}

impl Tls {
    /// The authorities of a PEM file, and no others.
    pub(crate) fn of_file(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn StdError| format!("certificate authorities of {}: {error}", path.display());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
            let certificate = certificate.map_err(|error| failed(&error))?;
            roots.add(certificate).map_err(|error| failed(&error))?;
        }
        if roots.is_empty() {
            return Err(format!("{} has no certificate", path.display()));
        }
        Ok(Self::Roots(roots))
    }
}

/// Whom requests go through.
#[derive(Clone, Default)]
pub(crate) enum Proxy {
    /// Nobody.
    #[default]
    None,
    /// What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
    Environment,
    /// This one.
    Url(String),
}

/// Its address may have a password in it.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Environment => "Environment",
            Self::Url(_) => "Url(..)",
        })
    }
}

#[derive(Clone)]
enum Way {
    /// To the store itself, or to a proxy that passes requests on.
    Straight(HttpsConnector<HttpConnector>),
    /// To the store through a proxy that passes bytes on.
    Tunnel(HttpsConnector<Tunnel<HttpConnector>>),
}

/// Makes connections for one store.
pub(crate) struct Connector {
    way: Way,
    /// The proxy that passes requests on.
    relay: Option<Intercept>,
}

/// What leads through a proxy knows the password for it.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.way, &self.relay) {
            (Way::Straight(_), None) => "Connector(straight)",
            (Way::Straight(_), Some(_)) => "Connector(through a proxy)",
            (Way::Tunnel(_), _) => "Connector(through a tunnel)",
        })
    }
}

impl Connector {
    /// For destinations of this scheme and host; `no_proxy` is asked about the host.
    pub(crate) fn new(
        scheme: &str,
        host: &str,
        tls: &Tls,
        proxy: &Proxy,
        connect_timeout: Duration,
    ) -> Result<Self, String> {
        let matcher = match proxy {
            Proxy::None => None,
            Proxy::Environment => Some(Matcher::from_env()),
            Proxy::Url(url) => Some(Matcher::builder().all(url.as_str()).build()),
        };
        let target: Uri = format!("{scheme}://{host}").parse().map_err(|error| format!("{host}: {error}"))?;
        let proxy_url = if let Proxy::Url(url) = proxy { Some(url.as_str()) } else { None };
        let intercept = matcher.and_then(|matcher| matcher.intercept(&target));
        if let (Some(_), None) = (proxy_url, &intercept) {
            return Err("the proxy must be `http://` or `https://`, a host, and perhaps `:` and a port".to_owned());
        }
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE_AFTER));
        tcp.set_keepalive_interval(Some(KEEPALIVE_EVERY));
        tcp.set_keepalive_retries(Some(KEEPALIVE_TIMES));
        tcp.enforce_http(false);
        let Some(intercept) = intercept else {
            return Ok(Self { way: Way::Straight(secured(tls, tcp)?), relay: None });
        };
        let proxy_scheme = intercept.uri().scheme_str();
        if scheme == "https" {
            if proxy_scheme != Some("http") {
                return Err("the proxy for `https` must itself be reached by `http://`".to_owned());
            }
            let mut tunnel = Tunnel::new(intercept.uri().clone(), tcp);
            if let Some(authorization) = intercept.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            return Ok(Self { way: Way::Tunnel(secured(tls, tunnel)?), relay: None });
        }
        if !matches!(proxy_scheme, Some("http" | "https")) {
            return Err("the proxy must be reached by `http://` or `https://`".to_owned());
        }
        Ok(Self { way: Way::Straight(secured(tls, tcp)?), relay: Some(intercept) })
    }

    pub(super) fn proxy_authorization(&self) -> Option<&str> {
        // A word and Base64.
        self.relay.as_ref().and_then(Intercept::basic_auth)?.to_str().ok()
    }

    pub(super) fn wants_absolute_targets(&self) -> bool {
        self.relay.is_some()
    }

    pub(super) async fn connect(&self, to: Destination<'_>) -> Result<Stream, BoxError> {
        let uri = match &self.relay {
            Some(proxy) => proxy.uri().clone(),
            None => format!("{}://{}", to.scheme, to.host).parse()?,
        };
        let stream = match &self.way {
            Way::Straight(connector) => connector.clone().oneshot(uri).await,
            Way::Tunnel(connector) => connector.clone().oneshot(uri).await,
        };
        stream.map(Stream::from)
    }
}

/// TLS around what connects; rustls with aws-lc-rs, whatever the process has set as its default.
fn secured<C>(tls: &Tls, connector: C) -> Result<HttpsConnector<C>, String> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = HttpsConnectorBuilder::new();
    let builder = match tls {
        Tls::PublicRoots => {
            builder.with_provider_and_webpki_roots(provider).map_err(|error| format!("TLS: {error}"))?
        }
        Tls::Roots(roots) => {
            let config = ClientConfig::builder_with_provider(provider.into())
                .with_safe_default_protocol_versions()
                .map_err(|error| format!("TLS: {error}"))?
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            builder.with_tls_config(config)
        }
    };
    Ok(builder.https_or_http().enable_http1().wrap_connector(connector))
}
