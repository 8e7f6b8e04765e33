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
use crate::{Lenient, UnknownText};

wire_enum! {
    /// The name of an operation, as ListJobs gives it.
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
