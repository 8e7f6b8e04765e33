//! The XML codec: a small pair of traits over a pull reader and a string.
//!
//! * Decoding borrows from the document and copies a text only once it has passed its field's
//!   check. Errors say which element and which byte; the path is put together only when there
//!   is an error to report.
//! * Encoding writes the documented order of children without white space into a page that the
//!   thread keeps, and copies the document from there; the bytes are stable. What is written can be read, and written again to the same bytes.
//! * This module alone knows the XML library.
//!
//! Children may come in any order. An empty optional element counts as absent. White space
//! around enum values, booleans, numbers and times does not count; other texts are kept as they
//! are, save that line ends are read as XML 1.0 §2.11 says. Comments and processing
//! instructions are skipped. A namespace declared on the root is ignored.

mod children;
mod decode;
mod encode;
mod page;
mod reader;
mod short;
mod slot;

use bytes::Bytes;

pub use decode::{Decoder, Element};
pub use encode::Encoder;
pub(crate) use encode::{Tags, tags};
pub use slot::Slot;

use crate::{DecodeError, DecodeErrorKind};

/// Most bytes of a document. The largest legal one is a page of 1,000 jobs with every
/// description at its limit and every byte of it written as a reference: under 3 MiB.
///
/// Source: ours.
pub const MAX_DOCUMENT_BYTES: usize = 4 * 1024 * 1024;

/// Most bytes of a request's body. The largest legal CreateJobRequest, with 100 grants and
/// every byte of text written as a reference, stays under 600 KiB.
///
/// Source: ours.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Most elements inside one another, the root included. Legal documents reach 8.
///
/// Source: ours.
pub const MAX_DEPTH: usize = 16;

/// Most attributes of one element. The protocol has none, and clients that declare namespaces on the root declare two
/// or three; looking for the same name twice takes the square of their number.
///
/// Source: ours.
pub const MAX_ATTRIBUTES: usize = 16;

/// Most entries of one list: a page of jobs. Shorter lists have their own limit, which
/// [`CreateJobRequest::validate`](crate::CreateJobRequest::validate) checks.
///
/// Source: COS Batch API, ListJobs: maxResults.
pub const MAX_LIST_ENTRIES: usize = 1000;

/// Most bytes of one text. Far above every field, so that the field's own rule answers first.
///
/// Source: ours.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The first line of answers, as the protocol's samples have it. Requests go without.
///
/// Source: COS Batch API, the samples.
pub const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// How to read what this version does not know.
///
/// ```
/// use cos_batch_model::{CreateJobResult, xml};
///
/// let newer = b"<CreateJobResult><JobId>j</JobId><Shard>3</Shard></CreateJobResult>";
/// assert!(xml::from_slice::<CreateJobResult>(newer, xml::Mode::Strict).is_err());
/// assert_eq!(xml::from_slice::<CreateJobResult>(newer, xml::Mode::Lenient)?.job_id.as_str(), "j");
/// # Ok::<(), cos_batch_model::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Refuse it: for requests. An unknown element, an unknown value, a repeated element and
    /// text beside elements are errors.
    Strict,
    /// Live with it: for answers, so that a newer server does not break a client. Unknown
    /// elements and attributes are skipped, unknown values kept as
    /// [`Lenient::Unknown`](crate::Lenient::Unknown), of a repeated element the first counts.
    Lenient,
}

/// A type with an XML form.
///
/// ```
/// use cos_batch_model::{CreateJobRequest, xml::XmlElement};
///
/// assert_eq!(CreateJobRequest::ELEMENT, "CreateJobRequest");
/// ```
pub trait XmlElement {
    /// The element's name where it is a document of its own.
    const ELEMENT: &'static str;
}

/// A type that can be written as XML.
///
/// ```
/// use cos_batch_model::xml::{Encoder, ToXml, XmlElement};
///
/// struct Note(String);
///
/// impl XmlElement for Note {
///     const ELEMENT: &'static str = "Note";
/// }
///
/// impl ToXml for Note {
///     fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
///         encoder.text("Text", &self.0).element("Size", |encoder| encoder.plain("Bytes", self.0.len()))
///     }
/// }
///
/// assert_eq!(Note("a<b".into()).to_xml(), "<Note><Text>a&lt;b</Text><Size><Bytes>3</Bytes></Size></Note>");
/// ```
pub trait ToXml: XmlElement {
    /// Writes what is inside the element, in the documented order.
    ///
    /// It may be called more than once for one document, and has to write the same each time.
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a>;

    /// The element as a document, without a declaration: [`to_bytes`] as a text, which takes a check more.
    fn to_xml(&self) -> String {
        // An encoder takes texts alone.
        String::from_utf8(document("", self)).unwrap_or_default()
    }
}

/// A type that can be read from XML.
///
/// ```
/// use cos_batch_model::{
///     DecodeError,
///     xml::{self, Decoder, FromXml, Mode, XmlElement},
/// };
///
/// /// Whether it was seen.
/// struct Note(bool);
///
/// impl XmlElement for Note {
///     const ELEMENT: &'static str = "Note";
/// }
///
/// impl FromXml for Note {
///     fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
///         let mut seen = false;
///         while let Some(child) = decoder.child()? {
///             match child.name() {
///                 "Seen" => {
///                     decoder.skip()?;
///                     seen = true;
///                 }
///                 _ => decoder.unknown(&child)?,
///             }
///         }
///         Ok(Self(seen))
///     }
/// }
///
/// assert!(xml::from_slice::<Note>(b"<Note><Seen/></Note>", Mode::Strict)?.0);
/// assert!(xml::from_slice::<Note>(b"<Note><Other/></Note>", Mode::Strict).is_err());
/// # Ok::<(), DecodeError>(())
/// ```
pub trait FromXml: XmlElement + Sized {
    /// Reads what is inside the element, up to and including its end.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], with the path from this element on.
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

fn document<T: ToXml + ?Sized>(declaration: &str, value: &T) -> Vec<u8> {
    page::written(|encoder| encoder.raw(declaration).element(T::ELEMENT, |encoder| value.write(encoder)))
}

/// Writes a document without a declaration, as requests have it.
///
/// See [`from_slice`] for an example. Source: COS Batch API, the samples of requests.
pub fn to_bytes<T: ToXml + ?Sized>(value: &T) -> Bytes {
    Bytes::from(document("", value))
}

/// Writes a document that begins with [`DECLARATION`], as answers have it.
///
/// ```
/// use cos_batch_model::{ListJobsResult, xml};
///
/// let page = xml::to_bytes_declared(&ListJobsResult::default());
/// assert_eq!(page, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListJobsResult><Jobs></Jobs></ListJobsResult>");
/// ```
pub fn to_bytes_declared<T: ToXml + ?Sized>(value: &T) -> Bytes {
    Bytes::from(document(DECLARATION, value))
}

/// Reads a document of at most [`MAX_DOCUMENT_BYTES`].
///
/// ```
/// use cos_batch_model::{CreateJobResult, xml};
///
/// let document = b"<CreateJobResult><JobId>job-1</JobId></CreateJobResult>";
/// let result: CreateJobResult = xml::from_slice(document, xml::Mode::Strict)?;
/// assert_eq!(xml::to_bytes(&result), &document[..]);
///
/// let error = xml::from_slice::<CreateJobResult>(b"<CreateJobResult/>", xml::Mode::Lenient).unwrap_err();
/// assert_eq!(error.path, "CreateJobResult");
/// assert_eq!(error.kind.to_string(), "element JobId is missing");
/// # Ok::<(), cos_batch_model::DecodeError>(())
/// ```
///
/// # Errors
///
/// [`DecodeError`]: says which element, which byte and which rule.
pub fn from_slice<T: FromXml>(document: &[u8], mode: Mode) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(document, mode)?;
    let root = decoder.root()?;
    if root.name() != T::ELEMENT {
        return Err(decoder.error(DecodeErrorKind::WrongRoot {
            expected: T::ELEMENT,
            found: crate::validation::shorten(root.name()),
        }));
    }
    let value = T::read(&mut decoder).map_err(|error| error.within(T::ELEMENT))?;
    decoder.finish()?;
    Ok(value)
}
