//! A manifest that is an inventory: a list of files, each with rows.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use cos_batch_objectstore::{ErrorKind, VersionSelector};
use md5::{Digest as _, Md5};
use tokio::task::JoinHandle;

use super::{
    Context, Prepared, Read, Shards,
    file::{File, Found, Places, Spooling, sniff},
    head, later, located, patiently, unfit, unreadable,
};
use crate::{
    manifest::{
        Coding, Columns, Cut, DataFile, Inventory,
        inventory::{CHECKSUM_BYTES_MAX, InventoryError, LIST_BYTES_MAX, checksum_key, md5},
    },
    runtime::source::Source,
    spec::Column,
    store::ShardSource,
};

/// Files read at once. Each is decompressed and checked by one core; more than there are cores hides what reading
/// takes.
const FILES_AT_ONCE: usize = 8;

/// Where a compressed file is cut. Ten times what a shard has otherwise, since each shard costs what lies before it;
/// yet few enough rows that a shard's report is built in memory.
pub(super) const FILE_CUT: Cut =
    Cut { rows: 10 * crate::manifest::index::SHARD_ROWS, bytes: 10 * crate::manifest::index::SHARD_BYTES };

/// What begins the codes of a data file's failures.
const CODE: &str = "InventoryFile";

/// Reads the list and all files it names.
pub(super) async fn index(context: &Context, source: Source, size: u64) -> Result<Read, Prepared> {
    let inventory = list(context, &source, size).await?;
    let mut shards = Shards::new(context);
    let mut rows = 0_u64;
    let rows_max = context.core.config.manifest_rows_max;
    let mut coming = inventory.files.into_iter().enumerate();
    let mut under_way: VecDeque<Reading> = VecDeque::new();
    loop {
        while under_way.len() < FILES_AT_ONCE
            && let Some((number, file)) = coming.next()
        {
            let (context, source) = (context.clone(), source.beside(file.key.clone()));
            let (bucket, columns) = (inventory.source_bucket.clone(), inventory.columns.clone());
            let read = async move { read_file(&context, source, number, file, &bucket, &columns).await };
            under_way.push_back(Reading(tokio::spawn(read)));
        }
        // In the order of the list, so that the numbers of rows and shards do not depend on who is quickest.
        let Some(mut reading) = under_way.pop_front() else { break };
        let found = (&mut reading.0)
            .await
            .unwrap_or_else(|error| Err(later("InternalError", format!("reading a file broke off: {error}"))))?;
        for (source, first_row, count) in found.shards {
            shards.add(source, rows + first_row, count).await?;
        }
        rows = rows.saturating_add(found.rows);
        if rows > rows_max {
            return Err(unfit("ManifestMalformed", located(&source, format!("it has more than {rows_max} rows"))));
        }
    }
    shards.write().await?;
    // Without rows there is no bucket to ask for.
    let source_bucket = if rows == 0 { String::new() } else { inventory.source_bucket };
    Ok(Read { rows, source_bucket, columns: Some(inventory.columns) })
}

/// A file that is being read; nobody reads on once nobody waits.
struct Reading(JoinHandle<Result<FileRead, Prepared>>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A file that was read.
struct FileRead {
    rows: u64,
    /// Where its rows are, the first of them (in the file), and how many.
    shards: Vec<(ShardSource, u64, u64)>,
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

/// Reads one file from end to end.
async fn read_file(
    context: &Context,
    mut source: Source,
    number: usize,
    listed: DataFile,
    bucket: &str,
    columns: &[Column],
) -> Result<FileRead, Prepared> {
    // The list was refused if they did not fit.
    let Some(columns) = Columns::of_inventory(columns) else {
        return Err(unfit("ManifestMalformed", located(&source, "its columns are not those of an inventory")));
    };
    let head = head(&source, &context.stop).await?.map_err(|error| unreadable(CODE, &source, &error))?;
    if let Some(size) = listed.size.filter(|size| *size != head.size) {
        let rule = format!("the inventory's list says {size} bytes, the object has {}", head.size);
        return Err(unfit("InventoryFileSizeMismatch", located(&source, rule)));
    }
    source.pin = Some(head.pin.clone());
    if let Some(id) = &head.version_id {
        source.version = VersionSelector::Id(id.clone());
    }
    let coding = sniff(context, &source, head.size, CODE).await?;
    let places = if coding == Coding::Gzip && head.size > context.core.config.inflate_again_bytes {
        Places::Spool(Spooling::new(number))
    } else {
        Places::File { key: listed.key, pin: head.pin }
    };
    let mut file = File::new(context, source.clone(), CODE, head.size, coding, columns, places).expecting(bucket);
    if listed.md5.is_some() {
        file = file.with_md5();
    }
    let mut shards = Vec::new();
    loop {
        match file.next().await? {
            Found::Shard(source, piece) => shards.push((source, piece.first_row, piece.rows)),
            Found::OtherBucket(record, other) => {
                let rule = format!("row {record} names bucket {other}, the inventory is of {bucket}");
                return Err(file.malformed(rule));
            }
            Found::End => break,
        }
    }
    match (listed.md5, file.md5()) {
        (Some(expected), Some(actual)) if expected != actual => {
            let rule = format!("the inventory's list says MD5 {expected}, the object's is {actual}");
            Err(unfit("InventoryFileChecksumMismatch", located(&source, rule)))
        }
        _ => Ok(FileRead { rows: file.rows(), shards }),
    }
}
