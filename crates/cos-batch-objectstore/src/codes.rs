//! What the codes of COS, S3 and stores that speak as they do mean.

use crate::ErrorKind::{self, *};

/// Codes of error answers by name, each with the kind it means. A code that is not here goes by the answer's status.
///
/// Sources: the error pages of the COS Object API and of Amazon S3, and the sources of MinIO for its own.
pub const ERROR_CODES: &[(&str, ErrorKind)] = &[
    ("AccessDenied", AccessDenied),
    ("AccountProblem", AccessDenied),
    ("AllAccessDisabled", AccessDenied),
    // The body did not arrive as it was sent: what is wrong is the way, not the request.
    ("BadDigest", RequestTimeout),
    ("BandwidthLimitExceeded", SlowDown),
    ("BucketNotEmpty", BucketNotEmpty),
    ("ConditionalRequestConflict", PathConflict),
    ("EntitySizeNotMatch", RequestTimeout),
    ("EntityTooLarge", EntityTooLarge),
    ("EntityTooSmall", EntityTooSmall),
    ("ExpiredToken", AccessDenied),
    ("GlacierExpeditedRetrievalNotAvailable", ServiceUnavailable),
    ("IncompleteBody", RequestTimeout),
    ("InsufficientStorage", InsufficientStorage),
    ("InternalError", InternalError),
    ("InvalidAccessKeyId", AccessDenied),
    ("InvalidArgument", InvalidArgument),
    ("InvalidObjectName", InvalidObjectName),
    ("InvalidObjectState", InvalidObjectState),
    ("InvalidPart", InvalidPart),
    ("InvalidPartOrder", InvalidPartOrder),
    ("InvalidRange", InvalidRange),
    ("InvalidRequest", InvalidRequest),
    ("InvalidTag", InvalidTag),
    ("InvalidToken", AccessDenied),
    ("InvalidURI", InvalidObjectName),
    ("KMS.ThrottlingException", SlowDown),
    ("KeyTooLong", InvalidObjectName),
    ("KeyTooLongError", InvalidObjectName),
    ("KmsFreqControl", SlowDown),
    ("KmsInternalException", InternalError),
    ("NoFreeConnection", NoFreeConnection),
    ("NoSuchBucket", NoSuchBucket),
    ("NoSuchCopySource", NoSuchKey),
    ("NoSuchKey", NoSuchKey),
    ("NoSuchResource", NoSuchKey),
    ("NoSuchUpload", NoSuchUpload),
    ("NoSuchVersion", NoSuchVersion),
    ("NotImplemented", NotImplemented),
    ("ObjectLocked", AccessDenied),
    ("ObjectNotInActiveTierError", InvalidObjectState),
    ("OperationAborted", PathConflict),
    ("PathConflict", PathConflict),
    ("PreconditionFailed", PreconditionFailed),
    ("RequestLimitExceeded", SlowDown),
    ("RequestThrottled", SlowDown),
    ("RequestTimeTooSkewed", AccessDenied),
    ("RequestTimeout", RequestTimeout),
    ("RestoreAlreadyInProgress", RestoreAlreadyInProgress),
    ("RestoreNonArchiveObject", RestoreNonArchiveObject),
    ("ServerBusy", SlowDown),
    ("ServiceUnavailable", ServiceUnavailable),
    ("SignatureDoesNotMatch", AccessDenied),
    ("SlowDown", SlowDown),
    ("SlowDownRead", SlowDown),
    ("SlowDownWrite", SlowDown),
    ("Throttling", SlowDown),
    ("ThrottlingException", SlowDown),
    ("TooManyRequests", SlowDown),
    ("Unreachable", Unreachable),
    ("UploadConflict", PathConflict),
    ("UserNotSourceBucketOwner", AccessDenied),
    ("UserNotTargetBucketOwner", AccessDenied),
    ("XAmzContentSHA256Mismatch", RequestTimeout),
];

impl ErrorKind {
    /// The kind that a code of an error answer means; none for one that is not known.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        ERROR_CODES.binary_search_by(|(name, _)| (*name).cmp(code)).ok().map(|place| ERROR_CODES[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_the_order_of_their_bytes_so_that_they_are_found() {
        assert!(ERROR_CODES.windows(2).all(|two| two[0].0 < two[1].0));
        assert_eq!(ErrorKind::of_code("KmsFreqControl"), Some(SlowDown));
        assert_eq!(ErrorKind::of_code("Kms"), None);
    }

    #[test]
    fn the_code_of_a_kind_means_that_kind() {
        for (_, kind) in ERROR_CODES {
            assert_eq!(ErrorKind::of_code(kind.code()), Some(*kind));
        }
    }
}
