//! Head and get.

use std::{fs::File, io::Read, os::unix::fs::FileExt};

use bytes::Bytes;
use md5::{Digest, Md5};

use super::{
    at::{self, Stamp},
    bucket::Bucket,
    find::{self, Object},
};
use crate::{
    ErrorKind, GetRequest, Metadata, ObjectMeta, Pin, VersionSelector,
    fail::Fail,
    rules::{self, NULL_VERSION, Versioning},
};

/// Bytes read at once to compute an ETag.
const HASH_BYTES: usize = 128 * 1024;

/// Inode, size and times. Of a version with an id of its own the time of the attributes' change is left out: it also
/// changes when the version stops being the current one, and the sidecar that gives the id vouches for the rest.
fn pin(object: &Object) -> Pin {
    let Stamp { inode, size, modified: (seconds, nanoseconds), changed, .. } = object.stamp;
    let mut text = format!("{inode:x}-{size:x}-{seconds:x}.{nanoseconds:x}");
    if object.version() == NULL_VERSION {
        text.push_str(&format!("-{:x}.{:x}", changed.0, changed.1));
    }
    Pin(text)
}

pub(super) fn head(bucket: &Bucket, key: &str, version: &VersionSelector, now: i64) -> Result<ObjectMeta, Fail> {
    rules::check_key(key)?;
    let object = find::locate(bucket, key, version, at::READ)?;
    let etag = etag(bucket, &object)?;
    let attributes = object.attributes();
    Ok(ObjectMeta {
        restore: attributes.running_restore(now),
        metadata: attributes.metadata,
        grants: attributes.grants,
        canned_acl: attributes.canned_acl,
        ..listed(&object, etag, bucket.versioning()?)
    })
}

/// What a listing shows.
pub(super) fn listed(object: &Object, etag: String, versioning: Versioning) -> ObjectMeta {
    let record = object.record.as_ref();
    ObjectMeta {
        size: object.stamp.size,
        etag,
        last_modified: object.stamp.modified.0,
        version_id: versioning.reported(object.version()),
        storage_class: record.map(|r| r.attributes.storage_class.clone()).unwrap_or_default(),
        metadata: Metadata::default(),
        grants: Vec::new(),
        canned_acl: None,
        restore: None,
        pin: pin(object),
    }
}

/// The ETag, as far as it is known without reading the file.
pub(super) fn known_etag(bucket: &Bucket, object: &Object) -> Option<String> {
    let recorded = object.record.as_ref().and_then(|r| r.etag.clone());
    recorded.or_else(|| bucket.etags.get(&object.stamp))
}

/// The ETag; the file is read if it has to be.
pub(super) fn etag(bucket: &Bucket, object: &Object) -> Result<String, Fail> {
    if let Some(known) = known_etag(bucket, object) {
        return Ok(known);
    }
    let etag = compute_etag(object)?;
    bucket.etags.remember(&object.stamp, &etag);
    Ok(etag)
}

/// Refuses an object whose file was changed since it was found.
pub(super) fn unchanged(object: &Object) -> Result<(), Fail> {
    let after = at::stamp(&object.file)?;
    if (after.size, after.modified) == (object.stamp.size, object.stamp.modified) {
        return Ok(());
    }
    Err(Fail::new(ErrorKind::PathConflict, "the object was changed while it was read"))
}

fn compute_etag(object: &Object) -> Result<String, Fail> {
    let mut md5 = Md5::new();
    let mut buffer = vec![0; HASH_BYTES];
    let mut file = &object.file;
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => md5.update(&buffer[..n]),
        }
    }
    unchanged(object)?;
    Ok(hex::encode(md5.finalize()))
}

pub(super) fn get_range(bucket: &Bucket, request: &GetRequest<'_>, now: i64) -> Result<Bytes, Fail> {
    rules::check_key(request.key)?;
    let object = find::locate(bucket, request.key, request.version, at::READ)?;
    let changed = || Fail::new(ErrorKind::PreconditionFailed, "the object has changed");
    if request.pin.is_some_and(|expected| *expected != pin(&object)) {
        return Err(changed());
    }
    object.attributes().check_readable(now)?;
    let range = rules::clip(&request.range, object.stamp.size)?;
    let bytes = read_at(&object.file, range.start, range.end - range.start)?;
    // What a hand changed in place while it was read shows in the times.
    if request.pin.is_some() {
        let after = at::stamp(&object.file)?;
        if (after.size, after.modified) != (object.stamp.size, object.stamp.modified) {
            return Err(changed());
        }
    }
    Ok(bytes)
}

fn read_at(file: &File, start: u64, length: u64) -> Result<Bytes, Fail> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut buffer = vec![0; length];
    file.read_exact_at(&mut buffer, start).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Fail::new(ErrorKind::PathConflict, "the object got shorter while it was read")
        }
        _ => error.into(),
    })?;
    Ok(buffer.into())
}
