//! XML of the object API: small documents, written and read whole.

mod read;
mod write;

pub(crate) use read::{Node, read};
pub(crate) use write::{DECLARATION, Document};
