//! Why a signature is not accepted.

/// Why a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The request is not signed.
    #[error("the request is not signed: sign it with Signature Version 4")]
    NotSigned,
    /// It is signed in the header and in the query.
    #[error("the request is signed twice: in the header Authorization and in the query")]
    Twice,
    /// A part of the signature cannot be read.
    #[error("{what}: {rule}")]
    Malformed {
        /// Which part.
        what: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A header must be signed, and is not.
    #[error("the header {0} must be signed")]
    HeaderNotSigned(String),
    /// A header is signed, and is not there.
    #[error("the header {0} is signed, but the request does not have it")]
    HeaderMissing(String),
    /// The time is too far from the server's.
    #[error("the request was signed {seconds} s {direction} the server's time, more than {most} s")]
    Skewed {
        /// How far.
        seconds: u64,
        /// `before` or `after`.
        direction: &'static str,
        /// How far it may be.
        most: u64,
    },
    /// The signature in the query has expired.
    #[error("the signature expired {seconds} s ago")]
    Expired {
        /// How long ago.
        seconds: u64,
    },
    /// There is no such key, or the signature is not the one that it makes.
    #[error("the signature is not the one that the server computes")]
    Mismatch,
    /// There is no such key.
    #[error("there is no key with this id, or it has no account id")]
    UnknownKey,
}

impl SignatureError {
    /// The code that S3 has for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSigned | Self::HeaderNotSigned(_) | Self::HeaderMissing(_) | Self::Expired { .. } => {
                "AccessDenied"
            }
            Self::Twice | Self::Malformed { .. } => "AuthorizationHeaderMalformed",
            Self::Skewed { .. } => "RequestTimeTooSkewed",
            Self::Mismatch => "SignatureDoesNotMatch",
            Self::UnknownKey => "InvalidAccessKeyId",
        }
    }
}
