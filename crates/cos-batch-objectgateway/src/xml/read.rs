//! Reading.

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesRef, Event},
};

/// Elements of a document at most: the root, and 12 for each of the 10,000 parts of an upload. Each needs a Part with two
/// in it; the official Go SDK sends back all that a listing of parts says of one, and that may be an owner with two more.
const MAX_ELEMENTS: usize = 1 + 10_000 * 12;
/// Elements in elements at most; the deepest body of the API has 5.
const MAX_DEPTH: usize = 8;

/// An element: its name without a prefix, its text, the elements in it. Attributes are not kept; no body of the API says
/// anything with one that its elements do not say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// The only child of this name; none if there is none or more than one.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        let child = found.next()?;
        found.next().is_none().then_some(child)
    }

    /// All children of this name.
    pub(crate) fn children(&self, name: &'static str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Refuses children of any other names than these, and more than one of a name of the first list: what is not read
    /// could have changed what is meant by what is.
    pub(crate) fn expect(&self, once: &[&str], many: &[&str]) -> Result<(), String> {
        for (at, child) in self.children.iter().enumerate() {
            let (parent, name) = (&self.name, &child.name);
            let is_once = once.contains(&name.as_str());
            if !is_once && !many.contains(&name.as_str()) {
                return Err(format!("a {parent} has no element {name:?}"));
            }
            if is_once && self.children[..at].iter().any(|earlier| earlier.name == *name) {
                return Err(format!("a {parent} has one {name} at most"));
            }
        }
        Ok(())
    }

    /// Text of the only child of this name.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// Reads a document whose root has this name. Says what is wrong otherwise.
pub(crate) fn read(body: &[u8], root: &str) -> Result<Node, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open: Vec<Node> = Vec::new();
    let mut document: Option<Node> = None;
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|error| format!("the body is no XML document: {error}"))?;
        let starts = matches!(event, Event::Start(_) | Event::Empty(_));
        if starts {
            elements += 1;
            if elements > MAX_ELEMENTS || open.len() >= MAX_DEPTH {
                return Err(format!(
                    "the body has more than {MAX_ELEMENTS} elements, or more than {MAX_DEPTH} in each other"
                ));
            }
            if open.is_empty() && document.is_some() {
                return Err("the body has more than one root element".to_owned());
            }
        }
        match event {
            Event::Start(start) => open.push(node(start.local_name().as_ref())),
            Event::Empty(start) => close(node(start.local_name().as_ref()), &mut open, &mut document),
            Event::End(_) => {
                if let Some(node) = open.pop() {
                    close(node, &mut open, &mut document);
                }
            }
            Event::Text(text) => add(&text, &mut open)?,
            Event::CData(text) => add(&text, &mut open)?,
            Event::GeneralRef(reference) => add(&resolve(&reference)?, &mut open)?,
            Event::DocType(_) => return Err("the body has a DOCTYPE, which is not read".to_owned()),
            Event::PI(_) => return Err("the body has a processing instruction, which is not read".to_owned()),
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match document {
        Some(node) if open.is_empty() && node.name == root => Ok(node),
        Some(node) if open.is_empty() => Err(format!("the root element must be {root}, and is {:?}", node.name)),
        _ => Err("the body is no whole XML document".to_owned()),
    }
}

fn node(name: &str) -> Node {
    Node { name: name.to_owned(), ..Node::default() }
}

fn close(mut node: Node, open: &mut [Node], document: &mut Option<Node>) {
    if !node.children.is_empty() {
        // White space between elements.
        node.text.clear();
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(node),
        None => *document = Some(node),
    }
}

fn add(text: &str, open: &mut [Node]) -> Result<(), String> {
    if text.chars().any(|c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}')) {
        return Err("the body has a character that XML does not have".to_owned());
    }
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("the body has text outside of its root element".to_owned()),
    }
    Ok(())
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    let wrong = || "the body has a reference that is not one of XML's own".to_owned();
    if let Some(c) = reference.resolve_char_ref().map_err(|_| wrong())? {
        return Ok(c.to_string());
    }
    resolve_predefined_entity(reference).map(str::to_owned).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sdks_send_is_read() {
        let body = b"<?xml version='1.0'?>\n<Tagging xmlns=\"x\">\n <TagSet><Tag><Key>a&lt;&#34;&#x4e2d;</Key><Value/></Tag>\n\
                     <Tag><Key><![CDATA[<b>]]></Key><Value> v </Value></Tag></TagSet>\n</Tagging>\n";
        let root = read(body, "Tagging").unwrap();
        let tags: Vec<_> = root.child("TagSet").unwrap().children("Tag").collect();
        assert_eq!(tags.len(), 2);
        assert_eq!((tags[0].text_of("Key"), tags[0].text_of("Value")), (Some("a<\"中"), Some("")));
        assert_eq!((tags[1].text_of("Key"), tags[1].text_of("Value")), (Some("<b>"), Some(" v ")));
        assert_eq!(root.child("TagSet").unwrap().child("Tag"), None, "there are two");
    }

    #[test]
    fn children_that_are_not_expected() {
        for (body, good) in [
            ("<a><b/><c/><c/></a>", true),
            ("<a/>", true),
            ("<a>text</a>", true),
            ("<a><b/><b/></a>", false),
            ("<a><B/></a>", false),
            ("<a><d/></a>", false),
        ] {
            assert_eq!(read(body.as_bytes(), "a").unwrap().expect(&["b"], &["c"]).is_ok(), good, "{body}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(9), "</a>".repeat(9));
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        for body in [
            "",
            "   ",
            "x",
            "<a>",
            "<a></b>",
            "<a/><a/>",
            "<a/>x",
            "<b/>",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "<a>&e;</a>",
            "<a>&#0;</a>",
            "<a>\u{1}</a>",
            "<?pi x?><a/>",
            &deep,
            &many,
        ] {
            assert!(read(body.as_bytes(), "a").is_err(), "{}", &body[..body.len().min(50)]);
        }
        assert!(read(b"<a>\xff</a>", "a").is_err());
    }
}
