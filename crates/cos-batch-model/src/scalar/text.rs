//! The bounded texts of the protocol.

use super::held::Held;
use super::rules::{cut_to, text_scalar};

text_scalar! {
    /// Id of a job: 1–64 bytes (COS Batch API, CreateJob). The page on UpdateJobStatus alone
    /// says 5–36. It is one segment of a path, so it may only have visible ASCII characters
    /// except `/ ? # % &`.
    JobId, "JobId", 1..=64, Segment
}

text_scalar! {
    /// Caller's token against making the same job twice: 1–64 bytes, a UUID is advised (COS
    /// Batch API, CreateJob).
    ClientRequestToken, "ClientRequestToken", 1..=64, Xml
}

text_scalar! {
    /// APPID of an account: 1–64 bytes (COS Batch API, header `x-cos-appid`). It is a header
    /// value and the end of bucket names, so it may only have ASCII letters, digits, `-`, `_`.
    AppId, "x-cos-appid", 1..=64, Name
}

text_scalar! {
    /// A person's words about a job: 1–256 bytes (COS Batch API, DescribeJob); an empty element
    /// counts as none.
    Description, "Description", 1..=256, Xml
}

text_scalar! {
    /// Role under which the job's objects are touched: 1–1024 bytes (COS Batch API,
    /// DescribeJob), usually `qcs::cam::uin/<uin>:roleName/<name>`.
    RoleArn, "RoleArn", 1..=1024, Xml
}

text_scalar! {
    /// ETag of the manifest object: 1–1024 bytes (COS Batch API, common elements). Clients send
    /// it with or without double quotes around it; it is echoed as sent.
    ETag, "ETag", 1..=1024, Xml
}

text_scalar! {
    /// Version of the manifest object: 1–1024 bytes (COS Batch API, common elements).
    ObjectVersionId, "ObjectVersionId", 1..=1024, Xml
}

text_scalar! {
    /// Why a job's status last changed: 0–256 bytes (COS Batch API, UpdateJobStatus).
    StatusUpdateReason, "StatusUpdateReason", 0..=256, Xml
}

text_scalar! {
    /// Why a job waits: 0–1024 bytes (COS Batch API, DescribeJob).
    SuspendedCause, "SuspendedCause", 0..=1024, Xml
}

text_scalar! {
    /// Code of a job's failure: 0–64 bytes (COS Batch API, DescribeJob).
    FailureCode, "FailureCode", 0..=64, Xml
}

text_scalar! {
    /// Reason of a job's failure: 0–256 bytes (COS Batch API, DescribeJob).
    FailureReason, "FailureReason", 0..=256, Xml
}

text_scalar! {
    /// Where in the report's bucket the report goes: 0–256 bytes (COS Batch API, common
    /// elements).
    ReportPrefix, "Prefix", 0..=256, Xml
}

text_scalar! {
    /// Beginning of object keys, to be replaced or to replace: 0–1024 bytes (COS Batch API,
    /// common elements).
    KeyPrefix, "prefix", 0..=1024, Xml
}

text_scalar! {
    /// Where the next page of a list begins: 1–64 bytes (COS Batch API, ListJobs); the last
    /// JobId of the page before, so the same characters.
    NextToken, "NextToken", 1..=64, Segment
}

text_scalar! {
    /// UIN of an account: 1–64 bytes. It is part of the endpoint's host name, so it may only
    /// have ASCII letters, digits, `-`, `_`; digits alone are usual but not enforced.
    Uin, "UIN", 1..=64, Name
}

text_scalar! {
    /// Key of an object tag: 1–128 bytes (COS, PUT Object tagging).
    TagKey, "Key of COSTag", 1..=128, Xml
}

text_scalar! {
    /// Value of an object tag: 0–256 bytes (COS, PUT Object tagging).
    TagValue, "Value of COSTag", 0..=256, Xml
}

text_scalar! {
    /// Name of one user metadata header without its `x-cos-meta-`: 1–128 bytes, the characters
    /// of an HTTP token. The number is ours; COS bounds only all metadata together.
    MetadataKey, "Key of UserMetadata", 1..=128, Token
}

text_scalar! {
    /// Value of one user metadata header: 0–2048 bytes, the bound of all metadata together.
    MetadataValue, "Value of UserMetadata", 0..=2048, Header
}

text_scalar! {
    /// Value of a standard header to be stored with an object: 0–1024 bytes. The number is
    /// ours, taken from the protocol's other long texts.
    HeaderText, "header value", 0..=1024, Header
}

text_scalar! {
    /// Who is granted a permission, `qcs::cam::uin/<main uin>:uin/<sub uin>`: 1–256 bytes. The
    /// number is ours; real ones have about 60.
    GranteeId, "Identifier", 1..=256, Xml
}

text_scalar! {
    /// Name of who is granted a permission: 0–256 bytes. The number is ours.
    DisplayName, "DisplayName", 0..=256, Xml
}

impl ETag {
    /// The tag without one pair of double quotes around it, for comparing.
    pub fn unquoted(&self) -> &str {
        let text = self.as_str();
        text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
    }
}

/// For texts that a server writes itself: always succeeds, where `new` would refuse.
macro_rules! truncate {
    ($($name:ident),+) => {
        $(impl $name {
            /// The text cut between characters to the field's length, with U+FFFD in place of
            /// characters that XML cannot carry.
            #[must_use]
            pub fn truncate(text: &str) -> Self {
                Self(Held::new(cut_to(text, Self::MAX_BYTES)))
            }
        })+
    };
}

truncate!(StatusUpdateReason, SuspendedCause, FailureCode, FailureReason);
