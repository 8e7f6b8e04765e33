//! Uploads in parts: what they are on disk, begin and end.
//!
//! An upload is a hidden folder, named by its id below the folder of its key. A record in it says what the object will
//! be; while the record is there, the upload exists. Each part is a file named by its number: the content, and after it
//! the 16 bytes of its MD5, so that one rename replaces both. What a crash leaves is an upload that is listed and can
//! be aborted.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::fs::FileExt,
};

use rustix::fs::{Dir, OFlags};
use serde::{Deserialize, Serialize};

use super::{
    at::{self, Renamed},
    bucket::Bucket,
    location::Location,
    names::UPLOADS,
    temp::Temp,
    versions,
};
use crate::{
    ErrorKind, MultipartRequest, Part, UploadId,
    attributes::Attributes,
    fail::Fail,
    rules,
    upload::{self, no_such_upload},
};

/// Name of the record.
const RECORD: &str = "upload.json";
/// Bytes of a record at most: as a sidecar, the limits of attributes allow about a tenth of it.
const MAX_RECORD_BYTES: u64 = 512 * 1024;
/// Bytes of an id at most; ours have some 40.
const MAX_ID_BYTES: usize = 64;
/// Bytes of the MD5 at the end of a part's file.
pub(super) const DIGEST_BYTES: usize = 16;

/// What the object will be.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) initiated: i64,
    /// Id of the version that completing makes, if the caller wants to know it again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) version: Option<String>,
    #[serde(flatten)]
    pub(super) attributes: Attributes,
}

/// An upload that is neither complete nor aborted.
pub(super) struct Upload<'a> {
    bucket: &'a Bucket,
    pub(super) key: &'a str,
    id: &'a str,
}

/// A part, opened.
pub(super) struct OpenPart {
    pub(super) file: File,
    /// Bytes of content, without the MD5 after it.
    pub(super) size: u64,
    pub(super) etag: String,
    last_modified: i64,
}

/// Begins an upload; gives its id.
pub(super) fn begin(bucket: &Bucket, request: &MultipartRequest<'_>, now: i64) -> Result<String, Fail> {
    rules::check_key(request.key)?;
    let record = Record {
        initiated: now,
        version: request.operation.map(rules::operation_version),
        attributes: Attributes::of_upload(request)?,
    };
    let text = serde_json::to_vec(&record).map_err(|e| Fail::new(ErrorKind::InternalError, e.to_string()))?;
    let mut temp = Temp::named(bucket)?;
    temp.file.write_all(&text)?;
    // Whoever begins it may note it durably: without a record that can be read nobody could complete it.
    temp.file.sync_all()?;
    let id = versions::id_of_file(&at::stamp(&temp.file)?);
    let location = Upload { bucket, key: request.key, id: &id }.location_made(RECORD)?;
    match temp.rename(bucket, |folder, name| location.take(folder, name))? {
        Renamed::Replacing(_) => {
            temp.settled();
            Ok(id)
        }
        Renamed::FolderInTheWay | Renamed::Refused => Err(Fail::refused()),
    }
}

impl<'a> Upload<'a> {
    /// The upload with this id, which has to exist.
    pub(super) fn find(bucket: &'a Bucket, id: UploadId<'a>) -> Result<Self, Fail> {
        let upload = Self::named(bucket, id.key, id.id).ok_or_else(no_such_upload)?;
        upload.must_exist()?;
        Ok(upload)
    }

    /// Ends an upload that is not being completed at this moment.
    pub(super) fn abort(bucket: &'a Bucket, id: UploadId<'a>) -> Result<(), Fail> {
        let _changing = bucket.lock(id.key);
        Self::find(bucket, id)?.clear()
    }

    /// The upload with this id, if it can be one.
    pub(super) fn named(bucket: &'a Bucket, key: &'a str, id: &'a str) -> Option<Self> {
        let possible = (1..=MAX_ID_BYTES).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b) || b == b'-');
        (possible && rules::check_key(key).is_ok()).then_some(Self { bucket, key, id })
    }

    pub(super) fn must_exist(&self) -> Result<(), Fail> {
        let stamp = match self.location(RECORD)? {
            Some(location) => location.stat()?,
            None => None,
        };
        if stamp.is_some_and(|stamp| stamp.kind.is_file()) { Ok(()) } else { Err(no_such_upload()) }
    }

    pub(super) fn record(&self) -> Result<Record, Fail> {
        let location = self.location(RECORD)?.ok_or_else(no_such_upload)?;
        let file = match location.open(at::READ) {
            Err(error) if at::is_absent(error) => return Err(no_such_upload()),
            opened => File::from(opened?),
        };
        let mut text = Vec::new();
        file.take(MAX_RECORD_BYTES).read_to_end(&mut text)?;
        serde_json::from_slice(&text)
            .map_err(|e| Fail::new(ErrorKind::InternalError, format!("the upload's record is unreadable: {e}")))
    }

    fn location(&self, name: &str) -> Result<Option<Location<'static>>, Fail> {
        Ok(Location::hidden(self.bucket, UPLOADS, self.key, &format!("/{}/{name}", self.id))?)
    }

    fn location_made(&self, name: &str) -> Result<Location<'static>, Fail> {
        Ok(Location::hidden_made(self.bucket, UPLOADS, self.key, &format!("/{}/{name}", self.id))?)
    }

    /// Where a part is or will be.
    pub(super) fn part(&self, number: u16) -> Result<Location<'static>, Fail> {
        self.location_made(&part_name(number))
    }

    /// Opens a part; none if it was not uploaded.
    pub(super) fn open_part(&self, number: u16) -> Result<Option<OpenPart>, Fail> {
        let file = match self.part(number)?.open(at::READ) {
            Err(error) if at::is_absent(error) => return Ok(None),
            opened => File::from(opened?),
        };
        let stamp = at::stamp(&file)?;
        // A loss of power may leave less than was written.
        let Some(size) = stamp.size.checked_sub(DIGEST_BYTES as u64).filter(|_| stamp.kind.is_file()) else {
            return Ok(None);
        };
        let mut digest = [0; DIGEST_BYTES];
        file.read_exact_at(&mut digest, size)?;
        Ok(Some(OpenPart { file, size, etag: hex::encode(digest), last_modified: stamp.modified.0 }))
    }

    /// Parts above `after` by number, at most `limit`, and whether there are more.
    pub(super) fn parts(&self, after: u16, limit: usize) -> Result<(Vec<Part>, bool), Fail> {
        rules::check_limit(limit)?;
        let mut numbers = Vec::new();
        self.each_name(|name| {
            if let Some(number) = number_of(name).filter(|number| *number > after) {
                numbers.push(number);
            }
        })?;
        numbers.sort_unstable();
        let more = numbers.len() > limit;
        let mut parts = Vec::with_capacity(numbers.len().min(limit));
        for number in numbers.into_iter().take(limit) {
            if let Some(OpenPart { size, etag, last_modified, .. }) = self.open_part(number)? {
                parts.push(Part { number, etag, size, last_modified });
            }
        }
        Ok((parts, more))
    }

    /// Removes the upload with its parts. The record goes when the parts are gone; what comes after it, from a writer
    /// that had found the record, is removed by a second look, or by that writer.
    pub(super) fn clear(&self) -> Result<(), Fail> {
        self.drop_parts()?;
        if let Some(location) = self.location(RECORD)? {
            location.remove()?;
        }
        self.drop_parts()?;
        if let Some(location) = self.location(RECORD)? {
            location.prune();
        }
        Ok(())
    }

    fn drop_parts(&self) -> Result<(), Fail> {
        let mut numbers = Vec::new();
        self.each_name(|name| numbers.extend(number_of(name)))?;
        for number in numbers {
            self.part(number)?.remove()?;
        }
        Ok(())
    }

    fn each_name(&self, mut see: impl FnMut(&str)) -> Result<(), Fail> {
        let Some(location) = Location::hidden(self.bucket, UPLOADS, self.key, &format!("/{}", self.id))? else {
            return Ok(());
        };
        let folder = match location.open(at::SCAN) {
            Err(error) if at::is_absent(error) => return Ok(()),
            opened => opened?,
        };
        for entry in Dir::new(folder)? {
            if let Ok(name) = entry?.file_name().to_str() {
                see(name);
            }
        }
        Ok(())
    }
}

/// Ids of the uploads of a key that are above `after`, ascending, at most `limit`.
pub(super) fn ids(bucket: &Bucket, key: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Fail> {
    let Some(location) = Location::hidden(bucket, UPLOADS, key, "")? else { return Ok(Vec::new()) };
    let folder = match location.open(at::SCAN.union(OFlags::NOFOLLOW)) {
        Err(error) if at::is_absent(error) => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut ids = std::collections::BTreeSet::new();
    for entry in Dir::new(folder)? {
        let entry = entry?;
        let Ok(id) = entry.file_name().to_str() else { continue };
        let exists = || Upload::named(bucket, key, id).is_some_and(|upload| upload.must_exist().is_ok());
        if after.is_none_or(|after| id > after) && exists() {
            ids.insert(id.to_owned());
            if ids.len() > limit {
                ids.pop_last();
            }
        }
    }
    Ok(ids.into_iter().collect())
}

fn part_name(number: u16) -> String {
    format!("{number:05}")
}

fn number_of(name: &str) -> Option<u16> {
    let number = name.parse().ok()?;
    (upload::check_number(number).is_ok() && name == part_name(number)).then_some(number)
}
