//! A `tower` service as a transport.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use tower::{Service, ServiceExt as _};

use super::failure::failure;
use crate::{BoxError, Error};

/// Most bytes of an answer's body. The largest legal one, a page of 1,000 jobs, stays under 3 MiB; the rest is room for
/// what a newer server adds.
///
/// Source: ours.
pub const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What can carry requests: every [`tower::Service`] from `http::Request<Full<Bytes>>` to `http::Response` with any
/// body, which can be cloned and shared between threads.
///
/// There is nothing to implement: implement `Service`. Requests have an absolute address, a `Host` header and are
/// signed; what changes them breaks the signature. Each request goes to a clone of the service. Errors that contain
/// those of hyper, rustls or `std::io` are told apart as [`TransportErrorKind`](crate::TransportErrorKind) says; others
/// are [`Other`](crate::TransportErrorKind::Other), after which nothing is repeated.
///
/// See the [front page](crate) for a service as a transport. Source: ours.
pub trait Transport: Exchange {}

impl<T: Exchange> Transport for T {}

/// The one method of a transport. It is out of reach for users, so that it can change.
///
/// Source: ours.
pub trait Exchange: Clone + Send + Sync {
    /// Sends a request and takes in its whole answer.
    fn exchange(&self, request: Request<Full<Bytes>>) -> impl Future<Output = Result<Response<Bytes>, Error>> + Send;
}

impl<S, B> Exchange for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    fn exchange(&self, request: Request<Full<Bytes>>) -> impl Future<Output = Result<Response<Bytes>, Error>> + Send {
        // Being ready belongs to one clone of a service, so each request has its own.
        let service = self.clone();
        async move {
            let response = service.oneshot(request).await.map_err(|error| failure(error.into()))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, RESPONSE_BYTES_MAX).collect().await.map_err(failure)?;
            Ok(Response::from_parts(head, body.to_bytes()))
        }
    }
}
