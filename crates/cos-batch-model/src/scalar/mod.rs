//! Bounded texts and numbers. An invalid value cannot be built.
//!
//! Lengths are in bytes of UTF-8. Every text refuses what XML 1.0 cannot carry, because every
//! one of them may have to travel in an XML body.

mod arn;
pub(crate) mod digits;
mod held;
mod number;
mod rules;
mod text;
mod timestamp;

pub use arn::{BucketArn, ObjectArn, bucket_appid};
pub(crate) use number::whole_number;
pub use number::{Days, MaxResults, Priority};
pub(crate) use rules::{TextScalar, cut_to, first_not_xml, for_each_found, suspects};
pub use text::{
    AppId, ClientRequestToken, Description, DisplayName, ETag, FailureCode, FailureReason, GranteeId, HeaderText,
    JobId, KeyPrefix, MetadataKey, MetadataValue, NextToken, ObjectVersionId, ReportPrefix, RoleArn,
    StatusUpdateReason, SuspendedCause, TagKey, TagValue, Uin,
};
pub use timestamp::Timestamp;
