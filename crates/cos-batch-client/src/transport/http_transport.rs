//! HTTP/1.1 over TCP, and over TLS.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{self, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use crate::{BuildError, Endpoint};

/// Longest time to make a TCP connection to one address of a host, 5 s: a connection that takes longer is lost, and an
/// attempt must have time left for another address.
///
/// Source: ours.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an unused connection is kept, 15 s. Servers and balancers commonly close theirs after a minute or more;
/// being the first to close keeps requests off connections that are just being closed.
///
/// Source: ours.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Most unused connections that are kept: what a busy program uses at the same time.
///
/// Source: ours.
pub const IDLE_CONNECTIONS_MAX: usize = 16;

/// Most bytes of an answer's head. Real ones have less than one KiB.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What makes the connections of an [`HttpTransport`] that is not given anything else.
///
/// Source: ours.
#[cfg(feature = "tls")]
pub type DefaultConnector = hyper_rustls::HttpsConnector<HttpConnector>;

/// What makes the connections of an [`HttpTransport`] that is not given anything else.
///
/// Source: ours.
#[cfg(not(feature = "tls"))]
pub type DefaultConnector = HttpConnector;

/// HTTP/1.1 with kept connections; the transport of a client that is not given another one.
///
/// It follows no redirect and knows no proxy: a signature is for one host. TLS is rustls with aws-lc-rs and the roots of
/// webpki-roots, whatever the process has set as its default.
///
/// ```
/// use cos_batch_client::{Client, HttpTransport};
///
/// let transport = HttpTransport::new()?;
/// let here = Client::builder().endpoint("http://127.0.0.1:8080".parse()?).appid("1250000000".parse()?).anonymous();
/// let client = here.transport(transport).build()?;
/// assert_eq!(client.appid().as_str(), "1250000000");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HttpTransport<C = DefaultConnector>(legacy::Client<C, Full<Bytes>>);

impl HttpTransport {
    /// A transport with this crate's connector.
    ///
    /// # Errors
    ///
    /// [`BuildError::Tls`] where rustls refuses its own defaults.
    pub fn new() -> Result<Self, BuildError> {
        connector().map(Self::with_connector)
    }

    /// The transport for an endpoint, which tells early that there is no TLS.
    pub(crate) fn for_endpoint(endpoint: &Endpoint) -> Result<Self, BuildError> {
        if endpoint.is_https() && !cfg!(feature = "tls") {
            return Err(BuildError::Tls("the crate was built without its feature `tls`".to_owned()));
        }
        Self::new()
    }

    /// A transport with this configuration of TLS: roots of one's own, a client's certificate.
    ///
    /// # Errors
    ///
    /// [`BuildError::Tls`] where the configuration names application protocols (ALPN): those follow from HTTP/1.1.
    #[cfg(feature = "tls")]
    pub fn with_tls(config: rustls::ClientConfig) -> Result<Self, BuildError> {
        if !config.alpn_protocols.is_empty() {
            return Err(BuildError::Tls("leave `alpn_protocols` empty".to_owned()));
        }
        let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
        Ok(Self::with_connector(builder.https_or_http().enable_http1().wrap_connector(tcp())))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> HttpTransport<C> {
    /// A transport over connections that something else makes, for example over a socket of another kind.
    pub fn with_connector(connector: C) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .build(connector);
        Self(client)
    }
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_nodelay(true);
    // Whoever stands around this one looks at the scheme.
    tcp.enforce_http(!cfg!(feature = "tls"));
    tcp
}

#[cfg(feature = "tls")]
fn connector() -> Result<DefaultConnector, BuildError> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|error| BuildError::Tls(error.to_string()))?;
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp()))
}

#[cfg(not(feature = "tls"))]
fn connector() -> Result<DefaultConnector, BuildError> {
    Ok(tcp())
}

impl<C: Connect + Clone + Send + Sync + 'static> Service<Request<Full<Bytes>>> for HttpTransport<C> {
    type Response = Response<Incoming>;
    type Error = legacy::Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        self.0.call(request)
    }
}

impl<C> fmt::Debug for HttpTransport<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}
