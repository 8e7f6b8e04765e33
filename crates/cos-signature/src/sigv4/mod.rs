//! Signature Version 4, as S3 and what speaks its dialect want it: signing over a canonical form that a verifier can
//! share.
//!
//! ```
//! use cos_signature::{Credentials, sigv4::{Payload, SigningKey, sign_with}};
//!
//! let credentials = Credentials::new("AKIDEXAMPLE", "exampleSecret");
//! let now = 1_700_000_000;
//! let key = SigningKey::derive(&credentials.secret_key, now, "us-east-1", "s3");
//! let mut request = http::Request::get("/photos/a.jpg").header("host", "127.0.0.1:9000").body(())?;
//! sign_with(&mut request, &credentials, &key, now, &Payload::Empty)?;
//! assert_eq!(request.headers()["x-amz-date"], "20231114T221320Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Of the variants of the scheme this is the one in the `Authorization` header with a symmetric key; the path is encoded
//! once and taken as it stands, as S3 does it. (Amazon S3 API Reference, *Authenticating Requests*.)

pub mod canonical;
mod key;
mod sign;
mod time;

pub use key::SigningKey;
pub use sign::{Payload, PayloadHash, authorization, sign_with};
pub use time::basic_time;

/// The scheme's name, first word of the `Authorization` header and first line of the StringToSign.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests*.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Header with the time of the signature.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests*.
pub const DATE: &str = "x-amz-date";

/// Header with the hash of the body, or the word that stands for it.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests*.
pub const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Header with the token of a temporary key.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests*.
pub const SECURITY_TOKEN: &str = "x-amz-security-token";

/// Stands for the hash of a body that is not signed.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests*.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
