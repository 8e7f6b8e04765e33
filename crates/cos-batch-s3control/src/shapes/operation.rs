//! `JobOperation`: what is done to each object.

use super::common::{
    EVENT_HOLD, FLAG, HOLD_DURATION, LEGAL_HOLD, LOCK_MODE, STORAGE_CLASS, TAGS, TEXT_64, TEXT_1024, TEXT_2000,
    TEXT_2048, TEXT_TO_1024, TIME, list,
};
use crate::shape::{Form, Shape, may, must};

/// `JobOperation`. The model does not say that it is a union; the user guide does.
pub const OPERATION: Shape = Shape::OneOf(&[
    may("LambdaInvoke", &LAMBDA_INVOKE),
    may("S3PutObjectCopy", &COPY),
    may("S3PutObjectAcl", &PUT_ACL),
    may("S3PutObjectTagging", &PUT_TAGGING),
    may("S3DeleteObjectTagging", &NOTHING),
    may("S3InitiateRestoreObject", &RESTORE),
    may("S3PutObjectLegalHold", &PUT_LEGAL_HOLD),
    may("S3PutObjectRetention", &PUT_RETENTION),
    may("S3ReplicateObject", &NOTHING),
    may("S3ComputeObjectChecksum", &COMPUTE_CHECKSUM),
    may("S3UpdateObjectEncryption", &UPDATE_ENCRYPTION),
]);

const NOTHING: Shape = Shape::Structure(&[]);

/// `LambdaInvokeOperation`.
const LAMBDA_INVOKE: Shape = Shape::Structure(&[
    may("FunctionArn", &Shape::Text { min: 1, max: 1024, form: Form::FunctionArn }),
    may("InvocationSchemaVersion", &TEXT_64),
    may("UserArguments", &Shape::Map { min: 1, max: 10, key: &TEXT_64, value: &TEXT_TO_1024 }),
]);

/// `S3CopyObjectOperation`.
const COPY: Shape = Shape::Structure(&[
    may("TargetResource", &Shape::Text { min: 1, max: 128, form: Form::S3OrExpressArn }),
    may("CannedAccessControlList", &CANNED_ACL),
    may("AccessControlGrants", &GRANTS),
    may("MetadataDirective", &Shape::Choice(&["COPY", "REPLACE"])),
    may("AnnotationDirective", &Shape::Choice(&["COPY", "EXCLUDE"])),
    may("ModifiedSinceConstraint", &TIME),
    may("NewObjectMetadata", &METADATA),
    may("NewObjectTagging", &TAGS),
    may("RedirectLocation", &TEXT_2048),
    may("RequesterPays", &FLAG),
    may("StorageClass", &STORAGE_CLASS),
    may("UnModifiedSinceConstraint", &TIME),
    may("SSEAwsKmsKeyId", &TEXT_2000),
    may("TargetKeyPrefix", &TEXT_1024),
    may("ObjectLockLegalHoldStatus", &LEGAL_HOLD),
    may("ObjectLockMode", &LOCK_MODE),
    may("ObjectLockRetainUntilDate", &TIME),
    may("BucketKeyEnabled", &FLAG),
    may(
        "ChecksumAlgorithm",
        &Shape::Choice(&[
            "CRC32",
            "CRC32C",
            "SHA1",
            "SHA256",
            "CRC64NVME",
            "SHA512",
            "MD5",
            "XXHASH64",
            "XXHASH3",
            "XXHASH128",
        ]),
    ),
    may("ObjectLockEventHold", &EVENT_HOLD),
    may("ObjectLockEventHoldDuration", &HOLD_DURATION),
]);

/// `S3CannedAccessControlList`.
const CANNED_ACL: Shape = Shape::Choice(&[
    "private",
    "public-read",
    "public-read-write",
    "aws-exec-read",
    "authenticated-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]);

/// `S3GrantList`.
const GRANTS: Shape = list(&GRANT);
const GRANT: Shape = Shape::Structure(&[
    may("Grantee", &GRANTEE),
    may("Permission", &Shape::Choice(&["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"])),
]);
const GRANTEE: Shape = Shape::Structure(&[
    may("TypeIdentifier", &Shape::Choice(&["id", "emailAddress", "uri"])),
    may("Identifier", &TEXT_1024),
    may("DisplayName", &TEXT_1024),
]);

/// `S3ObjectMetadata`.
const METADATA: Shape = Shape::Structure(&[
    may("CacheControl", &TEXT_1024),
    may("ContentDisposition", &TEXT_1024),
    may("ContentEncoding", &TEXT_1024),
    may("ContentLanguage", &TEXT_1024),
    may("UserMetadata", &Shape::Map { min: 0, max: 8192, key: &TEXT_1024, value: &TEXT_TO_1024 }),
    may("ContentLength", &Shape::Number { min: 0, max: i64::MAX }),
    may("ContentMD5", &TEXT_1024),
    may("ContentType", &TEXT_1024),
    may("HttpExpiresDate", &TIME),
    may("RequesterCharged", &FLAG),
    may("SSEAlgorithm", &Shape::Choice(&["AES256", "KMS"])),
]);

/// `S3SetObjectAclOperation`.
const PUT_ACL: Shape = Shape::Structure(&[may(
    "AccessControlPolicy",
    &Shape::Structure(&[
        may(
            "AccessControlList",
            &Shape::Structure(&[
                must("Owner", &Shape::Structure(&[may("ID", &TEXT_1024), may("DisplayName", &TEXT_1024)])),
                may("Grants", &GRANTS),
            ]),
        ),
        may("CannedAccessControlList", &CANNED_ACL),
    ]),
)]);

/// `S3SetObjectTaggingOperation`.
const PUT_TAGGING: Shape = Shape::Structure(&[may("TagSet", &TAGS)]);

/// `S3InitiateRestoreObjectOperation`.
const RESTORE: Shape = Shape::Structure(&[
    may("ExpirationInDays", &Shape::Number { min: 0, max: i32::MAX as i64 }),
    may("GlacierJobTier", &Shape::Choice(&["BULK", "STANDARD"])),
]);

/// `S3SetObjectLegalHoldOperation`.
const PUT_LEGAL_HOLD: Shape = Shape::Structure(&[must("LegalHold", &Shape::Structure(&[must("Status", &LEGAL_HOLD)]))]);

/// `S3SetObjectRetentionOperation`.
const PUT_RETENTION: Shape = Shape::Structure(&[
    may("BypassGovernanceRetention", &FLAG),
    must(
        "Retention",
        &Shape::Structure(&[
            may("RetainUntilDate", &TIME),
            may("Mode", &LOCK_MODE),
            may("EventHold", &EVENT_HOLD),
            may("EventHoldDuration", &HOLD_DURATION),
        ]),
    ),
]);

/// `S3ComputeObjectChecksumOperation`.
const COMPUTE_CHECKSUM: Shape = Shape::Structure(&[
    may(
        "ChecksumAlgorithm",
        &Shape::Choice(&[
            "CRC32",
            "CRC32C",
            "CRC64NVME",
            "MD5",
            "SHA1",
            "SHA256",
            "SHA512",
            "XXHASH64",
            "XXHASH3",
            "XXHASH128",
        ]),
    ),
    may("ChecksumType", &Shape::Choice(&["FULL_OBJECT", "COMPOSITE"])),
]);

/// `NonEmptyKmsKeyArnString`.
pub(super) const KMS_KEY_ARN: Shape = Shape::Text { min: 20, max: 2048, form: Form::KmsKeyArn };

/// `S3UpdateObjectEncryptionOperation`.
const UPDATE_ENCRYPTION: Shape = Shape::Structure(&[may(
    "ObjectEncryption",
    &Shape::Structure(&[may(
        "SSE-KMS",
        &Shape::Structure(&[must("KMSKeyArn", &KMS_KEY_ARN), may("BucketKeyEnabled", &FLAG)]),
    )]),
)]);
