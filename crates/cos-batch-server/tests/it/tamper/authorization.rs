//! The fields of the signature, in the header and in the query.

use super::{Case, Form, Message};

const ORDER: &str = "the fields of a signature are known by their names";
const LIST: &str = "a list names what is signed, and the names are sorted before they are";
const CASE: &str = "the names in a list are signed in lower case";
const SPACE: &str = "white space around a header's value does not belong to it";
const PLACE: &str = "a signature says the same in either place";

/// The fields in their usual order.
const FIELDS: [&str; 7] =
    ["q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature"];

/// Names and values.
type Fields = Vec<(String, String)>;

/// The fields of a message's signature, as they stand in a header.
fn fields(message: &Message) -> Fields {
    if message.form.is_query() {
        let own = message.query.iter().filter(|(name, _)| FIELDS.contains(&name.as_str()));
        return own.map(|(name, value)| (name.clone(), value.replace("%3B", ";"))).collect();
    }
    let (_, value) = message.headers.iter().find(|(name, _)| name == "authorization").unwrap();
    value.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

/// The message with these fields for its own.
fn with_fields(message: &Message, fields: &[(String, String)]) -> Message {
    message.with(|changed| {
        if changed.form.is_query() {
            changed.query.retain(|(name, _)| !FIELDS.contains(&name.as_str()));
            changed.query.extend(fields.iter().map(|(name, value)| (name.clone(), value.replace(';', "%3B"))));
        } else {
            let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            *changed.header("authorization") = pairs.join("&");
        }
    })
}

pub(super) fn cases(message: &Message) -> Vec<Case> {
    let mut cases = Vec::new();
    let fields = fields(message);
    assert_eq!(fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), FIELDS);
    for index in 0..fields.len() {
        field(message, &fields, index, &mut cases);
    }
    lists(message, &fields, &mut cases);
    times(message, &fields, &mut cases);
    for (at, _) in fields[6].1.char_indices() {
        let digit = if &fields[6].1[at..=at] == "0" { "1" } else { "0" };
        let mut other = fields.clone();
        other[6].1.replace_range(at..=at, digit);
        cases.push(Case::refused(format!("digit {at} of the signature"), with_fields(message, &other)));
    }
    places(message, &fields, &mut cases);
    cases
}

fn field(message: &Message, fields: &[(String, String)], index: usize, cases: &mut Vec<Case>) {
    let name = &fields[index].0;
    let mut refused = |what: &str, change: &dyn Fn(&mut Fields)| {
        let mut other = fields.to_vec();
        change(&mut other);
        cases.push(Case::refused(format!("{name} {what}"), with_fields(message, &other)));
    };
    refused("dropped", &|fields| drop(fields.remove(index)));
    refused("doubled", &|fields| fields.push(fields[index].clone()));
    refused("longer", &|fields| fields[index].1.push('0'));
    refused("with a name after it", &|fields| fields[index].1.push_str(";x"));
    refused("with its name in upper case", &|fields| fields[index].0.make_ascii_uppercase());
    if fields[index].1.len() > 1 {
        refused("shorter", &|fields| {
            fields[index].1.pop();
        });
        refused("empty", &|fields| fields[index].1.clear());
    }
    // A space at the very end is one around the header's value.
    let is_last_of_header = index == 6 && !message.form.is_query();
    if !is_last_of_header {
        refused("with a space after it", &|fields| {
            fields[index].1.push_str(if message.form.is_query() { "+" } else { " " });
        });
    }
}

fn lists(message: &Message, fields: &[(String, String)], cases: &mut Vec<Case>) {
    for index in [4, 5] {
        let (field, list) = &fields[index];
        let names: Vec<&str> = list.split(';').filter(|name| !name.is_empty()).collect();
        let with_list = |names: &[String]| {
            let mut other = fields.to_vec();
            other[index].1 = names.join(";");
            with_fields(message, &other)
        };
        for (at, name) in names.iter().enumerate() {
            let mut fewer: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            fewer.remove(at);
            cases.push(Case::refused(format!("{field} without {name}"), with_list(&fewer)));
            let mut other = fewer.clone();
            other.push("x-other".to_owned());
            cases.push(Case::refused(format!("{field} with another name for {name}"), with_list(&other)));
        }
        let mut more: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        more.push(if index == 4 { "user-agent" } else { "q-ak" }.to_owned());
        cases.push(Case::refused(format!("{field} with a name that was not signed"), with_list(&more)));
        if names.is_empty() {
            continue;
        }
        let mut twice: Vec<String> = names.iter().rev().map(|name| (*name).to_owned()).collect();
        twice.push(names[0].to_owned());
        cases.push(Case::same(format!("{field} in another order and with a repetition"), with_list(&twice), LIST));
        let upper: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
        cases.push(Case::same(format!("{field} in upper case"), with_list(&upper), CASE));
    }
}

fn times(message: &Message, fields: &[(String, String)], cases: &mut Vec<Case>) {
    let (start, end) = fields[2].1.split_once(';').unwrap();
    let (start, end): (i64, i64) = (start.parse().unwrap(), end.parse().unwrap());
    for (start, end) in [(start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1), (end, start), (0, end)]
    {
        for both in [true, false] {
            let mut other = fields.to_vec();
            other[2].1 = format!("{start};{end}");
            if both {
                other[3].1 = format!("{start};{end}");
            }
            let what = format!("{} {start};{end}", if both { "both times" } else { "the time of the signature" });
            cases.push(Case::refused(what, with_fields(message, &other)));
        }
    }
}

fn places(message: &Message, fields: &[(String, String)], cases: &mut Vec<Case>) {
    let mut backwards = fields.to_vec();
    backwards.reverse();
    cases.push(Case::same("backwards", with_fields(message, &backwards), ORDER));
    let mut more = fields.to_vec();
    more.push(("q-more".to_owned(), "1".to_owned()));
    cases.push(Case::refused("a field that signatures do not have", with_fields(message, &more)));
    let elsewhere =
        Message { form: if message.form.is_query() { Form::Header } else { Form::Query }, ..message.clone() };
    let moved = if message.form.is_query() {
        let bare = elsewhere.with(|m| m.query.retain(|(name, _)| !FIELDS.contains(&name.as_str())));
        let bare = bare.with(|m| m.headers.push(("authorization".to_owned(), String::new())));
        with_fields(&bare, fields)
    } else {
        for change in [" ", "\t"] {
            let changed = message.with(|m| m.header("authorization").push_str(change));
            cases.push(Case::same(format!("{change:?} after the header"), changed, SPACE));
            let changed = message.with(|m| m.header("authorization").insert_str(0, change));
            cases.push(Case::same(format!("{change:?} before the header"), changed, SPACE));
        }
        with_fields(&elsewhere.with(|m| m.headers.retain(|(name, _)| name != "authorization")), fields)
    };
    if message.form == Form::QueryTemporary {
        // The token is a parameter then, and a signature in the header takes its token from a header.
        cases.push(Case::refused("moved to the header, its token left in the query", moved));
    } else {
        cases.push(Case::same("moved to the other place", moved, PLACE));
    }
    let both = message.with(|m| {
        if m.form.is_query() {
            let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            m.headers.push(("authorization".to_owned(), pairs.join("&")));
        } else {
            m.query.extend(fields.iter().map(|(name, value)| (name.clone(), value.replace(';', "%3B"))));
        }
    });
    cases.push(Case::refused("in both places", both));
}
