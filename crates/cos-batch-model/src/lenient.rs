//! Values that a newer server may extend.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::validation::shorten;
use crate::{ValidationError, WireEnum};

/// A value of a closed list, or the text that stood in its place.
///
/// Requests are decoded strictly and never hold [`Lenient::Unknown`]; answers are decoded
/// leniently, so that a status or class which a newer server invents does not break a client.
///
/// ```
/// use cos_batch_model::{ActionOutput, JobStatus, UpdateJobStatusResult};
///
/// let body = "<UpdateJobStatusResult><JobId>j</JobId><Status>Hibernating</Status></UpdateJobStatusResult>";
/// let result = UpdateJobStatusResult::from_http(&http::Response::new(body.into()))?;
/// assert_eq!((result.status.as_str(), result.status.known()), ("Hibernating", None));
/// assert!(result.status.require("Status").is_err());
/// assert!(result.status != JobStatus::Ready);
/// # Ok::<(), cos_batch_model::ResponseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lenient<T> {
    /// A value of this version's list.
    Known(T),
    /// Anything else, kept as it came.
    Unknown(UnknownText),
}

/// Text in place of a known value. Only lenient decoding makes one, so what this crate's users
/// send is always from the known list.
///
/// The text sits behind a thin pointer, because enums that may carry it are everywhere and
/// almost never do.
///
/// Source: ours: COS extends its lists of values without notice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownText(Box<Inner>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Inner(String);

impl UnknownText {
    /// Most bytes of an unknown value. Known ones have at most 32; this leaves room.
    pub const MAX_BYTES: usize = 256;

    /// Keeps a text that decoding found; cut at [`Self::MAX_BYTES`], and free of what XML
    /// cannot carry, so that it can be written again.
    ///
    /// Source: ours, for words that another dialect has and this one has not.
    pub fn truncated(text: &str) -> Self {
        Self(Box::new(Inner(crate::scalar::cut_to(text, Self::MAX_BYTES))))
    }

    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl fmt::Debug for UnknownText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for UnknownText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for UnknownText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<T> Lenient<T> {
    /// The value if it is a known one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T: WireEnum> Lenient<T> {
    /// The known value.
    ///
    /// # Errors
    ///
    /// [`ValidationError::OneOf`] about `field` when it is unknown.
    pub fn require(&self, field: &'static str) -> Result<T, ValidationError> {
        match self {
            Self::Known(value) => Ok(*value),
            Self::Unknown(text) => {
                Err(ValidationError::OneOf { field, allowed: T::ALLOWED, actual: shorten(text.as_str()) })
            }
        }
    }

    /// The spelling on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(value) => value.wire_name(),
            Self::Unknown(text) => text.as_str(),
        }
    }
}

impl<T> From<T> for Lenient<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: WireEnum> PartialEq<T> for Lenient<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(value) if value == other)
    }
}

impl<T: WireEnum> fmt::Display for Lenient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<T: WireEnum> Serialize for Lenient<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
