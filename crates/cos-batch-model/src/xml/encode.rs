//! Writing.

use std::fmt::{Display, Write as _};

use crate::scalar::{TextScalar, clean_blocks, push_number, suspects};
use crate::{Days, Lenient, Priority, Timestamp, WireEnum};

use super::ToXml;

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
    fn push(self, out: &mut String);
}

impl Plain for bool {
    fn push(self, out: &mut String) {
        out.push_str(if self { "true" } else { "false" });
    }
}

impl Plain for u64 {
    fn push(self, out: &mut String) {
        push_number(out, self);
    }
}

impl Plain for i64 {
    fn push(self, out: &mut String) {
        if self < 0 {
            out.push('-');
        }
        push_number(out, self.unsigned_abs());
    }
}

impl Plain for Priority {
    fn push(self, out: &mut String) {
        push_number(out, self.get().into());
    }
}

impl Plain for Days {
    fn push(self, out: &mut String) {
        push_number(out, self.get().into());
    }
}

impl Plain for Timestamp {
    fn push(self, out: &mut String) {
        self.write(out);
    }
}

/// Writes elements into one string. Elements are closed by the call that opened them.
///
/// See [`ToXml`] for an example. Source: XML 1.0.
#[derive(Debug)]
pub struct Encoder {
    out: String,
}

impl Encoder {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes) }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.out.capacity()
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Writes what needs no escaping.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Writes an element around what `content` writes.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        content(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Writes an element with a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.element(name, |encoder| encoder.escaped(text));
    }

    /// Writes an element with a number, a boolean or a time: nothing that needs escaping.
    pub fn plain(&mut self, name: &str, value: impl Display) {
        self.element(name, |encoder| {
            // Writing to a string does not fail; what a Display could report, ours never do.
            let _ = write!(encoder.out, "{value}");
        });
    }

    /// As [`Encoder::element`].
    #[inline]
    pub(crate) fn within(&mut self, tags: Tags, content: impl FnOnce(&mut Self)) {
        self.out.push_str(tags.open);
        content(self);
        self.out.push_str(tags.close);
    }

    #[inline]
    pub(crate) fn scalar(&mut self, tags: Tags, value: &impl TextScalar) {
        self.within(tags, |encoder| {
            if value.is_plain() {
                encoder.out.push_str(value.text());
            } else {
                encoder.with_references(value.text());
            }
        });
    }

    /// Writes a text if there is one: an empty one counts as none.
    #[inline]
    pub(crate) fn optional_scalar(&mut self, tags: Tags, value: Option<&impl TextScalar>) {
        if let Some(value) = value.filter(|value| !value.text().is_empty()) {
            self.scalar(tags, value);
        }
    }

    /// Writes a number, a boolean or a time.
    #[inline]
    pub(crate) fn value(&mut self, tags: Tags, value: impl Plain) {
        self.within(tags, |encoder| value.push(&mut encoder.out));
    }

    #[inline]
    pub(crate) fn optional_value(&mut self, tags: Tags, value: Option<impl Plain>) {
        if let Some(value) = value {
            self.value(tags, value);
        }
    }

    #[inline]
    pub(crate) fn choice<T: WireEnum>(&mut self, tags: Tags, value: &Lenient<T>) {
        self.within(tags, |encoder| match value {
            Lenient::Known(known) => encoder.raw(known.wire_name()),
            Lenient::Unknown(text) => encoder.escaped(text.as_str()),
        });
    }

    #[inline]
    pub(crate) fn optional_choice<T: WireEnum>(&mut self, tags: Tags, value: Option<&Lenient<T>>) {
        if let Some(value) = value {
            self.choice(tags, value);
        }
    }

    /// As [`Encoder::child`].
    #[inline]
    pub(crate) fn nested(&mut self, tags: Tags, value: &impl ToXml) {
        self.within(tags, |encoder| value.write(encoder));
    }

    /// Writes a child.
    pub fn child(&mut self, name: &str, value: &impl ToXml) {
        self.element(name, |encoder| value.write(encoder));
    }

    /// Writes a list, each entry under its type's own name.
    pub fn list<T: ToXml>(&mut self, name: &str, entries: &[T]) {
        self.element(name, |encoder| entries.iter().for_each(|entry| encoder.child(T::ELEMENT, entry)));
    }

    /// Writes a list unless it is empty.
    pub(crate) fn optional_list<T: ToXml>(&mut self, tags: Tags, entry: Tags, entries: &[T]) {
        if !entries.is_empty() {
            self.within(tags, |encoder| entries.iter().for_each(|value| encoder.nested(entry, value)));
        }
    }

    /// Writes text with references in place of what would be markup, and of carriage returns,
    /// which a reader would take for line feeds. What XML cannot carry, such as a control
    /// character quoted in an error message, becomes U+FFFD: the output is always well-formed.
    #[inline]
    fn escaped(&mut self, text: &str) {
        if suspects(text.as_bytes(), needs_care) {
            self.with_references(text);
        } else {
            self.out.push_str(text);
        }
    }

    #[cold]
    fn with_references(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = first_suspect(rest.as_bytes()) {
            let (clean, suspect) = rest.split_at(at);
            self.out.push_str(clean);
            let (instead, bytes) = match suspect.as_bytes() {
                [b'&', ..] => ("&amp;", 1),
                [b'<', ..] => ("&lt;", 1),
                [b'>', ..] => ("&gt;", 1),
                [b'\r', ..] => ("&#13;", 1),
                // U+FFFE and U+FFFF.
                [0xEF, 0xBF, 0xBE | 0xBF, ..] => ("\u{fffd}", 3),
                // Any other character that is three bytes long and starts so.
                [0xEF, ..] => (&suspect[..3], 3),
                _ => ("\u{fffd}", 1),
            };
            self.out.push_str(instead);
            rest = &suspect[bytes..];
        }
        self.out.push_str(rest);
    }
}

/// Where the first byte is that needs care.
fn first_suspect(bytes: &[u8]) -> Option<usize> {
    let clean = clean_blocks(bytes, needs_care);
    let found = bytes[clean..].iter().position(|byte| NEED_CARE[usize::from(*byte)]);
    found.map(|at| clean + at)
}

/// [`needs_care`], for looking at one byte after the other.
const NEED_CARE: [bool; 256] = {
    let mut need = [false; 256];
    let mut byte = 0u8;
    loop {
        need[byte as usize] = needs_care(byte);
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break need,
        }
    }
};

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

    #[test]
    fn markup_and_carriage_returns_are_escaped_and_nothing_else() {
        let mut encoder = Encoder::with_capacity(0);
        encoder.text("a", "<b>&amp;\r\n\t\"'好]]>");
        assert_eq!(encoder.finish(), "<a>&lt;b&gt;&amp;amp;&#13;\n\t\"'好]]&gt;</a>");
    }

    #[test]
    fn what_xml_cannot_carry_is_replaced() {
        let mut encoder = Encoder::with_capacity(0);
        encoder.text("a", "\0x\u{1f}\u{fffe}\u{ffff}\u{fffd}\u{ff21}\u{7f}");
        assert_eq!(encoder.finish(), "<a>\u{fffd}x\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{ff21}\u{7f}</a>");
    }
}
