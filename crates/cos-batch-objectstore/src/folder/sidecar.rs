//! Sidecars: what is known about an object besides its bytes.
//!
//! A sidecar is named by key and inode and says size and time of change of the file it is about. It is written while
//! that file still has its temporary name, so the rename that commits the file commits both; before it, the sidecar of
//! the file that is there is found by its own inode. A file that was changed or replaced by hand matches no sidecar.

use std::{
    fs::File,
    io::{Read, Write},
};

use serde::{Deserialize, Serialize};

use super::{
    at::{self, Renamed, Stamp},
    bucket::Bucket,
    location::Location,
    names::META,
    temp::Temp,
};
use crate::{ErrorKind, attributes::Attributes, fail::Fail, upload};

/// Bytes of a sidecar at most: the limits of attributes allow about a tenth of it, and JSON may take six bytes for one.
const MAX_SIDECAR_BYTES: u64 = 512 * 1024;

/// What a sidecar says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    inode: u64,
    size: u64,
    modified: (i64, u32),
    /// ETag without quotes, where it was known when this was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) etag: Option<String>,
    /// None is the `null` version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) version_id: Option<String>,
    #[serde(flatten)]
    pub(super) attributes: Attributes,
}

impl Record {
    /// About the file with this stamp.
    pub(super) fn new(of: &Stamp, attributes: Attributes, etag: Option<String>, version_id: Option<String>) -> Self {
        Self { inode: of.inode, size: of.size, modified: of.modified, etag, version_id, attributes }
    }

    /// Inode of the file this is about.
    pub(super) fn inode(&self) -> u64 {
        self.inode
    }

    /// Would the object be the same without it?
    fn is_needed(&self) -> bool {
        let etag_is_known_here_only = self.etag.as_deref().is_some_and(upload::is_of_parts);
        self.version_id.is_some() || !self.attributes.is_default() || etag_is_known_here_only
    }

    fn is_about(&self, file: &Stamp) -> bool {
        (self.inode, self.size, self.modified) == (file.inode, file.size, file.modified)
    }
}

fn suffix(inode: u64) -> String {
    format!("~{inode}")
}

/// The valid sidecar of a file.
pub(super) fn read(bucket: &Bucket, key: &str, of: &Stamp) -> Result<Option<Record>, Fail> {
    let Some(location) = Location::hidden(bucket, META, key, &suffix(of.inode))? else { return Ok(None) };
    let file = match location.open(at::READ) {
        Err(error) if at::is_absent(error) => return Ok(None),
        opened => File::from(opened?),
    };
    let mut text = Vec::new();
    file.take(MAX_SIDECAR_BYTES).read_to_end(&mut text)?;
    match serde_json::from_slice::<Record>(&text) {
        Ok(record) => Ok(record.is_about(of).then_some(record)),
        Err(error) => {
            tracing::warn!(key = ?key, %error, "an unreadable sidecar is ignored");
            Ok(None)
        }
    }
}

/// Writes the sidecar of a file, or removes it when nothing differs from a file without one. `durable`: its content is, on return.
pub(super) fn write(bucket: &Bucket, key: &str, record: &Record, durable: bool) -> Result<(), Fail> {
    if !record.is_needed() {
        remove(bucket, key, record.inode);
        return Ok(());
    }
    let text = serde_json::to_vec(record).map_err(|e| Fail::new(ErrorKind::InternalError, e.to_string()))?;
    let location = Location::hidden_made(bucket, META, key, &suffix(record.inode))?;
    let mut temp = Temp::for_location(bucket, Some(&location))?;
    temp.file.write_all(&text)?;
    if durable {
        temp.file.sync_all()?;
    }
    match temp.put(bucket, &location)? {
        Renamed::Replacing(_) => Ok(()),
        Renamed::FolderInTheWay | Renamed::Refused => Err(Fail::refused()),
    }
}

/// Removes the sidecar of a file that is gone. Best effort: a sidecar without its file is never read.
pub(super) fn remove(bucket: &Bucket, key: &str, inode: u64) {
    if let Ok(Some(location)) = Location::hidden(bucket, META, key, &suffix(inode))
        && let Ok(Some(_)) = location.remove()
    {
        location.prune();
    }
}
