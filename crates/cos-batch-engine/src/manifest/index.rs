//! The one pass over a manifest that checks every row and cuts it into shards.

use std::ops::Range;

use memchr::memchr2;

use super::{BucketRef, Columns, ManifestError, Records, records::Next};

/// Rows of a shard. Small enough that a shard's report files are built in memory and that tenants take turns quickly;
/// large enough that a billion rows are 100,000 shards.
pub const SHARD_ROWS: u64 = 10_000;

/// Bytes of a shard, for manifests with very long rows: a shard ends with the row that passes this.
pub const SHARD_BYTES: u64 = 16 * 1024 * 1024;

/// Where a manifest is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Most rows of a piece.
    pub rows: u64,
    /// A piece ends with the row that passes so many bytes.
    pub bytes: u64,
}

impl Default for Cut {
    fn default() -> Self {
        Self { rows: SHARD_ROWS, bytes: SHARD_BYTES }
    }
}

/// Checks rows and cuts them into pieces while a file of a manifest streams by. Nothing is allocated per row.
#[derive(Debug)]
pub struct Indexer {
    columns: Columns,
    records: Records,
    /// Records seen, a header counted.
    record: u64,
    rows: u64,
    source_bucket: Option<String>,
    /// The bucket that the last row named, as it stood there: nearly always the next one's.
    last: (String, String),
    open: OpenPiece,
    cut: Cut,
    rows_max: u64,
    scratch: Vec<u8>,
    alike: Alike,
}

/// What it takes to pass over rows that are like the one before them.
#[derive(Debug, Default)]
struct Alike {
    /// Columns behind the Key, if rows can be passed over at all.
    behind_key: Option<usize>,
    /// How the last row began, up to its Key; empty: it was not plain, or named another bucket.
    begin: Vec<u8>,
    /// The bytes up to here are UTF-8.
    text_until: u64,
    /// No percent sign lies between the place where the last one was looked for and this byte.
    bare_until: u64,
}

#[derive(Debug, Default)]
struct OpenPiece {
    start: u64,
    end: u64,
    first_row: u64,
}

/// A piece of a file: what becomes a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of the file, decompressed, cut at the borders of records.
    pub bytes: Range<u64>,
    /// Row of the file that its first row is, from 0.
    pub first_row: u64,
    /// How many rows it has, at least 1.
    pub rows: u64,
}

/// What came of some bytes of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A piece is complete; call again with the same input.
    Piece(Piece),
    /// The input is used up.
    More,
    /// A row names another bucket than the rows before it (its record number, its bucket). Whether that breaks the
    /// manifest or only fails this task, the caller knows. Call again with the same input to go on.
    OtherBucket(u64, String),
    /// The file has ended.
    End,
}

impl Indexer {
    /// Begins at the start of a file, refusing more than `rows_max` rows.
    #[must_use]
    pub fn new(columns: Columns, cut: Cut, rows_max: u64) -> Self {
        Self {
            alike: Alike { behind_key: columns.behind_key(), ..Alike::default() },
            columns,
            records: Records::new(0),
            record: 0,
            rows: 0,
            source_bucket: None,
            last: (String::new(), String::new()),
            open: OpenPiece::default(),
            cut,
            rows_max,
            scratch: Vec::new(),
        }
    }

    /// All rows should name this bucket.
    #[must_use]
    pub fn expecting(self, bucket: &str) -> Self {
        Self { source_bucket: Some(bucket.to_owned()), ..self }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The bucket that rows should name, or the one that the first row names.
    #[must_use]
    pub fn source_bucket(&self) -> Option<&str> {
        self.source_bucket.as_deref()
    }

    /// Goes on with `input`, of which the used part is taken away; with `end`, no byte follows it. Call again with what
    /// is left until the answer is [`Step::More`] (give the next bytes) or [`Step::End`].
    ///
    /// # Errors
    /// The first row that breaks a rule.
    pub fn step(&mut self, input: &mut &[u8], end: bool) -> Result<Step, ManifestError> {
        loop {
            if self.is_full()
                && let Some(piece) = self.close()
            {
                return Ok(Step::Piece(piece));
            }
            self.pass_over(input);
            if self.is_full() {
                continue;
            }
            match self.records.next(input, end) {
                Next::More => {
                    *input = &[];
                    return Ok(Step::More);
                }
                Next::End => {
                    return Ok(self.close().map_or(Step::End, Step::Piece));
                }
                Next::Broken(rule) => {
                    return Err(ManifestError { record: self.record + 1, column: None, rule: rule.to_owned() });
                }
                Next::Record(record, used) => {
                    *input = &input[used..];
                    self.record += 1;
                    if self.record == 1 && self.columns.is_header(&record) {
                        self.open.start = record.end;
                        self.open.end = record.end;
                        continue;
                    }
                    if self.rows == self.rows_max {
                        let rule = format!("a manifest has at most {} rows", self.rows_max);
                        return Err(ManifestError { record: self.record, column: None, rule });
                    }
                    let bucket = self.columns.check(&record, self.record, &mut self.scratch)?;
                    self.open.end = record.end;
                    let known = bucket.name == self.last.0 && bucket.appid == self.last.1;
                    self.rows += 1;
                    self.alike.begin.clear();
                    if !known && let Some(other) = other_bucket(&mut self.last, &mut self.source_bucket, bucket) {
                        return Ok(Step::OtherBucket(self.record, other));
                    }
                    self.alike.begin.extend_from_slice(self.columns.before_key(&record).unwrap_or_default());
                }
            }
        }
    }

    /// Passes over rows that begin as the last one did, which nearly all do: what is behind it was checked there, and one
    /// look at the rest of each line is enough. The first row that is in any way different is left where it is.
    fn pass_over(&mut self, input: &mut &[u8]) {
        let Some(behind_key) = self.alike.behind_key.filter(|_| !self.alike.begin.is_empty()) else { return };
        let plain = self.records.plain(input);
        let offset = self.records.offset();
        let text = self.alike.text(&input[..plain], offset);
        let (begin, mut at) = (self.alike.begin.len(), 0);
        while self.rows < self.rows_max && !self.is_full() && text[at..].starts_with(&self.alike.begin) {
            let rest = &text[at + begin..];
            let Some((key, length)) = line(rest, behind_key) else { break };
            let end = at + begin + length + 1;
            if !self.alike.is_bare(text, offset, at, end)
                && !std::str::from_utf8(&rest[..key]).is_ok_and(|key| self.columns.is_sound(key, &mut self.scratch))
            {
                break;
            }
            if behind_key > 0 && !self.columns.has_sound_version(&rest[key + 1..length]) {
                break;
            }
            at = end;
            self.record += 1;
            self.rows += 1;
            self.open.end = offset + at as u64;
        }
        self.records.pass(at);
        *input = &input[at..];
    }

    /// Has the open piece as many rows or bytes as a piece has at most?
    fn is_full(&self) -> bool {
        let (rows, bytes) = (self.rows - self.open.first_row, self.open.end - self.open.start);
        rows > 0 && (rows >= self.cut.rows || bytes >= self.cut.bytes)
    }

    /// Ends the open piece, if it has rows.
    fn close(&mut self) -> Option<Piece> {
        let rows = self.rows - self.open.first_row;
        if rows == 0 {
            return None;
        }
        let piece = Piece { bytes: self.open.start..self.open.end, first_row: self.open.first_row, rows };
        self.open = OpenPiece { start: self.open.end, end: self.open.end, first_row: self.rows };
        Some(piece)
    }
}

impl Alike {
    /// The beginning of `plain`, which lies at `offset`, that is UTF-8.
    fn text<'a>(&mut self, plain: &'a [u8], offset: u64) -> &'a [u8] {
        // Each byte is looked at once, however often the caller comes back. A character that is cut off at the end is
        // left to whoever sees the rest of it.
        if self.text_until <= offset {
            let valid = std::str::from_utf8(plain).map_or_else(|error| error.valid_up_to(), str::len);
            self.text_until = offset + valid as u64;
        }
        let valid = usize::try_from(self.text_until.saturating_sub(offset)).unwrap_or(usize::MAX);
        &plain[..valid.min(plain.len())]
    }

    /// Is there no percent sign in `at..end` of the text, which lies at `offset`?
    fn is_bare(&mut self, text: &[u8], offset: u64, at: usize, end: usize) -> bool {
        let (from, to) = (offset + at as u64, offset + end as u64);
        if self.bare_until <= from {
            self.bare_until = from + memchr::memchr(b'%', &text[at..]).unwrap_or(text.len() - at) as u64;
        }
        to <= self.bare_until
    }
}

/// Length of the first column and of the whole line, if it ends here, has so many further columns, and the first is not
/// empty.
fn line(rest: &[u8], further: usize) -> Option<(usize, usize)> {
    let first = memchr2(b',', b'\n', rest).filter(|first| *first > 0)?;
    let mut end = first;
    for _ in 0..further {
        if rest[end] != b',' {
            return None;
        }
        end += 1 + memchr2(b',', b'\n', &rest[end + 1..])?;
    }
    (rest[end] == b'\n' && end - further <= super::records::RECORD_BYTES_MAX / 2).then_some((first, end))
}

/// A row names another bucket than the one before: its full name, unless it is the source bucket.
fn other_bucket(last: &mut (String, String), source: &mut Option<String>, bucket: BucketRef<'_>) -> Option<String> {
    let full = bucket.full();
    match source {
        Some(source) if *source != full => return Some(full.into_owned()),
        Some(_) => {}
        None => *source = Some(full.into_owned()),
    }
    *last = (bucket.name.to_owned(), bucket.appid.to_owned());
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::Column;

    /// Pieces, rows, and rows that name another bucket.
    type Indexed = (Vec<Piece>, u64, Vec<(u64, String)>);

    fn index(text: &[u8], piece: usize, rows_max: u64) -> Result<Indexed, ManifestError> {
        let columns = Columns::new(&[Column::Bucket, Column::Key]).unwrap();
        run(Indexer::new(columns, Cut::default(), rows_max), text, piece)
    }

    fn run(mut indexer: Indexer, text: &[u8], piece: usize) -> Result<Indexed, ManifestError> {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        let mut pieces = text.chunks(piece);
        let (mut input, mut end) = (&[][..], false);
        loop {
            match indexer.step(&mut input, end)? {
                Step::Piece(piece) => found.push(piece),
                Step::OtherBucket(record, bucket) => others.push((record, bucket)),
                Step::More => match pieces.next() {
                    Some(piece) => input = piece,
                    None => end = true,
                },
                Step::End => return Ok((found, indexer.rows(), others)),
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
            let (found, rows, _) = index(text.as_bytes(), 1000, u64::MAX).unwrap();
            assert_eq!(rows, count);
            assert_eq!(found.len() as u64, count.div_ceil(SHARD_ROWS));
            let (mut next_row, mut next_byte) = (0, 0);
            for piece in &found {
                assert_eq!((piece.first_row, piece.bytes.start), (next_row, next_byte));
                (next_row, next_byte) = (piece.first_row + piece.rows, piece.bytes.end);
            }
            assert_eq!((next_row, next_byte), (count, text.len() as u64));
        }
    }

    #[test]
    fn a_header_is_no_row_and_only_first() {
        let (found, rows, _) = index(b"Bucket,Key\nb-1,k\n", 4, 9).unwrap();
        assert_eq!((rows, found[0].bytes.clone()), (1, 11..17));
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

    /// As [`index`], but no row is passed over.
    fn index_one_by_one(text: &[u8], names: &[Column]) -> Result<Indexed, ManifestError> {
        let mut indexer = Indexer::new(Columns::new(names).unwrap(), CUT, 20);
        indexer.alike.behind_key = None;
        run(indexer, text, 1 << 20)
    }

    /// Small, so that pieces end in the middle of what could be passed over.
    const CUT: Cut = Cut { rows: 3, bytes: 40 };

    proptest! {
        /// Passing over rows that are alike finds what reading each of them finds.
        #[test]
        fn rows_that_are_passed_over_are_checked_all_the_same(
            text in "((b-1|b-1|b-1|c-2),[a-z%\u{e9}\"4]{0,3}(,([a-z]{0,2}| v |\tv|\\(|v;))?(\n|\n|\n|\r\n)|\n){0,30}(b-1,x)?",
            bad in prop::option::of(0usize..60), piece in 3usize..40, three in prop::option::of(any::<bool>()),
        ) {
            let mut text = text.into_bytes();
            if let Some(place) = bad.filter(|place| *place < text.len()) {
                text[place] = 0xff;
            }
            let names: &[Column] = match three {
                Some(true) => &[Column::Bucket, Column::Key, Column::Ignore],
                Some(false) => &[Column::Bucket, Column::Key, Column::VersionId],
                None => &[Column::Bucket, Column::Key],
            };
            let expected = index_one_by_one(&text, names);
            for piece in [piece, 1 << 20] {
                let indexer = Indexer::new(Columns::new(names).unwrap(), CUT, 20);
                prop_assert_eq!(&run(indexer, &text, piece), &expected);
            }
        }

        #[test]
        fn pieces_change_nothing(
            text in "((b-1|c-2),[a-z%\"]{0,2}(\n|\r\n)|\n){0,30}(b-1,x)?", piece in 1usize..12,
        ) {
            prop_assert_eq!(index(text.as_bytes(), piece, 20), index(text.as_bytes(), 1 << 20, 20));
        }
    }
}
