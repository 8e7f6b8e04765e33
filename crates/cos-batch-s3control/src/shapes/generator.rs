//! `JobManifestGenerator`: a manifest that is made from a bucket.

use super::{
    common::{ACCOUNT, BUCKET_ARN, FLAG, STORAGE_CLASS, TEXT_512, TEXT_1024, TEXT_2000, TIME, list},
    operation::KMS_KEY_ARN,
};
use crate::shape::{Shape, may, must};

/// `JobManifestGenerator`, a union of one member.
pub const GENERATOR: Shape = Shape::OneOf(&[may("S3JobManifestGenerator", &S3_GENERATOR)]);

const S3_GENERATOR: Shape = Shape::Structure(&[
    may("ExpectedBucketOwner", &ACCOUNT),
    must("SourceBucket", &BUCKET_ARN),
    may("ManifestOutputLocation", &OUTPUT),
    may("Filter", &FILTER),
    must("EnableManifestOutput", &FLAG),
]);

const NOTHING: Shape = Shape::Structure(&[]);

const OUTPUT: Shape = Shape::Structure(&[
    may("ExpectedManifestBucketOwner", &ACCOUNT),
    must("Bucket", &BUCKET_ARN),
    may("ManifestPrefix", &TEXT_512),
    may(
        "ManifestEncryption",
        &Shape::Structure(&[may("SSE-S3", &NOTHING), may("SSE-KMS", &Shape::Structure(&[must("KeyId", &TEXT_2000)]))]),
    ),
    must("ManifestFormat", &Shape::Choice(&["S3InventoryReport_CSV_20211130"])),
]);

const FILTER: Shape = Shape::Structure(&[
    may("EligibleForReplication", &FLAG),
    may("CreatedAfter", &TIME),
    may("CreatedBefore", &TIME),
    may("ObjectReplicationStatuses", &list(&Shape::Choice(&["COMPLETED", "FAILED", "REPLICA", "NONE"]))),
    may("KeyNameConstraint", &KEY_NAMES),
    may("ObjectSizeGreaterThanBytes", &Shape::Number { min: i64::MIN, max: i64::MAX }),
    may("ObjectSizeLessThanBytes", &Shape::Number { min: i64::MIN, max: i64::MAX }),
    may("MatchAnyStorageClass", &list(&STORAGE_CLASS)),
    may("MatchAnyObjectEncryption", &Shape::List { entry: "ObjectEncryption", of: &ENCRYPTION, min: 1, max: 1 }),
]);

const KEY_NAMES: Shape = Shape::Structure(&[
    may("MatchAnyPrefix", &list(&TEXT_1024)),
    may("MatchAnySuffix", &list(&TEXT_1024)),
    may("MatchAnySubstring", &list(&TEXT_1024)),
]);

const ENCRYPTION: Shape = Shape::OneOf(&[
    may("SSE-S3", &NOTHING),
    may("SSE-KMS", &Shape::Structure(&[may("KmsKeyArn", &KMS_KEY_ARN), may("BucketKeyEnabled", &FLAG)])),
    may("DSSE-KMS", &Shape::Structure(&[may("KmsKeyArn", &KMS_KEY_ARN)])),
    may("SSE-C", &NOTHING),
    may("NOT-SSE", &NOTHING),
]);
