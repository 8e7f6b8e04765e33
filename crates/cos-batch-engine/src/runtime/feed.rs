//! The rows of a shard, read in pieces from where they were found when the job was prepared.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cos_batch_objectstore::{StoreError, VersionSelector};

use super::{
    patience::patiently,
    source::{READ_BYTES, Source},
};
use crate::{
    job::PinnedManifest,
    manifest::{BucketRef, Columns, InflateError, Inflated, Inflater, ManifestError, Records, records::Next},
    store::{ShardLease, ShardSource},
    task::Task,
};

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Inflate(#[from] InflateError),
    #[error("the manifest ends before its shard does")]
    Short,
}

/// Reads the rows of one shard from where its cursor stands.
#[derive(Debug)]
pub(crate) struct Feed {
    text: Text,
    columns: Columns,
    records: Records,
    piece: Bytes,
    shard_start: u64,
    next_row: u64,
    rows_left: u64,
    bucket: Arc<str>,
    /// The last row's bucket as it stood there.
    last: (String, String),
}

/// The text of a shard's source from the cursor on.
#[derive(Debug)]
struct Text {
    source: Source,
    inflater: Option<Inflater>,
    /// Next byte of the object to read.
    object_at: u64,
    /// Next byte of the text.
    at: u64,
    /// Where the cursor stands, and where the shard ends.
    start: u64,
    end: u64,
}

impl Feed {
    pub(crate) fn new(source: Source, columns: Columns, manifest: &PinnedManifest, lease: &ShardLease) -> Self {
        let bytes = lease.shard.source.bytes();
        let start = bytes.start + lease.cursor.offset;
        let gzip = matches!(lease.shard.source, ShardSource::File { gzip: true, .. });
        // What is compressed is read from its beginning.
        let at = if gzip { 0 } else { start };
        Self {
            text: Text { source, inflater: gzip.then(Inflater::default), object_at: at, at, start, end: bytes.end },
            columns,
            records: if matches!(lease.shard.source, ShardSource::Spooled { .. }) {
                Records::of_part(start)
            } else {
                Records::new(start)
            },
            piece: Bytes::new(),
            shard_start: bytes.start,
            next_row: lease.shard.first_row + lease.cursor.rows,
            rows_left: lease.shard.rows.saturating_sub(lease.cursor.rows),
            bucket: manifest.source_bucket.as_str().into(),
            last: (String::new(), String::new()),
        }
    }

    /// Gets to where the cursor stands: a compressed source is decompressed up to there. That can take a while, in which
    /// the lease has to be renewed. Does nothing else before the first [`next`](Self::next).
    pub(crate) async fn open(&mut self) -> Result<(), FeedError> {
        while self.text.at < self.text.start {
            let count = self.text.start - self.text.at;
            self.text.read(count).await?;
            // Let others run: what lies in memory never waits.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// At most `count` further tasks; none: the shard has no more.
    pub(crate) async fn next(&mut self, count: usize) -> Result<Vec<Task>, FeedError> {
        let mut tasks = Vec::with_capacity(count);
        while tasks.len() < count && self.rows_left > 0 {
            let end = self.text.at >= self.text.end;
            match self.records.next(&self.piece, end) {
                Next::Record(record, used) => {
                    let row = self.columns.read(&record, self.next_row + 1)?;
                    note_bucket(&mut self.last, &mut self.bucket, row.bucket);
                    let version =
                        row.version.map_or(VersionSelector::Latest, |version| VersionSelector::Id(version.to_owned()));
                    tasks.push(Task {
                        row: self.next_row,
                        bucket: Arc::clone(&self.bucket),
                        key: row.key.into_owned(),
                        version,
                        listed_as: row.listed_as,
                        end: record.end - self.shard_start,
                    });
                    self.next_row += 1;
                    self.rows_left -= 1;
                    self.piece = self.piece.slice(used..);
                }
                Next::More if !end => self.piece = self.text.read(self.text.end - self.text.at).await?,
                // What is left of the piece was used up; an empty piece now says that the shard ends.
                Next::More => self.piece = Bytes::new(),
                Next::End => return Err(FeedError::Short),
                Next::Broken(rule) => {
                    return Err(ManifestError { record: self.next_row + 1, column: None, rule: rule.to_owned() }.into());
                }
            }
        }
        Ok(tasks)
    }
}

/// Keeps the full name of the bucket that the last row named.
fn note_bucket(last: &mut (String, String), full: &mut Arc<str>, bucket: BucketRef<'_>) {
    if bucket.name != last.0 || bucket.appid != last.1 {
        *last = (bucket.name.to_owned(), bucket.appid.to_owned());
        let name = bucket.full();
        if **full != *name {
            *full = name.as_ref().into();
        }
    }
}

impl Text {
    /// The next bytes of the text, at most `most`, and one at least.
    async fn read(&mut self, most: u64) -> Result<Bytes, FeedError> {
        let piece = match self.inflater.is_some() {
            false => {
                let end = self.object_at.saturating_add(most);
                patiently(|| self.source.read(self.object_at, end)).await?
            }
            true => self.inflate(most).await?,
        };
        if piece.is_empty() {
            return Err(FeedError::Short);
        }
        if self.inflater.is_none() {
            self.object_at += piece.len() as u64;
        }
        self.at += piece.len() as u64;
        Ok(piece)
    }

    async fn inflate(&mut self, most: u64) -> Result<Bytes, FeedError> {
        let length = usize::try_from(most.min(READ_BYTES)).unwrap_or(usize::MAX);
        let mut text = BytesMut::zeroed(length);
        while let Some(inflater) = &mut self.inflater {
            match inflater.read(&mut text)? {
                Inflated::Bytes(count) => {
                    text.truncate(count);
                    return Ok(text.freeze());
                }
                Inflated::More => {
                    let compressed = patiently(|| self.source.read(self.object_at, u64::MAX)).await?;
                    self.object_at += compressed.len() as u64;
                    if compressed.is_empty() {
                        inflater.finish();
                    } else {
                        inflater.feed(compressed);
                    }
                }
                Inflated::End => break,
            }
        }
        Ok(Bytes::new())
    }
}
