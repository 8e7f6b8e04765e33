//! Copying objects.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::{BucketArn, CannedAcl, Grant, KeyPrefix, Lenient, NewObjectMetadata, Tag, Timestamp};

wire_enum! {
    /// What a copy does with a part of the object (COS Batch API, common elements).
    pub enum Directive in "directive" {
        /// Keeps the source's.
        Copy = "Copy",
        /// Takes the request's instead.
        Replaced = "Replaced",
        /// Takes the source's and the request's.
        Add = "Add",
    }
}

wire_enum! {
    /// Where a copy is stored. The batch pages document STANDARD and STANDARD_IA; the other
    /// classes exist in COS, its console offers some of them for batch copies, and they are
    /// accepted here.
    pub enum StorageClass in "StorageClass" {
        /// The usual.
        Standard = "STANDARD",
        /// For what is seldom read.
        StandardIa = "STANDARD_IA",
        /// COS moves the object by how often it is read.
        IntelligentTiering = "INTELLIGENT_TIERING",
        /// To be restored before it is read.
        Archive = "ARCHIVE",
        /// To be restored before it is read, cheapest.
        DeepArchive = "DEEP_ARCHIVE",
        /// The usual, over several zones.
        MazStandard = "MAZ_STANDARD",
        /// For what is seldom read, over several zones.
        MazStandardIa = "MAZ_STANDARD_IA",
        /// COS moves the object by how often it is read, over several zones.
        MazIntelligentTiering = "MAZ_INTELLIGENT_TIERING",
    }
}

/// Copy each object to another bucket (`COSPutObjectCopy`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutObjectCopy {
    /// What happens to the access rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_control_directive: Option<Lenient<Directive>>,
    /// New grants; at most [`Self::MAX_GRANTS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_control_grants: Vec<Grant>,
    /// Whether the beginnings of keys are replaced; `false` if not given.
    pub prefix_replace: bool,
    /// The beginning that is taken away; only with `prefix_replace`. Empty and absent are the
    /// same: nothing is taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources_prefix: Option<KeyPrefix>,
    /// The beginning that is put there; only with `prefix_replace`. Empty and absent are the
    /// same: nothing is put there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_key_prefix: Option<KeyPrefix>,
    /// A ready-made access rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canned_access_control_list: Option<Lenient<CannedAcl>>,
    /// What happens to the metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_directive: Option<Lenient<Directive>>,
    /// Copy only what changed after this moment; else that task fails with 412.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_since_constraint: Option<Timestamp>,
    /// Copy only what did not change after this moment; else that task fails with 412.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub un_modified_since_constraint: Option<Timestamp>,
    /// New metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_object_metadata: Option<NewObjectMetadata>,
    /// What happens to the tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tagging_directive: Option<Lenient<Directive>>,
    /// New tags; at most [`Tag::MAX_PER_OBJECT`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_object_tagging: Vec<Tag>,
    /// Where the copies are stored; STANDARD if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<Lenient<StorageClass>>,
    /// The bucket that the copies go to.
    pub target_resource: BucketArn,
}

impl PutObjectCopy {
    /// Most grants (COS, PUT Object acl: 100 rules).
    pub const MAX_GRANTS: usize = 100;

    /// A plain copy to this bucket.
    pub fn to(target: BucketArn) -> Self {
        Self {
            access_control_directive: None,
            access_control_grants: Vec::new(),
            prefix_replace: false,
            resources_prefix: None,
            target_key_prefix: None,
            canned_access_control_list: None,
            metadata_directive: None,
            modified_since_constraint: None,
            un_modified_since_constraint: None,
            new_object_metadata: None,
            tagging_directive: None,
            new_object_tagging: Vec::new(),
            storage_class: None,
            target_resource: target,
        }
    }
}
