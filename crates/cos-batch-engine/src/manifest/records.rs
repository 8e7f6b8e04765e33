//! CSV records with the bytes they came from.

use csv_core::{ReadRecordResult, Reader};
use memchr::{memchr, memchr_iter, memchr2};

/// Longest record, in bytes after unquoting, without the commas. Keys are at most 850 bytes (2,550 percent-encoded); the
/// rest is left to columns that are ignored.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// Most columns a record may have (COS has four kinds of column; the rest are `Ignore`).
pub const COLUMNS_MAX: usize = 100;

/// What some programs put in front of text in UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const TOO_LONG: &str = "the row is longer than 65536 bytes";
const TOO_MANY_COLUMNS: &str = "the row has more than 100 columns";
const OPEN_QUOTE: &str = "a quote is opened and never closed";

/// Splits a stream of bytes into CSV records (RFC 4180; `\n`, `\r\n` and `\r` end a record, blank lines are none).
///
/// [`next`](Self::next) takes bytes until it has a record. Nothing is allocated per record. A line without quotes, all
/// of which is there, is taken apart where it lies; anything else goes through a parser of CSV, byte by byte.
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    output_len: usize,
    ends_len: usize,
    /// Bytes consumed since the start.
    offset: u64,
    /// A byte order mark may come.
    at_start: bool,
    /// The parser may be in the middle of a record.
    inside: bool,
    /// No quote lies between `offset` and this byte.
    plain_until: u64,
    /// No carriage return lies between `offset` and this byte.
    newlines_until: u64,
}

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    fields: &'a [u8],
    ends: &'a [usize],
    /// Bytes between two fields: a comma where the record still lies in its line.
    gap: usize,
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

    /// What lies before a field in its line; none where the record was not taken from a line as it is.
    pub(super) fn before(&self, number: usize) -> Option<&'a [u8]> {
        let last = number.checked_sub(1).filter(|_| self.gap == 1)?;
        self.fields.get(..*self.ends.get(last)? + self.gap)
    }

    /// Field by number, from 0; unquoted.
    #[must_use]
    pub fn field(&self, number: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(number)?;
        let start = if number == 0 { 0 } else { self.ends[number - 1] + self.gap };
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
        Self {
            reader,
            output,
            ends,
            output_len: 0,
            ends_len: 0,
            offset,
            at_start: offset == 0,
            inside: false,
            plain_until: 0,
            newlines_until: 0,
        }
    }

    /// Reads a part of a manifest that lies apart from its beginning: what looks like a byte order mark is none.
    #[must_use]
    pub fn of_part(offset: u64) -> Self {
        Self { at_start: false, ..Self::new(offset) }
    }

    /// The next record of `input`; with `end`, no byte follows it. The first piece of a manifest must not cut a byte
    /// order mark in two: three bytes are enough.
    pub fn next<'a>(&'a mut self, input: &'a [u8], end: bool) -> Next<'a> {
        let mut skipped = if self.at_start && input.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        self.at_start &= input.is_empty();
        if !self.inside {
            skipped += input[skipped..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        }
        self.offset += skipped as u64;
        let input = &input[skipped..];
        if input.is_empty() && !end {
            return Next::More;
        }
        if !self.inside
            && let Some(length) = self.plain_line(input)
        {
            return self.split(&input[..length], skipped);
        }
        self.parse(input, skipped)
    }

    /// How many bytes of `input` a caller may split at line ends and commas by itself, telling with
    /// [`pass`](Self::pass) what it has taken: a record begins with the first, and no quote and no carriage return is in
    /// them.
    pub(super) fn plain(&mut self, input: &[u8]) -> usize {
        if self.inside || self.at_start {
            return 0;
        }
        self.look_ahead(input);
        let until = self.plain_until.min(self.newlines_until) - self.offset;
        usize::try_from(until).unwrap_or(usize::MAX).min(input.len())
    }

    /// Whole records were taken from the input.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.offset += bytes as u64;
    }

    /// Bytes consumed since the start of the manifest.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Finds the next quote and the next carriage return. Each byte is looked at once for either, however many lines the
    /// input has.
    fn look_ahead(&mut self, input: &[u8]) {
        let until = |found: Option<usize>| self.offset + found.unwrap_or(input.len()) as u64;
        if self.plain_until <= self.offset {
            self.plain_until = until(memchr(b'"', input));
        }
        if self.newlines_until <= self.offset {
            self.newlines_until = until(memchr(b'\r', input));
        }
    }

    /// Length of the line that `input` begins with, if its end is there and no quote is in it.
    fn plain_line(&mut self, input: &[u8]) -> Option<usize> {
        self.look_ahead(input);
        let mut length = memchr(b'\n', input);
        if length.is_none_or(|length| self.offset + length as u64 > self.newlines_until) {
            length = memchr2(b'\n', b'\r', input);
        }
        length.filter(|length| self.offset + *length as u64 <= self.plain_until)
    }

    /// Takes a line apart.
    fn split<'a>(&'a mut self, line: &'a [u8], skipped: usize) -> Next<'a> {
        let mut columns = 0;
        for comma in memchr_iter(b',', line) {
            if columns == COLUMNS_MAX {
                return Next::Broken(TOO_MANY_COLUMNS);
            }
            self.ends[columns] = comma;
            columns += 1;
        }
        if columns == COLUMNS_MAX {
            return Next::Broken(TOO_MANY_COLUMNS);
        }
        if line.len() - columns > RECORD_BYTES_MAX {
            return Next::Broken(TOO_LONG);
        }
        self.ends[columns] = line.len();
        let used = line.len() + 1;
        self.offset += used as u64;
        Next::Record(Record { fields: line, ends: &self.ends[..=columns], gap: 1, end: self.offset }, skipped + used)
    }

    /// Has the parser read on.
    fn parse(&mut self, input: &[u8], skipped: usize) -> Next<'_> {
        // The parser takes the end of the input for the end of a quoted field. A line end in its place ends a record
        // that may end here, and is part of a quoted field.
        let at_end = input.is_empty() && self.inside;
        let given = if at_end { b"\n" } else { input };
        let (result, used, wrote, ends) =
            self.reader.read_record(given, &mut self.output[self.output_len..], &mut self.ends[self.ends_len..]);
        if at_end && matches!(result, ReadRecordResult::InputEmpty) {
            return if wrote > 0 { Next::Broken(OPEN_QUOTE) } else { Next::End };
        }
        let used = if at_end { 0 } else { used };
        self.offset += used as u64;
        self.output_len += wrote;
        self.ends_len += ends;
        self.inside = !matches!(result, ReadRecordResult::Record);
        match result {
            ReadRecordResult::InputEmpty => Next::More,
            ReadRecordResult::OutputFull => Next::Broken(TOO_LONG),
            ReadRecordResult::OutputEndsFull => Next::Broken(TOO_MANY_COLUMNS),
            ReadRecordResult::End => Next::End,
            ReadRecordResult::Record => {
                let fields = &self.output[..self.output_len];
                let ends = &self.ends[..self.ends_len];
                (self.output_len, self.ends_len) = (0, 0);
                if ends.len() > COLUMNS_MAX {
                    return Next::Broken(TOO_MANY_COLUMNS);
                }
                if fields.len() > RECORD_BYTES_MAX {
                    return Next::Broken(TOO_LONG);
                }
                Next::Record(Record { fields, ends, gap: 0, end: self.offset }, skipped + used)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Records as strings, each with the offset of the byte after it.
    type Found = Vec<(Vec<String>, u64)>;

    /// All records, the input given in pieces of `piece` bytes.
    fn read(input: &[u8], offset: u64, piece: usize) -> Result<Found, &'static str> {
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
        for columns in [COLUMNS_MAX + 1, COLUMNS_MAX + 2] {
            let row = vec!["x"; columns].join(",") + "\n";
            assert_eq!(read(row.as_bytes(), 0, 9), Err(TOO_MANY_COLUMNS));
            assert_eq!(read(row.as_bytes(), 0, 1 << 20), Err(TOO_MANY_COLUMNS));
        }
        assert_eq!(read(too_long.as_bytes(), 0, 1 << 20), Err(TOO_LONG));
    }

    #[test]
    fn an_open_quote_at_the_end_is_an_error() {
        assert_eq!(read(b"a,\"b\nc,d\n", 0, 4), Err("a quote is opened and never closed"));
        assert!(read(b"a,\"b\nc,d\"", 0, 4).is_ok());
        assert_eq!(fields("a,b\"c"), [["a", "b\"c"]], "a quote inside a field is a character");
        assert_eq!(fields("a,\"\""), [["a", ""]]);
        assert_eq!(read(b"a,\"", 0, 4), Err("a quote is opened and never closed"));
    }

    /// What the parser alone makes of it.
    fn parsed(input: &[u8]) -> Found {
        let mut records = Records::new(0);
        let mut found = Vec::new();
        let mut rest = input.strip_prefix(BYTE_ORDER_MARK).unwrap_or(input);
        records.offset += (input.len() - rest.len()) as u64;
        loop {
            match records.parse(rest, 0) {
                Next::Record(record, used) => {
                    let field = |number| String::from_utf8_lossy(record.field(number).unwrap()).into_owned();
                    found.push(((0..record.len()).map(field).collect(), record.end));
                    rest = &rest[used..];
                }
                Next::More => rest = &[],
                Next::End => return found,
                Next::Broken(_) => return Vec::new(),
            }
        }
    }

    proptest! {
        /// The short way through lines without quotes gives what the parser gives.
        #[test]
        fn the_short_way_gives_what_the_parser_gives(
            text in "\u{feff}?([a-c]{0,2}(,|\n|\r\n|\r|\"[a,\n\r]{0,3}\"\n|\"\"))*[a\"\r]?", piece in 3usize..9,
        ) {
            let expected = parsed(text.as_bytes());
            for piece in [piece, 1 << 20] {
                prop_assert_eq!(read(text.as_bytes(), 0, piece).unwrap_or_default(), expected.clone());
            }
        }

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
