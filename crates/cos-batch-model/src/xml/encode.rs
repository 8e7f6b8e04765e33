//! Writing.

use std::fmt::{self, Display, Write as _};
use std::mem;

use super::{ToXml, short};
use crate::scalar::{TextScalar, digits, for_each_found, suspects};
use crate::{Days, Lenient, Priority, Timestamp, WireEnum};

/// Both tags of an element, put together when the program is compiled: writing one is a copy of known length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tags {
    pub(crate) open: &'static str,
    pub(crate) close: &'static str,
}

/// The [`Tags`] of the element with this name.
macro_rules! tags {
    ($name:literal) => {
        $crate::xml::Tags { open: concat!("<", $name, ">"), close: concat!("</", $name, ">") }
    };
}

pub(crate) use tags;

/// What is written as it is: digits, letters, and what stands in times.
pub(crate) trait Plain: Copy {
    fn write(self, encoder: Encoder<'_>) -> Encoder<'_>;
}

impl Plain for bool {
    #[inline]
    fn write(self, encoder: Encoder<'_>) -> Encoder<'_> {
        encoder.raw(if self { "true" } else { "false" })
    }
}

impl Plain for u64 {
    #[inline]
    fn write(self, encoder: Encoder<'_>) -> Encoder<'_> {
        match encoder.free.split_at_mut_checked(digits::count(self)) {
            Some((place, free)) => {
                digits::write(place, self);
                Encoder { free }
            }
            None => Encoder { free: &mut [] },
        }
    }
}

impl Plain for i64 {
    #[inline]
    fn write(self, encoder: Encoder<'_>) -> Encoder<'_> {
        let encoder = if self < 0 { encoder.raw("-") } else { encoder };
        self.unsigned_abs().write(encoder)
    }
}

impl Plain for Priority {
    #[inline]
    fn write(self, encoder: Encoder<'_>) -> Encoder<'_> {
        u64::from(self.get()).write(encoder)
    }
}

impl Plain for Days {
    #[inline]
    fn write(self, encoder: Encoder<'_>) -> Encoder<'_> {
        u64::from(self.get()).write(encoder)
    }
}

impl Plain for Timestamp {
    #[inline]
    fn write(self, encoder: Encoder<'_>) -> Encoder<'_> {
        match encoder.free.split_first_chunk_mut() {
            Some((place, free)) => {
                Timestamp::write(self, place);
                Encoder { free }
            }
            None => Encoder { free: &mut [] },
        }
    }
}

/// Writes elements into a page. Elements are closed by the call that opened them.
///
/// It is what is left of the page, and is handed on from call to call: that way it stays in two registers, while a string
/// that grows keeps its length in memory. A page that is too short is not made longer by whoever notices it: it counts as
/// full, nothing more goes into it, and the document is written again into a longer one.
///
/// See [`ToXml`] for an example. Source: XML 1.0.
#[derive(Debug)]
#[must_use = "what is written afterwards goes where this ends"]
pub struct Encoder<'a> {
    /// What is left. Nothing is left of a page that was too short.
    free: &'a mut [u8],
}

impl<'a> Encoder<'a> {
    pub(super) fn new(page: &'a mut [u8]) -> Self {
        Self { free: page }
    }

    /// How many bytes of the page are free; none, if it may have been too short.
    pub(super) fn free(&self) -> usize {
        self.free.len()
    }

    #[inline(always)]
    fn bytes(self, bytes: &[u8]) -> Self {
        match self.free.split_at_mut_checked(bytes.len()) {
            Some((place, free)) => {
                place.copy_from_slice(bytes);
                Self { free }
            }
            None => Self { free: &mut [] },
        }
    }

    /// As [`Encoder::raw`], for a text whose length the compiler does not know.
    #[inline(always)]
    fn ready(self, text: &[u8]) -> Self {
        match self.free.split_at_mut_checked(text.len()) {
            Some((place, free)) => {
                short::copy(place, text);
                Self { free }
            }
            None => Self { free: &mut [] },
        }
    }

    /// Writes what needs no escaping.
    #[inline(always)]
    pub(super) fn raw(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Writes an element around what `content` writes.
    pub fn element(self, name: &str, content: impl FnOnce(Self) -> Self) -> Self {
        content(self.raw("<").raw(name).raw(">")).raw("</").raw(name).raw(">")
    }

    /// Writes an element with a text.
    pub fn text(self, name: &str, text: &str) -> Self {
        self.element(name, |encoder| encoder.escaped(text))
    }

    /// Writes an element with a number, a boolean or a time: nothing that needs escaping.
    pub fn plain(self, name: &str, value: impl Display) -> Self {
        self.element(name, |encoder| {
            let mut unescaped = Unescaped(encoder);
            // Writing to a page does not fail; what a Display could report, ours never do.
            let _ = write!(unescaped, "{value}");
            unescaped.0
        })
    }

    /// As [`Encoder::text`], if there is a text.
    pub fn optional_text(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// As [`Encoder::plain`], if there is a value.
    pub fn optional_plain(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.plain(name, value),
            None => self,
        }
    }

    /// Writes one entry after the other.
    #[inline]
    pub fn each<T>(self, entries: impl IntoIterator<Item = T>, write: impl FnMut(Self, T) -> Self) -> Self {
        entries.into_iter().fold(self, write)
    }

    /// As [`Encoder::element`].
    #[inline(always)]
    pub(crate) fn within(self, tags: Tags, content: impl FnOnce(Self) -> Self) -> Self {
        content(self.raw(tags.open)).raw(tags.close)
    }

    #[inline(always)]
    pub(crate) fn scalar(self, tags: Tags, value: &impl TextScalar) -> Self {
        if value.is_plain() {
            self.tagged(tags, value.text())
        } else {
            self.with_markup(tags.open, value.text(), tags.close)
        }
    }

    /// Writes an element with a text that needs no escaping.
    #[inline(always)]
    fn tagged(self, tags: Tags, text: &str) -> Self {
        let Tags { open, close } = tags;
        // One look at what is left is enough for all three.
        if text.len() <= short::MAX_BYTES && self.free.len() >= open.len() + short::MAX_BYTES + close.len() {
            let (place, free) = self.free.split_at_mut(open.len());
            place.copy_from_slice(open.as_bytes());
            let (place, free) = free.split_at_mut(text.len());
            short::copy(place, text.as_bytes());
            let (place, free) = free.split_at_mut(close.len());
            place.copy_from_slice(close.as_bytes());
            Self { free }
        } else {
            self.in_parts(open, text, close)
        }
    }

    // Cold only in that there are many short texts to a long one: their way is then straight on.
    #[cold]
    fn in_parts(self, open: &str, text: &str, close: &str) -> Self {
        self.raw(open).raw(text).raw(close)
    }

    #[cold]
    fn with_markup(self, open: &str, text: &str, close: &str) -> Self {
        self.raw(open).with_references(text).raw(close)
    }

    /// Writes a text if there is one: an empty one counts as none.
    #[inline(always)]
    pub(crate) fn optional_scalar(self, tags: Tags, value: Option<&impl TextScalar>) -> Self {
        match value {
            Some(value) if !value.text().is_empty() => self.scalar(tags, value),
            _ => self,
        }
    }

    /// Writes a number, a boolean or a time.
    #[inline(always)]
    pub(crate) fn value(self, tags: Tags, value: impl Plain) -> Self {
        self.within(tags, |encoder| value.write(encoder))
    }

    #[inline(always)]
    pub(crate) fn optional_value(self, tags: Tags, value: Option<impl Plain>) -> Self {
        match value {
            Some(value) => self.value(tags, value),
            None => self,
        }
    }

    #[inline(always)]
    pub(crate) fn choice<T: WireEnum>(self, tags: Tags, value: &Lenient<T>) -> Self {
        match value {
            Lenient::Known(known) => self.tagged(tags, known.wire_name()),
            Lenient::Unknown(text) => self.within(tags, |encoder| encoder.escaped(text.as_str())),
        }
    }

    #[inline(always)]
    pub(crate) fn optional_choice<T: WireEnum>(self, tags: Tags, value: Option<&Lenient<T>>) -> Self {
        match value {
            Some(value) => self.choice(tags, value),
            None => self,
        }
    }

    /// As [`Encoder::child`].
    #[inline(always)]
    pub(crate) fn nested(self, tags: Tags, value: &impl ToXml) -> Self {
        self.within(tags, |encoder| value.write(encoder))
    }

    #[inline(always)]
    pub(crate) fn optional_nested(self, tags: Tags, value: Option<&impl ToXml>) -> Self {
        match value {
            Some(value) => self.nested(tags, value),
            None => self,
        }
    }

    /// Writes a child.
    pub fn child(self, name: &str, value: &impl ToXml) -> Self {
        self.element(name, |encoder| value.write(encoder))
    }

    /// Writes a list, each entry under its type's own name.
    pub fn list<T: ToXml>(self, name: &str, entries: &[T]) -> Self {
        self.element(name, |encoder| encoder.each(entries, |encoder, entry| encoder.child(T::ELEMENT, entry)))
    }

    /// Writes a list unless it is empty.
    #[inline]
    pub(crate) fn optional_list<T: ToXml>(self, tags: Tags, entry: Tags, entries: &[T]) -> Self {
        if entries.is_empty() {
            return self;
        }
        self.within(tags, |encoder| encoder.each(entries, |encoder, value| encoder.nested(entry, value)))
    }

    /// Writes a list of choices unless it is empty.
    #[inline]
    pub(crate) fn optional_choices<T: WireEnum>(self, tags: Tags, entry: Tags, choices: &[Lenient<T>]) -> Self {
        if choices.is_empty() {
            return self;
        }
        self.within(tags, |encoder| encoder.each(choices, |encoder, choice| encoder.choice(entry, choice)))
    }

    /// Writes text with references in place of what would be markup, and of carriage returns,
    /// which a reader would take for line feeds. What XML cannot carry, such as a control
    /// character quoted in an error message, becomes U+FFFD: the output is always well-formed.
    #[inline]
    fn escaped(self, text: &str) -> Self {
        if suspects(text.as_bytes(), needs_care) { self.with_references(text) } else { self.ready(text.as_bytes()) }
    }

    #[cold]
    fn with_references(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut encoder = self;
        let mut written = 0;
        for_each_found(bytes, needs_care, |at| {
            let before = mem::replace(&mut encoder, Encoder { free: &mut [] }).ready(&bytes[written..at]);
            written = at + 1;
            encoder = match bytes[at] {
                b'&' => before.raw("&amp;"),
                b'<' => before.raw("&lt;"),
                b'>' => before.raw("&gt;"),
                b'\r' => before.raw("&#13;"),
                // U+FFFE and U+FFFF.
                0xEF if matches!(bytes[written..], [0xBF, 0xBE | 0xBF, ..]) => {
                    written += 2;
                    before.raw("\u{fffd}")
                }
                // Any other character that is three bytes long and starts so.
                0xEF => before.bytes(&[0xEF]),
                _ => before.raw("\u{fffd}"),
            };
        });
        encoder.ready(&bytes[written..])
    }
}

/// Takes what a [`Display`] writes.
struct Unescaped<'a>(Encoder<'a>);

impl fmt::Write for Unescaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let encoder = Encoder { free: mem::take(&mut self.0.free) };
        self.0 = encoder.raw(text);
        Ok(())
    }
}

/// Without a branch, so that many bytes can be looked at at once.
#[inline]
const fn needs_care(byte: u8) -> bool {
    (byte == b'&')
        | (byte == b'<')
        | (byte == b'>')
        | (byte == 0xEF)
        | (byte < 0x20) & (byte != b'\t') & (byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: impl FnOnce(Encoder<'_>) -> Encoder<'_>) -> String {
        let mut page = [0; 256];
        let free = content(Encoder::new(&mut page)).free();
        String::from_utf8(page[..256 - free].to_vec()).unwrap()
    }

    #[test]
    fn markup_and_carriage_returns_are_escaped_and_nothing_else() {
        let text = written(|encoder| encoder.text("a", "<b>&amp;\r\n\t\"'好]]>"));
        assert_eq!(text, "<a>&lt;b&gt;&amp;amp;&#13;\n\t\"'好]]&gt;</a>");
    }

    #[test]
    fn what_xml_cannot_carry_is_replaced() {
        let text = written(|encoder| encoder.text("a", "\0x\u{1f}\u{fffe}\u{ffff}\u{fffd}\u{ff21}\u{7f}"));
        assert_eq!(text, "<a>\u{fffd}x\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{ff21}\u{7f}</a>");
    }

    #[test]
    fn numbers_are_written_as_the_library_writes_them() {
        for number in [0, 1, 9, 10, 99, 100, 1_234_567_890, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(|encoder| number.write(encoder)), number.to_string());
        }
        for number in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(written(|encoder| number.write(encoder)), number.to_string());
        }
    }

    #[test]
    fn a_page_that_was_too_short_stays_full() {
        let mut page = [0; 4];
        let encoder = Encoder::new(&mut page).raw("abc");
        assert_eq!(encoder.free(), 1);
        let encoder = encoder.raw("de");
        assert_eq!(encoder.free(), 0);
        // It would have had its place.
        assert_eq!(encoder.raw("f").free(), 0);
        assert_eq!(page, *b"abc\0");
    }
}
