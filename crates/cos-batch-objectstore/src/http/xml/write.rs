//! Writing.

/// Writes elements into one string.
#[derive(Debug)]
pub(crate) struct Writer {
    out: String,
}

impl Writer {
    /// A document with this root, whose content `content` writes.
    pub(crate) fn document(root: &str, namespace: Option<&str>, content: impl FnOnce(&mut Self)) -> String {
        let mut writer = Self { out: String::with_capacity(256) };
        let opened = match namespace {
            Some(namespace) => format!("{root} xmlns=\"{namespace}\""),
            None => root.to_owned(),
        };
        writer.within(&opened, root, content);
        writer.out
    }

    /// An element around what `content` writes.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.within(name, name, content);
    }

    /// An element with a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.element(name, |writer| {
            for character in text.chars() {
                match character {
                    '&' => writer.out.push_str("&amp;"),
                    '<' => writer.out.push_str("&lt;"),
                    '>' => writer.out.push_str("&gt;"),
                    '"' => writer.out.push_str("&quot;"),
                    '\r' => writer.out.push_str("&#13;"),
                    other => writer.out.push(other),
                }
            }
        });
    }

    fn within(&mut self, opened: &str, name: &str, content: impl FnOnce(&mut Self)) {
        self.out.push('<');
        self.out.push_str(opened);
        self.out.push('>');
        content(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let document = Writer::document("R", Some("urn:n"), |r| r.element("T", |t| t.text("K", "<a&\"b\">\r\n")));
        assert_eq!(document, "<R xmlns=\"urn:n\"><T><K>&lt;a&amp;&quot;b&quot;&gt;&#13;\n</K></T></R>");
    }
}
