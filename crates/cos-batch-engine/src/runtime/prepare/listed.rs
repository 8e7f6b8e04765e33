//! No manifest: the objects of a bucket, listed and put into the spool as rows.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_objectstore::{ListPage, ListRequest};

use super::{Context, Prepared, Read, Shards, later, patiently, unfit, unfit_or_later};
use crate::{
    manifest::index::{SHARD_BYTES, SHARD_ROWS},
    report::{row, spool::Spool},
    runtime::{fault, offload::offload},
    spec::ObjectFilter,
    store::{JobLease, ShardSource},
};

/// Objects asked for at once: the most that a store gives.
const PAGE: usize = 1000;

/// Lists the bucket from end to end, and keeps what the filter lets through. What comes into the bucket meanwhile may be
/// among it or not.
pub(super) async fn index(
    context: &Context,
    lease: &JobLease,
    bucket: &str,
    filter: &ObjectFilter,
) -> Result<Read, Prepared> {
    let rows_max = context.core.config.manifest_rows_max;
    let mut shards = Shards::new(context, lease);
    let (mut rows, mut files) = (0_u64, 0_u64);
    let (mut text, mut first) = (Vec::new(), 0_u64);
    let mut after: Option<String> = None;
    loop {
        let page = list(context, bucket, filter.common_prefix(), after.as_deref()).await?;
        for (key, object) in &page.objects {
            if !filter.admits(key, object) {
                continue;
            }
            row::write_object(&mut text, bucket, key, None);
            rows += 1;
            if rows > rows_max {
                let reason = format!("the filter lets more than {rows_max} objects of {bucket} through");
                return Err(unfit("TooManyRows", reason));
            }
            if rows - first == SHARD_ROWS || text.len() as u64 >= SHARD_BYTES {
                let source = spool(context, lease, files, std::mem::take(&mut text)).await?;
                shards.add(source, first, rows - first).await?;
                (files, first) = (files + 1, rows);
            }
        }
        match page.next {
            None => break,
            next => after = next,
        }
    }
    if rows == 0 {
        return Err(unfit("NoMatchingObjects", "Manifest generation found no keys matching the filter criteria"));
    }
    if rows > first {
        let source = spool(context, lease, files, text).await?;
        shards.add(source, first, rows - first).await?;
    }
    shards.write().await?;
    Ok(Read { rows, source_bucket: bucket.to_owned(), columns: None })
}

/// One page of the bucket's objects.
async fn list(context: &Context, bucket: &str, prefix: &str, after: Option<&str>) -> Result<ListPage, Prepared> {
    let store = context.core.buckets.store(bucket);
    let ask = || {
        let (store, bucket, prefix) = (Arc::clone(&store), bucket.to_owned(), prefix.to_owned());
        let after = after.map(str::to_owned);
        offload(store.execution(), async move {
            let (prefix, after) = (prefix.as_str(), after.as_deref());
            store.list(ListRequest { bucket: &bucket, prefix, after, limit: PAGE }).await
        })
    };
    patiently(&context.stop, ask).await?.map_err(|error| {
        let reason = format!("the objects of {bucket} cannot be listed: {}: {}", error.code(), error.message());
        unfit_or_later(&error, &format!("SourceBucket{}", fault::unreadable(&error)), reason)
    })
}

/// Puts the rows of a shard into the spool.
async fn spool(context: &Context, lease: &JobLease, number: u64, text: Vec<u8>) -> Result<ShardSource, Prepared> {
    let name = Spool::rows_name(&Spool::rows_of_job(lease.epoch), number);
    let (spool, id, put_name, bytes) = (context.core.spool.clone(), context.job.id, name.clone(), text.len() as u64);
    let write = async move { spool.write_file(id, &put_name, Bytes::from(text)).await };
    offload(context.core.spool.store().execution(), write)
        .await
        .map_err(|error| later("InternalError", format!("the spool could not be written: {error}")))?;
    Ok(ShardSource::Spooled { name, bytes })
}
