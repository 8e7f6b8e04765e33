//! Documents that want to do harm.

use cos_batch_model::xml::{self, MAX_DOCUMENT_BYTES, MAX_REQUEST_BYTES, MAX_TEXT_BYTES, Mode};
use cos_batch_model::{
    Action, ApiError, CreateJobRequest, CreateJobResult, DecodeErrorKind, DescribeJobResult, ErrorCode, ListJobsResult,
};
use http::Request;
use proptest::prelude::*;

use crate::support::{body, body_text};

fn kind(document: &str, mode: Mode) -> DecodeErrorKind {
    xml::from_slice::<CreateJobResult>(document.as_bytes(), mode).unwrap_err().kind
}

#[test]
fn nesting_is_bounded_in_both_modes_and_costs_no_stack() {
    let deep = format!("<CreateJobResult>{}", "<a>".repeat(200_000));
    for mode in [Mode::Strict, Mode::Lenient] {
        let error = xml::from_slice::<CreateJobResult>(deep.as_bytes(), mode).unwrap_err();
        assert!(error.offset < 100, "stops early, at byte {}", error.offset);
    }
    assert!(matches!(kind(&deep, Mode::Lenient), DecodeErrorKind::TooDeep { .. }));
}

#[test]
fn sizes_are_bounded() {
    let text = "j".repeat(MAX_TEXT_BYTES + 1);
    let long = format!("<CreateJobResult><JobId>{text}</JobId></CreateJobResult>");
    assert!(matches!(kind(&long, Mode::Lenient), DecodeErrorKind::TextTooLong { .. }));
    let joined = format!("<CreateJobResult><JobId>{}</JobId></CreateJobResult>", "&amp;".repeat(MAX_TEXT_BYTES + 1));
    assert!(matches!(kind(&joined, Mode::Lenient), DecodeErrorKind::TextTooLong { .. }));
    let padded = format!("{}{}", " ".repeat(MAX_DOCUMENT_BYTES), "<CreateJobResult/>");
    assert!(matches!(kind(&padded, Mode::Lenient), DecodeErrorKind::DocumentTooLarge { .. }));

    let (head, ()) = Request::post("/jobs").body(()).unwrap().into_parts();
    let body = "<".repeat(MAX_REQUEST_BYTES + 1);
    let error = CreateJobRequest::from_http(&head, body.as_bytes()).unwrap_err();
    assert_eq!(error.code, ErrorCode::XmlSizeLimit);
}

#[test]
fn a_field_just_over_its_own_limit_is_named_not_the_budget() {
    let long = format!("<CreateJobResult><JobId>{}</JobId></CreateJobResult>", "j".repeat(MAX_TEXT_BYTES));
    assert!(matches!(kind(&long, Mode::Strict), DecodeErrorKind::Value(_)));
}

#[test]
fn lists_are_bounded() {
    let page = body_text("spec/ListJobs/page.response.http");
    let from = page.find("<member>").unwrap();
    let to = page.find("</member>").unwrap() + "</member>".len();
    let list = |count: usize| format!("{}{}{}", &page[..from], page[from..to].repeat(count), &page[to..]);
    let full: ListJobsResult = xml::from_slice(list(1000).as_bytes(), Mode::Lenient).unwrap();
    assert_eq!(full.jobs.len(), 1000);
    let error = xml::from_slice::<ListJobsResult>(list(1001).as_bytes(), Mode::Lenient).unwrap_err();
    assert_eq!(error.path, "ListJobsResult/Jobs");
    assert_eq!(ApiError::from(error).code, ErrorCode::XmlSizeLimit);
}

#[test]
fn document_types_and_foreign_entities_are_refused_in_both_modes() {
    for mode in [Mode::Strict, Mode::Lenient] {
        for document in [
            "<!DOCTYPE a><CreateJobResult/>",
            "<!doctype a><CreateJobResult/>",
            "<CreateJobResult><!DOCTYPE a></CreateJobResult>",
            "<CreateJobResult><a><!DOCTYPE a></a></CreateJobResult>",
        ] {
            let found = kind(document, mode);
            let refused = matches!(found, DecodeErrorKind::Doctype | DecodeErrorKind::UnknownElement { .. });
            assert!(refused, "{document}: {found:?}");
        }
        let found = kind("<CreateJobResult><JobId>&xxe;</JobId></CreateJobResult>", mode);
        assert!(matches!(found, DecodeErrorKind::UnknownEntity { .. }), "{found:?}");
    }
}

#[test]
fn a_flood_of_attributes_is_refused_in_both_modes() {
    for name in ["a", "xmlns:a"] {
        let attributes: String = (0..50_000).map(|index| format!(" {name}{index}='b'")).collect();
        let document = format!("<CreateJobResult{attributes}><JobId>a</JobId></CreateJobResult>");
        assert!(matches!(kind(&document, Mode::Lenient), DecodeErrorKind::TooManyAttributes { .. }));
        let error = xml::from_slice::<CreateJobResult>(document.as_bytes(), Mode::Strict).unwrap_err();
        assert_eq!(ApiError::from(error).code, ErrorCode::MalformedXml);
    }
}

#[test]
fn what_is_not_well_formed_is_refused_in_both_modes_with_its_rule_and_place() {
    let around = |inside: &str| format!("<CreateJobResult><JobId>{inside}</JobId></CreateJobResult>");
    let start = "<CreateJobResult><JobId>".len();
    for (document, offset, says) in [
        (around("a]]>b"), start + 1, "`]]>` may not stand in a text"),
        (around("a > b ]]>"), start + 6, "`]]>` may not stand in a text"),
        (around("a]]]>&lt;"), start + 2, "`]]>` may not stand in a text"),
        (around("a<!-- b -- c -->"), start + 8, "`--`"),
        (around("a<!-- b --->"), start + 8, "`--`"),
        (around("a<></>"), start + 1, "a tag needs a name"),
        (around("a</>"), start + 1, "expected `</JobId>`"),
        (around("a</ >"), start + 1, "expected `</JobId>`"),
        (around("a< b/>"), start + 1, "a tag needs a name"),
        (format!("<?xml version='1.1'?>{}", around("a")), "<?xml version='1.1'?>".len(), "must name version 1.0"),
        (format!("<?xml encoding='utf-8'?>{}", around("a")), "<?xml encoding='utf-8'?>".len(), "must name version 1.0"),
    ] {
        for mode in [Mode::Strict, Mode::Lenient] {
            let error = xml::from_slice::<CreateJobResult>(document.as_bytes(), mode).unwrap_err();
            assert!(error.to_string().contains(says), "{document}: {error}");
            assert_eq!(error.offset, offset as u64, "{document}: {error}");
        }
    }
    // What looks like it, and is none.
    for inside in ["a]]&gt;b", "]>", "a>b", "]]&#62;", "<![CDATA[]]]]><![CDATA[>]]>", "<!-- - - -->a"] {
        let document = around(inside);
        xml::from_slice::<CreateJobResult>(document.as_bytes(), Mode::Strict)
            .unwrap_or_else(|error| panic!("{document}: {error}"));
    }
}

#[test]
fn characters_that_xml_does_not_have_are_refused_wherever_they_stand() {
    let places = [
        ("<CreateJobResult><JobId>j", "</JobId></CreateJobResult>"),
        ("<CreateJobResult><JobId><![CDATA[j", "]]></JobId></CreateJobResult>"),
        ("<CreateJobResult><JobId>j<!--", "--></JobId></CreateJobResult>"),
        ("<CreateJobResult><!-- -", "- --><JobId>j</JobId></CreateJobResult>"),
        ("<CreateJobResult><?a ", "?><JobId>j</JobId></CreateJobResult>"),
        ("<!--\u{597d}", "--><CreateJobResult><JobId>j</JobId></CreateJobResult>"),
        ("<CreateJobResult><JobId>j</JobId></CreateJobResult><!--", "-->"),
    ];
    for mode in [Mode::Strict, Mode::Lenient] {
        for (before, after) in places {
            for character in ['\0', '\u{1}', '\u{8}', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
                let document = format!("{before}{character}{after}");
                let error = xml::from_slice::<CreateJobResult>(document.as_bytes(), mode).unwrap_err();
                let found = format!("U+{:04X}", u32::from(character));
                assert_eq!(error.kind, DecodeErrorKind::IllegalCharacter { found }, "{document}");
                assert_eq!(error.offset, before.len() as u64, "{document}");
            }
        }
        for (reference, found) in [
            ("&#0;", "&#0;"),
            ("&#1;", "U+0001"),
            ("&#x1F;", "U+001F"),
            ("&#xFFFE;", "U+FFFE"),
            ("&#xD800;", "&#xD800;"),
            ("&#x110000;", "&#x110000;"),
            ("&#;", "&#;"),
            ("&#word;", "&#word;"),
        ] {
            let document = format!("<CreateJobResult><JobId>j{reference}</JobId></CreateJobResult>");
            let found = DecodeErrorKind::IllegalCharacter { found: found.to_owned() };
            assert_eq!(kind(&document, mode), found, "{document}");
        }
    }
    // An attribute is looked at where it could be let through.
    for value in ["\0", "&#1;", "&#0;"] {
        let document = format!("<CreateJobResult xmlns='{value}'><JobId>j</JobId></CreateJobResult>");
        let error = xml::from_slice::<CreateJobResult>(document.as_bytes(), Mode::Strict).unwrap_err();
        assert_eq!(ApiError::from(error).code, ErrorCode::MalformedXml, "{document}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for mode in [Mode::Strict, Mode::Lenient] {
            let _ = xml::from_slice::<CreateJobRequest>(&bytes, mode);
            let _ = xml::from_slice::<DescribeJobResult>(&bytes, mode);
        }
    }

    /// Valid documents with some bytes exchanged reach deeper than noise does.
    #[test]
    fn damaged_documents_do_not_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"<>&;/!?]-\"' \0\xff\xefa"[..])), 1..6),
        cut in any::<prop::sample::Index>(),
        file in prop::sample::select(vec!["spec/CreateJob/copy.request.http", "spec/DescribeJob/suspended.response.http"]),
    ) {
        let mut bytes = body(file);
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        for document in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            for mode in [Mode::Strict, Mode::Lenient] {
                if let Ok(request) = xml::from_slice::<CreateJobRequest>(document, mode) {
                    let _ = request.validate();
                }
                if let Err(error) = xml::from_slice::<DescribeJobResult>(document, mode) {
                    prop_assert!(error.offset <= document.len() as u64);
                    prop_assert!(error.to_string().len() < 600);
                }
            }
        }
    }
}
