//! Everything an object has besides its bytes, and what the operations make of it.

use serde::{Deserialize, Serialize};

use crate::{
    AclRequest, CopyRequest, Directive, ErrorKind, Grant, Metadata, MultipartRequest, ObjectLock, PutRequest,
    RestoreOutcome, RestoreRequest, RestoreState, StorageClass, Tag, fail::Fail, rules,
};

/// Attributes as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attributes {
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) metadata: Metadata,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
    #[serde(skip_serializing_if = "StorageClass::is_standard")]
    pub(crate) storage_class: StorageClass,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) grants: Vec<Grant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) canned_acl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restore: Option<RestoreState>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) lock: ObjectLock,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Attributes {
    /// Nothing but defaults?
    pub(crate) fn is_default(&self) -> bool {
        is_default(self)
    }

    /// Of a version that an operation writes once more: as the operation says, with what can be set on a version later as it was.
    pub(crate) fn once_more(self, before: Self) -> Self {
        let Self { tags, grants, canned_acl, lock, .. } = before;
        let restore = before.restore.filter(|_| before.storage_class == self.storage_class);
        Self { tags, grants, canned_acl, lock, restore, ..self }
    }

    /// Of an object that is put.
    pub(crate) fn of_put(request: &PutRequest<'_>) -> Result<Self, Fail> {
        rules::check_metadata(&request.metadata)?;
        rules::check_class(&request.storage_class)?;
        rules::check_grants(&request.grants, request.canned_acl)?;
        Ok(Self {
            metadata: request.metadata.clone(),
            tags: rules::checked_tags(&request.tags)?,
            storage_class: request.storage_class.clone(),
            grants: request.grants.clone(),
            canned_acl: request.canned_acl.map(str::to_owned),
            restore: None,
            lock: ObjectLock::default(),
        })
    }

    /// Of an object that is uploaded in parts.
    pub(crate) fn of_upload(request: &MultipartRequest<'_>) -> Result<Self, Fail> {
        rules::check_metadata(&request.metadata)?;
        rules::check_class(&request.storage_class)?;
        rules::check_grants(&request.grants, request.canned_acl)?;
        Ok(Self {
            metadata: request.metadata.clone(),
            tags: rules::checked_tags(&request.tags)?,
            storage_class: request.storage_class.clone(),
            grants: request.grants.clone(),
            canned_acl: request.canned_acl.map(str::to_owned),
            restore: None,
            lock: ObjectLock::default(),
        })
    }

    /// Sets who may do what.
    pub(crate) fn set_access(&mut self, request: &AclRequest<'_>) -> Result<(), Fail> {
        rules::check_grants(request.grants, request.canned_acl)?;
        self.grants = request.grants.to_vec();
        self.canned_acl = request.canned_acl.map(str::to_owned);
        Ok(())
    }

    /// Of the target of a copy from an object with these, which nothing keeps. Class, access and encryption are reset unless given, as COS
    /// does it (PUT Object - Copy).
    pub(crate) fn of_copy(&self, request: &CopyRequest<'_>) -> Result<Self, Fail> {
        let metadata = match &request.metadata {
            Directive::Copy => Metadata { server_side_encryption: None, ..self.metadata.clone() },
            Directive::Replace(new) => (*new).clone(),
            Directive::Add(new) => merged(&self.metadata, new),
        };
        rules::check_metadata(&metadata)?;
        let grants = match request.grants {
            Directive::Copy => self.grants.clone(),
            Directive::Replace(new) => new.to_vec(),
            Directive::Add(new) => {
                let mut all = self.grants.clone();
                all.extend(new.iter().filter(|g| !self.grants.contains(g)).cloned());
                all
            }
        };
        let kept_acl = if matches!(request.grants, Directive::Replace(_)) { None } else { self.canned_acl.as_deref() };
        let canned_acl = request.canned_acl.or(kept_acl);
        rules::check_grants(&grants, canned_acl)?;
        let storage_class = request.storage_class.clone().unwrap_or_default();
        rules::check_class(&storage_class)?;
        let tags = self.changed_tags(&request.tags)?;
        Ok(Self {
            metadata,
            tags,
            storage_class,
            grants,
            canned_acl: canned_acl.map(str::to_owned),
            restore: None,
            lock: ObjectLock::default(),
        })
    }

    /// The tags after a directive.
    pub(crate) fn changed_tags(&self, tags: &Directive<&[Tag]>) -> Result<Vec<Tag>, Fail> {
        changed_tags(&self.tags, tags)
    }

    /// Records a restore, which completes at once.
    pub(crate) fn restored(&mut self, request: &RestoreRequest<'_>, now: i64) -> Result<RestoreOutcome, Fail> {
        let expires = rules::restored_until(request, now)?;
        if !self.storage_class.is_archive() {
            let reason = format!("an object of class {} needs no restore", self.storage_class.0);
            return Err(Fail::new(ErrorKind::RestoreNonArchiveObject, reason));
        }
        let running = self.running_restore(now);
        let expires = running.map_or(expires, |r| r.expires.max(expires));
        self.restore = Some(RestoreState { ongoing: false, expires });
        Ok(if running.is_some() { RestoreOutcome::Extended } else { RestoreOutcome::Started })
    }

    /// The restore that has not run out.
    pub(crate) fn running_restore(&self, now: i64) -> Option<RestoreState> {
        self.restore.filter(|r| r.expires > now)
    }

    /// Refuses to read an archived object that is not restored.
    pub(crate) fn check_readable(&self, now: i64) -> Result<(), Fail> {
        if self.storage_class.is_archive() && self.running_restore(now).is_none_or(|r| r.ongoing) {
            let reason = format!("an object of class {} has to be restored first", self.storage_class.0);
            return Err(Fail::new(ErrorKind::InvalidObjectState, reason));
        }
        Ok(())
    }
}

/// What becomes of a set of tags.
pub(crate) fn changed_tags(old: &[Tag], tags: &Directive<&[Tag]>) -> Result<Vec<Tag>, Fail> {
    match tags {
        Directive::Copy => Ok(old.to_vec()),
        Directive::Replace(new) => rules::checked_tags(new),
        Directive::Add(new) => {
            let new = rules::checked_tags(new)?;
            let mut all: Vec<Tag> = old.iter().filter(|old| !new.iter().any(|n| n.key == old.key)).cloned().collect();
            all.extend(new);
            rules::checked_tags(&all)
        }
    }
}

/// `new` on top of `old`; the encryption of `old` is not taken over.
pub(crate) fn merged(old: &Metadata, new: &Metadata) -> Metadata {
    let pick = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
    let mut user = old.user.clone();
    user.extend(new.user.iter().map(|(k, v)| (k.clone(), v.clone())));
    Metadata {
        cache_control: pick(&new.cache_control, &old.cache_control),
        content_disposition: pick(&new.content_disposition, &old.content_disposition),
        content_encoding: pick(&new.content_encoding, &old.content_encoding),
        content_language: pick(&new.content_language, &old.content_language),
        content_type: pick(&new.content_type, &old.content_type),
        expires: pick(&new.expires, &old.expires),
        server_side_encryption: new.server_side_encryption.clone(),
        user,
    }
}

/// Does this copy change anything of an object it is copied onto?
pub(crate) fn changes_something(request: &CopyRequest<'_>) -> bool {
    let grants = match request.grants {
        Directive::Copy => false,
        Directive::Replace(new) | Directive::Add(new) => !new.is_empty(),
    };
    request.metadata != Directive::Copy
        || request.tags != Directive::Copy
        || grants
        || request.canned_acl.is_some()
        || request.storage_class.is_some()
}

/// The refusal of a copy onto itself that changes nothing.
pub(crate) fn changes_nothing() -> Fail {
    Fail::new(
        ErrorKind::InvalidRequest,
        "a copy of an object onto itself must change its metadata, tags, access or storage class",
    )
}
