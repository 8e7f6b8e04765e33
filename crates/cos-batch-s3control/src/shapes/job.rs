//! Requests with a body.

use super::{
    common::{FLAG, PRIORITY, ROLE_ARN, TAGS, TEXT_64, TEXT_256},
    generator::GENERATOR,
    manifest::MANIFEST,
    operation::OPERATION,
    report::REPORT,
};
use crate::shape::{Shape, may, must};

/// `CreateJobRequest`, without the account, which is a header.
pub const CREATE_JOB: Shape = Shape::Structure(&[
    may("ConfirmationRequired", &FLAG),
    must("Operation", &OPERATION),
    must("Report", &REPORT),
    must("ClientRequestToken", &TEXT_64),
    may("Manifest", &MANIFEST),
    may("Description", &TEXT_256),
    must("Priority", &PRIORITY),
    must("RoleArn", &ROLE_ARN),
    may("Tags", &TAGS),
    may("ManifestGenerator", &GENERATOR),
]);

/// `PutJobTaggingRequest`, without the account and the id, which are elsewhere.
pub const PUT_JOB_TAGGING: Shape = Shape::Structure(&[must("Tags", &TAGS)]);
