//! Methods, paths, and what stands before them.

use super::{Case, Message};

/// Methods that HTTP and its extensions know, and one that nobody knows.
const METHODS: [&str; 12] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "Post", "JOBS"];

const SPELLING: &str = "an octet of the job's id percent-encoded is the same octet, and the decoded path is signed";
const AUTHORITY: &str = "the service is at one place: it reads no authority, and the Host header is signed";

pub(super) fn cases(message: &Message) -> Vec<Case> {
    let mut cases = Vec::new();
    for method in METHODS.iter().filter(|method| **method != message.method) {
        cases.push(Case::refused(format!("method {method}"), message.with(|m| m.method = (*method).to_owned())));
    }
    for (at, byte) in message.path.bytes().enumerate() {
        changed_byte(message, at, byte, &mut cases);
    }
    for more in ["/", "//", "/.", "/..", "/priority", "/status", "%2Fpriority", "%2Fstatus", "%0A", "%00", ";a", "+"] {
        cases.push(Case::refused(format!("{more} appended"), message.with(|m| m.path.push_str(more))));
    }
    for more in ["/", "/.", "/jobs", "/x/..", "%2F", "/%0A"] {
        let changed = message.with(|m| m.path.insert_str(0, more));
        cases.push(Case::refused(format!("{more} before it"), changed));
    }
    let segments: Vec<&str> = message.path.split('/').skip(1).collect();
    for index in 0..segments.len() {
        let mut fewer = segments.clone();
        fewer.remove(index);
        let path = format!("/{}", fewer.join("/"));
        cases.push(Case::refused(format!("segment {index} dropped"), message.with(|m| m.path = path)));

        let mut twice = segments.clone();
        twice.insert(index, segments[index]);
        let path = format!("/{}", twice.join("/"));
        cases.push(Case::refused(format!("segment {index} repeated"), message.with(|m| m.path = path)));

        let joined = format!("/{}", segments.join("/")).replacen('/', "%2F", index + 1).replacen("%2F", "/", index);
        if index > 0 {
            cases.push(Case::refused(format!("slash {index} encoded"), message.with(|m| m.path = joined)));
        }
    }
    let upper = message.path.to_uppercase();
    cases.push(Case::refused("all in upper case", message.with(|m| m.path = upper)));
    for authority in ["http://other.example", "http://batch.example:81"] {
        let changed = message.with(|m| m.authority = authority.to_owned());
        cases.push(Case::same(format!("{authority} before it"), changed, AUTHORITY));
    }
    cases
}

/// One byte of the path dropped, doubled, flipped, put in the other case, encoded in both cases of hex digits.
fn changed_byte(message: &Message, at: usize, byte: u8, cases: &mut Vec<Case>) {
    let replaced = |with: &str| message.with(|m| m.path.replace_range(at..=at, with));
    let letter = char::from(byte);
    cases.push(Case::refused(format!("byte {at} dropped"), replaced("")));
    cases.push(Case::refused(format!("byte {at} doubled"), replaced(&format!("{letter}{letter}"))));
    let other = if byte == b'x' { "y" } else { "x" };
    cases.push(Case::refused(format!("byte {at} altered"), replaced(other)));
    if byte.is_ascii_alphabetic() {
        let other = char::from(byte ^ 0x20);
        cases.push(Case::refused(format!("byte {at} in the other case"), replaced(&other.to_string())));
    }
    let id = "/jobs/".len()..message.path.len();
    let in_id = id.contains(&at) && !message.path[id.start..at].contains('/') && byte != b'/';
    for (what, encoded) in [("", format!("%{byte:02X}")), (" in lower case", format!("%{byte:02x}"))] {
        if what.is_empty() || encoded.bytes().any(|digit| digit.is_ascii_lowercase()) {
            let (what, changed) = (format!("byte {at} encoded{what}"), replaced(&encoded));
            cases.push(if in_id { Case::same(what, changed, SPELLING) } else { Case::refused(what, changed) });
        }
    }
    cases.push(Case::refused(format!("byte {at} encoded twice"), replaced(&format!("%25{byte:02X}"))));
}
