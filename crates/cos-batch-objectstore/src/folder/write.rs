//! Put and copy, and the commit of what was written.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use rustix::{
    fd::AsFd,
    fs,
    io::{Errno, retry_on_intr},
};

use super::{
    at::{self, Renamed},
    bucket::Bucket,
    find::{self, Object, Place},
    incoming::Incoming,
    kept,
    location::Location,
    names::ODD,
    read,
    sidecar::{self, Record},
    temp::Temp,
    uploads::Upload,
    versions,
};
use crate::{
    CopyRequest, ErrorKind, PutOutcome, PutRequest, VersionSelector,
    attributes::{self, Attributes},
    fail::Fail,
    rules::{self, NULL_VERSION, Sizes, Versioning},
    upload,
};

/// Bytes asked of the kernel in one copy call at most; it does less anyway.
const COPY_BYTES: u64 = 1 << 30;

/// An object ready to be committed.
pub(super) struct New<'a> {
    pub(super) temp: Temp,
    pub(super) attributes: Attributes,
    pub(super) etag: Option<String>,
    /// Id of the version it makes, if the caller wants to know it again.
    pub(super) version: Option<String>,
    /// The time, in Unix seconds: what is kept until a moment may be replaced then.
    pub(super) now: i64,
    /// The upload it comes from, which has to exist and ends with the commit.
    pub(super) upload: Option<&'a Upload<'a>>,
}

/// A put whose content is on its way.
pub(super) struct Put {
    attributes: Attributes,
    version: Option<String>,
    durable: bool,
}

pub(super) fn put(bucket: &Bucket, request: &PutRequest<'_>, now: i64) -> Result<PutOutcome, Fail> {
    let (put, incoming) = begin(bucket, request)?;
    end(bucket, request.key, put, incoming, now)
}

/// First half of a put: all but the end of its content.
pub(super) fn begin(bucket: &Bucket, request: &PutRequest<'_>) -> Result<(Put, Incoming), Fail> {
    rules::check_key(request.key)?;
    let attributes = Attributes::of_put(request)?;
    let mut incoming = Incoming::new(bucket, Location::ordinary(bucket, request.key).as_ref())?;
    incoming.write(&request.body)?;
    let version = request.operation.map(rules::operation_version);
    Ok((Put { attributes, version, durable: request.durable }, incoming))
}

/// Second half of a put: the content becomes the object.
pub(super) fn end(bucket: &Bucket, key: &str, put: Put, incoming: Incoming, now: i64) -> Result<PutOutcome, Fail> {
    let Put { attributes, version, durable } = put;
    let plain = attributes.is_default();
    let (temp, digest) = incoming.end();
    let etag = hex::encode(digest);
    if durable {
        temp.file.sync_all()?;
    }
    bucket.etags.remember(&at::stamp(&temp.file)?, &etag);
    let new = New { temp, attributes, etag: Some(etag.clone()), version, now, upload: None };
    let versioning = bucket.versioning()?;
    let (version_id, place) = commit(bucket, key, new, versioning)?;
    if durable {
        if plain && versioning == Versioning::Off && place == Place::Ordinary {
            versions::current_location(bucket, key, &place)?.sync_folders()?;
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
    etag: Option<String>,
}

/// First half of a copy: what concerns the source.
pub(super) fn copy_source(bucket: &Bucket, request: &CopyRequest<'_>, sizes: Sizes, now: i64) -> Result<Source, Fail> {
    let source = &request.source;
    rules::check_key(source.key)?;
    let object = find::locate(bucket, source.key, source.version, at::READ)?;
    rules::check_conditions(request.conditions, object.stamp.modified.0)?;
    let attributes = object.attributes();
    attributes.check_readable(now)?;
    sizes.check_copy(object.stamp.size)?;
    let onto_itself = (source.bucket, source.key) == (request.target_bucket, request.target_key)
        && !matches!(object.place, Place::Archived(_));
    if onto_itself && !attributes::changes_something(request) {
        return Err(attributes::changes_nothing());
    }
    let etag = read::known_etag(bucket, &object);
    Ok(Source { attributes: attributes.of_copy(request)?, etag, object })
}

/// Second half of a copy: what concerns the target.
pub(super) fn copy_target(
    bucket: &Bucket,
    request: &CopyRequest<'_>,
    source: Source,
    now: i64,
) -> Result<Option<String>, Fail> {
    rules::check_key(request.target_key)?;
    let temp = stage(bucket, request.target_key)?;
    copy_bytes(&source.object.file, 0, &temp.file, source.object.stamp.size)?;
    // A hand may have changed the file in place meanwhile: half of it would be the old one, with the old ETag.
    read::unchanged(&source.object)?;
    let Source { attributes, etag, .. } = source;
    if let Some(etag) = &etag {
        bucket.etags.remember(&at::stamp(&temp.file)?, etag);
    }
    let version = request.operation.map(rules::operation_version);
    let new = New { temp, attributes, etag, version, now, upload: None };
    Ok(commit(bucket, request.target_key, new, bucket.versioning()?)?.0)
}

/// Copies `size` bytes of a file, from `start`, to the end of what was written to another: inside the kernel, and
/// without moving a byte where the file system can share them.
pub(super) fn copy_bytes(mut from: &File, start: u64, mut to: &File, size: u64) -> Result<(), Fail> {
    let shorter = || Fail::new(ErrorKind::PathConflict, "the source got shorter while it was copied");
    let mut at = start;
    let mut left = size;
    while left > 0 {
        let ask = usize::try_from(left.min(COPY_BYTES)).unwrap_or(usize::MAX);
        match retry_on_intr(|| fs::copy_file_range(from, Some(&mut at), to, None, ask)) {
            Ok(0) => return Err(shorter()),
            Ok(copied) => left = left.saturating_sub(copied as u64),
            // Not between these two file systems, or not on this one.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                from.seek(SeekFrom::Start(at))?;
                let copied = io::copy(&mut from.take(left), &mut to)?;
                return if copied == left { Ok(()) } else { Err(shorter()) };
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A file for the new content of a key.
pub(super) fn stage(bucket: &Bucket, key: &str) -> Result<Temp, Fail> {
    Ok(Temp::for_location(bucket, Location::ordinary(bucket, key).as_ref())?)
}

/// Makes the new file the current object; gives the version id to report and where the object is.
pub(super) fn commit(
    bucket: &Bucket,
    key: &str,
    new: New<'_>,
    versioning: Versioning,
) -> Result<(Option<String>, Place), Fail> {
    let done = commit_as(bucket, key, new, versioning);
    // Folders were made for the file before it was known that it does not go there.
    if !matches!(done, Ok((_, Place::Ordinary)))
        && let Some(location) = Location::ordinary(bucket, key)
    {
        location.prune();
    }
    done
}

fn commit_as(
    bucket: &Bucket,
    key: &str,
    new: New<'_>,
    versioning: Versioning,
) -> Result<(Option<String>, Place), Fail> {
    let _changing = bucket.lock(key);
    let upload = new.upload;
    // Another call may have completed or aborted it while its parts were put together.
    upload.map_or(Ok(()), Upload::must_exist)?;
    match versioning {
        Versioning::Off => kept::check_removable(bucket, key, &VersionSelector::Latest, new.now)?,
        Versioning::Suspended => kept::check_removable(bucket, key, &null_version(), new.now)?,
        Versioning::Enabled => {}
    }
    let done = match versioning {
        Versioning::Off => commit_only(bucket, key, new)?,
        Versioning::Enabled | Versioning::Suspended => {
            commit_version(bucket, key, new, versioning == Versioning::Enabled)?
        }
    };
    // The object is there; what is left of the upload is listed, and can be aborted.
    if let Some(Err(error)) = upload.map(Upload::clear) {
        tracing::warn!(key = ?key, reason = %error.reason, "parts of a complete upload could not be removed");
    }
    Ok(done)
}

/// What a write replaces where versions were kept once.
pub(super) fn null_version() -> VersionSelector {
    VersionSelector::Id(NULL_VERSION.to_owned())
}

/// In a bucket that never kept versions.
fn commit_only(bucket: &Bucket, key: &str, new: New<'_>) -> Result<(Option<String>, Place), Fail> {
    let New { temp, attributes, etag, .. } = new;
    if attributes.is_default() && !etag.as_deref().is_some_and(upload::is_of_parts) {
        let placed = put_in_place(bucket, key, temp)?;
        return Ok((None, clear(bucket, key, placed, None)?));
    }
    let record = Record::new(&at::stamp(&temp.file)?, attributes, etag, None);
    let placed = with_sidecar(bucket, key, &record, false, || put_in_place(bucket, key, temp))?;
    Ok((None, clear(bucket, key, placed, None)?))
}

/// In a bucket that keeps versions, or kept them once (`keeps` false).
///
/// An operation that was done before makes no second version: its file takes the place of the one it has made, wherever that is by
/// now. The one that is there may be shown and yet be lost, where a sync failed after it was written. What was set on the version since,
/// its tags and what keeps it, stays; and where something keeps it, so does its content, unless the new one is the same.
fn commit_version(bucket: &Bucket, key: &str, new: New<'_>, keeps: bool) -> Result<(Option<String>, Place), Fail> {
    let New { temp, mut attributes, etag, version, now, .. } = new;
    let is_repeatable = keeps && version.is_some();
    let stamp = at::stamp(&temp.file)?;
    let id = if keeps { versions::new_id(version, &stamp) } else { NULL_VERSION.to_owned() };
    let current = find::current(bucket, key, at::LOOK)?;
    let mut survey = versions::survey(bucket, key, &id, current.as_ref().map(|c| &c.stamp))?;
    let (replaced, kept) = match current {
        Some(current) if current.version() == id => (Some(current), None),
        kept => (None, kept),
    };
    let (mut done, mut older) = (None, None);
    if is_repeatable {
        older = if replaced.is_none() { survey.wanted.take() } else { None };
        done = match &older {
            Some(entry) => entry.object(bucket, key, at::LOOK)?,
            None => replaced,
        };
    }
    let is_repeated = done.is_some();
    if let Some(done) = done {
        let place = done.place.clone();
        let is_same = done.stamp.size == stamp.size && etag.is_some() && done.etag() == etag.as_deref();
        if done.attributes().lock.check_removable(now).is_err() && !is_same {
            return Ok((Some(id), place));
        }
        if done.record.is_some() {
            attributes = attributes.once_more(done.attributes());
        }
        // What it replaces may have been durable.
        temp.file.sync_all()?;
        if let Some(entry) = older {
            let record = Record::new(&stamp, attributes, etag, Some(id.clone()));
            with_sidecar(bucket, key, &record, true, || entry.replace(bucket, key, temp))?;
            return Ok((Some(id), place));
        }
    }
    match &kept {
        Some(current) => survey.archive(bucket, key, current, false)?,
        None => survey.drop_leftover(bucket, key)?,
    }
    let version_id = keeps.then_some(id);
    let record = Record::new(&stamp, attributes, etag, version_id.clone());
    let placed = with_sidecar(bucket, key, &record, is_repeated, || put_in_place(bucket, key, temp))?;
    let place = clear(bucket, key, placed, kept.map(|c| c.stamp.inode))?;
    if !keeps {
        survey.discard_null(bucket, key)?;
    }
    Ok((version_id, place))
}

/// Puts a file in its place, with its sidecar there before it. The sidecar goes again if the file is not put there: what fails behind
/// that must fail outside, or an object would be left without what is known about it.
fn with_sidecar<T>(
    bucket: &Bucket,
    key: &str,
    record: &Record,
    durable: bool,
    put: impl FnOnce() -> Result<T, Fail>,
) -> Result<T, Fail> {
    let done = sidecar::write(bucket, key, record, durable).and_then(|()| put());
    if done.is_err() {
        sidecar::remove(bucket, key, record.inode());
    }
    done
}

/// Puts a file where the key's object belongs; gives the inode it replaced.
fn put_in_place(bucket: &Bucket, key: &str, mut temp: Temp) -> Result<(Place, Option<u64>), Fail> {
    let linked = match Location::ordinary(bucket, key) {
        Some(location) => temp.link(location.leaf())?,
        None => false,
    };
    let placed = if linked {
        (Place::Ordinary, None)
    } else {
        temp.rename(bucket, |folder, name| settle(bucket, key, folder, name))?
    };
    temp.settled();
    Ok(placed)
}

/// Removes what was replaced by what is in its place now, but for the sidecar of the inode `kept`.
fn clear(bucket: &Bucket, key: &str, placed: (Place, Option<u64>), kept: Option<u64>) -> Result<Place, Fail> {
    let (place, replaced) = placed;
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
    sidecar::write(bucket, key, &Record::new(&object.stamp, attributes, etag, version_id), false)?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use bytes::Bytes;
    use cap_std::{ambient_authority, fs::Dir};

    use super::*;
    use crate::{Conditions, CopySource, Directive};

    fn bucket() -> (tempfile::TempDir, Bucket) {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Bucket::new(Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()).unwrap();
        (folder, bucket)
    }

    #[test]
    fn a_source_that_is_changed_in_place_is_not_copied_by_halves() {
        let (folder, bucket) = bucket();
        put(&bucket, &PutRequest::new("b-1", "from", Bytes::from_static(b"old")), 0).unwrap();
        let request = CopyRequest {
            source: CopySource { bucket: "b-1", key: "from", version: &VersionSelector::Latest },
            target_bucket: "b-1",
            target_key: "to",
            metadata: Directive::Copy,
            tags: Directive::Copy,
            grants: Directive::Copy,
            canned_acl: None,
            storage_class: None,
            conditions: Conditions::default(),
            operation: None,
        };
        let source = copy_source(&bucket, &request, Sizes::default(), 0).unwrap();
        let hand = std::fs::File::options().write(true).open(folder.path().join("from")).unwrap();
        std::io::Write::write_all(&mut &hand, b"new").unwrap();
        // Whatever the granularity of the file system's clock.
        hand.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000)).unwrap();
        let failed = copy_target(&bucket, &request, source, 0).unwrap_err();
        assert_eq!(failed.kind, ErrorKind::PathConflict);
        assert!(!folder.path().join("to").exists());
    }

    /// An upload is aborted before it is completed or after, not in the middle of it.
    #[test]
    fn an_abort_waits_for_its_turn() {
        let (_folder, bucket) = bucket();
        let request = crate::MultipartRequest {
            bucket: "b-1",
            key: "k",
            metadata: crate::Metadata::default(),
            tags: Vec::new(),
            storage_class: crate::StorageClass::default(),
            grants: Vec::new(),
            canned_acl: None,
            operation: None,
        };
        let id = super::super::uploads::begin(&bucket, &request, 0).unwrap();
        let id = crate::UploadId { bucket: "b-1", key: "k", id: &id };
        let completing = bucket.lock("k");
        let (done, is_done) = mpsc::channel();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let result = Upload::abort(&bucket, id).map_err(|fail| fail.kind);
                done.send(result).unwrap();
            });
            assert!(is_done.recv_timeout(Duration::from_millis(100)).is_err(), "it did not wait");
            Upload::find(&bucket, id).unwrap();
            drop(completing);
            assert_eq!(is_done.recv().unwrap(), Ok(()));
        });
        assert_eq!(Upload::find(&bucket, id).err().unwrap().kind, ErrorKind::NoSuchUpload);
    }
}
