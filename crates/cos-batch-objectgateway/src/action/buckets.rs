//! GET Service: the buckets of an account.

use super::{Answer, Call, document};
use crate::{Right, time, xml::Document};

/// Buckets of a page at most, and unless asked otherwise (the official Python SDK's own number).
const BUCKETS_MAX: usize = 2000;

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let limit = call.query.page("max-keys", 1, BUCKETS_MAX)?;
    let marker = call.query.filled("marker").unwrap_or_default();
    let all = call.store.call(|store| async move { store.list_buckets().await }).await?;
    let mut own = all
        .into_iter()
        .filter(|bucket| bucket.name.as_str() > marker && call.access.allows(call.caller, &bucket.name, Right::Own));
    let page: Vec<_> = own.by_ref().take(limit).collect();
    let more = own.next().is_some();
    let bytes = Document::whole("ListAllMyBucketsResult", |result| {
        result.element("Owner", |owner| {
            owner.text("ID", &super::acl::account(&call.caller.owner));
            owner.text("DisplayName", &call.caller.owner);
        });
        result.element("Buckets", |buckets| {
            for bucket in &page {
                buckets.element("Bucket", |inner| {
                    inner.text("Name", &bucket.name);
                    inner.text("Location", call.region);
                    inner.text("CreationDate", &time::plain(bucket.created));
                    inner.text("BucketType", "cos");
                });
            }
        });
        result.text("Marker", marker);
        result.value("IsTruncated", more);
        if let Some(last) = page.last().filter(|_| more) {
            result.text("NextMarker", &last.name);
        }
    });
    Ok(document(bytes))
}
