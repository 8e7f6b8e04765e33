//! Reading a body, within its limits and against what the head says about it.
//!
//! ```
//! use std::pin::pin;
//!
//! use cos_batch_server::{
//!     Limits,
//!     body::{self, Remembering, Room},
//! };
//! use http_body_util::Full;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let body = Full::new(bytes::Bytes::from("12345"));
//! let (head, body) = http::Request::post("/jobs").header("content-length", 5).body(body)?.into_parts();
//! let (limits, body) = (Limits::default(), pin!(body));
//! let mut body = Remembering::new(body);
//! // What is announced is enough to refuse; what a refused request still sends is read and forgotten.
//! let refused = body::read(&mut body, &head.headers, Room::Bytes(4), &limits).await;
//! assert!(refused.is_err());
//! body::drain(&mut body, &head.headers, &limits).await;
//! # Ok(())
//! # }
//! ```

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes, BytesMut};
use cos_batch_model::{ActionName, ApiError, ErrorCode};
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use md5::{Digest, Md5};

use crate::{DRAIN_TIMEOUT, Limits, router::Route};

/// Bytes of an MD5.
const MD5_BYTES: usize = 16;

/// A body that remembers its end: what is left of it may be asked for by somebody who does not know whether anything is,
/// and not every body can be asked again after its end. Source: ours.
#[derive(Debug)]
pub struct Remembering<'a, B> {
    body: Pin<&'a mut B>,
    ended: bool,
}

impl<'a, B> Remembering<'a, B> {
    /// Over a body of which nothing was read. Source: ours.
    #[must_use]
    pub fn new(body: Pin<&'a mut B>) -> Self {
        Self { body, ended: false }
    }
}

impl<B: Body> Body for Remembering<'_, B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = ready!(self.body.as_mut().poll_frame(context));
        self.ended = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.ended { SizeHint::with_exact(0) } else { self.body.size_hint() }
    }
}

/// Reads the body of a request and checks it against Content-Length and Content-MD5. Source: ours.
///
/// # Errors
/// What [`Room`] says of a body that does not fit; `IncompleteBody` and `RequestTimeout`, after which no more of it comes;
/// `EntitySizeNotMatch`, `BadDigest` and `InvalidDigest` for one that is not what the head says.
pub async fn read<B: Body>(body: B, headers: &HeaderMap, room: Room, limits: &Limits) -> Result<Bytes, ApiError> {
    let announced = announced(headers)?;
    let digest = content_md5(headers)?;
    // An announced size is enough to refuse: nothing of the body is read then.
    room.check(announced.unwrap_or(0).max(body.size_hint().lower()))?;
    let bytes = if body.is_end_stream() {
        Bytes::new()
    } else {
        tokio::time::timeout(limits.body_timeout, collect(body, room)).await.map_err(|_| {
            let message = format!("the body did not arrive within {} seconds", limits.body_timeout.as_secs_f64());
            ApiError::new(ErrorCode::RequestTimeout, message)
        })??
    };
    if let Some(announced) = announced.filter(|announced| *announced != bytes.len() as u64) {
        let message = format!("the body has {} bytes, but Content-Length says {announced}", bytes.len());
        return Err(ApiError::new(ErrorCode::EntitySizeNotMatch, message));
    }
    if digest.is_some_and(|digest| digest != <[u8; MD5_BYTES]>::from(Md5::digest(&bytes))) {
        return Err(ApiError::new(ErrorCode::BadDigest, "the body does not have the MD5 that Content-MD5 says"));
    }
    Ok(bytes)
}

/// Reads what is left of the body of a refused request, if it is not much, and forgets it: a client that still sends
/// when the connection is closed does not get to see why.
///
/// A client that waits to be told whether to send is told so by the answer, and nothing of its body is asked for.
/// Source: ours.
pub async fn drain<B: Body>(body: &mut Remembering<'_, B>, headers: &HeaderMap, limits: &Limits) {
    let announced = announced(headers).ok().flatten().unwrap_or(0).max(body.size_hint().lower());
    if headers.contains_key(header::EXPECT) || announced > limits.drained_bytes {
        return;
    }
    let drained = async {
        let mut size = 0;
        while size < limits.drained_bytes && !body.is_end_stream() {
            let Some(Ok(frame)) = body.frame().await else { break };
            size += frame.data_ref().map_or(0, |data| data.remaining() as u64);
        }
    };
    // Whoever is slower than that is cut off.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained).await;
}

/// How much body a request may have. Source: ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Room {
    /// This many bytes of a document; more is answered with `XMLSizeLimit`.
    Bytes(usize),
    /// This many bytes for the extension; more is answered with `InvalidRequest`.
    Extension(usize),
    /// Nothing: the action of this name has no body. One that comes is answered with `InvalidRequest`.
    Nothing(&'static str),
    /// Nothing: the signature does not cover it. One that comes is answered with `AccessDenied`.
    Unbound,
}

impl Room {
    pub(crate) fn of(route: Route, body_is_bound: bool, limits: &Limits) -> Self {
        match route {
            Route::Action(ActionName::CreateJob) => Self::Bytes(limits.body_bytes),
            Route::Action(action) => Self::Nothing(action.as_str()),
            Route::Extension if body_is_bound => Self::Extension(limits.extension_body_bytes),
            Route::Extension => Self::Unbound,
        }
    }

    fn check(self, size: u64) -> Result<(), ApiError> {
        match self {
            Self::Bytes(max) | Self::Extension(max) if size > max as u64 => {
                let code =
                    if matches!(self, Self::Bytes(_)) { ErrorCode::XmlSizeLimit } else { ErrorCode::InvalidRequest };
                let message = format!("the body must be at most {max} bytes long, and has at least {size} bytes");
                Err(ApiError::new(code, message))
            }
            Self::Nothing(action) if size > 0 => {
                Err(ApiError::new(ErrorCode::InvalidRequest, format!("{action} has no request body: send none")))
            }
            Self::Unbound if size > 0 => {
                let message = "a request with a body must have a Content-MD5 header, and the signature must cover it";
                Err(ApiError::new(ErrorCode::AccessDenied, message))
            }
            Self::Bytes(_) | Self::Extension(_) | Self::Nothing(_) | Self::Unbound => Ok(()),
        }
    }
}

async fn collect<B: Body>(body: B, room: Room) -> Result<Bytes, ApiError> {
    let mut body = pin!(body);
    // Most bodies arrive in one piece, which then need not be copied.
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::new(ErrorCode::IncompleteBody, "the body ended before its end"))?;
        let Ok(mut data) = frame.into_data() else { continue };
        room.check((whole.len() + pieces.len()).saturating_add(data.remaining()) as u64)?;
        if whole.is_empty() && pieces.is_empty() {
            whole = data.copy_to_bytes(data.remaining());
        } else {
            if pieces.is_empty() {
                pieces.extend_from_slice(&std::mem::take(&mut whole));
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                pieces.extend_from_slice(chunk);
                let read = chunk.len();
                data.advance(read);
            }
        }
    }
    Ok(if pieces.is_empty() { whole } else { pieces.freeze() })
}

/// What Content-Length says.
fn announced(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length
        .map(Some)
        .ok_or_else(|| ApiError::new(ErrorCode::InvalidRequest, "the header Content-Length must be a number of bytes"))
}

/// What Content-MD5 says.
fn content_md5(headers: &HeaderMap) -> Result<Option<[u8; MD5_BYTES]>, ApiError> {
    let mut values = headers.get_all("content-md5").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let digest = STANDARD.decode(value.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    match digest {
        Some(digest) if values.next().is_none() => Ok(Some(digest)),
        _ => Err(ApiError::new(
            ErrorCode::InvalidDigest,
            "the header Content-MD5 must be given once, as the Base64 of 16 bytes (24 characters)",
        )),
    }
}
