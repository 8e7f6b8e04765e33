//! Complete Multipart Upload.
//!
//! Putting a large object together takes time, and a client that hears nothing gives up: so after a while the answer begins,
//! with status 200 and with spaces, and ends with what came of it, as COS does it.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use cos_batch_objectstore::{
    BucketVersioning, CompleteRequest, CompletedPart, ErrorKind, PutOutcome, StoreError, UploadId, VersionSelector,
};
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use md5::{Digest, Md5};
use tokio::time::Instant;

use super::{
    Answer, Call, LISTED, document, encoded, expect, malformed, read_xml, tell_checksum, tell_content, tell_version,
    upload,
};
use crate::{
    body::{AnswerBody, BodyError, ObjectBody, RequestBody},
    crc::{self, Checksum, Checksums, Sum},
    error::{self, Code, Failure},
    headers,
    limits::{COMPLETE_GRACE, COMPLETE_GRACE_UNKNOWN, COMPLETE_SPACE_EVERY},
    offload::Store,
    request_id::Ids,
    xml::{DECLARATION, Document, Node},
};

/// The one answer of this API with a namespace.
const NAMESPACE: &str = " xmlns=\"http://www.qcloud.com/document/product/436/7751\"";

/// An upload that is being completed.
type Work = Pin<Box<dyn Future<Output = Result<PutOutcome, StoreError>> + Send>>;

pub(super) async fn run(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    let root = read_xml(body, "CompleteMultipartUpload").await?;
    expect(&root, &[], &["Part"])?;
    let parts = root.children("Part").map(part).collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() {
        return Err(malformed("a CompleteMultipartUpload has at least one Part"));
    }
    // COS wants numbers without a gap, where S3 does not mind.
    if let Some(two) = parts.windows(2).find(|two| two[1].number > two[0].number.saturating_add(1)) {
        let message = format!("part {} is followed by part {}: numbers have no gaps", two[0].number, two[1].number);
        return Err(Failure::new(Code::InvalidPart, message));
    }
    let (bucket, key) = call.object();
    let known = sum_of(call.checksums, &parts);
    let told = Told::new(call);
    let mut work: Work = Box::pin(complete(call.store.clone(), bucket, key, upload::id(call)?, parts));
    let until = Instant::now() + if known.is_some() { COMPLETE_GRACE } else { COMPLETE_GRACE_UNKNOWN };
    match tokio::time::timeout_at(until, &mut work).await {
        Ok(outcome) => at_once(call, &told, &outcome?, known, until).await,
        Err(_) => Ok(later(told, work, known, call.checksums)),
    }
}

fn part(part: &Node) -> Result<CompletedPart, Failure> {
    expect(part, &[&["ETag", "Key", "PartNumber", "VersionId"], &LISTED[..]].concat(), &[])?;
    let number = part.text_of("PartNumber").and_then(|number| number.trim().parse().ok());
    let etag = part.text_of("ETag").map(|etag| etag.trim().trim_matches('"').to_owned());
    match (number, etag) {
        (Some(number), Some(etag)) => Ok(CompletedPart { number, etag }),
        _ => Err(malformed("each Part needs one PartNumber and one ETag")),
    }
}

async fn complete(
    store: Store,
    bucket: String,
    key: String,
    id: String,
    parts: Vec<CompletedPart>,
) -> Result<PutOutcome, StoreError> {
    let etag = etag_of(&parts);
    let object = (bucket.clone(), key.clone());
    let done = store
        .try_call(|store| async move {
            let upload = UploadId { bucket: &bucket, key: &key, id: &id };
            store.complete_multipart(CompleteRequest { upload, parts: &parts }).await
        })
        .await;
    match (done, etag) {
        // A client that did not get the answer asks again: the object that these parts make is there.
        (Err(error), Some(etag)) if error.kind() == ErrorKind::NoSuchUpload => {
            let look = |store: Arc<dyn cos_batch_objectstore::ObjectStore>| async move {
                store.head(&object.0, &object.1, &VersionSelector::Latest).await
            };
            match store.try_call(look).await {
                Ok(meta) if meta.etag == etag => Ok(PutOutcome { etag, version_id: meta.version_id }),
                _ => Err(error),
            }
        }
        (done, _) => done,
    }
}

/// The ETag of an object of these parts: the MD5 of their MD5s, and how many there are.
fn etag_of(parts: &[CompletedPart]) -> Option<String> {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(crc::md5_of(&part.etag)?);
    }
    let digest = u128::from_be_bytes(md5.finalize().into());
    Some(format!("{digest:032x}-{}", parts.len()))
}

/// The checksum of an object of these parts, if those of the parts are remembered.
fn sum_of(checksums: &Checksums, parts: &[CompletedPart]) -> Option<Sum> {
    let sums: Option<Vec<Sum>> = parts.iter().map(|part| checksums.of(&part.etag)).collect();
    sums.map(crc::join)
}

/// The answer to what is done already; it may take until then.
async fn at_once(call: &Call<'_>, told: &Told, outcome: &PutOutcome, known: Option<Sum>, until: Instant) -> Answer {
    let version = outcome.version_id.clone().map_or(VersionSelector::Latest, VersionSelector::Id);
    let sum = match known {
        Some(sum) => Some(sum),
        None => tokio::time::timeout_at(until, read_back(call, version, &outcome.etag)).await.ok().flatten(),
    };
    let mut response = document(told.result(&outcome.etag));
    if let Some(sum) = sum {
        tell_content(call, &mut response, &outcome.etag, sum);
    }
    match &outcome.version_id {
        Some(id) => tell_version(&mut response, Some(id)),
        // Of all actions that write, this one names the null version (COS, Complete Multipart Upload).
        None => {
            let bucket = call.bucket.to_owned();
            let state = call.store.try_call(|store| async move { store.get_versioning(&bucket).await }).await;
            tell_version(&mut response, matches!(state, Ok(Some(BucketVersioning::Suspended))).then_some("null"));
        }
    }
    Ok(response)
}

/// The answer to what is not done yet: spaces, then what came of it.
fn later(told: Told, work: Work, known: Option<Sum>, checksums: &Arc<Checksums>) -> Response<AnswerBody> {
    let checksums = Arc::clone(checksums);
    let begin = stream::once(async { Ok(Frame::data(Bytes::from_static(DECLARATION.as_bytes()))) });
    let rest = stream::unfold(Some(work), move |work| {
        let (told, checksums) = (told.clone(), Arc::clone(&checksums));
        async move {
            let mut work = work?;
            let Ok(outcome) = tokio::time::timeout(COMPLETE_SPACE_EVERY, &mut work).await else {
                return Some((Bytes::from_static(b" "), Some(work)));
            };
            if let (Ok(outcome), Some(sum)) = (&outcome, known) {
                checksums.note(&outcome.etag, sum);
            }
            let whole = outcome.map_or_else(|error| told.error(&error.into()), |outcome| told.result(&outcome.etag));
            Some((whole.slice(DECLARATION.len()..), None))
        }
    });
    let rest = rest.map(|bytes| Ok::<_, BodyError>(Frame::data(bytes)));
    let mut response = Response::new(StreamBody::new(begin.chain(rest)).boxed_unsync());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Some(sum) = known {
        tell_checksum(&mut response, sum.crc);
    }
    response
}

/// What the answer's body needs of the request.
#[derive(Clone)]
struct Told {
    location: String,
    bucket: String,
    key: String,
    resource: String,
    ids: Ids,
}

impl Told {
    fn new(call: &Call<'_>) -> Self {
        let (bucket, key) = call.object();
        let path = if call.path_style { format!("{bucket}/") } else { String::new() };
        let location = format!("http://{}/{path}{}", call.host, encoded(&key));
        Self { location, bucket, key, resource: call.resource.clone(), ids: call.ids.clone() }
    }

    fn result(&self, etag: &str) -> Bytes {
        Document::with_attributes("CompleteMultipartUploadResult", NAMESPACE, |result| {
            result.text("Location", &self.location);
            result.text("Bucket", &self.bucket);
            result.text("Key", &self.key);
            result.text("ETag", &headers::quoted(etag));
        })
    }

    fn error(&self, failure: &Failure) -> Bytes {
        tracing::warn!(code = failure.code, request_id = self.ids.request, "an upload was not completed");
        error::body(failure, &self.resource, &self.ids.request, &self.ids.trace)
    }
}

/// The checksum of the object, which the official Go SDK compares: read back, where that of some part is not known. If
/// somebody else has replaced it already, none is told; the upload is complete all the same.
async fn read_back(call: &Call<'_>, version: VersionSelector, etag: &str) -> Option<Sum> {
    let meta = call.head_of(version.clone()).await.ok().filter(|meta| meta.etag == etag)?;
    if let Some(sum) = call.checksums.of(etag) {
        return Some(sum);
    }
    let (bucket, key) = call.object();
    let store = call.store.clone();
    let mut object = ObjectBody { store, bucket, key, version, pin: meta.pin, range: 0..meta.size };
    let mut checksum = Checksum::new();
    while !object.range.is_empty() {
        let piece = object.next().await.ok().filter(|piece| !piece.is_empty())?;
        checksum.add(&piece);
    }
    Some(checksum.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_of_parts() {
        let part = |etag: &str| CompletedPart { number: 1, etag: etag.to_owned() };
        // MD5 of the bytes of the MD5 of nothing, once and twice.
        let empty = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(etag_of(&[part(empty)]).as_deref(), Some("59adb24ef3cdbe0297f05b395827453f-1"));
        assert_eq!(etag_of(&[part(empty), part("e")]), None);
    }
}
