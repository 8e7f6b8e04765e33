//! Initiate and Abort Multipart Upload, and how requests name an upload.

use cos_batch_objectstore::{MultipartRequest, UploadId};
use http::StatusCode;

use super::{Answer, Call, document, empty};
use crate::{
    error::{Code, Failure},
    headers,
    xml::Document,
};

pub(super) async fn initiate(call: &Call<'_>) -> Answer {
    let metadata = headers::metadata(call.headers)?;
    let told = metadata.clone();
    let storage_class = headers::storage_class(call.headers)?.unwrap_or_default();
    let tags = headers::tags(call.headers)?.unwrap_or_default();
    let access = headers::access_list(call.headers)?;
    let (bucket, key) = call.object();
    let id = call
        .store
        .call(|store| async move {
            let request = MultipartRequest {
                bucket: &bucket,
                key: &key,
                metadata,
                tags,
                storage_class,
                grants: access.grants,
                canned_acl: access.canned.as_deref(),
                operation: None,
            };
            store.create_multipart(request).await
        })
        .await?;
    let mut response = document(Document::whole("InitiateMultipartUploadResult", |result| {
        result.text("Bucket", call.bucket);
        result.text("Key", call.key);
        result.text("UploadId", &id);
    }));
    headers::tell_encryption(response.headers_mut(), &told);
    Ok(response)
}

pub(super) async fn abort(call: &Call<'_>) -> Answer {
    let (bucket, key) = call.object();
    let id = id(call)?;
    call.store
        .call(|store| async move { store.abort_multipart(UploadId { bucket: &bucket, key: &key, id: &id }).await })
        .await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The upload that a request names.
pub(super) fn id(call: &Call<'_>) -> Result<String, Failure> {
    let id = call.query.filled("uploadid").map(str::to_owned);
    id.ok_or_else(|| Failure::new(Code::InvalidArgument, "uploadId is empty"))
}
