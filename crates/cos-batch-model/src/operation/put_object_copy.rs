//! Copying objects.

use serde::Serialize;

use crate::wire_enum::wire_enum;
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{BucketArn, CannedAcl, DecodeError, Grant, KeyPrefix, Lenient, NewObjectMetadata, Tag, Timestamp};

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
    /// accepted here. Source: COS Batch API, common elements; the other classes are ours.
    #[non_exhaustive]
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
///
/// ```
/// use cos_batch_model::{BucketArn, PutObjectCopy, StorageClass};
///
/// let target = BucketArn::for_bucket("ap-guangzhou", "backup-1250000000")?;
/// let copy = PutObjectCopy { storage_class: Some(StorageClass::StandardIa.into()), ..PutObjectCopy::to(target) };
/// assert!(!copy.prefix_replace);
/// # Ok::<(), cos_batch_model::ValidationError>(())
/// ```
///
/// Source: COS Batch API, CreateJob and common elements.
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

impl XmlElement for PutObjectCopy {
    const ELEMENT: &'static str = "COSPutObjectCopy";
}

impl ToXml for PutObjectCopy {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        let metadata = self.new_object_metadata.as_ref().filter(|metadata| !metadata.is_empty());
        // Integers: there are clients that cannot read anything else here.
        let modified_since = self.modified_since_constraint.map(Timestamp::unix_seconds);
        let un_modified_since = self.un_modified_since_constraint.map(Timestamp::unix_seconds);
        encoder
            .optional_choice(tags!("AccessControlDirective"), self.access_control_directive.as_ref())
            .optional_list(tags!("AccessControlGrants"), tags!("COSGrant"), &self.access_control_grants)
            .optional_value(tags!("PrefixReplace"), self.prefix_replace.then_some(true))
            .optional_scalar(tags!("ResourcesPrefix"), self.resources_prefix.as_ref())
            .optional_scalar(tags!("TargetKeyPrefix"), self.target_key_prefix.as_ref())
            .optional_choice(tags!("CannedAccessControlList"), self.canned_access_control_list.as_ref())
            .optional_choice(tags!("MetadataDirective"), self.metadata_directive.as_ref())
            .optional_value(tags!("ModifiedSinceConstraint"), modified_since)
            .optional_value(tags!("UnModifiedSinceConstraint"), un_modified_since)
            .optional_nested(tags!("NewObjectMetadata"), metadata)
            .optional_choice(tags!("TaggingDirective"), self.tagging_directive.as_ref())
            .optional_list(tags!("NewObjectTagging"), tags!("COSTag"), &self.new_object_tagging)
            .optional_choice(tags!("StorageClass"), self.storage_class.as_ref())
            .scalar(tags!("TargetResource"), &self.target_resource)
    }
}

impl FromXml for PutObjectCopy {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut access_control_directive = Slot::Absent;
        let mut access_control_grants = Slot::Absent;
        let mut prefix_replace = Slot::Absent;
        let mut resources_prefix = Slot::Absent;
        let mut target_key_prefix = Slot::Absent;
        let mut canned_access_control_list = Slot::Absent;
        let mut metadata_directive = Slot::Absent;
        let mut modified_since_constraint = Slot::Absent;
        let mut un_modified_since_constraint = Slot::Absent;
        let mut new_object_metadata = Slot::Absent;
        let mut tagging_directive = Slot::Absent;
        let mut new_object_tagging = Slot::Absent;
        let mut storage_class = Slot::Absent;
        let mut target_resource = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "AccessControlDirective" => {
                    decoder.choice(&mut access_control_directive, &child, "AccessControlDirective")?;
                }
                "AccessControlGrants" => {
                    decoder.list(&mut access_control_grants, &child, "AccessControlGrants")?;
                }
                "PrefixReplace" => decoder.flag(&mut prefix_replace, &child, "PrefixReplace")?,
                "ResourcesPrefix" => decoder.text_of(&mut resources_prefix, &child, "ResourcesPrefix")?,
                "TargetKeyPrefix" => decoder.text_of(&mut target_key_prefix, &child, "TargetKeyPrefix")?,
                "CannedAccessControlList" => {
                    decoder.choice(&mut canned_access_control_list, &child, "CannedAccessControlList")?;
                }
                "MetadataDirective" => {
                    decoder.repeatable_choice(&mut metadata_directive, &child, "MetadataDirective")?;
                }
                "ModifiedSinceConstraint" => {
                    decoder.seconds(&mut modified_since_constraint, &child, "ModifiedSinceConstraint")?;
                }
                "UnModifiedSinceConstraint" => {
                    decoder.seconds(&mut un_modified_since_constraint, &child, "UnModifiedSinceConstraint")?;
                }
                "NewObjectMetadata" => decoder.element(&mut new_object_metadata, &child)?,
                "TaggingDirective" => {
                    decoder.choice(&mut tagging_directive, &child, "TaggingDirective")?;
                }
                "NewObjectTagging" => {
                    decoder.list(&mut new_object_tagging, &child, "NewObjectTagging")?;
                }
                "StorageClass" => decoder.choice(&mut storage_class, &child, "StorageClass")?,
                "TargetResource" => decoder.text_of(&mut target_resource, &child, "TargetResource")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            access_control_directive: access_control_directive.optional(),
            access_control_grants: access_control_grants.optional().unwrap_or_default(),
            prefix_replace: prefix_replace.optional().unwrap_or_default(),
            resources_prefix: resources_prefix.optional_text(),
            target_key_prefix: target_key_prefix.optional_text(),
            canned_access_control_list: canned_access_control_list.optional(),
            metadata_directive: metadata_directive.optional(),
            modified_since_constraint: modified_since_constraint.optional(),
            un_modified_since_constraint: un_modified_since_constraint.optional(),
            new_object_metadata: new_object_metadata
                .optional()
                .filter(|metadata: &NewObjectMetadata| !metadata.is_empty()),
            tagging_directive: tagging_directive.optional(),
            new_object_tagging: new_object_tagging.optional().unwrap_or_default(),
            storage_class: storage_class.optional(),
            target_resource: target_resource.required(decoder, "TargetResource")?,
        })
    }
}
