//! Reading and writing the small XML documents of object stores.
//!
//! An answer is read in one pass: at the end of each element its path and text are handed out. Elements that nobody asks for
//! are passed over, so that a store may say more than is known today. Prefixes and namespaces do not count: clients of both
//! dialects ignore them.

mod write;

use quick_xml::{Reader, events::Event};

pub(crate) use self::write::Writer;

/// Elements inside one another at most; real answers have five.
const DEPTH_MAX: usize = 16;

/// Bytes of one text at most: an encoded key has three times the bytes of a key.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Room for an ordinary path or text, so that its buffer is allocated once.
const ORDINARY_BYTES: usize = 64;

/// Reads a document; tells why it cannot be one. `at_end` gets each element's path, names with slashes between, and its text.
pub(crate) fn read(document: &[u8], mut at_end: impl FnMut(&str, &str)) -> Result<(), String> {
    let mut reader = Reader::from_reader(document);
    let mut path =
        Path { text: String::with_capacity(ORDINARY_BYTES), starts: Vec::with_capacity(DEPTH_MAX), had_root: false };
    let mut text = String::with_capacity(ORDINARY_BYTES);
    loop {
        let event = reader.read_event().map_err(|error| format!("not XML: {error}"))?;
        match event {
            Event::Start(start) => {
                path.enter(start.local_name().as_ref())?;
                text.clear();
            }
            Event::Empty(start) => {
                path.enter(start.local_name().as_ref())?;
                at_end(&path.text, "");
                path.leave();
                text.clear();
            }
            Event::End(_) => {
                at_end(&path.text, &text);
                path.leave();
                text.clear();
            }
            Event::Text(piece) => add(&mut text, &piece.xml10_content())?,
            Event::CData(piece) => add(&mut text, &piece.xml10_content())?,
            Event::GeneralRef(reference) => match &*reference {
                "amp" => add(&mut text, "&")?,
                "lt" => add(&mut text, "<")?,
                "gt" => add(&mut text, ">")?,
                "quot" => add(&mut text, "\"")?,
                "apos" => add(&mut text, "'")?,
                _ => match reference.resolve_char_ref() {
                    Ok(Some(character)) => add(&mut text, character.encode_utf8(&mut [0; 4]))?,
                    _ => return Err("an entity is unknown".to_owned()),
                },
            },
            Event::DocType(_) => return Err("a document type has no place in it".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if path.starts.is_empty() && path.had_root => return Ok(()),
            Event::Eof => return Err("it ends too early".to_owned()),
        }
    }
}

/// Where the reader stands.
#[derive(Debug)]
struct Path {
    text: String,
    /// Where the part of each element begins in `text`.
    starts: Vec<usize>,
    had_root: bool,
}

impl Path {
    fn enter(&mut self, name: &str) -> Result<(), String> {
        if self.starts.is_empty() && self.had_root {
            return Err("something stands after its root".to_owned());
        }
        if self.starts.len() >= DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} elements stand inside one another"));
        }
        self.had_root = true;
        self.starts.push(self.text.len());
        if self.starts.len() > 1 {
            self.text.push('/');
        }
        self.text.push_str(name);
        Ok(())
    }

    fn leave(&mut self) {
        self.text.truncate(self.starts.pop().unwrap_or_default());
    }
}

fn add(text: &mut String, piece: &str) -> Result<(), String> {
    if text.len() + piece.len() > TEXT_BYTES_MAX {
        return Err(format!("a text has more than {TEXT_BYTES_MAX} bytes"));
    }
    text.push_str(piece);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(document: &str) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        read(document.as_bytes(), |path, text| found.push(format!("{path}={text}")))?;
        Ok(found)
    }

    #[test]
    fn each_element_is_told_with_its_text() {
        let document =
            "  <?xml version='1.0'?><a:R xmlns:a='u'><K>x&amp;y &#34;<![CDATA[<z>]]></K><!-- c --><E/></a:R>\n";
        assert_eq!(ends(document).unwrap(), ["R/K=x&y \"<z>", "R/E=", "R="]);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for document in [
            "",
            "   ",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>&bomb;</a>",
            "<!DOCTYPE a><a/>",
            &"<a>".repeat(17),
            &format!("<a>{}</a>", "x".repeat(TEXT_BYTES_MAX + 1)),
            "<a>\u{fffd}",
        ] {
            assert!(ends(document).is_err(), "{document}");
        }
        assert!(read(b"<a>\xff</a>", |_, _| {}).is_err());
    }
}
