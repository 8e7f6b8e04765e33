//! Objects that an inventory lists.

use bytes::{Buf as _, Bytes, BytesMut};
use cos_batch_engine::manifest::{
    Coding, Columns, Inflated, Inflater, Inventory, ListedAs, Records, coding, inventory::LIST_BYTES_MAX, records::Next,
};
use cos_batch_model::Timestamp;
use md5::{Digest as _, Md5};
use serde::Deserialize;

use crate::{
    exit::Error,
    remote::{Pinned, Remote},
};

/// Bytes of text decompressed at once.
const TEXT_BYTES: usize = 256 * 1024;

/// An object as an inventory lists it.
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: Option<u64>,
    pub(super) last_modified: Option<i64>,
    pub(super) storage_class: Option<String>,
}

/// The one member that the engine reads for other ends than ours.
#[derive(Deserialize)]
struct Schema {
    #[serde(rename = "fileSchema")]
    names: String,
}

/// An inventory under way.
pub(super) struct Reader<'a> {
    remote: &'a Remote<'a>,
    bucket: String,
    list: Inventory,
    columns: Columns,
    size: Option<usize>,
    last_modified: Option<usize>,
    storage_class: Option<usize>,
    next_file: usize,
    file: Option<File>,
    /// Older versions and delete markers.
    left_out: u64,
}

/// One of its files.
struct File {
    object: Pinned,
    at: u64,
    md5: Md5,
    expected: Option<String>,
    inflater: Option<Inflater>,
    records: Records,
    number: u64,
    ended: bool,
}

impl<'a> Reader<'a> {
    /// Opens the inventory whose list is this object.
    pub(super) async fn open(remote: &'a Remote<'a>, bucket: &str, key: &str) -> Result<Self, Error> {
        let name = format!("{bucket}/{key}");
        let object = remote.find(bucket, key).await?.ok_or_else(|| Error::other(format!("{name} is not there")))?;
        let text = remote.whole(&object, LIST_BYTES_MAX).await?;
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let wrong = |error: &dyn std::fmt::Display| Error::other(format!("{name} is no inventory: {error}"));
        let list = Inventory::parse(text).map_err(|error| wrong(&error))?;
        let schema: Schema = serde_json::from_slice(text).map_err(|error| wrong(&error))?;
        let columns = Columns::of_inventory(&list.columns)
            .ok_or_else(|| wrong(&"fileSchema must name Bucket once and Key once"))?;
        let place = |wanted: &str| schema.names.split(',').position(|name| name.trim() == wanted);
        let (size, last_modified, storage_class) = (place("Size"), place("LastModifiedDate"), place("StorageClass"));
        let bucket = bucket.to_owned();
        let (next_file, file, left_out) = (0, None, 0);
        Ok(Self { remote, bucket, list, columns, size, last_modified, storage_class, next_file, file, left_out })
    }

    /// The bucket that was listed.
    pub(super) fn source_bucket(&self) -> &str {
        &self.list.source_bucket
    }

    /// Rows that are no current objects.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The next objects; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Listed>>, Error> {
        loop {
            if self.file.is_none() {
                let Some(file) = self.list.files.get(self.next_file) else { return Ok(None) };
                self.next_file += 1;
                self.file = Some(File::open(self.remote, &self.bucket, &file.key, file.md5.clone()).await?);
            }
            let Some(file) = &mut self.file else { continue };
            let piece = file.piece(self.remote).await?;
            let mut found = Vec::new();
            let over = self.take(piece, &mut found)?;
            if over {
                self.file = None;
            }
            if !found.is_empty() {
                return Ok(Some(found));
            }
        }
    }

    /// Takes the rows that end in a piece of text; tells whether the file is over.
    fn take(&mut self, mut piece: Bytes, found: &mut Vec<Listed>) -> Result<bool, Error> {
        let Some(file) = &mut self.file else { return Ok(true) };
        let end = piece.is_empty();
        loop {
            match file.records.next(&piece, end) {
                Next::Record(record, used) => {
                    file.number += 1;
                    let text = |place: Option<usize>| {
                        std::str::from_utf8(record.field(place?)?).ok().map(str::trim).filter(|text| !text.is_empty())
                    };
                    if !(file.number == 1 && self.columns.is_header(&record)) {
                        let name = format!("{}/{}", file.object.bucket, file.object.key);
                        let row = self.columns.read(&record, file.number);
                        let row = row.map_err(|error| Error::other(format!("{name}: {error}")))?;
                        if row.listed_as == ListedAs::Object {
                            found.push(Listed {
                                key: row.key.into_owned(),
                                size: text(self.size).and_then(|text| text.parse().ok()),
                                last_modified: text(self.last_modified)
                                    .and_then(|text| text.parse::<Timestamp>().ok())
                                    .map(Timestamp::unix_seconds),
                                storage_class: text(self.storage_class).map(str::to_owned),
                            });
                        } else {
                            self.left_out += 1;
                        }
                    }
                    piece.advance(used);
                }
                Next::More => return Ok(end),
                Next::End => return Ok(true),
                Next::Broken(rule) => {
                    let name = format!("{}/{}", file.object.bucket, file.object.key);
                    return Err(Error::other(format!("{name}: row {}: {rule}", file.number + 1)));
                }
            }
        }
    }
}

impl File {
    async fn open(remote: &Remote<'_>, bucket: &str, key: &str, expected: Option<String>) -> Result<Self, Error> {
        let name = format!("{bucket}/{key}");
        let object = remote.find(bucket, key).await?;
        let object =
            object.ok_or_else(|| Error::other(format!("{name} is not there, though the inventory names it")))?;
        let start = if object.attributes.size == 0 { Bytes::new() } else { remote.piece(&object, 0).await? };
        let start = start.slice(..start.len().min(coding::SNIFF_BYTES));
        let coding = coding::detect(&start).map_err(|wrong| Error::other(format!("{name}: {wrong}")))?;
        let inflater = (coding == Coding::Gzip).then(Inflater::default);
        let (md5, records) = (Md5::new(), Records::new(0));
        Ok(Self { object, at: 0, md5, expected, inflater, records, number: 0, ended: false })
    }

    /// The next piece of text; empty at the end, once the MD5 was found to be right.
    async fn piece(&mut self, remote: &Remote<'_>) -> Result<Bytes, Error> {
        if self.inflater.is_none() {
            return self.object(remote).await;
        }
        let mut text = BytesMut::zeroed(TEXT_BYTES);
        loop {
            if self.ended {
                return Ok(Bytes::new());
            }
            let Some(inflater) = &mut self.inflater else { return Ok(Bytes::new()) };
            let read =
                inflater.read(&mut text).map_err(|error| Error::other(format!("{}: {error}", self.object.key)))?;
            match read {
                Inflated::Bytes(count) => {
                    text.truncate(count);
                    return Ok(text.freeze());
                }
                Inflated::End => self.ended = true,
                Inflated::More => {
                    let compressed = self.object(remote).await?;
                    if let Some(inflater) = &mut self.inflater {
                        if compressed.is_empty() {
                            inflater.finish();
                        } else {
                            inflater.feed(compressed);
                        }
                    }
                }
            }
        }
    }

    /// The next bytes of the object.
    async fn object(&mut self, remote: &Remote<'_>) -> Result<Bytes, Error> {
        let name = format!("{}/{}", self.object.bucket, self.object.key);
        if self.at < self.object.attributes.size {
            let bytes = remote.piece(&self.object, self.at).await?;
            if bytes.is_empty() {
                return Err(Error::other(format!("{name} became shorter while it was read")));
            }
            self.at += bytes.len() as u64;
            self.md5.update(&bytes);
            return Ok(bytes);
        }
        if let Some(expected) = self.expected.take() {
            let md5: String = self.md5.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            if !expected.eq_ignore_ascii_case(&md5) {
                return Err(Error::other(format!("{name} has the MD5 {md5}, the inventory says {expected}")));
            }
        }
        Ok(Bytes::new())
    }
}
