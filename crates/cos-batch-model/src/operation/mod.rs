//! What a job does to each of its objects.

mod grant;
mod initiate_restore_object;
mod metadata;
mod put_object_copy;
mod put_object_tagging;
mod tag;

use serde::ser::{Serialize, SerializeMap, Serializer};

pub use grant::{CannedAcl, Grant, Grantee, GranteeType, Permission};
pub use initiate_restore_object::{InitiateRestoreObject, JobTier};
pub use metadata::{NewObjectMetadata, SseAlgorithm, UserMetadata};
pub use put_object_copy::{Directive, PutObjectCopy, StorageClass};
pub use put_object_tagging::PutObjectTagging;
pub use tag::Tag;

use crate::wire_enum::wire_enum;
use crate::xml::{Decoder, Encoder, FromXml, Mode, ToXml, XmlElement, tags};
use crate::{DecodeError, DecodeErrorKind, Lenient, UnknownText, WireEnum};

wire_enum! {
    /// The name of an operation, as ListJobs gives it.
    ///
    /// Source: COS Batch API, ListJobs.
    pub enum OperationKind in "Operation" {
        /// Copy.
        PutObjectCopy = "COSPutObjectCopy",
        /// Restore from the archive.
        InitiateRestoreObject = "COSInitiateRestoreObject",
        /// Delete.
        DeleteObject = "COSDeleteObject",
        /// Tag.
        PutObjectTagging = "COSPutObjectTagging",
    }
}

/// What a job does to each of its objects (COS Batch API, common elements, `Operation`):
/// exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Copy the object to another bucket.
    PutObjectCopy(Box<PutObjectCopy>),
    /// Make an archived object readable for some days.
    InitiateRestoreObject(InitiateRestoreObject),
    /// Delete the object, or the version that the manifest names.
    DeleteObject,
    /// Give the object tags. Known from the official Go SDK; not in the documentation.
    PutObjectTagging(PutObjectTagging),
    /// An operation that this version does not know: its name. Only lenient decoding makes one;
    /// what it contained is not kept.
    Unknown(UnknownText),
}

impl Operation {
    /// The operation's name.
    pub fn kind(&self) -> Lenient<OperationKind> {
        let kind = match self {
            Self::PutObjectCopy(_) => OperationKind::PutObjectCopy,
            Self::InitiateRestoreObject(_) => OperationKind::InitiateRestoreObject,
            Self::DeleteObject => OperationKind::DeleteObject,
            Self::PutObjectTagging(_) => OperationKind::PutObjectTagging,
            Self::Unknown(name) => return Lenient::Unknown(name.clone()),
        };
        Lenient::Known(kind)
    }
}

impl Serialize for Operation {
    /// One entry: the operation's name and what belongs to it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Nothing {}

        let mut map = serializer.serialize_map(Some(1))?;
        let kind = self.kind();
        match self {
            Self::PutObjectCopy(copy) => map.serialize_entry(kind.as_str(), copy)?,
            Self::InitiateRestoreObject(restore) => map.serialize_entry(kind.as_str(), restore)?,
            Self::PutObjectTagging(tagging) => map.serialize_entry(kind.as_str(), tagging)?,
            Self::DeleteObject | Self::Unknown(_) => {
                map.serialize_entry(kind.as_str(), &Nothing {})?;
            }
        }
        map.end()
    }
}

impl XmlElement for Operation {
    const ELEMENT: &'static str = "Operation";
}

impl ToXml for Operation {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        match self {
            Self::PutObjectCopy(copy) => encoder.nested(tags!("COSPutObjectCopy"), copy.as_ref()),
            Self::InitiateRestoreObject(restore) => encoder.nested(tags!("COSInitiateRestoreObject"), restore),
            Self::DeleteObject => encoder.element(OperationKind::DeleteObject.as_str(), |encoder| encoder),
            Self::PutObjectTagging(tagging) => encoder.nested(tags!("COSPutObjectTagging"), tagging),
            Self::Unknown(name) => encoder.element(name.as_str(), |encoder| encoder),
        }
    }
}

impl FromXml for Operation {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut operation = None;
        let mut actual = 0;
        while let Some(child) = decoder.child()? {
            actual += 1;
            if actual > 1 && decoder.mode() == Mode::Lenient {
                decoder.skip()?;
                continue;
            }
            operation = Some(match OperationKind::from_wire_name(child.name()) {
                Some(kind) => Self::read_known(kind, decoder).map_err(|error| error.within(kind.as_str()))?,
                None => {
                    decoder.unknown(&child)?;
                    let name = child.checked_name(decoder)?;
                    Self::Unknown(UnknownText::truncated(name))
                }
            });
        }
        match operation {
            Some(operation) if actual == 1 || decoder.mode() == Mode::Lenient => Ok(operation),
            _ => Err(decoder.error(DecodeErrorKind::ExactlyOne { allowed: OperationKind::ALLOWED, actual })),
        }
    }
}

impl Operation {
    fn read_known(kind: OperationKind, decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            OperationKind::PutObjectCopy => Self::PutObjectCopy(Box::new(PutObjectCopy::read(decoder)?)),
            OperationKind::InitiateRestoreObject => Self::InitiateRestoreObject(InitiateRestoreObject::read(decoder)?),
            OperationKind::DeleteObject => {
                while let Some(child) = decoder.child()? {
                    decoder.unknown(&child)?;
                }
                Self::DeleteObject
            }
            OperationKind::PutObjectTagging => Self::PutObjectTagging(PutObjectTagging::read(decoder)?),
        })
    }
}
