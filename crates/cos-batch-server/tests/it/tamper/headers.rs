//! Header fields. The case of their names means nothing in HTTP; what a socket makes of it is tested there.

use super::{Case, Message};

/// Headers that the service does not read, which intermediaries may add or change as HTTP allows them to.
const NOT_READ: [(&str, &str); 12] = [
    ("accept", "*/*"),
    ("accept-encoding", "gzip"),
    ("connection", "keep-alive"),
    ("cookie", "a=b"),
    ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ("forwarded", "for=192.0.2.1"),
    ("if-none-match", "*"),
    ("range", "bytes=0-1"),
    ("x-amz-security-token", "token"),
    ("x-forwarded-host", "other.example"),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-http-method-override", "DELETE"),
];

const UNREAD: &str = "the service does not read this header";
const PORT: &str = "clients sign the host with or without its port, and the service does not read it";
const TRUE_LENGTH: &str = "it says what is so";

pub(super) fn cases(message: &Message) -> Vec<Case> {
    let mut cases = Vec::new();
    for index in 0..message.headers.len() {
        if message.headers[index].0 == "user-agent" {
            unread(message, index, &mut cases);
        } else {
            header(message, index, &mut cases);
        }
    }
    added(message, &mut cases);
    let with_port = message.with(|m| m.header("host").push_str(":8080"));
    cases.push(Case::same("host with a port", with_port, PORT));
    let order = message.with(|m| m.headers.reverse());
    cases.push(Case::same("headers backwards", order, "the order of different headers means nothing in HTTP"));
    cases
}

fn unread(message: &Message, index: usize, cases: &mut Vec<Case>) {
    let dropped = message.with(|m| drop(m.headers.remove(index)));
    let altered = message.with(|m| m.headers[index].1.push('x'));
    let doubled = message.with(|m| m.headers.push(m.headers[index].clone()));
    for (what, changed) in [("dropped", dropped), ("altered", altered), ("doubled", doubled)] {
        cases.push(Case::same(format!("{} {what}", message.headers[index].0), changed, UNREAD));
    }
}

fn header(message: &Message, index: usize, cases: &mut Vec<Case>) {
    let (name, value) = &message.headers[index];
    let mut refused = |what: &str, changed: Message| cases.push(Case::refused(format!("{name} {what}"), changed));
    refused("dropped", message.with(|m| drop(m.headers.remove(index))));
    refused("empty", message.with(|m| m.headers[index].1.clear()));
    refused("doubled", message.with(|m| m.headers.push(m.headers[index].clone())));
    refused("doubled, the second other", message.with(|m| m.headers.push((name.clone(), format!("{value}1")))));
    refused("doubled, the first other", message.with(|m| m.headers.insert(0, (name.clone(), format!("{value}1")))));
    refused("doubled, the second empty", message.with(|m| m.headers.push((name.clone(), String::new()))));
    refused("under another name", message.with(|m| m.headers[index].0 = "x-other".to_owned()));
    refused("with _ for - in its name", message.with(|m| m.headers[index].0 = format!("{}_", name.replace('-', "_"))));
    for (what, altered) in [
        ("longer", format!("{value}1")),
        ("shorter", value[..value.len() - 1].to_owned()),
        ("in upper case", value.to_uppercase()),
        ("with a comma after it", format!("{value},")),
        ("twice in one", format!("{value},{value}")),
        ("with another first byte", format!("!{}", &value[1..])),
    ] {
        if altered != *value {
            refused(what, message.with(|m| m.headers[index].1 = altered));
        }
    }
    // White space around a value goes on the wire; where it is still there, only a signature's text is trimmed.
    if name != "authorization" {
        refused("with a space after it", message.with(|m| m.headers[index].1.push(' ')));
        refused("with a tab before it", message.with(|m| m.headers[index].1.insert(0, '\t')));
    }
}

fn added(message: &Message, cases: &mut Vec<Case>) {
    let with = |name: &str, value: &str| message.with(|m| m.headers.push((name.to_owned(), value.to_owned())));
    for (name, value) in
        [("x-cos-more", "1"), ("x-cos-", "1"), ("x-cos-appid", "1250000001"), ("x-cos-meta-a!b", "1"), ("host", "h")]
    {
        cases.push(Case::refused(format!("{name} added"), with(name, value)));
    }
    if !message.has_header("x-cos-security-token") {
        cases.push(Case::refused("x-cos-security-token added", with("x-cos-security-token", super::message::TOKEN)));
    }
    if message.form.is_query() {
        cases.push(Case::refused("authorization added", with("authorization", "q-ak=x")));
    }
    for (name, value) in NOT_READ {
        cases.push(Case::same(format!("{name} added"), with(name, value), UNREAD));
    }
    if !message.has_header("content-type") {
        cases.push(Case::same("content-type added", with("content-type", "text/plain"), UNREAD));
    }
    if !message.has_header("content-md5") {
        let of_nothing = with("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
        cases.push(Case::same("content-md5 added", of_nothing, TRUE_LENGTH));
        cases.push(Case::refused("a false content-md5 added", with("content-md5", "kAFQmDzST7DWlj99KOF/cg==")));
    }
    if !message.has_header("content-length") {
        cases.push(Case::same("content-length added", with("content-length", "0"), TRUE_LENGTH));
        cases.push(Case::refused("a false content-length added", with("content-length", "1")));
    }
    cases.push(Case::refused("a body", message.with(|m| m.body = bytes::Bytes::from_static(b"<a/>"))));
}
