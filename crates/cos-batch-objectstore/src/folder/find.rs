//! Finding an object.

use std::fs::File;

use rustix::{
    fd::OwnedFd,
    fs::OFlags,
    io::{Errno, Result as SysResult},
};

use super::{
    at::{self, Stamp},
    bucket::Bucket,
    location::Location,
    names::ODD,
    sidecar::{self, Record},
    versions,
};
use crate::{ErrorKind, VersionSelector, attributes::Attributes, fail::Fail, rules::NULL_VERSION};

/// So often an object is looked up again that is replaced while it is looked at.
pub(super) const ATTEMPTS: usize = 64;

/// Where an object was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the key's own path.
    Ordinary,
    /// In the hidden area, because the key cannot be a path.
    Odd,
    /// Among the older versions, under this version id.
    Archived(String),
}

/// An object found and opened.
pub(super) struct Object {
    pub(super) file: File,
    pub(super) stamp: Stamp,
    pub(super) place: Place,
    pub(super) record: Option<Record>,
}

impl Object {
    /// Its version id.
    pub(super) fn version(&self) -> &str {
        match &self.place {
            Place::Archived(id) => id,
            Place::Ordinary | Place::Odd => {
                self.record.as_ref().and_then(|r| r.version_id.as_deref()).unwrap_or(NULL_VERSION)
            }
        }
    }

    /// Its ETag, if that was known when it was written.
    pub(super) fn etag(&self) -> Option<&str> {
        self.record.as_ref()?.etag.as_deref()
    }

    pub(super) fn attributes(&self) -> Attributes {
        self.record.as_ref().map(|r| r.attributes.clone()).unwrap_or_default()
    }
}

/// Opens the object `version` of a key.
pub(super) fn locate(bucket: &Bucket, key: &str, version: &VersionSelector, flags: OFlags) -> Result<Object, Fail> {
    let VersionSelector::Id(id) = version else {
        return current(bucket, key, flags)?.ok_or_else(Fail::no_such_key);
    };
    // Once more after a miss: an older version may have become the current one between the two looks.
    for _ in 0..2 {
        if let Some(object) = current(bucket, key, flags)?
            && object.version() == id
        {
            return Ok(object);
        }
        match versions::find(bucket, key, id)? {
            Some(entry) if entry.is_marker => {
                return Err(Fail::new(ErrorKind::NoSuchKey, "the object is deleted: this is a delete marker"));
            }
            Some(entry) => {
                if let Some(object) = entry.object(bucket, key, flags)? {
                    return Ok(object);
                }
            }
            None => {}
        }
    }
    Err(Fail::no_such_version())
}

/// The current object of a key.
pub(super) fn current(bucket: &Bucket, key: &str, flags: OFlags) -> Result<Option<Object>, Fail> {
    for _ in 0..ATTEMPTS {
        let Some((file, stamp, place)) = open_current(bucket, key, flags)? else { return Ok(None) };
        let record = sidecar::read(bucket, key, &stamp)?;
        // A writer that replaced this file has removed its sidecar too; without it, it would be shown with defaults.
        if record.is_none() && bucket.hidden()?.is_some() && at::stamp(&file)?.gone {
            continue;
        }
        return Ok(Some(Object { file: file.into(), stamp, place, record }));
    }
    Err(Errno::AGAIN.into())
}

fn open_current(bucket: &Bucket, key: &str, flags: OFlags) -> Result<Option<(OwnedFd, Stamp, Place)>, Fail> {
    let ordinary = Location::ordinary(bucket, key);
    if let Some(location) = &ordinary
        && let Some((file, stamp)) = open_file(location, flags)?
    {
        return Ok(Some((file, stamp, Place::Ordinary)));
    }
    let Some(odd) = Location::hidden(bucket, ODD, key, "")? else { return Ok(None) };
    if let Some((file, stamp)) = open_file(&odd, flags)? {
        return Ok(Some((file, stamp, Place::Odd)));
    }
    // A writer may have moved it from the hidden area to its own path between the two looks.
    if let Some(location) = &ordinary
        && let Some((file, stamp)) = open_file(location, flags)?
    {
        return Ok(Some((file, stamp, Place::Ordinary)));
    }
    Ok(None)
}

/// Opens a regular file; where a folder or nothing is, there is no object.
fn open_file(location: &Location<'_>, flags: OFlags) -> Result<Option<(OwnedFd, Stamp)>, Fail> {
    let opened: SysResult<OwnedFd> = location.open(flags);
    let file = match opened {
        Err(error) if at::is_absent(error) => return Ok(None),
        // What a socket or a device without a driver answers.
        Err(Errno::NXIO | Errno::NODEV) => return Err(Fail::refused()),
        opened => opened?,
    };
    let stamp = at::stamp(&file)?;
    if stamp.kind.is_file() {
        Ok(Some((file, stamp)))
    } else if stamp.kind.is_dir() {
        Ok(None)
    } else {
        Err(Fail::refused())
    }
}
