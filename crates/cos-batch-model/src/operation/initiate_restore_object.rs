//! Restoring archived objects.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{Days, DecodeError, Lenient};

wire_enum! {
    /// How fast a restore is (COS Batch API, common elements). The fast tier that a single
    /// restore offers is not on offer here.
    #[non_exhaustive]
    pub enum JobTier in "JobTier" {
        /// Slow and cheap.
        Bulk = "Bulk",
        /// The usual.
        Standard = "Standard",
    }
}

/// Make an archived object readable for some days (`COSInitiateRestoreObject`).
///
/// Source: COS Batch API, common elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitiateRestoreObject {
    /// For how long.
    pub expiration_in_days: Days,
    /// How fast.
    pub job_tier: Lenient<JobTier>,
}

impl XmlElement for InitiateRestoreObject {
    const ELEMENT: &'static str = "COSInitiateRestoreObject";
}

impl ToXml for InitiateRestoreObject {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.value(tags!("ExpirationInDays"), self.expiration_in_days).choice(tags!("JobTier"), &self.job_tier)
    }
}

impl FromXml for InitiateRestoreObject {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut expiration_in_days = Slot::Absent;
        let mut job_tier = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "ExpirationInDays" => decoder.number(&mut expiration_in_days, &child)?,
                "JobTier" => decoder.choice(&mut job_tier, &child, "JobTier")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            expiration_in_days: expiration_in_days.required(decoder, "ExpirationInDays")?,
            job_tier: job_tier.required(decoder, "JobTier")?,
        })
    }
}
