//! Shapes that several others use.

use crate::shape::{ENTRIES_MAX, Form, Member, Shape, may, must, text};

pub(crate) const FLAG: Shape = Shape::Flag;
pub(crate) const TIME: Shape = Shape::Time;
pub(crate) const TEXT_64: Shape = text(1, 64);
pub(crate) const TEXT_256: Shape = text(1, 256);
pub(crate) const TEXT_512: Shape = text(1, 512);
pub(crate) const TEXT_1024: Shape = text(1, 1024);
pub(crate) const TEXT_2000: Shape = text(1, 2000);
pub(crate) const TEXT_2048: Shape = text(1, 2048);
/// `MaxLength1024String`.
pub(crate) const TEXT_TO_1024: Shape = text(0, 1024);

/// `AccountId`. The model's longest length says 64, its pattern twelve digits.
pub(crate) const ACCOUNT: Shape = Shape::Text { min: 0, max: 64, form: Form::Account };
/// `S3BucketArnString`.
pub(crate) const BUCKET_ARN: Shape = Shape::Text { min: 1, max: 128, form: Form::S3Arn };
/// `IAMRoleArn`.
pub(crate) const ROLE_ARN: Shape = Shape::Text { min: 1, max: 2048, form: Form::RoleArn };
/// `JobPriority`.
pub(crate) const PRIORITY: Shape = Shape::Number { min: 0, max: i32::MAX as i64 };

/// `S3Tag`.
const TAG: Shape = Shape::Structure(&[
    must("Key", &Shape::Text { min: 1, max: 128, form: Form::Tag }),
    must("Value", &Shape::Text { min: 0, max: 256, form: Form::Tag }),
]);
/// `S3TagSet`.
pub(crate) const TAGS: Shape = Shape::List { entry: "member", of: &TAG, min: 0, max: ENTRIES_MAX };

/// `S3StorageClass`.
pub(crate) const STORAGE_CLASS: Shape = Shape::Choice(&[
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "GLACIER",
    "INTELLIGENT_TIERING",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
]);

/// Lists of texts.
pub(crate) const fn list(of: &'static Shape) -> Shape {
    Shape::List { entry: "member", of, min: 0, max: ENTRIES_MAX }
}

/// `S3ObjectLockEventHoldDuration`.
pub(crate) const HOLD_DURATION: Shape = Shape::Structure(HOLD_DURATION_MEMBERS);
const HOLD_DURATION_MEMBERS: &[Member] =
    &[may("Days", &Shape::Number { min: 1, max: 36_500 }), may("Years", &Shape::Number { min: 1, max: 100 })];
/// `S3ObjectLockEventHold`.
pub(crate) const EVENT_HOLD: Shape = Shape::Choice(&["ON", "OFF"]);
/// `S3ObjectLockMode` and `S3ObjectLockRetentionMode`.
pub(crate) const LOCK_MODE: Shape = Shape::Choice(&["COMPLIANCE", "GOVERNANCE"]);
/// `S3ObjectLockLegalHoldStatus`.
pub(crate) const LEGAL_HOLD: Shape = Shape::Choice(&["OFF", "ON"]);
