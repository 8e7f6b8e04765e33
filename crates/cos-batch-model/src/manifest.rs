//! Where the list of a job's objects is, and how it is written.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::{ETag, Lenient, ObjectArn, ObjectVersionId};

wire_enum! {
    /// How a manifest is written (COS Batch API, common elements).
    pub enum ManifestFormat in "Format" {
        /// A CSV object whose columns [`ManifestSpec::fields`] names.
        BatchOperationsCsv = "COSBatchOperations_CSV_V1",
        /// The `manifest.json` of a COS inventory, which names its own columns.
        InventoryReportCsv = "COSInventoryReport_CSV_V1",
    }
}

wire_enum! {
    /// What a column of a CSV manifest holds (COS Batch API, common elements).
    pub enum ManifestField in "Fields" {
        /// Nothing that matters here.
        Ignore = "Ignore",
        /// The bucket's name with its APPID.
        Bucket = "Bucket",
        /// The object's key, percent-encoded.
        Key = "Key",
        /// The version of the object.
        VersionId = "VersionId",
    }
}

/// The list of a job's objects (COS Batch API, common elements, `Manifest`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Manifest {
    /// Where it is.
    pub location: ManifestLocation,
    /// How it is written.
    pub spec: ManifestSpec,
}

/// Where a manifest is (`Location`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManifestLocation {
    /// What the object's ETag must be, so that the list cannot change unnoticed.
    pub e_tag: ETag,
    /// The object.
    pub object_arn: ObjectArn,
    /// Its version, where the bucket keeps versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_version_id: Option<ObjectVersionId>,
}

/// How a manifest is written (`Spec`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManifestSpec {
    /// The columns in order; needed for [`ManifestFormat::BatchOperationsCsv`], without meaning
    /// for an inventory. At most [`Self::MAX_FIELDS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Lenient<ManifestField>>,
    /// The format.
    pub format: Lenient<ManifestFormat>,
}

impl ManifestSpec {
    /// Most columns. The number is ours: only three carry meaning, the rest is skipped.
    pub const MAX_FIELDS: usize = 100;
}
