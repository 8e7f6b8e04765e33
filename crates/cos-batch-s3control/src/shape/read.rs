//! Reading values, and holding them against their shapes.

use cos_batch_model::{
    DecodeError, DecodeErrorKind, Timestamp, ValidationError,
    xml::{Decoder, MAX_LIST_ENTRIES},
};

use super::{Form, Member, Shape, Structure, Value};

/// Longest text that an error quotes, in bytes.
const QUOTED_BYTES_MAX: usize = 64;

/// Reads what is inside a structure, up to its end.
pub(crate) fn read_structure(
    decoder: &mut Decoder<'_>,
    shape: &'static Shape,
    name: &'static str,
) -> Result<Structure, DecodeError> {
    let members = shape.members();
    let mut values: Vec<Option<Value>> = members.iter().map(|_| None).collect();
    while let Some(child) = decoder.child()? {
        let Some(place) = members.iter().position(|member| member.name == child.name()) else {
            decoder.unknown(&child)?;
            continue;
        };
        let Member { name, shape, .. } = &members[place];
        if values[place].is_some() {
            return Err(decoder.error(DecodeErrorKind::DuplicateElement { name: (*name).to_owned() }));
        }
        values[place] = Some(read(decoder, shape, name).map_err(|error| within(error, name))?);
    }
    let mut places = members.iter().zip(&values);
    if let Some((missing, _)) = places.find(|(member, value)| member.required && value.is_none()) {
        return Err(decoder.error(DecodeErrorKind::MissingElement { name: missing.name }));
    }
    if matches!(shape, Shape::OneOf(_)) && values.iter().flatten().count() != 1 {
        let rule = "must have exactly one of its members";
        return Err(decoder.error(ValidationError::Rule { field: name, rule }.into()));
    }
    Ok(Structure::new(members, values))
}

fn read(decoder: &mut Decoder<'_>, shape: &'static Shape, name: &'static str) -> Result<Value, DecodeError> {
    match shape {
        Shape::Structure(_) | Shape::OneOf(_) => read_structure(decoder, shape, name).map(Value::Structure),
        Shape::List { entry, of, min, max } => {
            let mut entries = Vec::new();
            while let Some(child) = decoder.child()? {
                if child.name() != *entry {
                    decoder.unknown(&child)?;
                    continue;
                }
                full(decoder, name, entries.len(), *max)?;
                entries.push(read(decoder, of, name).map_err(|error| within(error, entry))?);
            }
            enough(decoder, name, entries.len(), *min)?;
            Ok(Value::List(entries))
        }
        Shape::Map { min, max, key, value } => {
            let mut pairs: Vec<(String, String)> = Vec::new();
            while let Some(child) = decoder.child()? {
                if child.name() != "entry" {
                    decoder.unknown(&child)?;
                    continue;
                }
                full(decoder, name, pairs.len(), *max)?;
                pairs.push(read_pair(decoder, name, key, value).map_err(|error| within(error, "entry"))?);
            }
            enough(decoder, name, pairs.len(), *min)?;
            // Pairs have no order, and the same ones in another order are the same request.
            pairs.sort_unstable();
            if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
                return Err(decoder.error(ValidationError::Rule { field: name, rule: "has a key twice" }.into()));
            }
            Ok(Value::Map(pairs))
        }
        _ => {
            let text = decoder.content()?;
            scalar(shape, name, &text).map_err(|error| decoder.error(error.into()))
        }
    }
}

fn read_pair(
    decoder: &mut Decoder<'_>,
    name: &'static str,
    key: &'static Shape,
    value: &'static Shape,
) -> Result<(String, String), DecodeError> {
    let mut pair = (None, None);
    while let Some(child) = decoder.child()? {
        let (place, shape) = match child.name() {
            "key" => (&mut pair.0, key),
            "value" => (&mut pair.1, value),
            _ => {
                decoder.unknown(&child)?;
                continue;
            }
        };
        if place.is_some() {
            return Err(decoder.error(DecodeErrorKind::DuplicateElement { name: child.name().to_owned() }));
        }
        let text = decoder.content()?;
        if let Shape::Text { min, max, form } = shape {
            check_text(name, *min, *max, *form, &text).map_err(|error| decoder.error(error.into()))?;
        }
        *place = Some(text.into_owned());
    }
    match pair {
        (Some(key), Some(value)) => Ok((key, value)),
        (None, _) => Err(decoder.error(DecodeErrorKind::MissingElement { name: "key" })),
        (_, None) => Err(decoder.error(DecodeErrorKind::MissingElement { name: "value" })),
    }
}

/// A value without members. White space around what is no text does not count.
fn scalar(shape: &Shape, field: &'static str, text: &str) -> Result<Value, ValidationError> {
    let trimmed = text.trim_ascii();
    match shape {
        Shape::Text { min, max, form } => {
            check_text(field, *min, *max, *form, text)?;
            Ok(Value::Text(text.to_owned()))
        }
        Shape::Number { min, max } => {
            let digits = trimmed.strip_prefix('-').unwrap_or(trimmed);
            let number = if digits.bytes().all(|b| b.is_ascii_digit()) { trimmed.parse::<i64>().ok() } else { None };
            number
                .filter(|number| (*min..=*max).contains(number))
                .map(Value::Number)
                .ok_or_else(|| ValidationError::Range { field, min: *min, max: *max, actual: shorten(trimmed) })
        }
        Shape::Flag => match trimmed {
            "true" => Ok(Value::Flag(true)),
            "false" => Ok(Value::Flag(false)),
            _ => Err(ValidationError::OneOf { field, allowed: &["true", "false"], actual: shorten(trimmed) }),
        },
        Shape::Time => {
            let moment: Result<Timestamp, ValidationError> = trimmed.parse();
            moment.map(Value::Time).map_err(|_| ValidationError::Format {
                field,
                rule: "a moment like 2026-01-02T03:04:05Z",
                actual: shorten(trimmed),
            })
        }
        Shape::Choice(allowed) => {
            let allowed = *allowed;
            if !allowed.contains(&trimmed) {
                return Err(ValidationError::OneOf { field, allowed, actual: shorten(trimmed) });
            }
            Ok(Value::Text(trimmed.to_owned()))
        }
        // Those have been read as what they are.
        Shape::List { .. } | Shape::Map { .. } | Shape::Structure(_) | Shape::OneOf(_) => {
            Err(ValidationError::Missing { field })
        }
    }
}

/// Holds a text against its limits.
pub(crate) fn check_text(
    field: &'static str,
    min: usize,
    max: usize,
    form: Form,
    text: &str,
) -> Result<(), ValidationError> {
    let characters = text.chars().count();
    if !(min..=max).contains(&characters) {
        if characters == 0 {
            return Err(ValidationError::Missing { field });
        }
        return Err(ValidationError::Format {
            field,
            rule: "as long as the field allows",
            actual: format!("{characters} characters where {min} to {max} are allowed"),
        });
    }
    if !form.matches(text) {
        return Err(ValidationError::Format { field, rule: form.rule(), actual: shorten(text) });
    }
    Ok(())
}

fn full(decoder: &Decoder<'_>, field: &'static str, entries: usize, max: usize) -> Result<(), DecodeError> {
    if entries < max {
        return Ok(());
    }
    Err(decoder.error(ValidationError::TooMany { field, max, actual: entries + 1 }.into()))
}

fn enough(decoder: &Decoder<'_>, field: &'static str, entries: usize, min: usize) -> Result<(), DecodeError> {
    if entries >= min {
        return Ok(());
    }
    Err(decoder.error(ValidationError::Missing { field }.into()))
}

fn within(mut error: DecodeError, element: &str) -> DecodeError {
    error.path = if error.path.is_empty() { element.to_owned() } else { format!("{element}/{}", error.path) };
    error
}

fn shorten(text: &str) -> String {
    text[..text.floor_char_boundary(QUOTED_BYTES_MAX)].to_owned()
}

/// Most entries of a list for which the service model says nothing.
pub(crate) const ENTRIES_MAX: usize = MAX_LIST_ENTRIES;
