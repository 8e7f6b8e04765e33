//! PUT Object.

use bytes::Bytes;
use cos_batch_objectstore::{ErrorKind, MAX_PUT_BYTES, ObjectWriter, PutOutcome, PutRequest, StoreError};
use http::StatusCode;

use super::{Answer, Call, empty, tell_content, tell_version};
use crate::{
    body::RequestBody,
    crc::{Checksum, Sum},
    error::{Code, Failure},
    headers,
    limits::PIECE_BYTES,
    offload::Store,
};

pub(super) async fn run(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    check_length(call, body)?;
    let metadata = headers::metadata(call.headers)?;
    let told = metadata.clone();
    let storage_class = headers::storage_class(call.headers)?.unwrap_or_default();
    let tags = headers::tags(call.headers)?.unwrap_or_default();
    let access = headers::access_list(call.headers)?;
    let (bucket, key) = call.object();
    let writer = call
        .store
        .try_call(|store| async move {
            let request = PutRequest {
                metadata,
                tags,
                storage_class,
                grants: access.grants,
                canned_acl: access.canned.as_deref(),
                ..PutRequest::new(&bucket, &key, Bytes::new())
            };
            store.begin_put(request).await
        })
        .await;
    let (outcome, checksum) = write(call.store, writer, body).await?;
    let mut response = empty(StatusCode::OK);
    tell_content(call, &mut response, &outcome.etag, checksum);
    headers::tell_encryption(response.headers_mut(), &told);
    tell_version(&mut response, outcome.version_id.as_deref());
    Ok(response)
}

/// Refuses a body without a length, and one that is larger than one request may write, before it is read.
pub(super) fn check_length(call: &Call<'_>, body: &RequestBody) -> Result<(), Failure> {
    if !body.has_length(call.headers) {
        return Err(Failure::new(Code::MissingContentLength, "Content-Length is missing"));
    }
    if let Some(size) = body.announced.filter(|size| *size > MAX_PUT_BYTES) {
        let message = format!("one request writes at most {MAX_PUT_BYTES} bytes, not {size}: use an upload in parts");
        return Err(Failure::new(Code::EntityTooLarge, message));
    }
    Ok(())
}

/// Writes the body; gives what it became, and its checksum. A store that takes no content in pieces is told so by its
/// own error.
pub(super) async fn write(
    store: &Store,
    begun: Result<Box<dyn ObjectWriter>, StoreError>,
    body: &mut RequestBody,
) -> Result<(PutOutcome, Sum), Failure> {
    let mut writer = begun.map_err(|error| match error.kind() {
        ErrorKind::NotImplemented => Failure::new(
            Code::NotImplemented,
            format!("the store takes no content in pieces of {PIECE_BYTES} bytes, as it comes in here"),
        ),
        _ => error.into(),
    })?;
    let mut checksum = Checksum::new();
    while let Some(piece) = body.piece().await? {
        checksum.add(&piece);
        writer = store
            .call(|_| async move {
                writer.write(piece).await?;
                Ok(writer)
            })
            .await?;
    }
    let outcome = store.call(|_| writer.finish()).await?;
    Ok((outcome, checksum.end()))
}
