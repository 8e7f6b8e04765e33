//! The one pass over a manifest that checks every row and cuts it into shards.

use super::{Columns, ManifestError, Records, records::Next};
use crate::store::{Shard, ShardSource};

/// Rows of a shard. Small enough that a shard's report files are built in memory and that tenants take turns quickly;
/// large enough that a billion rows are 100,000 shards.
pub const SHARD_ROWS: u64 = 10_000;

/// Bytes of a shard, for manifests with very long rows: a shard ends with the row that passes this.
pub const SHARD_BYTES: u64 = 16 * 1024 * 1024;

/// Checks rows and cuts shards while a manifest streams by.
#[derive(Debug)]
pub struct Indexer {
    columns: Columns,
    records: Records,
    /// Records seen, a header counted.
    record: u64,
    rows: u64,
    source_bucket: Option<String>,
    shard: OpenShard,
    shards: u32,
    rows_max: u64,
}

#[derive(Debug, Default)]
struct OpenShard {
    start: u64,
    end: u64,
    first_row: u64,
}

/// What came of a piece of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A shard is complete; call again with the same input.
    Shard(Shard),
    /// The input is used up.
    More,
    /// A row names another bucket than the rows before it (its record number, its bucket). Whether that breaks the
    /// manifest or only fails this task, the caller knows. Call again with the same input to go on.
    OtherBucket(u64, String),
    /// The manifest has ended.
    End,
}

impl Indexer {
    /// Begins at the start of a manifest, refusing more than `rows_max` rows.
    #[must_use]
    pub fn new(columns: Columns, rows_max: u64) -> Self {
        Self {
            columns,
            records: Records::new(0),
            record: 0,
            rows: 0,
            source_bucket: None,
            shard: OpenShard::default(),
            shards: 0,
            rows_max,
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The bucket that the first row names.
    #[must_use]
    pub fn source_bucket(&self) -> Option<&str> {
        self.source_bucket.as_deref()
    }

    /// Goes on with `input`, of which the used part is taken away; with `end`, no byte follows it. Call again with what
    /// is left until the answer is [`Step::More`] (give the next piece) or [`Step::End`].
    ///
    /// # Errors
    /// The first row that breaks a rule.
    pub fn step(&mut self, input: &mut &[u8], end: bool) -> Result<Step, ManifestError> {
        loop {
            let full =
                self.rows - self.shard.first_row >= SHARD_ROWS || self.shard.end - self.shard.start >= SHARD_BYTES;
            if full && let Some(shard) = self.cut() {
                return Ok(Step::Shard(shard));
            }
            let (other, row_end) = match self.records.next(input, end) {
                Next::More => {
                    *input = &[];
                    return Ok(Step::More);
                }
                Next::End => {
                    return Ok(self.cut().map_or(Step::End, Step::Shard));
                }
                Next::Broken(rule) => {
                    return Err(ManifestError { record: self.record + 1, column: None, rule: rule.to_owned() });
                }
                Next::Record(record, used) => {
                    *input = &input[used..];
                    self.record += 1;
                    if self.record == 1 && self.columns.is_header(&record) {
                        self.shard.start = record.end;
                        self.shard.end = record.end;
                        continue;
                    }
                    if self.rows == self.rows_max {
                        let rule = format!("a manifest has at most {} rows", self.rows_max);
                        return Err(ManifestError { record: self.record, column: None, rule });
                    }
                    let row = self.columns.read(&record, self.record)?;
                    let other = match &self.source_bucket {
                        Some(first) => (first != row.bucket).then(|| row.bucket.to_owned()),
                        None => {
                            self.source_bucket = Some(row.bucket.to_owned());
                            None
                        }
                    };
                    (other, record.end)
                }
            };
            self.rows += 1;
            self.shard.end = row_end;
            if let Some(bucket) = other {
                return Ok(Step::OtherBucket(self.record, bucket));
            }
        }
    }

    /// Ends the open shard, if it has rows.
    fn cut(&mut self) -> Option<Shard> {
        let rows = self.rows - self.shard.first_row;
        if rows == 0 {
            return None;
        }
        let shard = Shard {
            index: self.shards,
            source: ShardSource::Bytes { start: self.shard.start, end: self.shard.end },
            first_row: self.shard.first_row,
            rows,
        };
        self.shards += 1;
        self.shard = OpenShard { start: self.shard.end, end: self.shard.end, first_row: self.rows };
        Some(shard)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::Column;

    /// Shards, rows, and rows that name another bucket.
    type Indexed = (Vec<Shard>, u64, Vec<(u64, String)>);

    fn index(text: &[u8], piece: usize, rows_max: u64) -> Result<Indexed, ManifestError> {
        let columns = Columns::new(&[Column::Bucket, Column::Key]).unwrap();
        let mut indexer = Indexer::new(columns, rows_max);
        let (mut shards, mut others) = (Vec::new(), Vec::new());
        let mut pieces = text.chunks(piece);
        let (mut input, mut end) = (&[][..], false);
        loop {
            match indexer.step(&mut input, end)? {
                Step::Shard(shard) => shards.push(shard),
                Step::OtherBucket(record, bucket) => others.push((record, bucket)),
                Step::More => match pieces.next() {
                    Some(piece) => input = piece,
                    None => end = true,
                },
                Step::End => return Ok((shards, indexer.rows(), others)),
            }
        }
    }

    fn lines(count: u64) -> String {
        (0..count).map(|number| format!("b-1,key/{number}\n")).collect()
    }

    #[test]
    fn shards_cover_every_row_once_at_the_edges() {
        for count in [0, 1, 2, SHARD_ROWS - 1, SHARD_ROWS, SHARD_ROWS + 1, 3 * SHARD_ROWS] {
            let text = lines(count);
            let (shards, rows, _) = index(text.as_bytes(), 1000, u64::MAX).unwrap();
            assert_eq!(rows, count);
            assert_eq!(shards.len() as u64, count.div_ceil(SHARD_ROWS));
            let (mut next_row, mut next_byte) = (0, 0);
            for (place, shard) in shards.iter().enumerate() {
                let ShardSource::Bytes { start, end } = shard.source;
                assert_eq!((shard.index as usize, shard.first_row, start), (place, next_row, next_byte));
                (next_row, next_byte) = (shard.first_row + shard.rows, end);
            }
            assert_eq!((next_row, next_byte), (count, text.len() as u64));
        }
    }

    #[test]
    fn a_header_is_no_row_and_only_first() {
        let (shards, rows, _) = index(b"Bucket,Key\nb-1,k\n", 4, 9).unwrap();
        assert_eq!((rows, shards[0].source.clone()), (1, ShardSource::Bytes { start: 11, end: 17 }));
        let (_, rows, others) = index(b"b-1,k\nBucket,Key\n", 4, 9).unwrap();
        assert_eq!((rows, others), (2, vec![(2, "Bucket".to_owned())]));
    }

    #[test]
    fn limits_and_broken_rows_name_the_row() {
        assert!(index(lines(5).as_bytes(), 7, 5).is_ok());
        assert_eq!(index(lines(6).as_bytes(), 7, 5).unwrap_err().to_string(), "row 6: a manifest has at most 5 rows");
        let error = index(b"Bucket,Key\nb-1,k\nb-1\n", 7, 5).unwrap_err();
        assert_eq!((error.record, error.column), (3, None));
        assert_eq!(index(b"b-1,k\nb-1,\"k", 7, 5).unwrap_err().record, 2);
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            text in "((b-1|c-2),[a-z%\"]{0,2}(\n|\r\n)|\n){0,30}(b-1,x)?", piece in 1usize..12,
        ) {
            prop_assert_eq!(index(text.as_bytes(), piece, 20), index(text.as_bytes(), 1 << 20, 20));
        }
    }
}
