//! The COS Batch Operations protocol as validated Rust types, with their XML and HTTP forms.
//!
//! This crate knows what travels over the wire and nothing else: it does no I/O, reads no
//! clock, draws no random numbers and spawns nothing. Clients, servers and engines meet here.
//!
//! | look in | for |
//! |---|---|
//! | [`scalar`] | bounded texts and numbers: an invalid value cannot be built |
//! | [`status`] | [`JobStatus`] and the one table of legal status changes |
//! | [`manifest`], [`operation`], [`report`], [`job`] | what a job consists of |
//! | [`action`] | one module for each API action, with its HTTP form both ways |
//! | [`api`] | [`BatchApi`]: the seam between who asks and who answers |
//! | [`xml`] | the codec: strict for requests, lenient for answers |
//! | [`validation`] | why a value is refused |
//! | [`error`] | the other error types and the table of wire error codes |
//!
//! Fields are public, because the rule lives in each field's type. What a single field's type
//! cannot know (a rule between two fields) is checked by [`CreateJobRequest::validate`].
//!
//! ```
//! use cos_batch_model::{Action, AppId, JobId, Priority, UpdateJobPriorityRequest};
//!
//! # fn main() -> Result<(), cos_batch_model::ValidationError> {
//! let request = UpdateJobPriorityRequest {
//!     job_id: JobId::new("53dc6228-c50b-46f7-8ad7-65e7159f1aae")?,
//!     priority: Priority::new(10)?,
//! };
//! let message = request.to_http(&AppId::new("1250000000")?);
//! assert_eq!(message.uri(), "/jobs/53dc6228-c50b-46f7-8ad7-65e7159f1aae/priority?priority=10");
//!
//! let error = Priority::new(2_147_483_648).unwrap_err();
//! assert_eq!(error.to_string(), "Priority must be a whole number in 0–2147483647, not `2147483648`");
//! # Ok(())
//! # }
//! ```

pub mod action;
pub mod api;
pub mod error;
pub mod job;
pub mod lenient;
pub mod manifest;
pub mod operation;
pub mod report;
pub mod scalar;
pub mod status;
pub mod validation;
pub mod wire_enum;
pub mod xml;

pub use action::{
    Action, ActionName, ActionOutput, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ListJobsRequest, ListJobsResult, UpdateJobPriorityRequest,
    UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};
pub use api::{BatchApi, BoxFuture, RequestContext};
pub use error::{ApiError, DecodeError, DecodeErrorKind, ErrorCode, ResponseError};
pub use job::{Job, JobFailure, JobListMember, ProgressSummary};
pub use lenient::{Lenient, UnknownText};
pub use manifest::{Manifest, ManifestField, ManifestFormat, ManifestLocation, ManifestSpec};
pub use operation::{
    CannedAcl, Directive, Grant, Grantee, GranteeType, InitiateRestoreObject, JobTier, NewObjectMetadata, Operation,
    OperationKind, Permission, PutObjectCopy, PutObjectTagging, SseAlgorithm, StorageClass, Tag, UserMetadata,
};
pub use report::{Report, ReportFormat, ReportScope};
pub use scalar::{
    AppId, BucketArn, ClientRequestToken, Days, Description, DisplayName, ETag, FailureCode, FailureReason, GranteeId,
    HeaderText, JobId, KeyPrefix, MaxResults, MetadataKey, MetadataValue, NextToken, ObjectArn, ObjectVersionId,
    Priority, ReportPrefix, RoleArn, StatusUpdateReason, SuspendedCause, TagKey, TagValue, Timestamp, Uin,
    bucket_appid,
};
pub use status::{JobStatus, RequestedJobStatus, TRANSITIONS};
pub use validation::ValidationError;
pub use wire_enum::WireEnum;
