//! Bodies: of requests, read within their limits; of answers, made piece by piece.

use std::{ops::Range, pin::Pin, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes, BytesMut};
use cos_batch_objectstore::{GetRequest, Pin as ObjectPin, StoreError, VersionSelector};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use md5::{Digest, Md5};
use tokio::time::Instant;

use crate::{
    error::{Code, Failure},
    limits::{
        BODY_BYTES_PER_SECOND_MIN, BODY_GRACE, BODY_IDLE, DRAIN_TIMEOUT, DRAINED_BYTES_MAX, PIECE_BYTES, XML_BYTES_MAX,
    },
    offload::Store,
};

/// Bytes of an MD5.
const MD5_BYTES: usize = 16;

/// Why a body of an answer breaks off: the connection ends there, so that the client sees that it is not whole.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, BodyError>;

/// A body that is in memory.
pub(crate) fn whole(bytes: Bytes) -> AnswerBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A part of an object, whose first piece has been read: it says whether the rest can be.
pub(crate) struct ObjectBody {
    pub(crate) store: Store,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: VersionSelector,
    pub(crate) pin: ObjectPin,
    pub(crate) range: Range<u64>,
}

impl ObjectBody {
    /// Reads up to a piece from the front.
    pub(crate) async fn next(&mut self) -> Result<Bytes, StoreError> {
        let end = self.range.end.min(self.range.start + PIECE_BYTES as u64);
        let range = self.range.start..end;
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        let (version, pin) = (self.version.clone(), self.pin.clone());
        let read = move |store: std::sync::Arc<dyn cos_batch_objectstore::ObjectStore>| async move {
            let request = GetRequest { bucket: &bucket, key: &key, version: &version, range, pin: Some(&pin) };
            store.get_range(request).await
        };
        let piece = self.store.try_call(read).await?;
        self.range.start += piece.len() as u64;
        Ok(piece)
    }

    /// The body: the piece that was read, then the rest as it is taken.
    pub(crate) fn into_body(self, first: Bytes) -> AnswerBody {
        let rest = stream::try_unfold(self, |mut object| async move {
            if object.range.is_empty() {
                return Ok(None);
            }
            let piece = object.next().await.map_err(BodyError::from)?;
            if piece.is_empty() {
                return Err("the object got shorter while it was read".into());
            }
            Ok(Some((Frame::data(piece), object)))
        });
        let first = stream::once(async move { Ok(Frame::data(first)) });
        StreamBody::new(first.chain(rest)).boxed_unsync()
    }
}

/// The body of a request, not read yet.
pub(crate) struct RequestBody {
    body: Pin<Box<dyn Body<Data = Bytes, Error = BodyError> + Send>>,
    /// What Content-Length says; none: it comes in chunks.
    pub(crate) announced: Option<u64>,
    digest: Option<[u8; MD5_BYTES]>,
    md5: Option<Md5>,
    /// What the head says of the body, and should not.
    wrong: Option<Failure>,
    /// The client waits to be told whether to send: it is, once the body is asked for.
    holds_back: bool,
    received: u64,
    /// How long it was waited for the client. What the store takes in between does not count.
    waited: Duration,
    pending: BytesMut,
    ended: bool,
}

impl RequestBody {
    pub(crate) fn new<B>(body: B, headers: &HeaderMap) -> Self
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let (announced, digest) = (announced(headers), content_md5(headers));
        let wrong = announced.as_ref().err().or(digest.as_ref().err()).cloned();
        let (announced, digest) = (announced.unwrap_or_default(), digest.unwrap_or_default());
        let body = body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())));
        let body = body.map_err(|_| BodyError::from("the body ended before its end"));
        Self {
            body: Box::pin(body),
            announced,
            digest,
            md5: digest.map(|_| Md5::new()),
            wrong,
            holds_back: headers.contains_key(header::EXPECT),
            received: 0,
            waited: Duration::ZERO,
            pending: BytesMut::new(),
            ended: false,
        }
    }

    /// Refuses a body of which the head says what cannot be.
    pub(crate) fn check_head(&self) -> Result<(), Failure> {
        self.wrong.clone().map_or(Ok(()), Err)
    }

    /// Whether the client says how much there is, or that it will say when it ends.
    pub(crate) fn has_length(&self, headers: &HeaderMap) -> bool {
        self.announced.is_some() || headers.contains_key(header::TRANSFER_ENCODING)
    }

    /// Whether the client sends a Content-MD5.
    pub(crate) fn has_digest(&self) -> bool {
        self.digest.is_some()
    }

    /// The next piece, of [`PIECE_BYTES`] but for the last; none after the end, at which length and digest are checked.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        while !self.ended && self.pending.len() < PIECE_BYTES {
            let Some(data) = self.frame().await? else { break };
            if self.pending.is_empty() && data.len() >= PIECE_BYTES {
                return Ok(Some(data));
            }
            self.pending.extend_from_slice(&data);
        }
        if self.pending.is_empty() {
            self.check()?;
            return Ok(None);
        }
        Ok(Some(self.pending.split().freeze()))
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, Failure> {
        let frame = self.wait().await;
        // There is nothing more to come, or nothing more of use.
        self.ended = !matches!(frame, Ok(Some(_)));
        frame
    }

    async fn wait(&mut self) -> Result<Option<Bytes>, Failure> {
        self.holds_back = false;
        let asked = Instant::now();
        let frame = tokio::time::timeout(BODY_IDLE, self.body.frame()).await;
        self.waited += asked.elapsed();
        let frame = frame.map_err(|_| {
            let message = format!("the body sent nothing for {} seconds", BODY_IDLE.as_secs());
            Failure::new(Code::RequestTimeout, message)
        })?;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|_| Failure::new(Code::IncompleteBody, "the body ended before its end"))?;
        let data = frame.into_data().unwrap_or_default();
        self.received = self.received.saturating_add(data.len() as u64);
        let over = self.waited.saturating_sub(BODY_GRACE).as_secs();
        if over > 0 && self.received < over.saturating_mul(BODY_BYTES_PER_SECOND_MIN) {
            let message = format!("the body brings less than {BODY_BYTES_PER_SECOND_MIN} bytes in a second");
            return Err(Failure::new(Code::RequestTimeout, message));
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(&data);
        }
        Ok(Some(data))
    }

    fn check(&mut self) -> Result<(), Failure> {
        if let Some(announced) = self.announced.filter(|announced| *announced != self.received) {
            let message = format!("the body has {} bytes, but Content-Length says {announced}", self.received);
            return Err(Failure::new(Code::IncompleteBody, message));
        }
        if let Some(md5) = self.md5.take()
            && self.digest != Some(md5.finalize().into())
        {
            return Err(Failure::new(Code::BadDigest, "the body does not have the MD5 that Content-MD5 says"));
        }
        Ok(())
    }

    /// All of a body that is XML.
    pub(crate) async fn xml(&mut self) -> Result<Bytes, Failure> {
        let too_large = |size: u64| {
            let message = format!("the body must be at most {XML_BYTES_MAX} bytes long, and has at least {size}");
            Failure::new(Code::XmlSizeLimit, message)
        };
        if let Some(announced) = self.announced.filter(|announced| *announced > XML_BYTES_MAX as u64) {
            return Err(too_large(announced));
        }
        let mut all = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if all.len() + piece.len() > XML_BYTES_MAX {
                return Err(too_large((all.len() + piece.len()) as u64));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Reads what is left of the body of a refused request, if it is not much: a client that still sends when the
    /// connection is closed does not get to see why.
    ///
    /// A client that waits to be told whether to send is told so by the answer, and nothing of its body is asked for.
    pub(crate) async fn drain(&mut self) {
        if self.holds_back || self.announced.is_some_and(|announced| announced > DRAINED_BYTES_MAX) {
            return;
        }
        let drained = async {
            while self.received <= DRAINED_BYTES_MAX && !self.ended {
                if self.frame().await.is_err() {
                    break;
                }
            }
        };
        // Whoever is slower than that is cut off.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained).await;
    }

    /// Refuses a body where the action has none.
    pub(crate) async fn none(&mut self) -> Result<(), Failure> {
        let unexpected = || Failure::new(Code::InvalidRequest, "this request has no body: send none");
        if self.announced.is_some_and(|announced| announced > 0) {
            return Err(unexpected());
        }
        if self.piece().await?.is_some() { Err(unexpected()) } else { Ok(()) }
    }
}

/// What Content-Length says.
fn announced(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| Failure::new(Code::InvalidRequest, "Content-Length must be a number of bytes"))
}

/// What Content-MD5 says.
fn content_md5(headers: &HeaderMap) -> Result<Option<[u8; MD5_BYTES]>, Failure> {
    let mut values = headers.get_all("content-md5").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let digest = STANDARD.decode(value.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    match digest {
        Some(digest) if values.next().is_none() => Ok(Some(digest)),
        _ => Err(Failure::new(
            Code::InvalidDigest,
            "the header Content-MD5 must be given once, as the Base64 of 16 bytes (24 characters)",
        )),
    }
}
