//! What a server offers beside the API, under a path of its own.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_model::{ApiError, BoxFuture, RequestContext};
use http::{Request, Response};

/// What the paths of an [`Extension`] begin with. No action of the API has such a path, and no job id can begin one.
///
/// Source: ours.
pub const EXTENSION_PREFIX: &str = "/-/";

/// What a server offers beside the API: every request whose path begins with [`EXTENSION_PREFIX`].
///
/// Such a request passes what one of the API passes: limits, authentication, the check of its body, a request id. A body
/// must be bound by a signed `Content-MD5` unless the service is not strict. What an extension answers is up to it; an
/// error is rendered as the API's errors are.
///
/// A signature covers the names of query parameters in lower case only: refuse parameters that you do not know, so that
/// nobody on the way can take one out of effect by writing it in another case.
///
/// ```
/// use bytes::Bytes;
/// use cos_batch_model::{ApiError, BoxFuture, ErrorCode, RequestContext};
/// use cos_batch_server::Extension;
/// use http::{Request, Response};
///
/// /// Says who asks.
/// struct WhoAmI;
///
/// impl Extension for WhoAmI {
///     fn answer<'a>(
///         &'a self,
///         context: &'a RequestContext,
///         request: Request<Bytes>,
///     ) -> BoxFuture<'a, Result<Response<Bytes>, ApiError>> {
///         Box::pin(async move {
///             if request.uri() != "/-/who-am-i" {
///                 return Err(ApiError::new(ErrorCode::InvalidUri, "there is nothing here"));
///             }
///             Ok(Response::new(context.appid.to_string().into()))
///         })
///     }
/// }
/// ```
pub trait Extension: Send + Sync {
    /// Answers one request. Its body is whole, and has at most [`Limits::extension_body_bytes`] bytes.
    ///
    /// Dropped where it stands after [`Limits::extension_timeout`], and when the caller goes away.
    ///
    /// [`Limits::extension_body_bytes`]: crate::Limits::extension_body_bytes
    /// [`Limits::extension_timeout`]: crate::Limits::extension_timeout
    fn answer<'a>(
        &'a self,
        context: &'a RequestContext,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, ApiError>>;
}

impl<T: Extension + ?Sized> Extension for Arc<T> {
    fn answer<'a>(
        &'a self,
        context: &'a RequestContext,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, ApiError>> {
        (**self).answer(context, request)
    }
}
