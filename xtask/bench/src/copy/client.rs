//! Our store behind HTTP alone: requests are made, signed, sent, and their answers understood; no job, no books.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use anyhow::anyhow;
use cos_batch_objectstore::{
    Conditions, CopyRequest, CopySource, Directive, HttpDialect, HttpStore, ObjectStore as _, StaticCredentials, Style,
    VersionSelector,
};
use cos_signature::Credentials;
use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::bare::Spent;
use crate::{
    cpu,
    job::{KEY, SOURCE, TARGET, key},
};

/// Copies so many objects, with so many requests in flight, on a thread of its own.
///
/// # Errors
///
/// If one copy fails.
pub fn run(address: &str, in_flight: usize, objects: u64) -> anyhow::Result<Spent> {
    let credentials = StaticCredentials::new(Credentials::new(KEY.0, KEY.1));
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{address}")).style(Style::Path).region("local");
    let store = builder.credentials(credentials).build()?;
    let work = move || -> anyhow::Result<Spent> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (begin, before) = (Instant::now(), cpu::own_thread());
        let next = AtomicU64::new(0);
        let lane = || async {
            loop {
                let row = next.fetch_add(1, Ordering::Relaxed);
                if row >= objects {
                    return anyhow::Ok(());
                }
                copy(&store, &key(row)).await?;
            }
        };
        runtime.block_on(async {
            let mut lanes: FuturesUnordered<_> = (0..in_flight).map(|_| lane()).collect();
            while let Some(done) = lanes.next().await {
                done?;
            }
            anyhow::Ok(())
        })?;
        Ok(Spent { seconds: begin.elapsed().as_secs_f64(), cpu_seconds: cpu::own_thread() - before })
    };
    thread::spawn(work).join().map_err(|_| anyhow!("the client broke off"))?
}

async fn copy(store: &HttpStore, key: &str) -> anyhow::Result<()> {
    let request = CopyRequest {
        source: CopySource { bucket: SOURCE, key, version: &VersionSelector::Latest },
        target_bucket: TARGET,
        target_key: key,
        metadata: Directive::Copy,
        tags: Directive::Copy,
        grants: Directive::Replace(&[]),
        canned_acl: None,
        storage_class: None,
        conditions: Conditions::default(),
        operation: None,
    };
    store.copy(request).await?;
    Ok(())
}
