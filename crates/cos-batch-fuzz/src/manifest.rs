//! CSV manifests: records, rows, shards.

use cos_batch_engine::manifest::records::Next;
use cos_batch_engine::manifest::{Columns, Cut, Indexer, Piece, Records, Step};
use cos_batch_engine::spec::Column;

pub(crate) const PROPERTY: &str = "into which pieces a manifest is cut does not matter; shards follow one another and \
                                   hold just the rows counted; a record's field is never longer than the input";

/// Most rows: small, so that the limit is met.
const ROWS_MAX: u64 = 64;

/// Shortest piece, which must hold a byte order mark.
const PIECE_BYTES_MIN: usize = 3;

/// The first byte of the input chooses the columns, the second the length of the pieces; the rest is the manifest.
pub(crate) fn target(input: &[u8]) {
    let [columns, piece, csv @ ..] = input else { return };
    let names: &[Column] = match columns % 3 {
        0 => &[Column::Bucket, Column::Key],
        1 => &[Column::Bucket, Column::Key, Column::VersionId],
        _ => &[Column::Ignore, Column::Key, Column::Bucket],
    };
    let Some(columns) = Columns::new(names) else { return };
    let piece = PIECE_BYTES_MIN + usize::from(*piece);
    let whole = index(&columns, csv, csv.len().max(PIECE_BYTES_MIN));
    assert_eq!(index(&columns, csv, piece), whole, "cut into pieces of {piece} bytes");
    if let Ok(indexed) = whole {
        check_shards(csv, &indexed);
    }
}

/// What an index says.
#[derive(Debug, PartialEq)]
struct Indexed {
    pieces: Vec<Piece>,
    other_buckets: Vec<(u64, String)>,
    rows: u64,
}

fn index(columns: &Columns, csv: &[u8], piece: usize) -> Result<Indexed, String> {
    let mut indexer = Indexer::new(columns.clone(), Cut::default(), ROWS_MAX);
    let mut found = Indexed { pieces: Vec::new(), other_buckets: Vec::new(), rows: 0 };
    let mut pieces = csv.chunks(piece).map(|piece| (piece, false)).chain([(&csv[csv.len()..], true)]);
    let (mut rest, mut end) = pieces.next().unwrap_or((csv, true));
    loop {
        match indexer.step(&mut rest, end).map_err(|error| format!("{error:?}"))? {
            Step::Piece(piece) => found.pieces.push(piece),
            Step::OtherBucket(record, bucket) => found.other_buckets.push((record, bucket)),
            Step::More => (rest, end) = pieces.next().unwrap_or((&[], true)),
            Step::End => break,
        }
    }
    found.rows = indexer.rows();
    Ok(found)
}

fn check_shards(csv: &[u8], indexed: &Indexed) {
    let mut rows = 0;
    let mut last_end = 0;
    for shard in &indexed.pieces {
        let (start, end) = (shard.bytes.start, shard.bytes.end);
        assert!(last_end <= start && start < end && end <= csv.len() as u64, "{shard:?} of {} bytes", csv.len());
        assert_eq!(shard.first_row, rows, "{shard:?}");
        assert_eq!(records(csv, start, end), shard.rows, "{shard:?}");
        rows += shard.rows;
        last_end = end;
    }
    assert_eq!(rows, indexed.rows);
}

/// How many records are in these bytes, read as a worker reads its shard.
fn records(csv: &[u8], start: u64, end: u64) -> u64 {
    let range = usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
    let mut rest = csv.get(range).unwrap_or_default();
    let mut records = Records::new(start);
    let mut count = 0;
    loop {
        let used = match records.next(rest, true) {
            Next::Record(record, used) => {
                let longest = (0..record.len()).filter_map(|number| record.field(number)).map(<[u8]>::len).max();
                assert!(longest.is_some_and(|longest| longest <= csv.len()), "a field of {longest:?} bytes");
                used
            }
            // What is left without a line end comes once nothing more is given.
            Next::More => {
                rest = &[];
                continue;
            }
            Next::End => return count,
            Next::Broken(rule) => panic!("a shard that was indexed breaks: {rule}"),
        };
        rest = &rest[used..];
        count += 1;
    }
}
