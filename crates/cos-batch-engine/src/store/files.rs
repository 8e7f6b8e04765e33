//! Files that a manifest lists, each of which is read once, by whoever leases it.

use std::ops::Range;

use cos_batch_objectstore::Pin;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ShardSource;
use crate::{job::Failure, spec::Column};

/// What ends the name of a file of rows in the spool.
pub(crate) const ROWS_SUFFIX: &str = ".rows";

/// What begins the names of files of rows that whoever holds the lease of a listed file puts into the spool.
pub(crate) fn rows_of_file(file: u32, epoch: u64) -> String {
    format!("f{file}-{epoch}-")
}

/// Name of the `number`th file of rows whose names begin so.
pub(crate) fn rows_name(begin: &str, number: u64) -> String {
    format!("{begin}{number}{ROWS_SUFFIX}")
}

/// A file of an inventory: what it takes to read it, so that whoever leases it needs nothing else of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFile {
    /// Its place in the list, from 0, without gaps.
    pub number: u32,
    /// Key, in the manifest's bucket.
    pub key: String,
    /// Its size in bytes, where the list tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// MD5 of its bytes in lower-case hex, where the list tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// The bucket that all of its rows name.
    pub source_bucket: String,
    /// Its columns.
    pub columns: Vec<Column>,
}

/// The right to read a file, and to say what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLease {
    /// Which job.
    pub job: Uuid,
    /// Which file.
    pub file: ListedFile,
    /// Goes up with each lease of the file.
    pub epoch: u64,
}

/// What came of reading a file. Stored as JSON: variants may be added, what is there stays readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileOutcome {
    /// It has these rows.
    Index(FileIndex),
    /// No job can run on it.
    Unfit(Failure),
}

/// A file, and what came of it so far.
pub type FileState = (ListedFile, Option<FileOutcome>);

/// Where the rows of a file are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIndex {
    /// What the places of pieces are counted in.
    pub place: FilePlace,
    /// The pieces, in order; each becomes a shard.
    pub pieces: Vec<FilePiece>,
}

/// Where the pieces of a file are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FilePlace {
    /// In the file itself, which is read again.
    Itself {
        /// Its version, where its bucket keeps them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// Refuses reads of anything but what was indexed.
        pin: Pin,
        /// It is compressed with gzip; bytes of pieces are of the decompressed file.
        gzip: bool,
    },
    /// In the spool: a file for each piece, written under the lease of this epoch.
    Spool {
        /// Epoch of the lease.
        epoch: u64,
    },
}

/// A piece of a file. Kept short, `[start, end, rows]`: a file of a billion rows has 100,000 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64)", into = "(u64, u64, u64)")]
pub struct FilePiece {
    /// First byte.
    pub start: u64,
    /// End, exclusive.
    pub end: u64,
    /// Rows, at least 1.
    pub rows: u64,
}

impl From<(u64, u64, u64)> for FilePiece {
    fn from((start, end, rows): (u64, u64, u64)) -> Self {
        Self { start, end, rows }
    }
}

impl From<FilePiece> for (u64, u64, u64) {
    fn from(piece: FilePiece) -> Self {
        (piece.start, piece.end, piece.rows)
    }
}

impl FilePiece {
    /// Of these bytes, with so many rows.
    #[must_use]
    pub fn new(bytes: &Range<u64>, rows: u64) -> Self {
        Self { start: bytes.start, end: bytes.end, rows }
    }
}

impl FileIndex {
    /// Rows of the file.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.rows).fold(0, u64::saturating_add)
    }

    /// Where the rows of each shard of this file are, and how many it has.
    pub fn sources<'a>(&'a self, file: &'a ListedFile) -> impl Iterator<Item = (ShardSource, u64)> + 'a {
        self.pieces.iter().zip(0u64..).map(|(piece, number)| {
            let FilePiece { start, end, rows } = *piece;
            let source = match &self.place {
                FilePlace::Itself { version, pin, gzip } => ShardSource::File {
                    key: file.key.clone(),
                    version: version.clone(),
                    pin: pin.clone(),
                    gzip: *gzip,
                    start,
                    end,
                },
                FilePlace::Spool { epoch } => {
                    let name = rows_name(&rows_of_file(file.number, *epoch), number);
                    ShardSource::Spooled { name, bytes: end.saturating_sub(start) }
                }
            };
            (source, rows)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ListedFile {
        let columns = vec![Column::Bucket, Column::Key];
        ListedFile {
            number: 7,
            key: "data/7.csv".to_owned(),
            size: Some(30),
            md5: None,
            source_bucket: "b-1".to_owned(),
            columns,
        }
    }

    #[test]
    fn pieces_become_sources_in_their_order() {
        let pieces = vec![FilePiece::new(&(3..10), 2), FilePiece::new(&(10..30), 5)];
        let place = FilePlace::Itself { version: Some("v".to_owned()), pin: Pin("p".to_owned()), gzip: true };
        let index = FileIndex { place, pieces: pieces.clone() };
        assert_eq!(index.rows(), 7);
        let of_file = |start, end| ShardSource::File {
            key: "data/7.csv".to_owned(),
            version: Some("v".to_owned()),
            pin: Pin("p".to_owned()),
            gzip: true,
            start,
            end,
        };
        assert_eq!(index.sources(&file()).collect::<Vec<_>>(), [(of_file(3, 10), 2), (of_file(10, 30), 5)]);
        let index = FileIndex { place: FilePlace::Spool { epoch: 4 }, pieces };
        let spooled = |name: &str, bytes| ShardSource::Spooled { name: name.to_owned(), bytes };
        assert_eq!(
            index.sources(&file()).collect::<Vec<_>>(),
            [(spooled("f7-4-0.rows", 7), 2), (spooled("f7-4-1.rows", 20), 5)]
        );
    }

    /// Stored outcomes must stay readable: what is written down here was written by the first release that had them.
    #[test]
    fn what_is_stored_stays_readable() {
        let place = FilePlace::Itself { version: None, pin: Pin("p".to_owned()), gzip: false };
        let index = FileOutcome::Index(FileIndex { place, pieces: vec![FilePiece { start: 3, end: 10, rows: 2 }] });
        let text = r#"{"Index":{"place":{"Itself":{"pin":"p","gzip":false}},"pieces":[[3,10,2]]}}"#;
        assert_eq!(serde_json::to_string(&index).unwrap(), text);
        assert_eq!(serde_json::from_str::<FileOutcome>(text).unwrap(), index);
        let text = r#"{"number":7,"key":"data/7.csv","size":30,"source_bucket":"b-1","columns":["Bucket","Key"]}"#;
        assert_eq!(serde_json::to_string(&file()).unwrap(), text);
        assert_eq!(serde_json::from_str::<ListedFile>(text).unwrap(), file());
    }
}
