//! Who may do what with a copied object.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::{DisplayName, GranteeId, Lenient};

wire_enum! {
    /// A ready-made access rule (COS Batch API, common elements).
    pub enum CannedAcl in "CannedAccessControlList" {
        /// The owner alone.
        Private = "private",
        /// Everybody may read.
        PublicRead = "public-read",
    }
}

wire_enum! {
    /// What a grantee may do (COS Batch API, common elements).
    pub enum Permission in "Permission" {
        /// Read.
        Read = "READ",
        /// Write.
        Write = "WRITE",
        /// Everything.
        FullControl = "FULL_CONTROL",
    }
}

wire_enum! {
    /// How a grantee is named (COS Batch API, common elements).
    pub enum GranteeType in "TypeIdentifier" {
        /// By account.
        Id = "ID",
    }
}

/// One grant (`COSGrant`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Grant {
    /// To whom.
    pub grantee: Grantee,
    /// For what.
    pub permission: Lenient<Permission>,
}

/// To whom a grant is given (`Grantee`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Grantee {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<DisplayName>,
    /// The account: `qcs::cam::uin/<main uin>:uin/<sub uin>`.
    pub identifier: GranteeId,
    /// How `identifier` is to be read.
    pub type_identifier: Lenient<GranteeType>,
}
