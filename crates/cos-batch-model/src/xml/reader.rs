//! The document's pieces, one after the other.
//!
//! What clients and servers write is nearly always plain: tags without attributes, texts without references. Those are
//! found here, without making an event of each. Anything else is given to the XML library from where it begins, piece by piece, so that its rules are the
//! only ones and its words are those of errors.

use quick_xml::errors::IllFormedError;
use quick_xml::events::{BytesRef, Event as Odd};

use super::MAX_TEXT_BYTES;
use crate::validation::shorten_to;
use crate::{DecodeError, DecodeErrorKind};

/// Most bytes of the XML library's own words in an error: they may repeat names of the document.
const MAX_SYNTAX_BYTES: usize = 160;

/// What some writers put before a document to say that it is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A piece of the document.
#[derive(Debug)]
pub(super) enum Event<'x> {
    /// The beginning of an element.
    Start(Start<'x>),
    /// The end of the innermost open element.
    End,
    /// Text up to the next tag or reference; never empty.
    Text {
        text: &'x str,
        /// It has none of the bytes that need a second look: controls, line feeds and tabs aside, the first byte of
        /// characters that XML may not have, and the last of `]]>`.
        clean: bool,
    },
    CData(&'x str),
    Reference(BytesRef<'x>),
    Comment(&'x str),
    Instruction(&'x str),
    Declaration {
        /// It names UTF-8, or no encoding.
        is_utf8: bool,
        /// It names version 1.0, whose rules are the only ones here.
        is_1_0: bool,
    },
    DocType,
    Eof,
}

/// The beginning of an element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'x> {
    /// What stands between the brackets, without the slash of an empty element.
    content: &'x str,
    name_bytes: usize,
    /// Written `<a/>`: its end comes without a piece.
    pub(super) empty: bool,
}

impl<'x> Start<'x> {
    pub(super) fn name(self) -> &'x str {
        &self.content[..self.name_bytes]
    }

    pub(super) fn has_more_than_a_name(self) -> bool {
        self.content.len() > self.name_bytes
    }

    /// For the library's reader of attributes.
    pub(super) fn with_attributes(self) -> quick_xml::events::BytesStart<'x> {
        quick_xml::events::BytesStart::from_content(self.content, self.name_bytes)
    }
}

/// A tag with but a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tag<'x> {
    /// It opens an element of this name.
    Opens(&'x str),
    /// It closes the innermost open element.
    Closes,
}

/// A cursor over the document's pieces.
#[derive(Debug)]
pub(super) struct Reader<'x> {
    /// The document, as far as it is UTF-8.
    text: &'x str,
    /// Something that is not UTF-8 follows.
    is_cut: bool,
    position: usize,
}

impl<'x> Reader<'x> {
    pub(super) fn new(document: &'x [u8]) -> Self {
        let (text, is_cut) = match std::str::from_utf8(document) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = document.get(..error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(valid).unwrap_or_default(), true)
            }
        };
        let position = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { text, is_cut, position }
    }

    /// Where the next piece begins.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'x str {
        &self.text[self.position..]
    }

    /// Takes the next piece if it is a tag that opens an element and has but a name, which it gives.
    #[inline]
    pub(super) fn plain_start(&mut self) -> Option<&'x str> {
        let rest = self.rest();
        let run = word(rest.as_bytes().strip_prefix(b"<")?);
        let end = 1 + run;
        if run == 0 || rest.as_bytes().get(end) != Some(&b'>') {
            return None;
        }
        self.position += end + 1;
        Some(&rest[1..end])
    }

    /// Takes the next piece if it is a tag with but a name: one that opens, or the one that closes `open`.
    #[inline]
    pub(super) fn plain_tag(&mut self, open: &str) -> Option<Tag<'x>> {
        // Told apart by the second byte: each way is then tried only where it can succeed.
        if self.text.as_bytes().get(self.position + 1) == Some(&b'/') {
            return self.plain_end(self.rest().as_bytes(), open).then_some(Tag::Closes);
        }
        self.plain_start().map(Tag::Opens)
    }

    /// Takes all that is left of the element `open`, if this is clean text, which may be empty, and the tag that closes it.
    #[inline]
    pub(super) fn plain_content(&mut self, open: &str) -> Option<&'x str> {
        let rest = self.rest();
        let length = clean_text(rest.as_bytes());
        if length > MAX_TEXT_BYTES || !self.plain_end(&rest.as_bytes()[length..], open) {
            return None;
        }
        self.position += length;
        Some(&rest[..length])
    }

    /// Takes the tag that closes `open`, if `bytes`, which are what is next or soon, begin with it.
    #[inline]
    fn plain_end(&mut self, bytes: &[u8], open: &str) -> bool {
        let closes = bytes
            .strip_prefix(b"</")
            .and_then(|bytes| bytes.strip_prefix(open.as_bytes()))
            .is_some_and(|bytes| bytes.first() == Some(&b'>'));
        if closes {
            self.position += "</>".len() + open.len();
        }
        closes
    }

    /// Takes the next piece, whatever it is. `open` is the name of the innermost open element.
    ///
    /// # Errors
    ///
    /// Not well-formed, or not UTF-8.
    pub(super) fn next(&mut self, open: Option<&str>) -> Result<Event<'x>, DecodeError> {
        match self.text.as_bytes().get(self.position) {
            Some(b'<' | b'&') => self.odd(open),
            Some(_) => self.plain_text(),
            None if self.is_cut => Err(self.not_utf8()),
            None => Ok(Event::Eof),
        }
    }

    fn plain_text(&mut self) -> Result<Event<'x>, DecodeError> {
        let rest = self.rest();
        let mut clean = true;
        let mut length = rest.len();
        for (index, byte) in rest.bytes().enumerate() {
            match class(byte) {
                END_OF_TEXT => {
                    length = index;
                    break;
                }
                SUSPECT => clean = false,
                _ => {}
            }
        }
        self.position += length;
        if self.is_cut && length == rest.len() {
            return Err(self.not_utf8());
        }
        Ok(Event::Text { text: &rest[..length], clean })
    }

    /// What the library makes of the piece here, which begins with `<` or `&`.
    fn odd(&mut self, open: Option<&str>) -> Result<Event<'x>, DecodeError> {
        let from = self.position;
        let mut library = quick_xml::Reader::from_str(self.rest());
        // It has not seen the beginnings; ends are compared with them below.
        library.config_mut().allow_unmatched_ends = true;
        library.config_mut().check_comments = true;
        let event = library.read_event();
        // It cannot have read further than the document, whose length is a usize.
        let length = usize::try_from(library.buffer_position()).unwrap_or(usize::MAX);
        let to = from.saturating_add(length).min(self.text.len());
        self.position = to;
        if self.is_cut && to == self.text.len() {
            return Err(self.not_utf8());
        }
        let inside = |before: usize, behind: usize| &self.text[from + before..to - behind];
        let nameless = || Err(ill_formed(from, "a tag needs a name"));
        Ok(match event {
            Ok(Odd::Start(start) | Odd::Empty(start)) if start.name().0.is_empty() => return nameless(),
            Ok(Odd::Start(start)) => {
                Event::Start(Start { content: inside(1, 1), name_bytes: start.name().0.len(), empty: false })
            }
            Ok(Odd::Empty(start)) => {
                Event::Start(Start { content: inside(1, 2), name_bytes: start.name().0.len(), empty: true })
            }
            Ok(Odd::End(end)) => {
                let found = end.name().0;
                let error = match open {
                    Some(expected) if expected == found => return Ok(Event::End),
                    Some(expected) => {
                        IllFormedError::MismatchedEndTag { expected: expected.to_owned(), found: found.to_owned() }
                    }
                    None => IllFormedError::UnmatchedEndTag(found.to_owned()),
                };
                return Err(syntax(from, &error.into()));
            }
            Ok(Odd::CData(_)) => Event::CData(inside("<![CDATA[".len(), "]]>".len())),
            Ok(Odd::Comment(_)) => Event::Comment(inside("<!--".len(), "-->".len())),
            Ok(Odd::PI(_)) => Event::Instruction(inside("<?".len(), "?>".len())),
            Ok(Odd::Decl(declaration)) => {
                let is_utf8 =
                    declaration.encoding().is_none_or(|name| name.is_ok_and(|name| name.eq_ignore_ascii_case("utf-8")));
                let is_1_0 = declaration.version().is_ok_and(|version| version == "1.0");
                Event::Declaration { is_utf8, is_1_0 }
            }
            Ok(Odd::DocType(_)) => Event::DocType,
            Ok(Odd::GeneralRef(reference)) => Event::Reference(reference),
            // What begins with `<` or `&` is neither.
            Ok(Odd::Text(_) | Odd::Eof) => Event::Eof,
            Err(error) => {
                let at = usize::try_from(library.error_position()).unwrap_or(usize::MAX);
                return Err(syntax(from.saturating_add(at), &error));
            }
        })
    }

    #[cold]
    fn not_utf8(&self) -> DecodeError {
        DecodeError { path: String::new(), offset: self.text.len() as u64, kind: DecodeErrorKind::Encoding }
    }
}

#[cold]
fn syntax(at: usize, error: &quick_xml::Error) -> DecodeError {
    ill_formed(at, shorten_to(&error.to_string(), MAX_SYNTAX_BYTES))
}

#[cold]
fn ill_formed(at: usize, rule: impl Into<String>) -> DecodeError {
    DecodeError { path: String::new(), offset: at as u64, kind: DecodeErrorKind::Syntax(rule.into()) }
}

/// Bytes of texts.
const TEXT: u8 = 0;
/// A tag or a reference begins.
const END_OF_TEXT: u8 = 1;
/// May begin a character that XML does not have; or a carriage return, which is read as a line feed; or ends what may not
/// stand in a text.
const SUSPECT: u8 = 2;

fn class(byte: u8) -> u8 {
    match byte {
        b'<' | b'&' => END_OF_TEXT,
        b'\t' | b'\n' => TEXT,
        0..0x20 | b'>' | 0xEF => SUSPECT,
        _ => TEXT,
    }
}

/// Bytes that are looked at at once.
const BLOCK: usize = size_of::<u64>();
/// A byte 1 in each place.
const ONES: u64 = u64::MAX / 0xFF;
/// The highest bit of each byte.
const HIGH: u64 = ONES << 7;

/// Length of the run of bytes from `@` to `~` and the delete character at the beginning: letters and some marks that have
/// no meaning in a tag. Digits, hyphens and all that has a meaning end it.
#[inline]
fn word(bytes: &[u8]) -> usize {
    // Such bytes have bit 6 and not bit 7.
    run(bytes, |block| (!block << 1 | block) & HIGH)
}

/// Length of the run of bytes at the beginning that are text and need no second look.
#[inline]
fn clean_text(bytes: &[u8]) -> usize {
    // The highest bit of each byte that is less than 0x20 or equal to one of four. A borrow reaches only bytes behind the
    // first that is marked, so the first is right. (Bit tricks, "determine if a word has a byte less than n".) The two
    // brackets differ in one bit, and are one of them once it is set.
    run(bytes, |block| {
        let zero_in = |block: u64| block.wrapping_sub(ONES) & !block;
        let less = block.wrapping_sub(ONES * 0x20) & !block;
        let equal = zero_in((block | (ONES * 0x02)) ^ (ONES * 0x3E))
            | zero_in(block ^ (ONES * 0x26))
            | zero_in(block ^ (ONES * 0xEF));
        (less | equal) & HIGH
    })
}

/// How many bytes come before the first that is marked; `marks` gives the highest bit of each byte to stop at, of which
/// only the lowest byte's needs to be right. Bytes beyond the end count as zeros, which are always marked.
#[inline]
fn run(bytes: &[u8], marks: impl Fn(u64) -> u64) -> usize {
    // Of 64 bits, 8 for each byte.
    let first = |found: u64| (found.trailing_zeros() / 8) as usize;
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (index, block) in blocks.iter().enumerate() {
        let found = marks(u64::from_le_bytes(*block));
        if found != 0 {
            return index * BLOCK + first(found);
        }
    }
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    blocks.len() * BLOCK + first(marks(u64::from_le_bytes(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts around the lengths of blocks, with each byte once at each place.
    fn texts() -> impl Iterator<Item = Vec<u8>> {
        (0..=20).flat_map(|length: usize| {
            let plain = vec![b'k'; length];
            let with = move |at: usize, byte: u8| {
                let mut text = vec![b'k'; length];
                text[at] = byte;
                // After the first to stop at, whatever comes does not count.
                text[at + 1..].fill(byte.wrapping_add(1));
                text
            };
            let all = (0..length).flat_map(move |at| (0..=u8::MAX).map(move |byte| with(at, byte)));
            std::iter::once(plain).chain(all)
        })
    }

    #[test]
    fn runs_end_where_byte_after_byte_says() {
        for text in texts() {
            let slow = |ends: fn(u8) -> bool| text.iter().position(|byte| ends(*byte)).unwrap_or(text.len());
            assert_eq!(word(&text), slow(|byte| !(0x40..0x80).contains(&byte)), "{text:?}");
            let ends = |byte| matches!(byte, 0..0x20 | b'<' | b'>' | b'&' | 0xEF);
            assert_eq!(clean_text(&text), slow(ends), "{text:?}");
        }
    }
}
