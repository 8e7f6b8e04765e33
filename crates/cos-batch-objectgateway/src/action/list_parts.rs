//! List Parts.

use cos_batch_objectstore::{MAX_LIST_LIMIT, MAX_PART_NUMBER, StorageClass, UploadId};

use super::{Answer, Call, acl, document, upload};
use crate::{headers, time, xml::Document};

pub(super) async fn run(call: &Call<'_>) -> Answer {
    let limit = call.query.number("max-parts", 1, MAX_LIST_LIMIT)?.unwrap_or(MAX_LIST_LIMIT);
    let after = call.query.number("part-number-marker", 0, usize::from(MAX_PART_NUMBER))?.unwrap_or(0);
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
    let shown = call.shown(call.key)?;
    let account = acl::account(&call.caller.owner);
    Ok(document(Document::whole("ListPartsResult", |result| {
        result.text("Bucket", call.bucket);
        if call.query.has("encoding-type") {
            result.text("Encoding-type", "url");
        }
        result.text("Key", &shown);
        result.text("UploadId", &id);
        for name in ["Owner", "Initiator"] {
            result.element(name, |inner| {
                inner.text("ID", &account);
                inner.text("DisplayName", &call.caller.owner);
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
        // The class is known to the listing of uploads only.
        result.text("StorageClass", StorageClass::STANDARD);
        result.value("MaxParts", limit);
        result.value("IsTruncated", more);
    })))
}
