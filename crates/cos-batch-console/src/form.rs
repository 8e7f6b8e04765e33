//! What browsers send: queries, forms, files.

use std::collections::BTreeMap;

use bytes::Bytes;
use cos_batch_model::{ApiError, ErrorCode};
use percent_encoding::percent_decode_str;

/// Fields of a form at most: a page of a bucket has up to some hundred boxes.
const FIELDS_MAX: usize = 2000;

/// Fields by name, in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(BTreeMap<String, Vec<String>>);

pub(crate) fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}

impl Fields {
    /// Of a query, or of a form that was sent as one.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut fields = Self::default();
        for (number, pair) in text.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if number >= FIELDS_MAX {
                return Err(refused(format!("a form has at most {FIELDS_MAX} fields")));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            fields.add(decode(name)?, decode(value)?);
        }
        Ok(fields)
    }

    fn add(&mut self, name: String, value: String) {
        self.0.entry(name).or_default().push(value);
    }

    /// The first value of a field, without space around it; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", |value| value.trim())
    }

    /// The first value of a field as it came, where keys are named that may begin with a space.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// A text that is not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.raw(name)).filter(|text| !text.is_empty())
    }

    /// Gives a field a value that has none.
    pub(crate) fn or_else(&mut self, name: &str, value: impl FnOnce() -> String) {
        if self.text(name).is_empty() {
            self.0.insert(name.to_owned(), vec![value()]);
        }
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| refused("a form must be UTF-8"))
}

/// A form with a file in it.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) fields: Fields,
    /// Name and content of the file; empty: none was chosen.
    pub(crate) name: String,
    pub(crate) content: Bytes,
}

/// The boundary that a Content-Type names (RFC 2046: up to 70 characters).
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let rest = content_type.strip_prefix("multipart/form-data")?;
    let value = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    (1..=70).contains(&value.len()).then_some(value)
}

/// Takes a body of multipart/form-data (RFC 7578) apart.
pub(crate) fn multipart(body: &Bytes, boundary: &str) -> Result<Upload, ApiError> {
    let broken = || refused("the form is not well-formed multipart/form-data");
    let delimiter = format!("\r\n--{boundary}");
    let mut upload = Upload { fields: Fields::default(), name: String::new(), content: Bytes::new() };
    // The first delimiter has no line before it.
    let mut at = delimiter.len() - 2;
    if !body.starts_with(&delimiter.as_bytes()[2..]) {
        return Err(broken());
    }
    for _ in 0..FIELDS_MAX {
        match body.get(at..at + 2) {
            Some(b"--") => return Ok(upload),
            Some(b"\r\n") => at += 2,
            _ => return Err(broken()),
        }
        let head_end = find(&body[at..], b"\r\n\r\n").ok_or_else(broken)? + at;
        let head = std::str::from_utf8(&body[at..head_end]).map_err(|_| broken())?;
        let start = head_end + 4;
        // An empty part has its delimiter right behind its head.
        let end = find(&body[start - 2..], delimiter.as_bytes()).ok_or_else(broken)? + start - 2;
        let content = body.slice(start..end.max(start));
        let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"));
        let disposition = disposition.ok_or_else(broken)?;
        let name = parameter(disposition, "name").ok_or_else(broken)?;
        match parameter(disposition, "filename") {
            Some(file) => (upload.name, upload.content) = (file, content),
            None => upload.fields.add(name, String::from_utf8(content.to_vec()).map_err(|_| broken())?),
        }
        at = end + delimiter.len();
    }
    Err(broken())
}

/// A quoted parameter. Browsers write a quote inside it as `%22`.
fn parameter(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("; {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("%22", "\""))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    // The first byte is rare in most files: looking for it alone is quick.
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == what[0]) {
        if text[from + at..].starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let fields = Fields::parse("key=a%2Fb+c&key=%E4%B8%AD&empty=&bare").unwrap();
        assert_eq!(fields.all("key"), ["a/b c", "中"]);
        assert_eq!((fields.text("key"), fields.given("empty"), fields.text("none")), ("a/b c", None, ""));
        assert!(Fields::parse("a=%FF").is_err());
        assert!(Fields::parse(&"a&".repeat(FIELDS_MAX + 1)).is_err());
    }

    #[test]
    fn a_file_comes_with_its_fields() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"form\"\r\n\r\nsecret\r\n--x\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"a%22b.csv\"\r\nContent-Type: text/csv\r\n\r\n\
                    a,b\r\n--y\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"none\"\r\n\r\n\r\n--x--\r\n";
        let upload = multipart(&Bytes::from(body), "x").unwrap();
        assert_eq!((upload.fields.text("form"), upload.name.as_str()), ("secret", "a\"b.csv"));
        assert_eq!(&upload.content[..], b"a,b\r\n--y\r\n");
        assert_eq!(upload.fields.all("none"), [""]);
    }

    #[test]
    fn broken_bodies_are_refused_at_every_cut() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nbytes\r\n--x--\r\n";
        for cut in 0..body.len() - 2 {
            assert!(multipart(&Bytes::copy_from_slice(&body.as_bytes()[..cut]), "x").is_err(), "{cut}");
        }
        for wrong in ["--x\r\nX: y\r\n\r\n\r\n--x--", "--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", "--y--"]
        {
            assert!(multipart(&Bytes::from(wrong), "x").is_err(), "{wrong}");
        }
    }

    #[test]
    fn boundaries() {
        assert_eq!(boundary("multipart/form-data; boundary=----abc"), Some("----abc"));
        assert_eq!(boundary("multipart/form-data; charset=x; boundary=\"q r\""), Some("q r"));
        for wrong in ["text/plain", "multipart/form-data", "multipart/form-data; boundary="] {
            assert_eq!(boundary(wrong), None, "{wrong}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "b".repeat(71))), None);
    }
}
