//! `JobReport`: what is reported where.

use super::common::{ACCOUNT, BUCKET_ARN, FLAG, TEXT_512};
use crate::shape::{Shape, may, must};

/// Reports of all tasks.
pub(crate) const ALL_TASKS: &str = "AllTasks";
/// Reports of failed tasks.
pub(crate) const FAILED_TASKS: &str = "FailedTasksOnly";

/// `JobReport`.
pub const REPORT: Shape = Shape::Structure(&[
    may("Bucket", &BUCKET_ARN),
    may("Format", &Shape::Choice(&["Report_CSV_20180820"])),
    must("Enabled", &FLAG),
    may("Prefix", &TEXT_512),
    may("ReportScope", &Shape::Choice(&[ALL_TASKS, FAILED_TASKS])),
    may("ExpectedBucketOwner", &ACCOUNT),
]);
