//! Tencent COS `q-sign` request signatures: signing and verifying, over one canonical form. [`sigv4`] has what S3 asks for
//! instead.
//!
//! ```
//! use cos_signature::{Credentials, KeyTime, Presented, Strictness, sign, verify};
//! use std::time::Duration;
//!
//! let credentials = Credentials::new("AKIDEXAMPLE", "exampleSecret");
//! let now = 1_700_000_000;
//! let mut request = http::Request::get("/jobs?maxResults=2").header("host", "127.0.0.1:8080").body(())?;
//! sign(&mut request, &credentials, KeyTime::starting_at(now, Duration::from_secs(3600)))?;
//!
//! let (parts, ()) = request.into_parts();
//! let presented = Presented::from_parts(&parts)?;
//! assert_eq!(presented.secret_id, "AKIDEXAMPLE");
//! verify(&parts, &presented, Some(&credentials.secret_key), now + 60, Strictness::Strict)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Time, keys and everything random are arguments: the crate does no I/O and reads no clock. The method, the path, the
//! listed query parameters and the listed headers are signed; a body is bound by a signed `Content-MD5` that somebody
//! checks. There is no nonce, so that a request can be replayed while its window is open. Names of query parameters
//! are signed in lower case, so that a change of their case does not show.
//!
//! [`presign`] puts the signature into the address instead of a header.
//!
//! Where a signature does not match, compare [`canonical::http_string`] and [`canonical::string_to_sign`] of both
//! sides.

mod blocks;
pub mod canonical;
mod credentials;
mod error;
mod header_line;
mod header_name;
mod hex;
mod host;
mod key_time;
mod mac;
mod name_list;
mod percent;
mod presented;
mod presign;
mod sign;
mod signing_key;
pub mod sigv4;
mod unsigned;
mod verify;

pub use credentials::{Credentials, SECRET_ID_BYTES_MAX, SecretKey};
pub use error::{SignError, VerifyError};
pub use key_time::{KeyTime, KeyTimeError};
pub use name_list::NameList;
pub use presented::{PRESENTED_BYTES_MAX, Place, Presented};
pub use presign::presign;
pub use sign::{authorization, sign, sign_with};
pub use signing_key::SigningKey;
pub use unsigned::Unsigned;
pub use verify::{CLOCK_SKEW_SECONDS, Strictness, WINDOW_SECONDS_MAX, verify};

/// Name of the header, and of the query parameter, that carries the token of a temporary key.
///
/// Source: COS documentation, request signature.
pub const SECURITY_TOKEN: &str = "x-cos-security-token";
