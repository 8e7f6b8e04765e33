//! A manifest that is one CSV file, plain or compressed.

use super::{
    Context, Prepared, Read, Shards,
    file::{File, Found, Places, Spooling, sniff},
};
use crate::{
    manifest::{Coding, Columns},
    report::spool::Spool,
    runtime::source::Source,
    store::JobLease,
    task::source_right,
};

/// Reads the manifest from end to end.
pub(super) async fn index(
    context: &Context,
    lease: &JobLease,
    source: Source,
    size: u64,
    columns: Columns,
) -> Result<Read, Prepared> {
    let coding = sniff(context, &source, size, "Manifest").await?;
    // Decompressing begins at the beginning: a shard in the middle needs its rows apart.
    let places = match coding {
        Coding::Plain => Places::Manifest,
        Coding::Gzip => Places::Spool(Spooling::new(Spool::rows_of_job(lease.epoch))),
    };
    let mut file = File::new(context, source, "Manifest", size, coding, columns, places);
    let mut shards = Shards::new(context, lease);
    // The tenant's own bucket, where the first row names another.
    let mut own: Option<String> = None;
    loop {
        match file.next().await? {
            Found::Shard(source, piece) => shards.add(source, piece.first_row, piece.rows).await?,
            // A foreign bucket fails its own tasks; two buckets of one's own are a mistake in the manifest.
            Found::OtherBucket(record, bucket) => {
                let job = &context.job;
                let right = source_right(&job.spec.operation);
                let allowed = |bucket: &str| context.core.access.allows(&job.tenant, bucket, right);
                let first = own.as_deref().or_else(|| file.source_bucket().filter(|first| allowed(first)));
                match first {
                    _ if !allowed(&bucket) => {}
                    None => own = Some(bucket),
                    Some(first) if first == bucket => {}
                    Some(first) => {
                        let text = format!("row {record} names bucket {bucket}, the rows before it {first}");
                        return Err(file.malformed(format!("{text}; a job has one source bucket")));
                    }
                }
            }
            Found::End => {
                shards.write().await?;
                let bucket = own.or_else(|| file.source_bucket().map(str::to_owned));
                return Ok(Read { rows: file.rows(), source_bucket: bucket.unwrap_or_default(), columns: None });
            }
        }
    }
}
