//! Who may do what with a copied object.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{DecodeError, DisplayName, GranteeId, Lenient};

wire_enum! {
    /// A ready-made access rule (COS Batch API, common elements).
    #[non_exhaustive]
    pub enum CannedAcl in "CannedAccessControlList" {
        /// The owner alone.
        Private = "private",
        /// Everybody may read.
        PublicRead = "public-read",
    }
}

wire_enum! {
    /// What a grantee may do (COS Batch API, common elements).
    #[non_exhaustive]
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
    #[non_exhaustive]
    pub enum GranteeType in "TypeIdentifier" {
        /// By account.
        Id = "ID",
    }
}

/// One grant (`COSGrant`).
///
/// Source: COS Batch API, common elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Grant {
    /// To whom.
    pub grantee: Grantee,
    /// For what.
    pub permission: Lenient<Permission>,
}

/// To whom a grant is given (`Grantee`).
///
/// Source: COS Batch API, common elements.
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

impl XmlElement for Grant {
    const ELEMENT: &'static str = "COSGrant";
}

impl ToXml for Grant {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.nested(tags!("Grantee"), &self.grantee).choice(tags!("Permission"), &self.permission)
    }
}

impl FromXml for Grant {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut grantee = Slot::Absent;
        let mut permission = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Grantee" => decoder.element(&mut grantee, &child)?,
                "Permission" => decoder.choice(&mut permission, &child, "Permission")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            grantee: grantee.required(decoder, "Grantee")?,
            permission: permission.required(decoder, "Permission")?,
        })
    }
}

impl XmlElement for Grantee {
    const ELEMENT: &'static str = "Grantee";
}

impl ToXml for Grantee {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .optional_scalar(tags!("DisplayName"), self.display_name.as_ref())
            .scalar(tags!("Identifier"), &self.identifier)
            .choice(tags!("TypeIdentifier"), &self.type_identifier)
    }
}

impl FromXml for Grantee {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut display_name = Slot::Absent;
        let mut identifier = Slot::Absent;
        let mut type_identifier = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "DisplayName" => decoder.text(&mut display_name, &child)?,
                "Identifier" => decoder.text(&mut identifier, &child)?,
                "TypeIdentifier" => {
                    decoder.choice(&mut type_identifier, &child, "TypeIdentifier")?;
                }
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            display_name: display_name.optional_text(),
            identifier: identifier.required(decoder, "Identifier")?,
            type_identifier: type_identifier.required(decoder, "TypeIdentifier")?,
        })
    }
}
