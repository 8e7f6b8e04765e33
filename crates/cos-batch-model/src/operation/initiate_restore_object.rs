//! Restoring archived objects.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::{Days, Lenient};

wire_enum! {
    /// How fast a restore is (COS Batch API, common elements). The fast tier that a single
    /// restore offers is not on offer here.
    pub enum JobTier in "JobTier" {
        /// Slow and cheap.
        Bulk = "Bulk",
        /// The usual.
        Standard = "Standard",
    }
}

/// Make an archived object readable for some days (`COSInitiateRestoreObject`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitiateRestoreObject {
    /// For how long.
    pub expiration_in_days: Days,
    /// How fast.
    pub job_tier: Lenient<JobTier>,
}
