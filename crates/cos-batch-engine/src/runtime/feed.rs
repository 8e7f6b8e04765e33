//! The rows of a shard, read in pieces from the pinned manifest.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_objectstore::{GetRequest, ObjectStore, Pin, StoreError, VersionSelector};

use super::offload::offload;
use crate::{
    job::PinnedManifest,
    manifest::{Columns, ManifestError, Records, records::Next},
    spec::ManifestSpec,
    store::{ShardLease, ShardSource},
    task::Task,
};

/// Bytes read from the manifest at once.
pub(crate) const READ_BYTES: u64 = 256 * 1024;

/// A manifest object, with what it takes to read exactly this content of it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: VersionSelector,
    pub(crate) pin: Pin,
}

impl Source {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, spec: &ManifestSpec, pin: Pin) -> Self {
        Self { store, bucket: spec.bucket.clone(), key: spec.key.clone(), version: version(spec), pin }
    }

    /// Reads up to `READ_BYTES` from `start`, not past `end`.
    pub(crate) async fn read(&self, start: u64, end: u64) -> Result<Bytes, StoreError> {
        let source = self.clone();
        let range = start..end.min(start.saturating_add(READ_BYTES));
        offload(self.store.execution(), async move {
            let request = GetRequest {
                bucket: &source.bucket,
                key: &source.key,
                version: &source.version,
                range,
                pin: Some(&source.pin),
            };
            source.store.get_range(request).await
        })
        .await
    }
}

/// The version of the manifest that a job names.
pub(crate) fn version(spec: &ManifestSpec) -> VersionSelector {
    spec.version.as_ref().map_or(VersionSelector::Latest, |id| VersionSelector::Id(id.clone()))
}

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the manifest ends before its shard does")]
    Short,
}

/// Reads the rows of one shard from where its cursor stands.
#[derive(Debug)]
pub(crate) struct Feed {
    source: Source,
    columns: Columns,
    records: Records,
    piece: Bytes,
    /// Next byte of the manifest to read.
    next_byte: u64,
    shard_start: u64,
    shard_end: u64,
    next_row: u64,
    rows_left: u64,
    bucket: Arc<str>,
}

impl Feed {
    pub(crate) fn new(source: Source, columns: Columns, manifest: &PinnedManifest, lease: &ShardLease) -> Self {
        let ShardSource::Bytes { start, end } = lease.shard.source;
        let at = start + lease.cursor.offset;
        Self {
            source,
            columns,
            records: Records::new(at),
            piece: Bytes::new(),
            next_byte: at,
            shard_start: start,
            shard_end: end,
            next_row: lease.shard.first_row + lease.cursor.rows,
            rows_left: lease.shard.rows.saturating_sub(lease.cursor.rows),
            bucket: manifest.source_bucket.as_str().into(),
        }
    }

    /// At most `count` further tasks; none: the shard has no more.
    pub(crate) async fn next(&mut self, count: usize) -> Result<Vec<Task>, FeedError> {
        let mut tasks = Vec::with_capacity(count);
        while tasks.len() < count && self.rows_left > 0 {
            let end = self.next_byte >= self.shard_end;
            match self.records.next(&self.piece, end) {
                Next::Record(record, used) => {
                    let row = self.columns.read(&record, self.next_row + 1)?;
                    if *self.bucket != *row.bucket {
                        self.bucket = row.bucket.into();
                    }
                    let version =
                        row.version.map_or(VersionSelector::Latest, |version| VersionSelector::Id(version.to_owned()));
                    tasks.push(Task {
                        row: self.next_row,
                        bucket: Arc::clone(&self.bucket),
                        key: row.key.into_owned(),
                        version,
                        end: record.end - self.shard_start,
                    });
                    self.next_row += 1;
                    self.rows_left -= 1;
                    self.piece = self.piece.slice(used..);
                }
                Next::More if !end => {
                    self.piece = self.source.read(self.next_byte, self.shard_end).await?;
                    if self.piece.is_empty() {
                        return Err(FeedError::Short);
                    }
                    self.next_byte += self.piece.len() as u64;
                }
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
