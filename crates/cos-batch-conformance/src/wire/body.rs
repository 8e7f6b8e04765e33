//! Bodies as texts, to be changed by checks in ways that no typed request allows.
//!
//! The texts come from the model, which writes stable bytes without white space, so that looking for tags is enough.

use cos_batch_model::{CreateJobRequest, Description, xml::ToXml as _};

use super::line::WireBench;
use crate::verdict::{Miss, failed};

/// A legal CreateJob of this run with a token of its own, as a document; it has each element that checks look for.
pub(super) fn create(wire: &WireBench) -> String {
    create_with(wire, |_| {})
}

/// The same, after a change to the request.
pub(super) fn create_with(wire: &WireBench, change: impl FnOnce(&mut CreateJobRequest)) -> String {
    let mut request = wire.bench.request();
    request.description = Description::new("made to be written otherwise").ok();
    change(&mut request);
    request.to_xml()
}

/// The document with something else inside the first element of this name.
pub(super) fn with_inner(document: &str, name: &str, inner: &str) -> Result<String, Miss> {
    let (start, end) = inside(document, name)?;
    Ok([&document[..start], inner, &document[end..]].concat())
}

/// The document without the first element of this name.
pub(super) fn without(document: &str, name: &str) -> Result<String, Miss> {
    let (start, end) = around(document, name)?;
    Ok([&document[..start], &document[end..]].concat())
}

/// The document with the first element of this name as the root's first child.
pub(super) fn in_front(document: &str, name: &str) -> Result<String, Miss> {
    let (start, end) = around(document, name)?;
    let rest = without(document, name)?;
    Ok(rest.replacen(ROOT, &[ROOT, &document[start..end]].concat(), 1))
}

/// The document with the first element of this name written twice.
pub(super) fn doubled(document: &str, name: &str) -> Result<String, Miss> {
    let (start, end) = around(document, name)?;
    Ok([&document[..end], &document[start..end], &document[end..]].concat())
}

/// The start tag of the document.
pub(super) const ROOT: &str = "<CreateJobRequest>";

/// Where the content of the first element of this name begins and ends.
fn inside(document: &str, name: &str) -> Result<(usize, usize), Miss> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let start = document.find(&open).map(|at| at + open.len());
    let found = start.and_then(|start| Some((start, start + document[start..].find(&close)?)));
    found.ok_or_else(|| failed(format!("a request of the setup with {name}"), "it has none"))
}

/// Where the first element of this name begins and ends.
fn around(document: &str, name: &str) -> Result<(usize, usize), Miss> {
    let (start, end) = inside(document, name)?;
    Ok((start - name.len() - "<>".len(), end + name.len() + "</>".len()))
}

/// Whether an answer has a start tag of this element.
pub(super) fn has_element(body: &[u8], name: &str) -> bool {
    let text = String::from_utf8_lossy(body);
    [">", "/>", " "].iter().any(|end| text.contains(&format!("<{name}{end}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "<CreateJobRequest><A>1</A><B>2</B></CreateJobRequest>";

    #[test]
    fn elements_are_changed_where_they_stand() {
        assert_eq!(with_inner(DOCUMENT, "B", "x").unwrap(), "<CreateJobRequest><A>1</A><B>x</B></CreateJobRequest>");
        assert_eq!(without(DOCUMENT, "A").unwrap(), "<CreateJobRequest><B>2</B></CreateJobRequest>");
        assert_eq!(in_front(DOCUMENT, "B").unwrap(), "<CreateJobRequest><B>2</B><A>1</A></CreateJobRequest>");
        assert_eq!(doubled(DOCUMENT, "A").unwrap(), "<CreateJobRequest><A>1</A><A>1</A><B>2</B></CreateJobRequest>");
        assert!(without(DOCUMENT, "C").is_err());
    }

    #[test]
    fn elements_are_seen_in_all_their_forms() {
        for body in ["<Jobs>", "<Jobs/>", "<Jobs />"] {
            assert!(has_element(body.as_bytes(), "Jobs"), "{body}");
        }
        assert!(!has_element(b"<JobsX></Jobs>", "Jobs"));
    }
}
