//! What a store in memory holds.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::uploads::Upload;
use crate::{
    DeleteOutcome, ErrorKind, ObjectMeta, Pin, StoreError, VersionSelector,
    attributes::Attributes,
    fail::Fail,
    rules::{NULL_VERSION, Versioning},
};

#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) body: Bytes,
    pub(super) etag: String,
    pub(super) attributes: Attributes,
}

#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: String,
    serial: u64,
    pub(super) last_modified: i64,
    /// None is a delete marker.
    pub(super) content: Option<Content>,
}

/// An object found.
pub(super) struct Found<'a> {
    pub(super) version: &'a Version,
    pub(super) content: &'a Content,
    /// Is it what a call without a version gets?
    pub(super) latest: bool,
}

impl Found<'_> {
    pub(super) fn pin(&self) -> Pin {
        Pin(format!("{:x}", self.version.serial))
    }

    pub(super) fn meta(&self, versioning: Versioning, now: i64) -> ObjectMeta {
        let attributes = &self.content.attributes;
        ObjectMeta {
            size: self.content.body.len() as u64,
            etag: self.content.etag.clone(),
            last_modified: self.version.last_modified,
            version_id: versioning.reported(&self.version.id),
            storage_class: attributes.storage_class.clone(),
            metadata: attributes.metadata.clone(),
            grants: attributes.grants.clone(),
            canned_acl: attributes.canned_acl.clone(),
            restore: attributes.running_restore(now),
            pin: self.pin(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) created: i64,
    pub(super) versioning: Versioning,
    /// The versions of each key, newest last; never an empty list.
    pub(super) objects: BTreeMap<String, Vec<Version>>,
    /// By key and id.
    pub(super) uploads: BTreeMap<(String, String), Upload>,
}

impl Bucket {
    fn position(&self, key: &str, selector: &VersionSelector) -> Result<usize, Fail> {
        let versions = self.objects.get(key).map_or(&[][..], Vec::as_slice);
        let position = match selector {
            VersionSelector::Latest => versions.len().checked_sub(1).ok_or_else(Fail::no_such_key)?,
            VersionSelector::Id(id) => versions.iter().position(|v| v.id == *id).ok_or_else(Fail::no_such_version)?,
        };
        if versions[position].content.is_none() {
            return Err(Fail::new(ErrorKind::NoSuchKey, "the object is deleted: this is a delete marker"));
        }
        Ok(position)
    }

    pub(super) fn find(&self, key: &str, selector: &VersionSelector) -> Result<Found<'_>, Fail> {
        let position = self.position(key, selector)?;
        let versions = &self.objects[key];
        let version = &versions[position];
        let content = version.content.as_ref().ok_or_else(Fail::no_such_key)?;
        Ok(Found { version, content, latest: position + 1 == versions.len() })
    }

    pub(super) fn attributes_mut(&mut self, key: &str, selector: &VersionSelector) -> Result<&mut Attributes, Fail> {
        let position = self.position(key, selector)?;
        let version = self.objects.get_mut(key).and_then(|v| v.get_mut(position));
        version.and_then(|v| v.content.as_mut()).map(|c| &mut c.attributes).ok_or_else(Fail::no_such_key)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) serial: u64,
    pub(super) used: u64,
}

impl State {
    pub(super) fn bucket(&self, name: &str) -> Result<&Bucket, StoreError> {
        self.buckets.get(name).ok_or_else(|| no_such_bucket(name))
    }

    pub(super) fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket, StoreError> {
        self.buckets.get_mut(name).ok_or_else(|| no_such_bucket(name))
    }

    /// Removes a bucket that has nothing in it.
    pub(super) fn remove_bucket(&mut self, name: &str) -> Result<(), StoreError> {
        let bucket = self.bucket(name)?;
        if !bucket.objects.is_empty() || !bucket.uploads.is_empty() {
            let reason = "the bucket has objects, versions or uploads in it";
            return Err(Fail::new(ErrorKind::BucketNotEmpty, reason).about_bucket(name));
        }
        self.buckets.remove(name);
        Ok(())
    }

    /// Makes `content`, or a delete marker, the newest version; gives its id. Where versions are kept, it gets the id `version` if
    /// there is one; if there is a version with it, its content is replaced, and what was set on it stays.
    pub(super) fn add(
        &mut self,
        bucket: &str,
        key: &str,
        content: Option<Content>,
        version: Option<String>,
        now: i64,
        capacity: u64,
    ) -> Result<String, StoreError> {
        let versioning = self.bucket(bucket)?.versioning;
        self.serial += 1;
        let serial = self.serial;
        let id = match (versioning, version) {
            (Versioning::Enabled, Some(version)) => version,
            (Versioning::Enabled, None) => format!("v{serial:016x}"),
            (Versioning::Off | Versioning::Suspended, _) => NULL_VERSION.to_owned(),
        };
        let mut new = Version { id: id.clone(), serial, last_modified: now, content };
        let size = size_of(&new);
        self.check_replaceable(bucket, key, now)?;
        let versions = self.bucket(bucket)?.objects.get(key).map_or(&[][..], Vec::as_slice);
        let done = versions.iter().position(|version| version.id == id);
        let freed = done.map_or(0, |done| size_of(&versions[done]));
        let again = done.filter(|_| versioning == Versioning::Enabled);
        if let Some((done, new)) = again.and_then(|done| versions[done].content.as_ref()).zip(new.content.as_mut()) {
            if done.attributes.lock.check_removable(now).is_err() && done.etag != new.etag {
                return Ok(id);
            }
            new.attributes = std::mem::take(&mut new.attributes).once_more(done.attributes.clone());
        }
        self.check_room(size.saturating_sub(freed), capacity).map_err(|fail| fail.about(bucket, key))?;
        let versions = self.bucket_mut(bucket)?.objects.entry(key.to_owned()).or_default();
        if let Some(again) = again {
            versions[again] = new;
        } else {
            versions.retain(|version| version.id != id);
            versions.push(new);
        }
        self.used = self.used + size - freed;
        Ok(id)
    }

    /// Is there room for so many bytes more?
    pub(super) fn check_room(&self, size: u64, capacity: u64) -> Result<(), Fail> {
        if self.used.saturating_add(size) <= capacity {
            return Ok(());
        }
        let reason = format!("the store in memory holds at most {capacity} bytes");
        Err(Fail::new(ErrorKind::InsufficientStorage, reason))
    }

    /// Refuses to take away a version that is kept.
    fn check_removable(&self, bucket: &str, key: &str, id: &str, now: i64) -> Result<(), StoreError> {
        let versions = self.bucket(bucket)?.objects.get(key).map_or(&[][..], Vec::as_slice);
        let content = versions.iter().find(|version| version.id == id).and_then(|version| version.content.as_ref());
        let removable = content.map_or(Ok(()), |content| content.attributes.lock.check_removable(now));
        removable.map_err(|fail| fail.about(bucket, key))
    }

    /// Refuses to write over a version that is kept, where a write replaces one.
    pub(super) fn check_replaceable(&self, bucket: &str, key: &str, now: i64) -> Result<(), StoreError> {
        match self.bucket(bucket)?.versioning {
            Versioning::Enabled => Ok(()),
            Versioning::Off | Versioning::Suspended => self.check_removable(bucket, key, NULL_VERSION, now),
        }
    }

    /// Removes a version for good, unless it is kept.
    pub(super) fn remove(&mut self, bucket: &str, key: &str, id: &str, now: i64) -> Result<DeleteOutcome, StoreError> {
        self.check_removable(bucket, key, id, now)?;
        let objects = &mut self.bucket_mut(bucket)?.objects;
        let mut outcome = DeleteOutcome { delete_marker: false, version_id: Some(id.to_owned()) };
        if let Some(versions) = objects.get_mut(key)
            && let Some(position) = versions.iter().position(|v| v.id == id)
        {
            let removed = versions.remove(position);
            if versions.is_empty() {
                objects.remove(key);
            }
            outcome.delete_marker = removed.content.is_none();
            self.used -= size_of(&removed);
        }
        Ok(outcome)
    }
}

fn size_of(version: &Version) -> u64 {
    version.content.as_ref().map_or(0, |c| c.body.len() as u64)
}

fn no_such_bucket(name: &str) -> StoreError {
    Fail::new(ErrorKind::NoSuchBucket, "no such bucket").about_bucket(name)
}
