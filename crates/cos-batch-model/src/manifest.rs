//! Where the list of a job's objects is, and how it is written.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{DecodeError, ETag, Lenient, ObjectArn, ObjectVersionId};

wire_enum! {
    /// How a manifest is written (COS Batch API, common elements).
    #[non_exhaustive]
    pub enum ManifestFormat in "Format" {
        /// A CSV object whose columns [`ManifestSpec::fields`] names.
        BatchOperationsCsv = "COSBatchOperations_CSV_V1",
        /// The `manifest.json` of a COS inventory, which names its own columns.
        InventoryReportCsv = "COSInventoryReport_CSV_V1",
    }
}

wire_enum! {
    /// What a column of a CSV manifest holds (COS Batch API, common elements).
    #[non_exhaustive]
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
///
/// Source: COS Batch API, common elements.
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
///
/// Source: COS Batch API, common elements.
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

impl XmlElement for Manifest {
    const ELEMENT: &'static str = "Manifest";
}

impl ToXml for Manifest {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.nested(tags!("Location"), &self.location).nested(tags!("Spec"), &self.spec)
    }
}

impl FromXml for Manifest {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut location = Slot::Absent;
        let mut spec = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Location" => decoder.element(&mut location, &child)?,
                "Spec" => decoder.element(&mut spec, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { location: location.required(decoder, "Location")?, spec: spec.required(decoder, "Spec")? })
    }
}

impl XmlElement for ManifestLocation {
    const ELEMENT: &'static str = "Location";
}

impl ToXml for ManifestLocation {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .scalar(tags!("ETag"), &self.e_tag)
            .scalar(tags!("ObjectArn"), &self.object_arn)
            .optional_scalar(tags!("ObjectVersionId"), self.object_version_id.as_ref())
    }
}

impl FromXml for ManifestLocation {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut e_tag = Slot::Absent;
        let mut object_arn = Slot::Absent;
        let mut object_version_id = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "ETag" => decoder.text(&mut e_tag, &child)?,
                "ObjectArn" => decoder.text(&mut object_arn, &child)?,
                "ObjectVersionId" => decoder.text(&mut object_version_id, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            e_tag: e_tag.required(decoder, "ETag")?,
            object_arn: object_arn.required(decoder, "ObjectArn")?,
            object_version_id: object_version_id.optional(),
        })
    }
}

impl XmlElement for ManifestSpec {
    const ELEMENT: &'static str = "Spec";
}

impl ToXml for ManifestSpec {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.optional_choices(tags!("Fields"), tags!("member"), &self.fields).choice(tags!("Format"), &self.format)
    }
}

impl FromXml for ManifestSpec {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut fields = Slot::Absent;
        let mut format = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Fields" => decoder.choice_list(&mut fields, &child, "Fields")?,
                "Format" => decoder.choice(&mut format, &child, "Format")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { fields: fields.optional().unwrap_or_default(), format: format.required(decoder, "Format")? })
    }
}
