//! Requests that mean harm: refused as the client's fault, never answered with 5xx, and the server goes on.

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue, Method};

use super::{
    attack::{body_repelled, repelled},
    body::{self, with_inner},
    line::WireBench,
};
use crate::{
    check::{Check, checks},
    verdict::{Verdict, ensure, failed},
};

/// Elements inside one another: legal requests have some 8.
const DEPTH: usize = 20_000;

/// Bytes of a text that is far too long: legal requests have a few KiB in all.
const HUGE: usize = 3 * 1024 * 1024;

/// Attributes of one element; no legal one has any but xmlns.
const ATTRIBUTES: usize = 20_000;

/// Headers of one request: clients send some 10.
const HEADERS: usize = 300;

/// Bytes of an address: legal ones have less than 1,500.
const ADDRESS: usize = 40_000;

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "hostile/doctype", Settled "no request has one, and much harm begins there",
    "a document with a DOCTYPE is refused" => doctype;
    "hostile/entity-bomb", Settled "XML entities",
    "entities that multiply are refused" => entity_bomb;
    "hostile/external-entity", Settled "XML entities",
    "an entity that names a file is refused, and no file is read" => external_entity;
    "hostile/deep-nesting", Settled "no legal document is deep",
    "elements far inside one another are refused" => deep_nesting;
    "hostile/many-attributes", Settled "no legal element has them",
    "a flood of attributes is refused" => many_attributes;
    "hostile/huge-text", Settled "no legal document is large",
    "a body of several MiB is refused" => huge_text;
    "hostile/many-elements", Settled "lists have limits",
    "a list without end is refused" => many_elements;
    "hostile/invalid-utf-8", Documented "XML 1.0",
    "bytes that are not UTF-8 are refused" => invalid_utf8;
    "hostile/utf-16", Settled "clients send UTF-8",
    "a document in UTF-16 is refused" => utf16;
    "hostile/control-characters", Documented "XML 1.0",
    "characters that XML does not have are refused, also as references" => control_characters;
    "hostile/bad-escapes-in-path", Documented "general COS codes, InvalidURI",
    "a path that cannot be decoded, or leads out of /jobs, finds nothing" => bad_path;
    "hostile/repeated-parameter", Settled "which of two would count is not documented",
    "a parameter that is given twice is refused" => repeated_parameter;
    "hostile/answers-are-escaped", Documented "XML 1.0",
    "what a request says comes back in an error escaped" => escaped;
    "hostile/many-headers", Settled "general limit",
    "a flood of headers is refused" => many_headers;
    "hostile/long-address", Settled "general limit",
    "an address of 40,000 bytes is refused" => long_address;
};

fn with_doctype(wire: &WireBench, doctype: &str, description: &str) -> Result<String, crate::verdict::Miss> {
    let document = with_inner(&body::create(wire), "Description", description)?;
    Ok(format!("<?xml version=\"1.0\"?>{doctype}{document}"))
}

async fn doctype(wire: &WireBench) -> Verdict {
    for doctype in ["<!DOCTYPE CreateJobRequest>", "<!DOCTYPE a SYSTEM \"http://batch.example/a.dtd\">"] {
        body_repelled(wire, doctype, with_doctype(wire, doctype, "d")?, false).await?;
    }
    Ok(())
}

async fn entity_bomb(wire: &WireBench) -> Verdict {
    let mut doctype = "<!DOCTYPE a [<!ENTITY e0 \"lol\">".to_owned();
    for level in 1..10 {
        let inner = format!("&e{};", level - 1).repeat(10);
        // Writing to a string does not fail.
        let _ = write!(doctype, "<!ENTITY e{level} \"{inner}\">");
    }
    doctype.push_str("]>");
    body_repelled(wire, "entities that multiply", with_doctype(wire, &doctype, "&e9;")?, false).await?;
    let undefined = with_inner(&body::create(wire), "Description", "&e9;")?;
    body_repelled(wire, "an entity that nobody declared", undefined, false).await
}

async fn external_entity(wire: &WireBench) -> Verdict {
    let doctype = "<!DOCTYPE a [<!ENTITY file SYSTEM \"file:///etc/hostname\">]>";
    body_repelled(wire, "an entity that names a file", with_doctype(wire, doctype, "&file;")?, false).await
}

async fn deep_nesting(wire: &WireBench) -> Verdict {
    let inner = ["<a>".repeat(DEPTH), "</a>".repeat(DEPTH)].concat();
    for document in [inner.clone(), with_inner(&body::create(wire), "Operation", &inner)?, "<a>".repeat(DEPTH)] {
        body_repelled(wire, "elements far inside one another", document, false).await?;
    }
    Ok(())
}

async fn many_attributes(wire: &WireBench) -> Verdict {
    let mut root = "<CreateJobRequest".to_owned();
    for number in 0..ATTRIBUTES {
        let _ = write!(root, " a{number}=\"1\"");
    }
    root.push('>');
    let document = body::create(wire).replacen(body::ROOT, &root, 1);
    body_repelled(wire, "a flood of attributes", document, true).await
}

async fn huge_text(wire: &WireBench) -> Verdict {
    let document = with_inner(&body::create(wire), "Description", &"x".repeat(HUGE))?;
    body_repelled(wire, "a body of several MiB", document, true).await
}

async fn many_elements(wire: &WireBench) -> Verdict {
    let members = "<member>Ignore</member>".repeat(30_000);
    let spec = format!("<Fields>{members}</Fields><Format>COSBatchOperations_CSV_V1</Format>");
    body_repelled(wire, "a list of 30,000 fields", with_inner(&body::create(wire), "Spec", &spec)?, true).await
}

async fn invalid_utf8(wire: &WireBench) -> Verdict {
    for bad in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"] {
        let document = body::create(wire);
        let at = document.find("</Description>").ok_or_else(|| failed("a description", "none"))?;
        let bytes = [&document.as_bytes()[..at], bad, &document.as_bytes()[at..]].concat();
        body_repelled(wire, "a body that is not UTF-8", bytes, false).await?;
    }
    Ok(())
}

async fn utf16(wire: &WireBench) -> Verdict {
    let text = body::create(wire);
    let little: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    body_repelled(wire, "a body in UTF-16", little, false).await
}

async fn control_characters(wire: &WireBench) -> Verdict {
    for text in ["\u{0}", "\u{1}", "\u{fffe}", "&#0;", "&#x1;", "&#xD800;", "&#x110000;", "&#;", "&#99999999999;"] {
        let document = with_inner(&body::create(wire), "Description", &format!("a{text}b"))?;
        body_repelled(wire, &format!("a description with {}", text.escape_debug()), document, false).await?;
    }
    Ok(())
}

async fn bad_path(wire: &WireBench) -> Verdict {
    for path in
        ["/jobs/%zz", "/jobs/%", "/jobs/%ff", "/jobs/%00", "/jobs/..%2f..%2fetc%2fpasswd", "/jobs/%2e%2e", "/etc"]
    {
        repelled(wire, path, wire.request(&Method::GET, path, "")?, false).await?;
    }
    Ok(())
}

async fn repeated_parameter(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    for address in [
        format!("/jobs/{job}/priority?priority=1&priority=2"),
        format!("/jobs/{job}/status?requestedJobStatus=Ready&requestedJobStatus=Cancelled"),
    ] {
        repelled(wire, &address, wire.request(&Method::POST, &address, "")?, false).await?;
    }
    repelled(wire, "maxResults twice", wire.request(&Method::GET, "/jobs?maxResults=1&maxResults=2", "")?, false).await
}

async fn escaped(wire: &WireBench) -> Verdict {
    for address in ["/jobs/%3Cscript%3E%26x", "/jobs?jobStatuses=%3Cscript%3E", "/jobs?nextToken=%3Cscript%3E%2F"] {
        let answer = wire.ask(&Method::GET, address, "").await?;
        let text = String::from_utf8_lossy(answer.body());
        ensure(!text.contains("<script>"), format_args!("{address}: no `<script>` in the answer"), &text)?;
        ensure(!answer.status().is_server_error(), format_args!("{address}: no 5xx"), answer.status())?;
    }
    Ok(())
}

async fn many_headers(wire: &WireBench) -> Verdict {
    let mut request = wire.request(&Method::GET, "/jobs?maxResults=1", "")?;
    for number in 0..HEADERS {
        let name = HeaderName::try_from(format!("x-flood-{number}")).map_err(|error| failed("a header", error))?;
        request.headers_mut().insert(name, HeaderValue::from_static("1"));
    }
    repelled(wire, "a flood of headers", request, true).await
}

async fn long_address(wire: &WireBench) -> Verdict {
    let address = format!("/jobs?nextToken={}", "a".repeat(ADDRESS));
    repelled(wire, "a very long address", wire.request(&Method::GET, &address, "")?, true).await
}
