//! A document that could not be read.

use crate::ValidationError;

/// Why a document could not be read, and where.
///
/// See [`from_slice`](crate::xml::from_slice) for an example. Source: ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Names of the elements around the fault from the root on, joined by `/`; empty when the
    /// fault lies outside the root.
    pub path: String,
    /// Byte offset in the document where reading stopped.
    pub offset: u64,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

/// What is wrong with a document.
///
/// Source: ours; what the API answers for each, [`ApiError`](crate::ApiError) says (COS Batch API, error responses).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// Not well-formed XML.
    #[error("not well-formed XML: {0}")]
    Syntax(String),
    /// Not UTF-8, or declared as something else.
    #[error("the document must be UTF-8")]
    Encoding,
    /// Has a document type declaration, which is never accepted: it is only good for attacks.
    #[error("a document type declaration is not accepted")]
    Doctype,
    /// More elements inside one another than any legal document has.
    #[error("elements are nested more than {max} deep")]
    TooDeep {
        /// Most levels allowed.
        max: usize,
    },
    /// More bytes than any legal document has.
    #[error("the document must be at most {max} bytes, not {actual} bytes")]
    DocumentTooLarge {
        /// Most bytes allowed.
        max: usize,
        /// Bytes given.
        actual: usize,
    },
    /// One text has more bytes than any field may have.
    #[error("the text is longer than {max} bytes")]
    TextTooLong {
        /// Most bytes allowed.
        max: usize,
    },
    /// One list has more entries than any list may have.
    #[error("the list {name} has more than {max} entries")]
    ListTooLong {
        /// Name of the list's element.
        name: &'static str,
        /// Most entries allowed.
        max: usize,
    },
    /// An element that does not belong here.
    #[error("unknown element {name}")]
    UnknownElement {
        /// Its name, shortened.
        name: String,
    },
    /// An element that may be given once is given again.
    #[error("element {name} is given more than once")]
    DuplicateElement {
        /// Its name.
        name: String,
    },
    /// A required element is not there.
    #[error("element {name} is missing")]
    MissingElement {
        /// Its name.
        name: &'static str,
    },
    /// Exactly one of several elements must be given.
    #[error("exactly one of {} must be given, not {actual}", allowed.join(", "))]
    ExactlyOne {
        /// The elements to choose from.
        allowed: &'static [&'static str],
        /// How many were found.
        actual: usize,
    },
    /// An attribute where none is defined.
    #[error("unknown attribute {name}")]
    UnknownAttribute {
        /// Its name, shortened.
        name: String,
    },
    /// More attributes on one element than any client needs.
    #[error("an element has more than {max} attributes")]
    TooManyAttributes {
        /// Most attributes allowed.
        max: usize,
    },
    /// A character that XML 1.0 does not have (§2.2), written plainly or as a reference.
    #[error("{found} is no character of XML 1.0")]
    IllegalCharacter {
        /// Its number, as in `U+0001`, or the reference as it was written, shortened.
        found: String,
    },
    /// A reference to an entity that XML does not define.
    #[error("unknown entity {name}")]
    UnknownEntity {
        /// Its name, shortened.
        name: String,
    },
    /// Text beside elements.
    #[error("text is not allowed beside elements")]
    UnexpectedText,
    /// An element inside a text.
    #[error("element {name} inside a text")]
    UnexpectedElement {
        /// Its name, shortened.
        name: String,
    },
    /// The document ends too early.
    #[error("the document ends too early")]
    UnexpectedEnd,
    /// Something follows the root element.
    #[error("something follows the root element")]
    TrailingData,
    /// The root element has another name.
    #[error("the root element must be {expected}, not {found}")]
    WrongRoot {
        /// The name expected.
        expected: &'static str,
        /// The name found, shortened.
        found: String,
    },
    /// A value breaks a rule of its field.
    #[error(transparent)]
    Value(#[from] ValidationError),
}

impl DecodeError {
    /// The same error, one element further out.
    pub(crate) fn within(mut self, element: &str) -> Self {
        self.path =
            if self.path.is_empty() { crate::validation::shorten(element) } else { format!("{element}/{}", self.path) };
        self
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} (at byte {})", self.kind, self.offset)
    }
}
