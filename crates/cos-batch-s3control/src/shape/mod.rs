//! What a message may hold: the shapes of the API, and values that keep to them.
//!
//! S3 Control is published as a service model: a list of shapes, each with its limits. They stand here as tables
//! ([`shapes`](crate::shapes)) and are read by one reader, so that a table can be compared with the published model, and no
//! limit is in code that could forget it. A [`Structure`] comes out of the reader alone: it keeps to its shape.

mod form;
mod read;
mod value;
mod write;

pub use self::{
    form::{Form, function_name},
    value::{Structure, Value},
};
pub(crate) use self::{
    read::{ENTRIES_MAX, check_text, read_structure},
    write::{write_member, write_members},
};

/// What a value may be.
///
/// Source: S3 Control, service model of 2018-08-20.
#[derive(Debug)]
pub enum Shape {
    /// A text. Lengths are in characters.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// What it must look like.
        form: Form,
    },
    /// A whole number.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `true` or `false`.
    Flag,
    /// A moment, in the form of RFC 3339.
    Time,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Any number of values.
    List {
        /// Name of each entry's element.
        entry: &'static str,
        /// What each entry is.
        of: &'static Shape,
        /// Fewest entries.
        min: usize,
        /// Most entries.
        max: usize,
    },
    /// Pairs of texts, each key once.
    Map {
        /// Fewest pairs.
        min: usize,
        /// Most pairs.
        max: usize,
        /// What a key is.
        key: &'static Shape,
        /// What a value is.
        value: &'static Shape,
    },
    /// Named members.
    Structure(&'static [Member]),
    /// Named members, of which there is exactly one.
    OneOf(&'static [Member]),
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its element's name.
    pub name: &'static str,
    /// What it is.
    pub shape: &'static Shape,
    /// Whether it must be there.
    pub required: bool,
}

/// A member that may be left out.
pub(crate) const fn may(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: false }
}

/// A member that must be there.
pub(crate) const fn must(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: true }
}

/// A text of any form.
pub(crate) const fn text(min: usize, max: usize) -> Shape {
    Shape::Text { min, max, form: Form::Any }
}
