//! Parameters of the query.

use super::{Case, Message};

/// Parameters that some action reads, and some that none does.
const ADDED: [&str; 18] = [
    "jobStatuses",
    "maxResults",
    "nextToken",
    "priority",
    "requestedJobStatus",
    "statusUpdateReason",
    "more",
    "x-cos-appid",
    "x-cos-security-token",
    "q-sign-algorithm",
    "q-ak",
    "q-sign-time",
    "q-key-time",
    "q-header-list",
    "q-url-param-list",
    "q-signature",
    "Q-AK",
    "q%2Dak",
];

const ORDER: &str = "no parameter is read twice, so that their order says nothing";
const SPELLING: &str = "an octet percent-encoded is the same octet, and decoded values are signed";
const SPACE: &str = "in a query `+` and `%20` are both a space";
const NOTHING: &str = "an empty pair between two `&` is no parameter";

pub(super) fn cases(message: &Message) -> Vec<Case> {
    let mut cases = Vec::new();
    for index in 0..message.query.len() {
        parameter(message, index, &mut cases);
    }
    for name in ADDED.into_iter().chain([""]) {
        for value in ["", "1", "Ready"] {
            let changed = message.with(|m| m.query.push((name.to_owned(), value.to_owned())));
            cases.push(Case::refused(format!("added {name}={value}"), changed));
        }
    }
    if message.query.len() > 1 {
        cases.push(Case::same("backwards", message.with(|m| m.query.reverse()), ORDER));
    }
    if !message.query.is_empty() {
        let changed = message.with(|m| m.query[0].0.insert(0, '&'));
        cases.push(Case::same("empty pair", changed, NOTHING));
    }
    cases
}

fn parameter(message: &Message, index: usize, cases: &mut Vec<Case>) {
    let (name, value) = &message.query[index];
    // The fields of a signature are the subject of another module, but for the ways in which all parameters are alike.
    let is_field = name.starts_with("q-");
    let mut refused = |what: &str, changed: Message| cases.push(Case::refused(format!("{name} {what}"), changed));

    refused("dropped", message.with(|m| drop(m.query.remove(index))));
    refused("doubled", message.with(|m| m.query.push(m.query[index].clone())));
    if !value.is_empty() {
        refused("without its value", message.with(|m| m.query[index].1.clear()));
        refused("with a shorter value", message.with(|m| m.query[index].1.truncate(value.len() - 1)));
        refused("doubled, the second without a value", message.with(|m| m.query.push((name.clone(), String::new()))));
    }
    let another = ("x".to_owned(), value.clone());
    refused("under another name", message.with(|m| m.query[index] = another));
    refused("with a longer name", message.with(|m| m.query[index].0.push('x')));
    refused("with a shorter name", message.with(|m| m.query[index].0.truncate(name.len() - 1)));
    for (what, altered) in [
        ("with a longer value", format!("{value}1")),
        ("with a space before its value", format!("+{value}")),
        ("with a space after its value", format!("{value}%20")),
        ("with a line feed after its value", format!("{value}%0A")),
        ("with a NUL after its value", format!("{value}%00")),
        ("with a plus after its value", format!("{value}%2B")),
        ("with a comma after its value", format!("{value},")),
        ("with an encoded ampersand after its value", format!("{value}%26")),
        ("with an equals sign after its value", format!("{value}=")),
    ] {
        refused(what, message.with(|m| m.query[index].1 = altered));
    }
    for upper in [name.to_uppercase(), name.to_lowercase(), first_in_other_case(name)] {
        if upper != *name && !message.query.iter().any(|(name, _)| *name == upper) {
            refused(&format!("as {upper}"), message.with(|m| m.query[index].0 = upper));
        }
    }

    if let Some(first) = value.bytes().next().filter(|first| *first != b'%') {
        let encoded = format!("%{first:02X}{}", &value[1..]);
        let changed = message.with(|m| m.query[index].1 = encoded);
        cases.push(Case::same(format!("{name} with its first octet encoded"), changed, SPELLING));
    }
    let encoded = format!("%{:02X}{}", name.as_bytes()[0], &name[1..]);
    let changed = message.with(|m| m.query[index].0 = encoded);
    let what = format!("{name} with the first octet of its name encoded");
    // What belongs to the signature is known by its name as it stands there.
    let by_name = is_field || name == "x-cos-security-token";
    cases.push(if by_name { Case::refused(what, changed) } else { Case::same(what, changed, SPELLING) });
    if value.contains("%20") {
        let changed = message.with(|m| m.query[index].1 = value.replace("%20", "+"));
        cases.push(Case::same(format!("{name} with plus signs for spaces"), changed, SPACE));
    }
}

fn first_in_other_case(name: &str) -> String {
    let first = char::from(name.as_bytes()[0] ^ 0x20);
    format!("{first}{}", &name[1..])
}
