//! Writing.

use bytes::Bytes;
use quick_xml::escape::escape;

/// The declaration that answers of COS begin with.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// A document in the making. Elements are closed in the order of the calls, which are all ours.
pub(crate) struct Document {
    text: String,
}

impl Document {
    /// A document whose root has no namespace, as nearly all of this API, with what `content` puts into it.
    pub(crate) fn whole(root: &str, content: impl FnOnce(&mut Self)) -> Bytes {
        Self::with_attributes(root, "", content)
    }

    /// The same, with attributes of the root as they are to be written, a space before each.
    pub(crate) fn with_attributes(root: &str, attributes: &str, content: impl FnOnce(&mut Self)) -> Bytes {
        let mut document = Self { text: DECLARATION.to_owned() };
        document.attributed(root, attributes, content);
        document.text.into()
    }

    /// An element with others in it.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.attributed(name, "", content);
    }

    /// An element with attributes, as they are to be written, a space before each.
    pub(crate) fn attributed(&mut self, name: &str, attributes: &str, content: impl FnOnce(&mut Self)) {
        for part in ["<", name, attributes, ">"] {
            self.text.push_str(part);
        }
        content(self);
        for part in ["</", name, ">"] {
            self.text.push_str(part);
        }
    }

    /// An element with text in it. A character that XML does not have is written as a reference to it, as S3 does:
    /// readers fail on it rather than take one key for another.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.element(name, |inner| {
            let escaped = escape(value);
            if !escaped.contains(is_no_character) {
                return inner.text.push_str(&escaped);
            }
            for c in escaped.chars() {
                if is_no_character(c) {
                    inner.text.push_str(&format!("&#x{:x};", u32::from(c)));
                } else {
                    inner.text.push(c);
                }
            }
        });
    }

    /// An element with a number, or anything else that needs no escaping.
    pub(crate) fn value(&mut self, name: &str, value: impl std::fmt::Display) {
        self.element(name, |inner| inner.text.push_str(&value.to_string()));
    }
}

fn is_no_character(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let bytes = Document::whole("R", |r| {
            r.text("K", "a<b>&\"'\u{1}ä");
            r.value("N", 7);
            r.attributed("A", " x=\"y\"", |_| {});
        });
        let expected = concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?><R><K>a&lt;b&gt;&amp;&quot;&apos;&#x1;ä</K>"#,
            r#"<N>7</N><A x="y"></A></R>"#
        );
        assert_eq!(String::from_utf8(bytes.to_vec()).unwrap(), expected);
    }
}
