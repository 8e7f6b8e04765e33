//! Bodies that are meant to do harm, through the whole service: each is refused for what it is. How much of them is read
//! and how much memory they take is counted in `tests/budget`.

use cos_batch_model::{ErrorCode, xml};

use crate::support::*;

/// The good CreateJob with this before its first child.
fn with_first(inside: &str) -> Vec<u8> {
    CREATE.replacen("<CreateJobRequest>", &format!("<CreateJobRequest>{inside}"), 1).into_bytes()
}

/// The good CreateJob with this before its root.
fn with_prolog(prolog: &str) -> Vec<u8> {
    format!("{prolog}{CREATE}").into_bytes()
}

/// The good CreateJob with this for its description.
fn described(description: &[u8]) -> Vec<u8> {
    let mut body = b"<CreateJobRequest><Description>".to_vec();
    body.extend_from_slice(description);
    body.extend_from_slice(b"</Description>");
    body.extend_from_slice(&CREATE.as_bytes()["<CreateJobRequest>".len()..]);
    body
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// What each body is, the body, and a part of the message.
fn cases() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let laughs: String =
        (1..10).map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE CreateJobRequest [<!ENTITY l0 \"ha\">{laughs}]>");
    let root_with = |attributes: String| {
        CREATE.replacen("<CreateJobRequest>", &format!("<CreateJobRequest {attributes}>"), 1).into_bytes()
    };
    let deep = |depth: usize| with_first(&format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)));
    vec![
        ("a DOCTYPE", with_prolog("<!DOCTYPE CreateJobRequest>"), "document type"),
        ("a DOCTYPE in lower case", with_prolog("<!doctype CreateJobRequest>"), ""),
        ("an external DOCTYPE", with_prolog("<!DOCTYPE a SYSTEM \"file:///etc/passwd\">"), "document type"),
        ("an entity bomb", [bomb.as_bytes(), &described(b"&l9;")].concat(), "document type"),
        ("an external entity", with_prolog("<!DOCTYPE a [<!ENTITY x SYSTEM \"http://127.0.0.1/\">]>"), "document type"),
        ("a parameter entity", with_prolog("<!DOCTYPE a [<!ENTITY % x \"y\"> %x;]>"), "document type"),
        ("an endless DOCTYPE", format!("<!DOCTYPE a [{}", "<!ENTITY a \"b\">".repeat(50_000)).into_bytes(), ""),
        ("a DOCTYPE inside", with_first("<!DOCTYPE a>"), ""),
        ("an entity nobody declared", described(b"&xxe;"), ""),
        ("an unfinished reference", described(b"&amp"), ""),
        ("a reference to NUL", described(b"&#0;"), ""),
        ("a reference to a control character", described(b"&#x1;"), ""),
        ("a reference to a surrogate", described(b"&#xD800;"), ""),
        ("a reference beyond Unicode", described(b"&#x110000;"), ""),
        ("a reference with many digits", described(format!("&#{};", "9".repeat(100_000)).as_bytes()), ""),
        ("17 levels", deep(xml::MAX_DEPTH), ""),
        ("100,000 levels", deep(100_000), ""),
        ("100,000 levels that do not end", with_first(&"<a>".repeat(100_000)), ""),
        ("50,000 attributes", root_with((0..50_000).map(|n| format!("a{n}=\"\" ")).collect()), ""),
        ("an attribute twice", root_with("a=\"1\" a=\"2\"".to_owned()), ""),
        ("an attribute of 500 KB", root_with(format!("a=\"{}\"", "v".repeat(500_000))), ""),
        ("a name of 500 KB", with_first(&format!("<{}/>", "n".repeat(500_000))), ""),
        ("50,000 unknown elements", with_first(&"<a/>".repeat(50_000)), ""),
        ("50,000 times one element", with_first(&"<Priority>1</Priority>".repeat(40_000)), "Priority"),
        ("a long text", described(&vec![b'd'; xml::MAX_TEXT_BYTES + 1]), "Description"),
        ("invalid UTF-8 in a text", described(b"\xff\xfe"), ""),
        ("an overlong NUL", described(b"\xc0\x80"), ""),
        ("an encoded surrogate", described(b"\xed\xa0\x80"), ""),
        ("half a character", described(b"\xe5\xa5"), ""),
        ("invalid UTF-8 in a name", [b"<\xff".as_slice(), &CREATE.as_bytes()[2..]].concat(), ""),
        ("UTF-16, little end first", utf16(CREATE, false), ""),
        ("UTF-16, big end first", utf16(CREATE, true), ""),
        ("UTF-16 without a mark", utf16(CREATE, false)[2..].to_vec(), ""),
        ("UTF-32", CREATE.bytes().flat_map(|byte| [0, 0, 0, byte]).collect(), ""),
        ("another encoding declared", with_prolog("<?xml version=\"1.0\" encoding=\"UTF-16\"?>"), ""),
        ("NUL in a text", described(b"a\0b"), ""),
        ("NUL after the end", [CREATE.as_bytes(), b"\0"].concat(), ""),
        ("NUL before the start", [b"\0", CREATE.as_bytes()].concat(), ""),
        ("NUL in a name", CREATE.replacen("Priority", "Pri\0ority", 1).into_bytes(), ""),
        ("a control character in a text", described(b"a\x0bb"), ""),
        ("U+FFFE in a text", described("\u{fffe}".as_bytes()), ""),
        ("two documents", format!("{CREATE}{CREATE}").into_bytes(), ""),
        ("text after the end", format!("{CREATE}x").into_bytes(), ""),
        ("text before the start", format!("x{CREATE}").into_bytes(), ""),
        ("an unfinished comment", with_first("<!-- "), ""),
        ("an unfinished CDATA section", with_first("<![CDATA["), ""),
        ("an unfinished instruction", with_first("<?a "), ""),
        ("only a declaration", b"<?xml version=\"1.0\"?>".to_vec(), ""),
        ("JSON", b"{\"CreateJobRequest\":{}}".to_vec(), ""),
        ("an inclusion", with_first("<xi:include xmlns:xi=\"u\" href=\"file:///etc/passwd\"/>"), ""),
    ]
}

#[tokio::test]
async fn each_is_refused_for_what_it_is() {
    let recorder = Recorder::default();
    let service = strict(recorder.clone());
    for (what, body, part) in cases() {
        assert!(body.len() <= xml::MAX_REQUEST_BYTES, "{what}");
        let (code, message) = refused(&service, signed(create_with(body))).await;
        // A text that is too long is one of size; a character that no field may have can also be told as the field's.
        let expected: &[&str] = match what {
            "a long text" => &["XMLSizeLimit"],
            _ if what.contains(" in a text") || what.contains("control") => &["MalformedXML", "InvalidArgument"],
            _ => &["MalformedXML"],
        };
        assert!(expected.contains(&code.as_str()), "{what}: {code}: {message}");
        assert!(message.contains(part), "{what}: {message}");
        assert!(message.len() < 500, "{what}: the message has {} bytes", message.len());
        assert!(recorder.take().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn what_is_only_unusual_is_accepted() {
    let recorder = Recorder::default();
    let service = strict(recorder.clone());
    let wanted = {
        assert_eq!(send(&service, signed(create())).await.status(), 200);
        recorder.take()[0].1.clone()
    };
    let cases = [
        ("a byte order mark", with_prolog("\u{feff}")),
        ("a declaration", with_prolog("<?xml version='1.0' encoding='utf-8'?>\n")),
        ("comments and instructions", with_first("<!-- & < --><?a b?>")),
        ("a namespace", CREATE.replacen("<CreateJobRequest>", "<CreateJobRequest xmlns=\"u\">", 1).into_bytes()),
        ("white space at both ends", [CREATE.as_bytes(), b"\r\n \t"].concat()),
        ("entities and CDATA", CREATE.replacen(">role<", ">&#114;<![CDATA[ol]]>&#x65;<", 1).into_bytes()),
    ];
    for (what, body) in cases {
        let answer = send(&service, signed(create_with(body))).await;
        assert_eq!(answer.status(), 200, "{what}: {answer:?}");
        assert_eq!(recorder.take()[0].1, wanted, "{what}");
    }
}

#[tokio::test]
async fn one_byte_more_than_a_body_may_have() {
    let recorder = Recorder::default();
    let service = strict(recorder.clone());
    for (more, expected) in [(0, None), (1, Some(ErrorCode::XmlSizeLimit))] {
        let padding = " ".repeat(xml::MAX_REQUEST_BYTES - CREATE.len() + more);
        let answer = send(&service, signed(create_with(format!("{CREATE}{padding}")))).await;
        let found = (answer.status() != 200).then(|| error(&answer).code);
        assert_eq!(found, expected);
        assert_eq!(recorder.take().len(), usize::from(expected.is_none()));
    }
}
