//! The document's pieces, one after the other.
//!
//! What clients and servers write is nearly always plain: tags without attributes, texts without references. Those are
//! found here. Anything else is given to the XML library from where it begins, piece by piece, so that its rules are the
//! only ones and its words are those of errors.

use quick_xml::errors::IllFormedError;
use quick_xml::events::{BytesRef, Event as Odd};

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
        /// It has none of the bytes that need a second look: controls, line feeds and tabs aside, and the first byte of
        /// characters that XML may not have.
        clean: bool,
    },
    CData(&'x str),
    Reference(BytesRef<'x>),
    Comment(&'x str),
    Instruction(&'x str),
    Declaration {
        /// It names UTF-8, or no encoding.
        is_utf8: bool,
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

    /// Takes the next piece. `open` is the name of the innermost open element.
    ///
    /// # Errors
    ///
    /// Not well-formed, or not UTF-8.
    #[inline]
    pub(super) fn next(&mut self, open: Option<&str>) -> Result<Event<'x>, DecodeError> {
        match self.text.as_bytes().get(self.position) {
            Some(b'<') => match self.plain_tag(open) {
                Some(event) => Ok(event),
                None => self.odd(open),
            },
            Some(b'&') => self.odd(open),
            Some(_) => self.plain_text(),
            None if self.is_cut => Err(self.not_utf8()),
            None => Ok(Event::Eof),
        }
    }

    /// The tag here, if it has but a name, and closes what is open if it closes something.
    #[inline]
    fn plain_tag(&mut self, open: Option<&str>) -> Option<Event<'x>> {
        let from = self.position + 1;
        let bytes = self.text.as_bytes().get(from..)?;
        if let Some(closing) = bytes.strip_prefix(b"/") {
            let open = open?;
            let after = closing.strip_prefix(open.as_bytes())?;
            if after.first() != Some(&b'>') {
                return None;
            }
            self.position = from + open.len() + 2;
            return Some(Event::End);
        }
        let name_bytes = bytes.iter().position(|byte| class(*byte) != NAME)?;
        if name_bytes == 0 || bytes.get(name_bytes) != Some(&b'>') {
            return None;
        }
        self.position = from + name_bytes + 1;
        let content = &self.text[from..from + name_bytes];
        Some(Event::Start(Start { content, name_bytes, empty: false }))
    }

    #[inline]
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
    #[cold]
    fn odd(&mut self, open: Option<&str>) -> Result<Event<'x>, DecodeError> {
        let from = self.position;
        let mut library = quick_xml::Reader::from_str(self.rest());
        // It has not seen the beginnings; ends are compared with them below.
        library.config_mut().allow_unmatched_ends = true;
        let event = library.read_event();
        // It cannot have read further than the document, whose length is a usize.
        let length = usize::try_from(library.buffer_position()).unwrap_or(usize::MAX);
        let to = from.saturating_add(length).min(self.text.len());
        self.position = to;
        if self.is_cut && to == self.text.len() {
            return Err(self.not_utf8());
        }
        let inside = |before: usize, behind: usize| &self.text[from + before..to - behind];
        Ok(match event {
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
                Event::Declaration { is_utf8 }
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
    let text = shorten_to(&error.to_string(), MAX_SYNTAX_BYTES);
    DecodeError { path: String::new(), offset: at as u64, kind: DecodeErrorKind::Syntax(text) }
}

/// Bytes that names have, and nothing else that matters in a tag.
const NAME: u8 = 0;
/// Other bytes of texts.
const TEXT: u8 = 1;
/// A tag or a reference begins.
const END_OF_TEXT: u8 = 2;
/// May begin a character that XML does not have; or a carriage return, which is read as a line feed.
const SUSPECT: u8 = 3;

const CLASSES: [u8; 256] = {
    let mut classes = [TEXT; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 256, and there is no const conversion")]
        let value = byte as u8;
        classes[byte] = match value {
            b'<' | b'&' => END_OF_TEXT,
            b'\t' | b'\n' => TEXT,
            0..0x20 | 0xEF => SUSPECT,
            b'-' | b'_' | b'.' | b':' => NAME,
            _ if value.is_ascii_alphanumeric() => NAME,
            _ => TEXT,
        };
        byte += 1;
    }
    classes
};

#[inline]
fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}
