//! The completion report that a job leaves behind.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{BucketArn, DecodeError, Lenient, ReportPrefix};

wire_enum! {
    /// How a report is written (COS Batch API, common elements).
    #[non_exhaustive]
    pub enum ReportFormat in "Format" {
        /// CSV, one row for each task.
        ReportCsvV1 = "Report_CSV_V1",
    }
}

wire_enum! {
    /// Which tasks a report holds (COS Batch API, common elements).
    #[non_exhaustive]
    pub enum ReportScope in "ReportScope" {
        /// All of them.
        AllTasks = "AllTasks",
        /// Those that failed.
        FailedTasksOnly = "FailedTasksOnly",
    }
}

/// Whether and where a job's completion report goes (COS Batch API, common elements, `Report`).
///
/// The documentation calls bucket, format and scope required even for a report that is
/// switched off; clients leave them empty then, so they are only needed when `enabled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// The bucket it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketArn>,
    /// Whether it is wanted.
    pub enabled: bool,
    /// How it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Lenient<ReportFormat>>,
    /// Beginning of its keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<ReportPrefix>,
    /// Which tasks it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_scope: Option<Lenient<ReportScope>>,
}

impl Report {
    /// No report.
    pub fn disabled() -> Self {
        Self { bucket: None, enabled: false, format: None, prefix: None, report_scope: None }
    }

    /// A CSV report to this bucket, without a prefix.
    pub fn to(bucket: BucketArn, scope: ReportScope) -> Self {
        Self {
            bucket: Some(bucket),
            enabled: true,
            format: Some(ReportFormat::ReportCsvV1.into()),
            prefix: None,
            report_scope: Some(scope.into()),
        }
    }
}

impl XmlElement for Report {
    const ELEMENT: &'static str = "Report";
}

impl ToXml for Report {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .optional_scalar(tags!("Bucket"), self.bucket.as_ref())
            .value(tags!("Enabled"), self.enabled)
            .optional_choice(tags!("Format"), self.format.as_ref())
            .optional_scalar(tags!("Prefix"), self.prefix.as_ref())
            .optional_choice(tags!("ReportScope"), self.report_scope.as_ref())
    }
}

impl FromXml for Report {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut bucket = Slot::Absent;
        let mut enabled = Slot::Absent;
        let mut format = Slot::Absent;
        let mut prefix = Slot::Absent;
        let mut report_scope = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Bucket" => decoder.text_of(&mut bucket, &child, "Bucket")?,
                "Enabled" => decoder.flag(&mut enabled, &child, "Enabled")?,
                "Format" => decoder.choice(&mut format, &child, "Format")?,
                "Prefix" => decoder.text(&mut prefix, &child)?,
                "ReportScope" => decoder.choice(&mut report_scope, &child, "ReportScope")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            bucket: bucket.optional(),
            enabled: enabled.required(decoder, "Enabled")?,
            format: format.optional(),
            prefix: prefix.optional_text(),
            report_scope: report_scope.optional(),
        })
    }
}
