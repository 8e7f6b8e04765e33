//! Upload Part, and Upload Part - Copy.

use cos_batch_objectstore::{CopySource, MAX_PART_NUMBER, PartCopyRequest, UploadId};
use http::StatusCode;

use super::{Answer, Call, copy, document, empty, put, tell_content, upload};
use crate::{
    body::RequestBody,
    error::{Code, Failure},
    headers, range, time,
    xml::Document,
};

pub(super) async fn upload(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    put::check_length(call, body)?;
    let (number, id) = (number(call)?, upload::id(call)?);
    let (bucket, key) = call.object();
    let size = body.announced;
    let writer = call
        .store
        .try_call(|store| async move {
            let upload = UploadId { bucket: &bucket, key: &key, id: &id };
            match size {
                Some(size) => store.begin_sized_part(upload, number, size).await,
                None => store.begin_part(upload, number).await,
            }
        })
        .await;
    let (outcome, checksum) = put::write(call.store, writer, body).await?;
    let mut response = empty(StatusCode::OK);
    tell_content(call, &mut response, &outcome.etag, checksum);
    Ok(response)
}

pub(super) async fn copy(call: &Call<'_>) -> Answer {
    let (number, id) = (number(call)?, upload::id(call)?);
    let range = headers::text(call.headers, "x-cos-copy-source-range")?.map(range::of_copy).transpose()?;
    let source = copy::source(call).await?;
    let (bucket, key) = call.object();
    let outcome = call
        .store
        .call(|store| async move {
            let request = PartCopyRequest {
                upload: UploadId { bucket: &bucket, key: &key, id: &id },
                number,
                source: CopySource { bucket: &source.bucket, key: &source.key, version: &source.version },
                range,
                source_etag: source.etag.as_deref(),
            };
            store.upload_part_copy(request).await
        })
        .await?;
    Ok(document(Document::whole("CopyPartResult", |result| {
        result.text("ETag", &headers::quoted(&outcome.etag));
        result.text("LastModified", &time::plain(call.now));
    })))
}

fn number(call: &Call<'_>) -> Result<u16, Failure> {
    let number = call.query.number("partnumber", 1, usize::from(MAX_PART_NUMBER))?;
    let number = number.and_then(|number| u16::try_from(number).ok());
    number.ok_or_else(|| Failure::new(Code::InvalidArgument, "partNumber is missing"))
}
