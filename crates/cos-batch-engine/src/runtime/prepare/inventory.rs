//! A manifest that is an inventory: a list of files, each with rows.

use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use cos_batch_objectstore::ErrorKind;
use md5::{Digest as _, Md5};

use super::{Context, Prepared, Read, Shards, head, located, patiently, share::Readings, unfit, unreadable};
use crate::{
    manifest::{
        DataFile, Inventory,
        inventory::{CHECKSUM_BYTES_MAX, InventoryError, LIST_BYTES_MAX, checksum_key, md5},
    },
    runtime::{source::Source, stop::Level},
    store::{FileOutcome, JobLease, ListedFile},
};

/// Files made known at once: a few hundred kilobytes.
const FILES_ADDED: usize = 1000;

/// Files whose outcomes are looked at at once: of a billion rows one takes some megabytes.
const FILES_READ: usize = 16;

/// Reads the list, has all files read that it names, here and by whoever helps, and numbers what was found in their order:
/// so that it does not matter who is quickest, nor how many there are.
pub(super) async fn index(context: &Context, lease: &JobLease, source: Source, size: u64) -> Result<Read, Prepared> {
    let inventory = list(context, &source, size).await?;
    let (files, columns) = (inventory.files.len(), inventory.columns.clone());
    let source_bucket = inventory.source_bucket.clone();
    add_files(context, lease, inventory).await?;
    let mut readings = Readings::new(context);
    let rows = number(context, lease, &source, files, &mut readings).await;
    if matches!(rows, Err(Prepared::Unfit(_))) {
        // Nobody needs what the others find.
        readings.stop();
    }
    readings.end().await;
    let rows = rows?;
    // Without rows there is no bucket to ask for.
    let source_bucket = if rows == 0 { String::new() } else { source_bucket };
    Ok(Read { rows, source_bucket, columns: Some(columns) })
}

/// Makes the files known to all, where an earlier try has not.
async fn add_files(context: &Context, lease: &JobLease, inventory: Inventory) -> Result<(), Prepared> {
    let Inventory { source_bucket, columns, files } = inventory;
    let mut files = (0..).zip(files).map(|(number, DataFile { key, size, md5 })| {
        let (source_bucket, columns) = (source_bucket.clone(), columns.clone());
        ListedFile { number, key, size, md5, source_bucket, columns }
    });
    loop {
        let some: Vec<_> = files.by_ref().take(FILES_ADDED).collect();
        if some.is_empty() {
            return Ok(());
        }
        context.core.store.add_files(lease, some).await?;
    }
}

/// Goes through the files in their order as they are read, and adds their shards. Gives the number of rows.
async fn number(
    context: &Context,
    lease: &JobLease,
    list: &Source,
    files: usize,
    readings: &mut Readings,
) -> Result<u64, Prepared> {
    let Context { core, stop, .. } = context;
    let rows_max = core.config.manifest_rows_max;
    let mut shards = Shards::new(context, lease);
    let (mut next, mut rows) = (0_u32, 0_u64);
    loop {
        readings.fill().await?;
        let page = core.store.files(lease.job, next, FILES_READ).await?;
        let before = next as usize;
        for (file, outcome) in page {
            let index = match outcome {
                // Those behind it wait for it.
                None => break,
                Some(FileOutcome::Unfit(failure)) => return Err(Prepared::Unfit(failure)),
                Some(FileOutcome::Index(index)) => index,
            };
            for (source, count) in index.sources(&file) {
                shards.add(source, rows, count).await?;
                rows = rows.saturating_add(count);
            }
            if rows > rows_max {
                return Err(unfit("ManifestMalformed", located(list, format!("it has more than {rows_max} rows"))));
            }
            next += 1;
        }
        context.come.store(next.into(), Ordering::Relaxed);
        if next as usize >= files {
            shards.write().await?;
            return Ok(rows);
        }
        if next as usize == before + FILES_READ {
            // There may be more of them.
            continue;
        }
        tokio::select! {
            biased;
            () = stop.above(Level::Run) => return Err(Prepared::Stopped),
            ended = readings.next() => ended?,
            // What others read is told by nobody.
            () = tokio::time::sleep(core.config.poll) => {}
        }
    }
}

/// Reads `manifest.json`, and compares it with its checksum if there is one.
async fn list(context: &Context, source: &Source, size: u64) -> Result<Inventory, Prepared> {
    if size > LIST_BYTES_MAX {
        let rule = format!("the list of an inventory's files has at most {LIST_BYTES_MAX} bytes, this one has {size}");
        return Err(unfit("ManifestMalformed", located(source, rule)));
    }
    let json = whole(context, source, size).await?;
    if json.len() as u64 != size {
        return Err(unfit("ManifestChanged", located(source, "it became shorter while it was read")));
    }
    check_sum(context, source, &json).await?;
    Inventory::parse(&json).map_err(|error| match error {
        InventoryError::Format(_) => unfit("NotSupported", located(source, error)),
        _ => unfit("ManifestMalformed", located(source, error)),
    })
}

/// A small object as a whole.
async fn whole(context: &Context, source: &Source, size: u64) -> Result<Bytes, Prepared> {
    let mut all = BytesMut::new();
    while (all.len() as u64) < size {
        let at = all.len() as u64;
        let bytes = patiently(&context.stop, || source.read(at, size))
            .await?
            .map_err(|error| unreadable("Manifest", source, &error))?;
        if bytes.is_empty() {
            break;
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all.freeze())
}

/// Compares the list with `manifest.checksum` beside it.
async fn check_sum(context: &Context, list: &Source, json: &[u8]) -> Result<(), Prepared> {
    let mut source = list.beside(checksum_key(&list.key));
    let size = match head(&source, &context.stop).await? {
        Ok(head) => {
            source.pin = Some(head.pin);
            head.size
        }
        Err(error) if error.kind() == ErrorKind::NoSuchKey => return Ok(()),
        Err(error) => return Err(unreadable("Manifest", &source, &error)),
    };
    let wrong = |rule: String| unfit("ManifestChecksumMismatch", located(&source, rule));
    if size > CHECKSUM_BYTES_MAX {
        return Err(wrong(format!("an MD5 in hexadecimal has 32 digits, this file has {size} bytes")));
    }
    let text = whole(context, &source, size).await?;
    let Some(expected) = std::str::from_utf8(&text).ok().and_then(md5) else {
        return Err(wrong("it is no MD5 in hexadecimal (32 digits)".to_owned()));
    };
    let actual = hex::encode(Md5::digest(json));
    if actual == expected { Ok(()) } else { Err(wrong(format!("it says {expected}, the list's MD5 is {actual}"))) }
}
