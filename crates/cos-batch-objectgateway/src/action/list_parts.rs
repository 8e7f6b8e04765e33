//! List Parts.

use cos_batch_objectstore::{ListUploadsRequest, MAX_LIST_LIMIT, MAX_PART_NUMBER, StorageClass, UploadId};

use super::{Answer, Call, acl, document, upload};
use crate::{headers, time, xml::Document};

pub(super) async fn run(call: &Call<'_>) -> Answer {
    let limit = call.query.page("max-parts", 1, MAX_LIST_LIMIT)?;
    let after = call.query.number("part-number-marker", 0, usize::MAX)?.unwrap_or(0);
    let after = u16::try_from(after).unwrap_or(MAX_PART_NUMBER);
    let id = upload::id(call)?;
    let (bucket, key) = call.object();
    let named = id.clone();
    let (parts, more) = call
        .store
        .call(|store| async move {
            store.list_parts(UploadId { bucket: &bucket, key: &key, id: &named }, after, limit).await
        })
        .await?;
    let class = storage_class(call, &id).await;
    let (shown, encoding) = (call.shown(call.key)?, call.query.encoding()?);
    let owner = call.owner();
    let account = acl::account(&owner);
    Ok(document(Document::whole("ListPartsResult", |result| {
        result.text("Bucket", call.bucket);
        if encoding {
            result.text("Encoding-type", "url");
        }
        result.text("Key", &shown);
        result.text("UploadId", &id);
        for name in ["Owner", "Initiator"] {
            result.element(name, |inner| {
                inner.text("ID", &account);
                inner.text("DisplayName", &owner);
            });
        }
        result.value("PartNumberMarker", after);
        for part in &parts {
            result.element("Part", |inner| {
                inner.value("PartNumber", part.number);
                inner.text("LastModified", &time::listed(part.last_modified));
                inner.text("ETag", &headers::quoted(&part.etag));
                inner.value("Size", part.size);
            });
        }
        if let Some(last) = parts.last().filter(|_| more) {
            result.value("NextPartNumberMarker", last.number);
        }
        result.text("StorageClass", &class.0);
        result.value("MaxParts", limit);
        result.value("IsTruncated", more);
    })))
}

/// The class that was asked for when the upload was begun, which the listing of uploads knows. That of an upload that is
/// not among the first thousand of its key is not looked for any further, and counts as the default.
async fn storage_class(call: &Call<'_>, id: &str) -> StorageClass {
    let (bucket, key) = call.object();
    let found = call
        .store
        .try_call(|store| async move {
            let (bucket, prefix, limit) = (&*bucket, &*key, MAX_LIST_LIMIT);
            store.list_uploads(ListUploadsRequest { bucket, prefix, after: None, limit }).await
        })
        .await;
    let uploads = found.map(|page| page.uploads).unwrap_or_default();
    let own = uploads.into_iter().find(|upload| upload.key == call.key && upload.id == id);
    own.map(|upload| upload.storage_class).unwrap_or_default()
}
