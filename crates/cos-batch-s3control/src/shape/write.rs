//! Writing values, in the order of their shapes: what was read and is written again always has the same bytes.

use cos_batch_model::xml::Encoder;

use super::{Shape, Structure, Value};

/// Writes the members of a structure.
pub(crate) fn write_members<'a>(encoder: Encoder<'a>, structure: &Structure) -> Encoder<'a> {
    encoder.each(structure.members(), |encoder, (member, value)| write(encoder, member.name, member.shape, value))
}

/// Writes one member of a structure, if it is there.
pub(crate) fn write_member<'a>(encoder: Encoder<'a>, structure: &Structure, name: &str) -> Encoder<'a> {
    let member = structure.members().find(|(member, _)| member.name == name);
    encoder.each(member, |encoder, (member, value)| write(encoder, member.name, member.shape, value))
}

fn write<'a>(encoder: Encoder<'a>, name: &str, shape: &Shape, value: &Value) -> Encoder<'a> {
    match value {
        Value::Text(text) => encoder.text(name, text),
        Value::Number(number) => encoder.plain(name, number),
        Value::Flag(flag) => encoder.plain(name, flag),
        Value::Time(time) => encoder.plain(name, time),
        Value::List(entries) => encoder.element(name, |encoder| match shape {
            Shape::List { entry, of, .. } => encoder.each(entries, |encoder, value| write(encoder, entry, of, value)),
            _ => encoder,
        }),
        Value::Map(pairs) => encoder.element(name, |encoder| {
            encoder.each(pairs, |encoder, (key, value)| {
                encoder.element("entry", |encoder| encoder.text("key", key).text("value", value))
            })
        }),
        Value::Structure(structure) => encoder.element(name, |encoder| write_members(encoder, structure)),
    }
}
