//! CSV records with the bytes they came from.

use csv_core::{ReadRecordResult, Reader};

/// Longest record, in bytes after unquoting. Keys are at most 850 bytes (2,550 percent-encoded); the rest is left to
/// columns that are ignored.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// Most columns a manifest can declare (COS has four kinds of column; the rest are `Ignore`).
pub const COLUMNS_MAX: usize = 100;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Splits a stream of bytes into CSV records (RFC 4180; `\n`, `\r\n` and `\r` end a record, blank lines are none).
///
/// [`next`](Self::next) takes bytes until it has a record. Nothing is allocated per record.
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    output_len: usize,
    ends_len: usize,
    /// Bytes consumed since the start.
    offset: u64,
    /// Quote characters consumed since the last record's end.
    quotes: u64,
}

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    fields: &'a [u8],
    ends: &'a [usize],
    /// Offset of the byte after the record.
    pub end: u64,
}

impl<'a> Record<'a> {
    /// How many fields it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Records have at least one field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Field by number, from 0; unquoted.
    #[must_use]
    pub fn field(&self, number: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(number)?;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        self.fields.get(start..end)
    }
}

/// What came of looking for a record.
#[derive(Debug)]
pub enum Next<'a> {
    /// One record, and how many bytes of the input were used.
    Record(Record<'a>, usize),
    /// The input is used up.
    More,
    /// The end of the manifest.
    End,
    /// The record is too long, has too many columns, or ends inside quotes.
    Broken(&'static str),
}

impl Records {
    /// Reads from byte `offset` of a manifest, where a record begins.
    #[must_use]
    pub fn new(offset: u64) -> Self {
        let mut reader = Reader::new();
        // One spare place: the parser calls a buffer full that is exactly filled.
        let mut output = vec![0; RECORD_BYTES_MAX + 1];
        let mut ends = vec![0; COLUMNS_MAX + 1];
        // The parser drops a byte order mark in front of its first bytes, also where a field in the middle of a manifest
        // begins with these three. A line end, which is no record, keeps it from doing so; `next` drops the true one.
        let _ = reader.read_record(b"\n", &mut output, &mut ends);
        Self { reader, output, ends, output_len: 0, ends_len: 0, offset, quotes: 0 }
    }

    /// The next record of `input`; with `end`, no byte follows it. The first piece of a manifest must not cut a byte
    /// order mark in two: three bytes are enough.
    pub fn next<'a>(&'a mut self, input: &[u8], end: bool) -> Next<'a> {
        let mark = if self.offset == 0 && input.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        self.offset += mark as u64;
        let input = &input[mark..];
        if input.is_empty() && !end {
            return Next::More;
        }
        let (result, used, wrote, ends) =
            self.reader.read_record(input, &mut self.output[self.output_len..], &mut self.ends[self.ends_len..]);
        self.offset += used as u64;
        self.output_len += wrote;
        self.ends_len += ends;
        self.quotes += memchr::memchr_iter(b'"', &input[..used]).count() as u64;
        match result {
            ReadRecordResult::InputEmpty => Next::More,
            ReadRecordResult::OutputFull => Next::Broken("the row is longer than 65536 bytes"),
            ReadRecordResult::OutputEndsFull => Next::Broken("the row has more than 100 columns"),
            ReadRecordResult::End => Next::End,
            ReadRecordResult::Record => {
                // The parser takes the end of the input for the end of a quoted field.
                if input.is_empty() && self.quotes % 2 == 1 {
                    return Next::Broken("a quote is opened and never closed");
                }
                let fields = &self.output[..self.output_len];
                let ends = &self.ends[..self.ends_len];
                (self.output_len, self.ends_len, self.quotes) = (0, 0, 0);
                Next::Record(Record { fields, ends, end: self.offset }, mark + used)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All records as strings with their ends, the input given in pieces of `piece` bytes.
    fn read(input: &[u8], offset: u64, piece: usize) -> Result<Vec<(Vec<String>, u64)>, &'static str> {
        let mut records = Records::new(offset);
        let mut found = Vec::new();
        let mut pieces = input.chunks(piece);
        let (mut rest, mut end) = (Vec::new(), false);
        loop {
            let used = match records.next(&rest, end) {
                Next::Record(record, used) => {
                    let fields = (0..record.len())
                        .map(|number| String::from_utf8_lossy(record.field(number).unwrap()).into_owned())
                        .collect();
                    found.push((fields, record.end));
                    used
                }
                Next::More => {
                    let next = pieces.next();
                    end = next.is_none();
                    rest = next.unwrap_or_default().to_vec();
                    continue;
                }
                Next::End => return Ok(found),
                Next::Broken(rule) => return Err(rule),
            };
            rest.drain(..used);
        }
    }

    fn fields(input: &str) -> Vec<Vec<String>> {
        read(input.as_bytes(), 0, 1 << 20).unwrap().into_iter().map(|(fields, _)| fields).collect()
    }

    #[test]
    fn quotes_line_ends_and_blank_lines() {
        assert_eq!(fields("a,b\r\nc,\"d,\"\"e\n\"\n\n\nf,g"), [["a", "b"], ["c", "d,\"e\n"], ["f", "g"]]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_only_at_the_start() {
        assert_eq!(fields("\u{feff}a,b\n"), [["a", "b"]]);
        let later = read("\u{feff}a,b\n".as_bytes(), 10, 99).unwrap();
        assert_eq!(later, [(vec!["\u{feff}a".to_owned(), "b".to_owned()], 17)]);
    }

    #[test]
    fn limits_of_a_record() {
        let longest = format!("{},b\n", "x".repeat(RECORD_BYTES_MAX - 1));
        assert_eq!(fields(&longest).len(), 1);
        let too_long = format!("{},bb\n", "x".repeat(RECORD_BYTES_MAX - 1));
        assert!(read(too_long.as_bytes(), 0, 1000).is_err());
        let most = vec!["x"; COLUMNS_MAX].join(",");
        assert_eq!(fields(&most)[0].len(), COLUMNS_MAX);
        assert!(read(vec!["x"; COLUMNS_MAX + 2].join(",").as_bytes(), 0, 9).is_err());
    }

    #[test]
    fn an_open_quote_at_the_end_is_an_error() {
        assert_eq!(read(b"a,\"b\nc,d\n", 0, 4), Err("a quote is opened and never closed"));
        assert!(read(b"a,\"b\nc,d\"", 0, 4).is_ok());
    }

    proptest! {
        /// Cutting the input into pieces changes nothing, and reading on from any record's end gives the rest.
        #[test]
        fn pieces_and_restarts_change_nothing(
            text in "([a-c\u{feff}]{0,3}(,|\n|\r\n|\"[a,\n]{0,3}\"\n)){0,20}", piece in 3usize..9, cut in 0usize..20,
        ) {
            let whole = read(text.as_bytes(), 0, 1 << 20);
            prop_assert_eq!(&read(text.as_bytes(), 0, piece), &whole);
            if let Ok(whole) = whole && let Some((_, end)) = whole.get(cut) {
                let place = usize::try_from(*end).unwrap();
                let rest = read(&text.as_bytes()[place..], *end, piece).unwrap();
                prop_assert_eq!(rest, &whole[cut + 1..]);
            }
        }
    }
}
