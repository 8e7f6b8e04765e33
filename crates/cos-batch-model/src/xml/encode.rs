//! Writing.

use std::fmt::{Display, Write as _};

use crate::scalar::TextScalar;
use crate::{Lenient, WireEnum};

use super::ToXml;

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

    pub(crate) fn scalar(&mut self, name: &str, value: &impl TextScalar) {
        self.text(name, value.text());
    }

    /// Writes a text if there is one: an empty one counts as none.
    pub(crate) fn optional_scalar(&mut self, name: &str, value: Option<&impl TextScalar>) {
        if let Some(value) = value.filter(|value| !value.text().is_empty()) {
            self.text(name, value.text());
        }
    }

    pub(crate) fn optional_plain(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.plain(name, value);
        }
    }

    pub(crate) fn choice<T: WireEnum>(&mut self, name: &str, value: &Lenient<T>) {
        match value {
            Lenient::Known(known) => self.element(name, |e| e.raw(known.wire_name())),
            Lenient::Unknown(text) => self.text(name, text.as_str()),
        }
    }

    pub(crate) fn optional_choice<T: WireEnum>(&mut self, name: &str, value: Option<&Lenient<T>>) {
        if let Some(value) = value {
            self.choice(name, value);
        }
    }

    /// Writes a child.
    pub fn child(&mut self, name: &str, value: &impl ToXml) {
        self.element(name, |encoder| value.write(encoder));
    }

    /// Writes a list, each entry under its type's own name.
    pub fn list<T: ToXml>(&mut self, name: &str, entries: &[T]) {
        self.element(name, |encoder| {
            for entry in entries {
                encoder.child(T::ELEMENT, entry);
            }
        });
    }

    /// Writes a list unless it is empty.
    pub(crate) fn optional_list<T: ToXml>(&mut self, name: &str, entries: &[T]) {
        if !entries.is_empty() {
            self.list(name, entries);
        }
    }

    /// Writes text with references in place of what would be markup, and of carriage returns,
    /// which a reader would take for line feeds. What XML cannot carry, such as a control
    /// character quoted in an error message, becomes U+FFFD: the output is always well-formed.
    fn escaped(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(needs_care) {
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

fn needs_care(byte: u8) -> bool {
    match byte {
        b'&' | b'<' | b'>' | 0xEF => true,
        b'\t' | b'\n' => false,
        other => other < 0x20,
    }
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
