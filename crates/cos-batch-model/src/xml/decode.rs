//! Reading: the cursor over the document.

use std::borrow::Cow;

use quick_xml::escape::unescape;
use quick_xml::events::{BytesRef, BytesText};

use super::reader::{Event, Reader, Start, Tag};
use super::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_TEXT_BYTES, Mode};
use crate::scalar::first_not_xml;
use crate::validation::shorten;
use crate::{DecodeError, DecodeErrorKind, UnknownText};

/// The beginning of an element.
///
/// Source: XML 1.0; see [`FromXml`](super::FromXml) for how one is read.
#[derive(Debug)]
pub struct Element<'x>(&'x str);

impl Element<'_> {
    /// The element's name, with its prefix if it has one.
    pub fn name(&self) -> &str {
        self.0
    }

    /// The name, if it is fit to be written again; the XML library takes anything for a name.
    pub(crate) fn checked_name(&self, decoder: &Decoder<'_>) -> Result<&str, DecodeError> {
        let name = self.name();
        let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':') || !c.is_ascii();
        let starts_well = name.starts_with(|c: char| !matches!(c, '0'..='9' | '-' | '.'));
        if starts_well && name.chars().all(is_legal) && name.len() <= UnknownText::MAX_BYTES {
            return Ok(name);
        }
        let what = format!("`{name}` is not a name");
        Err(decoder.error(DecodeErrorKind::Syntax(shorten(&what))))
    }
}

/// A cursor over a document, always inside one element.
///
/// [`Decoder::child`] enters the next child; whoever got it must read it to its end with
/// [`Decoder::content`], [`Decoder::skip`] or the like before asking for the next.
///
/// See [`FromXml`](super::FromXml) for an example. Source: XML 1.0.
#[derive(Debug)]
pub struct Decoder<'x> {
    reader: Reader<'x>,
    mode: Mode,
    depth: usize,
    /// The names of the open elements; those after `depth` do not count.
    names: [&'x str; MAX_DEPTH],
    /// The element just entered was written `<a/>`: its end comes without an event.
    at_implied_end: bool,
    /// Where the content of the element last entered begins.
    content_offset: u64,
    /// Events, attributes, and bytes copied or looked at: what a test holds against the size.
    #[cfg(test)]
    work: std::cell::Cell<usize>,
}

impl<'x> Decoder<'x> {
    pub(super) fn new(document: &'x [u8], mode: Mode) -> Result<Self, DecodeError> {
        // Nothing is done for a document that is too large, not even looking whether it is UTF-8.
        let within = if document.len() > MAX_DOCUMENT_BYTES { &[][..] } else { document };
        let decoder = Self {
            reader: Reader::new(within),
            mode,
            depth: 0,
            names: [""; MAX_DEPTH],
            at_implied_end: false,
            content_offset: 0,
            #[cfg(test)]
            work: std::cell::Cell::new(0),
        };
        if document.len() > MAX_DOCUMENT_BYTES {
            return Err(
                decoder.error(DecodeErrorKind::DocumentTooLarge { max: MAX_DOCUMENT_BYTES, actual: document.len() })
            );
        }
        Ok(decoder)
    }

    /// How unknown things are read.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// An error where the cursor stands.
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        self.error_at(self.reader.position() as u64, kind)
    }

    /// An error about the text of the element last entered.
    pub(super) fn error_at_content(&self, kind: impl Into<DecodeErrorKind>) -> DecodeError {
        self.error_at(self.content_offset, kind.into())
    }

    fn error_at(&self, offset: u64, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { path: String::new(), offset, kind }
    }

    pub(super) fn content_offset(&self) -> u64 {
        self.content_offset
    }

    #[cfg(test)]
    fn worked(&self, amount: usize) {
        self.work.set(self.work.get() + amount);
    }

    fn event(&mut self) -> Result<Event<'x>, DecodeError> {
        #[cfg(test)]
        self.worked(1);
        let event = self.reader.next((self.depth > 0).then(|| self.open()))?;
        // The library takes every character. Names need no look: those that are not known are refused or skipped.
        match &event {
            #[cfg(test)]
            Event::Text { text, clean: true } => self.worked(text.len()),
            #[cfg(not(test))]
            Event::Text { clean: true, .. } => {}
            Event::Text { text, .. } => {
                self.check_characters(text, "")?;
                if let Some(at) = text.find("]]>") {
                    let offset = (self.reader.position() - text.len() + at) as u64;
                    let rule = "`]]>` may not stand in a text: write `]]&gt;`";
                    return Err(self.error_at(offset, DecodeErrorKind::Syntax(rule.to_owned())));
                }
            }
            Event::CData(text) => self.check_characters(text, "]]>")?,
            Event::Comment(text) => self.check_characters(text, "-->")?,
            Event::Instruction(text) => self.check_characters(text, "?>")?,
            _ => {}
        }
        Ok(event)
    }

    /// What was just read has only characters that XML has; `close` is what stood between it and the cursor.
    fn check_characters(&self, text: &str, close: &str) -> Result<(), DecodeError> {
        #[cfg(test)]
        self.worked(text.len());
        let Some(at) = first_not_xml(text.as_bytes()) else { return Ok(()) };
        let behind = (text.len() - at + close.len()) as u64;
        let offset = (self.reader.position() as u64).saturating_sub(behind);
        Err(self.error_at(offset, illegal(&text[at..])))
    }

    /// Enters the root element.
    pub(super) fn root(&mut self) -> Result<Element<'x>, DecodeError> {
        let mut at_start = true;
        loop {
            if let Some(name) = self.reader.plain_start() {
                #[cfg(test)]
                self.worked(1);
                return self.enter_name(name);
            }
            match self.event()? {
                Event::Start(start) => return self.enter(start),
                Event::Declaration { is_utf8: false, .. } if at_start => {
                    return Err(self.error(DecodeErrorKind::Encoding));
                }
                Event::Declaration { is_1_0, .. } if at_start => {
                    if !is_1_0 {
                        let rule = "the declaration must name version 1.0";
                        return Err(self.error(DecodeErrorKind::Syntax(rule.to_owned())));
                    }
                }
                Event::Text { text, .. } if is_white_space(text) => {}
                Event::Comment(_) | Event::Instruction(_) => {}
                Event::DocType => return Err(self.error(DecodeErrorKind::Doctype)),
                Event::Declaration { .. } => return Err(self.late_declaration()),
                Event::Eof => return Err(self.error(DecodeErrorKind::UnexpectedEnd)),
                Event::Text { .. } | Event::CData(_) | Event::Reference(_) | Event::End => {
                    return Err(self.error(DecodeErrorKind::UnexpectedText));
                }
            }
            at_start = false;
        }
    }

    /// Makes sure that nothing follows the root element.
    pub(super) fn finish(&mut self) -> Result<(), DecodeError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Text { text, .. } if is_white_space(text) => {}
                Event::Comment(_) | Event::Instruction(_) => {}
                _ => return Err(self.error(DecodeErrorKind::TrailingData)),
            }
        }
    }

    fn late_declaration(&self) -> DecodeError {
        let rule = "a declaration may only stand at the very start";
        self.error(DecodeErrorKind::Syntax(rule.to_owned()))
    }

    fn enter(&mut self, start: Start<'x>) -> Result<Element<'x>, DecodeError> {
        let element = self.enter_name(start.name())?;
        self.at_implied_end = start.empty;
        if start.has_more_than_a_name() {
            self.check_attributes(start)?;
        }
        Ok(element)
    }

    #[inline]
    fn enter_name(&mut self, name: &'x str) -> Result<Element<'x>, DecodeError> {
        self.at_implied_end = false;
        self.content_offset = self.reader.position() as u64;
        let Some(place) = self.names.get_mut(self.depth) else {
            return Err(self.error(DecodeErrorKind::TooDeep { max: MAX_DEPTH }));
        };
        *place = name;
        self.depth += 1;
        Ok(Element(name))
    }

    /// The name of the innermost open element, inside one.
    #[inline]
    fn open(&self) -> &'x str {
        // `depth` counts what is in `names`, and is above 0 inside an element.
        self.names.get(self.depth.wrapping_sub(1)).copied().unwrap_or_default()
    }

    /// No element has attributes, and leniently nobody looks at them, but there must not be many. Namespace
    /// declarations on the root are let through: there are clients that cannot help sending one.
    #[cold]
    fn check_attributes(&self, start: Start<'_>) -> Result<(), DecodeError> {
        for (count, attribute) in start.with_attributes().attributes().enumerate() {
            #[cfg(test)]
            self.worked(1);
            if count == MAX_ATTRIBUTES {
                return Err(self.error(DecodeErrorKind::TooManyAttributes { max: MAX_ATTRIBUTES }));
            }
            if self.mode == Mode::Lenient {
                continue;
            }
            let attribute =
                attribute.map_err(|error| self.error(DecodeErrorKind::Syntax(shorten(&error.to_string()))))?;
            let name = attribute.key.0;
            let is_namespace = name == "xmlns" || name.starts_with("xmlns:");
            if !(is_namespace && self.depth == 1) {
                return Err(self.error(DecodeErrorKind::UnknownAttribute { name: shorten(name) }));
            }
            let value = unescape(&attribute.value)
                .map_err(|error| self.error(DecodeErrorKind::Syntax(shorten(&error.to_string()))))?;
            if let Some(at) = first_not_xml(value.as_bytes()) {
                return Err(self.error(illegal(&value[at..])));
            }
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.at_implied_end = false;
    }

    /// Enters the next child of the current element, or leaves the element if there is none.
    ///
    /// # Errors
    ///
    /// Not well-formed, too deep, or strict and there is text or an attribute.
    pub fn child(&mut self) -> Result<Option<Element<'x>>, DecodeError> {
        if self.at_implied_end {
            self.leave();
            return Ok(None);
        }
        loop {
            match self.reader.plain_tag(self.open()) {
                Some(Tag::Opens(name)) => {
                    #[cfg(test)]
                    self.worked(1);
                    return self.enter_name(name).map(Some);
                }
                Some(Tag::Closes) => {
                    #[cfg(test)]
                    self.worked(1);
                    self.leave();
                    return Ok(None);
                }
                None => {}
            }
            match self.event()? {
                Event::Start(start) => return self.enter(start).map(Some),
                Event::End => {
                    self.leave();
                    return Ok(None);
                }
                Event::Text { text, .. } if is_white_space(text) => {}
                Event::Text { .. } | Event::CData(_) | Event::Reference(_) => {
                    if self.mode == Mode::Strict {
                        return Err(self.error(DecodeErrorKind::UnexpectedText));
                    }
                }
                other => self.neither_text_nor_element(&other)?,
            }
        }
    }

    /// The text of the current element, which ends here: what is written plainly, as CDATA and
    /// as references, put together.
    ///
    /// # Errors
    ///
    /// Not well-formed, too long, an unknown entity, or strict and there is an element inside.
    #[inline]
    pub fn content(&mut self) -> Result<Cow<'x, str>, DecodeError> {
        if self.at_implied_end {
            self.leave();
            return Ok(Cow::Borrowed(""));
        }
        if let Some(text) = self.reader.plain_content(self.open()) {
            #[cfg(test)]
            self.worked(1 + text.len());
            self.leave();
            return Ok(Cow::Borrowed(text));
        }
        self.content_in_pieces()
    }

    fn content_in_pieces(&mut self) -> Result<Cow<'x, str>, DecodeError> {
        let mut joined = Cow::Borrowed("");
        loop {
            match self.event()? {
                Event::Text { text, clean: true } => self.join(&mut joined, Cow::Borrowed(text))?,
                Event::Text { text, .. } | Event::CData(text) => self.join(&mut joined, line_ends(text))?,
                Event::Reference(reference) => {
                    let piece = self.resolve(&reference)?;
                    self.join(&mut joined, piece)?;
                }
                Event::End => {
                    self.leave();
                    return Ok(joined);
                }
                Event::Start(start) => self.element_in_text(start)?,
                other => self.neither_text_nor_element(&other)?,
            }
        }
    }

    /// Reads to the end of the current element without keeping anything.
    ///
    /// # Errors
    ///
    /// Not well-formed or too deep.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        let outside = self.depth - 1;
        loop {
            if self.at_implied_end {
                self.leave();
            } else {
                match self.event()? {
                    Event::Start(start) => {
                        self.enter(start)?;
                    }
                    Event::End => self.leave(),
                    Event::Text { .. } | Event::CData(_) | Event::Reference(_) => {}
                    other => self.neither_text_nor_element(&other)?,
                }
            }
            if self.depth == outside {
                return Ok(());
            }
        }
    }

    fn element_in_text(&mut self, start: Start<'x>) -> Result<(), DecodeError> {
        let element = self.enter(start)?;
        if self.mode == Mode::Strict {
            return Err(self.error(DecodeErrorKind::UnexpectedElement { name: shorten(element.name()) }));
        }
        self.skip()
    }

    /// What may stand, or not, wherever text and elements may.
    fn neither_text_nor_element(&self, event: &Event<'_>) -> Result<(), DecodeError> {
        match event {
            Event::DocType => Err(self.error(DecodeErrorKind::Doctype)),
            Event::Declaration { .. } => Err(self.late_declaration()),
            Event::Eof => Err(self.error(DecodeErrorKind::UnexpectedEnd)),
            _ => Ok(()),
        }
    }

    fn join(&self, joined: &mut Cow<'x, str>, piece: Cow<'x, str>) -> Result<(), DecodeError> {
        if joined.len() + piece.len() > MAX_TEXT_BYTES {
            return Err(self.error(DecodeErrorKind::TextTooLong { max: MAX_TEXT_BYTES }));
        }
        #[cfg(test)]
        self.worked(piece.len());
        if joined.is_empty() {
            *joined = piece;
        } else if let Cow::Borrowed(first) = *joined {
            // What is left up to the end tag is never shorter than what it stands for, so one
            // allocation is enough.
            let left = self.reader.rest().bytes().take(MAX_TEXT_BYTES);
            let left = left.take_while(|b| *b != b'<').count();
            #[cfg(test)]
            self.worked(first.len() + left);
            let mut whole = String::with_capacity(first.len() + piece.len() + left);
            whole.push_str(first);
            whole.push_str(&piece);
            *joined = Cow::Owned(whole);
        } else {
            joined.to_mut().push_str(&piece);
        }
        Ok(())
    }

    fn resolve(&self, reference: &BytesRef<'_>) -> Result<Cow<'x, str>, DecodeError> {
        // The spellings that clients write are spelled out, since they cost no allocation.
        let known = match &**reference {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" | "#34" => "\"",
            "apos" | "#39" => "'",
            "#x9" | "#9" => "\t",
            "#xA" | "#10" => "\n",
            "#xD" | "#13" => "\r",
            other => {
                let text: String = match reference.resolve_char_ref() {
                    Ok(Some(character)) => character.into(),
                    Ok(None) => return Err(self.error(DecodeErrorKind::UnknownEntity { name: shorten(other) })),
                    Err(_) => {
                        let found = shorten(&format!("&{other};"));
                        return Err(self.error(DecodeErrorKind::IllegalCharacter { found }));
                    }
                };
                return match first_not_xml(text.as_bytes()) {
                    None => Ok(Cow::Owned(text)),
                    Some(_) => Err(self.error(illegal(&text))),
                };
            }
        };
        Ok(Cow::Borrowed(known))
    }
}

/// What is wrong with a text that begins with a character which XML does not have.
fn illegal(text: &str) -> DecodeErrorKind {
    let code = text.chars().next().map_or(0, u32::from);
    DecodeErrorKind::IllegalCharacter { found: format!("U+{code:04X}") }
}

/// A text with line ends as XML 1.0 §2.11 has them read.
fn line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { BytesText::from_escaped(text).xml10_content() } else { Cow::Borrowed(text) }
}

fn is_white_space(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::FromXml as _;
    use crate::{CreateJobRequest, DescribeJobResult};

    /// Steps of decoding a document, however it ends.
    fn work(document: &str, mode: Mode) -> usize {
        let mut steps = 0;
        for is_request in [true, false] {
            let mut decoder = Decoder::new(document.as_bytes(), mode).unwrap();
            if decoder.root().is_ok() {
                // The outcome does not matter, and errors are what is expected.
                let _ = if is_request {
                    CreateJobRequest::read(&mut decoder).map(drop)
                } else {
                    DescribeJobResult::read(&mut decoder).map(drop)
                };
            }
            steps = steps.max(decoder.work.get());
        }
        steps
    }

    /// Pieces that cost most for their length, and what stands around them.
    const HOSTILE: &[(&str, &str, &str)] = &[
        ("<CreateJobRequest><ClientRequestToken>", "&amp;", "</ClientRequestToken></CreateJobRequest>"),
        ("<CreateJobRequest><ClientRequestToken>", "a&#x41;<!---->", "</ClientRequestToken></CreateJobRequest>"),
        ("<CreateJobRequest><ClientRequestToken>a", "<![CDATA[a]]>", "</ClientRequestToken></CreateJobRequest>"),
        ("<CreateJobRequest>", "<a/>", "</CreateJobRequest>"),
        ("<CreateJobRequest>", "<Description>a&lt;b</Description>", "</CreateJobRequest>"),
        ("<CreateJobRequest><Description>", "<a>&lt;</a>", "</Description></CreateJobRequest>"),
        ("<CreateJobRequest><Manifest><Spec><Fields>", "<member/>", "</Fields></Spec></Manifest></CreateJobRequest>"),
        ("<CreateJobRequest", " xmlns:a=''", "/>"),
        ("<CreateJobRequest>", "<a>", ""),
        ("", "<?a?>", "<CreateJobRequest/>"),
        ("", "<!---->", "<CreateJobRequest/>"),
        ("", " ", "<CreateJobRequest/>"),
        ("<CreateJobRequest>", "x", "</CreateJobRequest>"),
        ("<DescribeJobResult><Job><JobId>", "j&gt;", "</JobId></Job></DescribeJobResult>"),
    ];

    #[test]
    fn work_grows_no_faster_than_the_document() {
        for (before, piece, after) in HOSTILE {
            for mode in [Mode::Strict, Mode::Lenient] {
                for size in [100, 1_000, 10_000] {
                    let document = format!("{before}{}{after}", piece.repeat(size));
                    let steps = work(&document, mode);
                    assert!(steps > 0 && steps <= 2 * document.len(), "{piece} x {size}, {mode:?}: {steps} steps");
                }
            }
        }
    }
}
