//! Listings of versions and of uploads, whose keys are in the hidden area.

use super::{
    bucket::Bucket,
    list::{self, Bounds, Tree},
    names::{UPLOADS, VERSIONS},
    uploads, versions,
};
use crate::{ListUploadsRequest, ListVersionsRequest, Upload, UploadPage, VersionPage, fail::Fail, rules};

const OLDER_VERSIONS: Tree = Tree { name: VERSIONS, leaves_are_folders: true };
const BEGUN_UPLOADS: Tree = Tree { name: UPLOADS, leaves_are_folders: true };

/// Where to go on: this key and what comes after, or only what comes after.
struct Position {
    key: Option<String>,
    inclusive: bool,
}

impl Position {
    fn after(after: Option<(&str, &str)>) -> Self {
        Self { key: after.map(|(key, _)| key.to_owned()), inclusive: after.is_some_and(|(_, id)| !id.is_empty()) }
    }

    fn bounds<'a>(&'a self, prefix: &'a str, now: i64) -> Bounds<'a> {
        Bounds { prefix, after: self.key.as_deref(), inclusive: self.inclusive, now }
    }

    fn passed(&mut self, key: String) {
        *self = Self { key: Some(key), inclusive: false };
    }
}

/// What of `after` concerns this key.
fn seen<'a>(after: Option<(&'a str, &'a str)>, key: &str) -> Option<&'a str> {
    after.filter(|(after, id)| *after == key && !id.is_empty()).map(|(_, id)| id)
}

pub(super) fn list_versions(bucket: &Bucket, request: &ListVersionsRequest<'_>, now: i64) -> Result<VersionPage, Fail> {
    rules::check_limit(request.limit)?;
    // One more than asked for tells whether there is another page.
    let want = request.limit + 1;
    let mut page = VersionPage::default();
    let mut position = Position::after(request.after);
    loop {
        let bounds = position.bounds(request.prefix, now);
        let mut keys = list::current_keys(bucket, &bounds, want)?;
        keys.extend(list::hidden_keys(bucket, &OLDER_VERSIONS, &bounds, want)?);
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(want);
        let last = keys.len() < want;
        for key in keys {
            let left = want - page.versions.len();
            page.versions.extend(versions::all(bucket, &key, seen(request.after, &key), left)?);
            if page.versions.len() == want {
                page.versions.pop();
                page.next = page.versions.last().map(|last| (last.key.clone(), last.version_id.clone()));
                return Ok(page);
            }
            position.passed(key);
        }
        if last {
            return Ok(page);
        }
    }
}

pub(super) fn list_uploads(bucket: &Bucket, request: &ListUploadsRequest<'_>, now: i64) -> Result<UploadPage, Fail> {
    rules::check_limit(request.limit)?;
    let want = request.limit + 1;
    let mut page = UploadPage::default();
    let mut position = Position::after(request.after);
    loop {
        let keys = list::hidden_keys(bucket, &BEGUN_UPLOADS, &position.bounds(request.prefix, now), want)?;
        let last = keys.len() < want;
        for key in keys {
            for id in uploads::ids(bucket, &key, seen(request.after, &key), want - page.uploads.len())? {
                let Some(upload) = uploads::Upload::named(bucket, &key, &id) else { continue };
                // Complete or aborted meanwhile: not in the page.
                let Ok(record) = upload.record() else { continue };
                let storage_class = record.attributes.storage_class;
                page.uploads.push(Upload { key: key.clone(), id, initiated: record.initiated, storage_class });
            }
            if page.uploads.len() == want {
                page.uploads.pop();
                page.next = page.uploads.last().map(|last| (last.key.clone(), last.id.clone()));
                return Ok(page);
            }
            position.passed(key);
        }
        if last {
            return Ok(page);
        }
    }
}

/// Has the bucket neither objects nor versions nor uploads?
pub(super) fn is_empty(bucket: &Bucket, now: i64) -> Result<bool, Fail> {
    let versions = ListVersionsRequest { bucket: "", prefix: "", after: None, limit: 1 };
    let uploads = ListUploadsRequest { bucket: "", prefix: "", after: None, limit: 1 };
    Ok(list_versions(bucket, &versions, now)?.versions.is_empty()
        && list_uploads(bucket, &uploads, now)?.uploads.is_empty())
}
