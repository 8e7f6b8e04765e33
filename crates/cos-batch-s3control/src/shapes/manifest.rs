//! `JobManifest`: which objects.

use super::common::{TEXT_1024, TEXT_2000, list};
use crate::shape::{Form, Shape, may, must};

/// `JobManifest`.
pub const MANIFEST: Shape = Shape::Structure(&[must("Spec", &SPEC), must("Location", &LOCATION)]);

/// Manifest of rows.
pub(crate) const CSV: &str = "S3BatchOperations_CSV_20180820";
/// Manifest of an inventory.
pub(crate) const INVENTORY: &str = "S3InventoryReport_CSV_20161130";

const SPEC: Shape = Shape::Structure(&[
    must("Format", &Shape::Choice(&[CSV, INVENTORY])),
    may("Fields", &list(&Shape::Choice(&["Ignore", "Bucket", "Key", "VersionId"]))),
]);

const LOCATION: Shape = Shape::Structure(&[
    must("ObjectArn", &Shape::Text { min: 1, max: 2000, form: Form::S3Arn }),
    may("ObjectVersionId", &TEXT_2000),
    must("ETag", &TEXT_1024),
]);
