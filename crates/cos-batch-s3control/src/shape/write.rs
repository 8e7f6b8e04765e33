//! Writing values, in the order of their shapes: what was read and is written again always has the same bytes.

use cos_batch_model::xml::Encoder;

use super::{Shape, Structure, Value};

/// Writes the members of a structure.
pub(crate) fn write_members(encoder: &mut Encoder, structure: &Structure) {
    for (member, value) in structure.members() {
        write(encoder, member.name, member.shape, value);
    }
}

/// Writes one member of a structure, if it is there.
pub(crate) fn write_member(encoder: &mut Encoder, structure: &Structure, name: &str) {
    if let Some((member, value)) = structure.members().find(|(member, _)| member.name == name) {
        write(encoder, member.name, member.shape, value);
    }
}

fn write(encoder: &mut Encoder, name: &str, shape: &Shape, value: &Value) {
    match value {
        Value::Text(text) => encoder.text(name, text),
        Value::Number(number) => encoder.plain(name, number),
        Value::Flag(flag) => encoder.plain(name, flag),
        Value::Time(time) => encoder.plain(name, time),
        Value::List(entries) => encoder.element(name, |encoder| {
            if let Shape::List { entry, of, .. } = shape {
                for value in entries {
                    write(encoder, entry, of, value);
                }
            }
        }),
        Value::Map(pairs) => encoder.element(name, |encoder| {
            for (key, value) in pairs {
                encoder.element("entry", |encoder| {
                    encoder.text("key", key);
                    encoder.text("value", value);
                });
            }
        }),
        Value::Structure(structure) => encoder.element(name, |encoder| write_members(encoder, structure)),
    }
}
