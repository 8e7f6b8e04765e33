//! Errors by direction and audience.
//!
//! * [`ValidationError`]: a value breaks a rule of its type.
//! * [`DecodeError`]: a document could not be read; says where and why.
//! * [`ApiError`]: what a failed call answers, and what travels on the wire, with its
//!   [`ErrorCode`].
//! * [`ResponseError`]: what a caller may get in place of an answer.

mod api_error;
mod body;
mod code;
mod decode;
mod validation;

pub use api_error::{ApiError, ResponseError};
pub use code::ErrorCode;
pub use decode::{DecodeError, DecodeErrorKind};
pub use validation::ValidationError;
pub(crate) use validation::shorten;
