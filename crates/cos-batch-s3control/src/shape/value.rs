//! Values that keep to their shapes.

use cos_batch_model::Timestamp;

use super::{Member, Shape};

/// A value of a shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text, or one of a closed list.
    Text(String),
    /// A number.
    Number(i64),
    /// A boolean.
    Flag(bool),
    /// A moment.
    Time(Timestamp),
    /// A list.
    List(Vec<Value>),
    /// Pairs, by key.
    Map(Vec<(String, String)>),
    /// Members.
    Structure(Structure),
}

/// Members of a structure, in the order of its shape.
#[derive(Clone, Debug)]
pub struct Structure {
    members: &'static [Member],
    values: Vec<Option<Value>>,
}

impl PartialEq for Structure {
    fn eq(&self, other: &Self) -> bool {
        let named = |structure: &Self| structure.members.iter().map(|member| member.name).collect::<Vec<_>>();
        self.values == other.values && named(self) == named(other)
    }
}

impl Structure {
    pub(super) fn new(members: &'static [Member], values: Vec<Option<Value>>) -> Self {
        Self { members, values }
    }

    /// Members that are there, in the order of the shape.
    pub fn members(&self) -> impl Iterator<Item = (&'static Member, &Value)> {
        self.members.iter().zip(&self.values).filter_map(|(member, value)| Some((member, value.as_ref()?)))
    }

    /// The member of this name, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(self.members.iter().any(|member| member.name == name), "no shape has {name} here");
        self.members().find(|(member, _)| member.name == name).map(|(_, value)| value)
    }

    /// A text that may be there.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean; false where it is not there.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Flag(true)))
    }

    /// A number that may be there.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A moment that may be there.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        match self.get(name)? {
            Value::Time(time) => Some(*time),
            _ => None,
        }
    }

    /// A structure that may be there.
    #[must_use]
    pub fn structure(&self, name: &str) -> Option<&Structure> {
        match self.get(name)? {
            Value::Structure(structure) => Some(structure),
            _ => None,
        }
    }

    /// A list that may be there.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&[Value]> {
        match self.get(name)? {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The structures of a list that may be there.
    pub fn structures(&self, name: &str) -> impl Iterator<Item = &Structure> {
        self.list(name).unwrap_or_default().iter().filter_map(|value| match value {
            Value::Structure(structure) => Some(structure),
            _ => None,
        })
    }

    /// The texts of a list that may be there.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.list(name).unwrap_or_default().iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The pairs of a map that may be there.
    #[must_use]
    pub fn pairs(&self, name: &str) -> &[(String, String)] {
        match self.get(name) {
            Some(Value::Map(pairs)) => pairs,
            _ => &[],
        }
    }

    /// The one member of a structure that has exactly one.
    #[must_use]
    pub fn only(&self) -> Option<(&'static str, &Value)> {
        self.members().next().map(|(member, value)| (member.name, value))
    }
}

impl Shape {
    /// The members of a structure.
    #[must_use]
    pub fn members(&self) -> &'static [Member] {
        match self {
            Self::Structure(members) | Self::OneOf(members) => members,
            _ => &[],
        }
    }
}
