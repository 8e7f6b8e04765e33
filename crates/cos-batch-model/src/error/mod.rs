//! Errors by direction and audience.
//!
//! * [`ValidationError`](crate::ValidationError): a value breaks a rule of its type.
//! * [`DecodeError`]: a document could not be read; says where and why.
//! * [`ApiError`]: what a failed call answers, and what travels on the wire, with its
//!   [`ErrorCode`].
//! * [`ResponseError`]: what a caller may get in place of an answer.

mod api_error;
mod code;
mod decode;

pub use api_error::{ApiError, ResponseError};
pub use code::ErrorCode;
pub use decode::{DecodeError, DecodeErrorKind};
