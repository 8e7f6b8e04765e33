//! Put and copy.

use std::{
    fs::File,
    io::{self, Write},
};

use md5::{Digest, Md5};
use rustix::{
    fd::AsFd,
    fs,
    io::{Errno, retry_on_intr},
};

use super::{
    at::{self, Renamed},
    bucket::Bucket,
    find::{self, Object, Place},
    location::Location,
    names::ODD,
    sidecar::{self, Record},
    temp::Temp,
    versions,
};
use crate::{
    CopyRequest, ErrorKind, OperationId, PutOutcome, PutRequest, VersionSelector,
    attributes::{self, Attributes},
    fail::Fail,
    rules::{self, NULL_VERSION, Versioning},
};

/// Bytes asked of the kernel in one copy call at most; it does less anyway.
const COPY_BYTES: u64 = 1 << 30;

/// An object ready to be committed.
struct New {
    temp: Temp,
    attributes: Attributes,
    etag: Option<String>,
    operation: Option<OperationId>,
}

pub(super) fn put(bucket: &Bucket, request: &PutRequest<'_>) -> Result<PutOutcome, Fail> {
    rules::check_key(request.key)?;
    let attributes = Attributes::of_put(request)?;
    let plain = attributes.is_default();
    let etag = hex::encode(Md5::digest(&request.body));
    let mut temp = stage(bucket, request.key)?;
    temp.file.write_all(&request.body)?;
    if request.durable {
        temp.file.sync_all()?;
    }
    let new = New { temp, attributes, etag: Some(etag.clone()), operation: request.operation };
    let versioning = bucket.versioning()?;
    let (version_id, place) = commit(bucket, request.key, new, versioning)?;
    if request.durable {
        if plain && versioning == Versioning::Off && place == Place::Ordinary {
            versions::current_location(bucket, request.key, &place)?.sync_folders()?;
        } else {
            bucket.sync()?;
        }
    }
    Ok(PutOutcome { etag, version_id })
}

/// The source of a copy, checked, and the attributes its target gets.
pub(super) struct Source {
    object: Object,
    attributes: Attributes,
}

/// First half of a copy: what concerns the source.
pub(super) fn copy_source(bucket: &Bucket, request: &CopyRequest<'_>, now: i64) -> Result<Source, Fail> {
    let source = &request.source;
    rules::check_key(source.key)?;
    let object = find::locate(bucket, source.key, source.version, at::READ)?;
    rules::check_conditions(request.conditions, object.stamp.modified.0)?;
    let attributes = object.attributes();
    attributes.check_readable(now)?;
    let onto_itself = (source.bucket, source.key) == (request.target_bucket, request.target_key)
        && !matches!(object.place, Place::Archived(_));
    if onto_itself && !attributes::changes_something(request) {
        return Err(attributes::changes_nothing());
    }
    Ok(Source { attributes: attributes.of_copy(request)?, object })
}

/// Second half of a copy: what concerns the target.
pub(super) fn copy_target(bucket: &Bucket, request: &CopyRequest<'_>, source: Source) -> Result<Option<String>, Fail> {
    rules::check_key(request.target_key)?;
    let temp = stage(bucket, request.target_key)?;
    copy_bytes(&source.object.file, &temp.file, source.object.stamp.size)?;
    let etag = source.object.record.and_then(|r| r.etag);
    let new = New { temp, attributes: source.attributes, etag, operation: request.operation };
    Ok(commit(bucket, request.target_key, new, bucket.versioning()?)?.0)
}

/// Copies a file of known size inside the kernel.
fn copy_bytes(mut from: &File, mut to: &File, size: u64) -> Result<(), Fail> {
    let mut left = size;
    while left > 0 {
        let ask = usize::try_from(left.min(COPY_BYTES)).unwrap_or(usize::MAX);
        match retry_on_intr(|| fs::copy_file_range(from, None, to, None, ask)) {
            Ok(0) => return Err(Fail::new(ErrorKind::PathConflict, "the source got shorter while it was copied")),
            Ok(copied) => left = left.saturating_sub(copied as u64),
            // Not between these two file systems, or not on this one.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                io::copy(&mut from, &mut to)?;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A file for the new content of a key.
fn stage(bucket: &Bucket, key: &str) -> Result<Temp, Fail> {
    Ok(Temp::for_location(bucket, Location::ordinary(bucket, key).as_ref())?)
}

/// Makes the new file the current object; gives the version id to report and where the object is.
fn commit(bucket: &Bucket, key: &str, new: New, versioning: Versioning) -> Result<(Option<String>, Place), Fail> {
    let done = commit_as(bucket, key, new, versioning);
    // Folders were made for the file before it was known that it does not go there.
    if !matches!(done, Ok((_, Place::Ordinary)))
        && let Some(location) = Location::ordinary(bucket, key)
    {
        location.prune();
    }
    done
}

fn commit_as(bucket: &Bucket, key: &str, new: New, versioning: Versioning) -> Result<(Option<String>, Place), Fail> {
    if versioning != Versioning::Off {
        return commit_version(bucket, key, new, versioning == Versioning::Enabled);
    }
    let New { temp, attributes, etag, .. } = new;
    let _changing = bucket.lock(key);
    if attributes.is_default() {
        return Ok((None, replace(bucket, key, temp, None)?));
    }
    let record = Record::new(&at::stamp(&temp.file)?, attributes, etag, None);
    Ok((None, replace_with_sidecar(bucket, key, temp, &record, None)?))
}

/// The same in a bucket that keeps versions, or kept them once (`keeps` false).
fn commit_version(bucket: &Bucket, key: &str, new: New, keeps: bool) -> Result<(Option<String>, Place), Fail> {
    let New { temp, attributes, etag, operation } = new;
    let stamp = at::stamp(&temp.file)?;
    let id = if keeps { versions::new_id(operation, &stamp) } else { NULL_VERSION.to_owned() };
    let _changing = bucket.lock(key);
    let current = find::current(bucket, key, at::LOOK)?;
    let mut survey = versions::survey(bucket, key, &id, current.as_ref().map(|c| &c.stamp))?;
    if keeps && operation.is_some() {
        // This very operation was done before: its version stays as it is, wherever it is by now.
        if let Some(done) = current.as_ref().filter(|c| c.version() == id) {
            return Ok((Some(id), done.place.clone()));
        }
        if survey.wanted.is_some() {
            return Ok((Some(id.clone()), Place::Archived(id)));
        }
    }
    let kept = current.filter(|c| c.version() != id);
    match &kept {
        Some(current) => survey.archive(bucket, key, current, false)?,
        None => survey.drop_leftover(bucket, key)?,
    }
    let version_id = keeps.then_some(id);
    let record = Record::new(&stamp, attributes, etag, version_id.clone());
    let place = replace_with_sidecar(bucket, key, temp, &record, kept.map(|c| c.stamp.inode))?;
    if !keeps {
        survey.discard_null(bucket, key)?;
    }
    Ok((version_id, place))
}

fn replace_with_sidecar(
    bucket: &Bucket,
    key: &str,
    temp: Temp,
    record: &Record,
    kept: Option<u64>,
) -> Result<Place, Fail> {
    let replaced = sidecar::write(bucket, key, record).and_then(|()| replace(bucket, key, temp, kept));
    if replaced.is_err() {
        sidecar::remove(bucket, key, record.inode());
    }
    replaced
}

/// Puts a file where the key's object belongs and removes what it replaces, but for the sidecar of the inode `kept`.
fn replace(bucket: &Bucket, key: &str, mut temp: Temp, kept: Option<u64>) -> Result<Place, Fail> {
    let linked = match Location::ordinary(bucket, key) {
        Some(location) => temp.link(location.leaf())?,
        None => false,
    };
    let (place, replaced) = if linked {
        (Place::Ordinary, None)
    } else {
        temp.rename(bucket, |folder, name| settle(bucket, key, folder, name))?
    };
    temp.settled();
    if let Some(inode) = replaced.filter(|inode| Some(*inode) != kept) {
        sidecar::remove(bucket, key, inode);
    }
    if place == Place::Ordinary {
        versions::drop_shadowed(bucket, key, kept)?;
    }
    Ok(place)
}

/// Renames `name` of the folder `from` to where the key's object belongs: its own path if it can be there, else the
/// hidden area. Gives the inode it replaced.
pub(super) fn settle(bucket: &Bucket, key: &str, from: impl AsFd, name: &str) -> Result<(Place, Option<u64>), Fail> {
    if let Some(location) = Location::ordinary(bucket, key) {
        match location.take(&from, name) {
            Ok(Renamed::Replacing(replaced)) => return Ok((Place::Ordinary, replaced)),
            Ok(Renamed::Refused) => return Err(Fail::refused()),
            // The key is a folder, or something above it is a file.
            Ok(Renamed::FolderInTheWay) => {}
            Err(error) if at::is_impossible(error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match Location::hidden_made(bucket, ODD, key, "")?.take(&from, name)? {
        Renamed::Replacing(replaced) => Ok((Place::Odd, replaced)),
        Renamed::FolderInTheWay | Renamed::Refused => Err(Fail::refused()),
    }
}

/// Changes the attributes of an object in place.
pub(super) fn change<T>(
    bucket: &Bucket,
    key: &str,
    version: &VersionSelector,
    change: impl FnOnce(&mut Attributes) -> Result<T, Fail>,
) -> Result<T, Fail> {
    rules::check_key(key)?;
    let _changing = bucket.lock(key);
    let object = find::locate(bucket, key, version, at::LOOK)?;
    let mut attributes = object.attributes();
    let result = change(&mut attributes)?;
    let (etag, version_id) = object.record.map_or((None, None), |r| (r.etag, r.version_id));
    sidecar::write(bucket, key, &Record::new(&object.stamp, attributes, etag, version_id))?;
    Ok(result)
}
