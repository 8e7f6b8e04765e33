//! Verifying Signature Version 4: the other side of [`cos_signature::sigv4`], over the same canonical form.
//!
//! Pure: time and secret are arguments. A signature is for one service, any region (that of its scope), and a quarter of an
//! hour around its time, or as long as it says where it stands in the query.

mod error;
mod presented;
mod verify;

pub use self::{
    error::SignatureError,
    presented::{Payload, Presented},
    verify::{EXPIRES_SECONDS_MAX, SKEW_SECONDS_MAX, verify},
};

/// What signatures of this API are for.
pub const SERVICE: &str = "s3";
