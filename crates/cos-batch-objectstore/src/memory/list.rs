//! Listings of keys and of versions.

use std::ops::Bound;

use super::{MemoryStore, state::Version};
use crate::{
    ListPage, ListRequest, ListVersionsRequest, Metadata, ObjectMeta, ObjectVersion, StoreError, VersionKind,
    VersionPage, VersionSelector, rules,
};

impl MemoryStore {
    pub(super) fn list_now(&self, request: &ListRequest<'_>) -> Result<ListPage, StoreError> {
        let now = (self.clock)();
        let state = self.lock();
        let bucket = state.bucket(request.bucket)?;
        rules::check_limit(request.limit).map_err(|f| f.about_bucket(request.bucket))?;
        let start = match request.after {
            Some(after) if after >= request.prefix => Bound::Excluded(after),
            _ => Bound::Included(request.prefix),
        };
        let mut page = ListPage::default();
        let keys = bucket.objects.range::<str, _>((start, Bound::Unbounded)).map(|(key, _)| key);
        for key in keys.take_while(|key| key.starts_with(request.prefix)) {
            let Ok(found) = bucket.find(key, &VersionSelector::Latest) else { continue };
            if page.objects.len() == request.limit {
                page.next = page.objects.last().map(|(key, _)| key.clone());
                break;
            }
            let meta = found.meta(bucket.versioning, now);
            page.objects.push((key.clone(), listed(meta)));
        }
        Ok(page)
    }

    pub(super) fn list_versions_now(&self, request: &ListVersionsRequest<'_>) -> Result<VersionPage, StoreError> {
        let state = self.lock();
        let bucket = state.bucket(request.bucket)?;
        rules::check_limit(request.limit).map_err(|f| f.about_bucket(request.bucket))?;
        let start = match request.after {
            Some((after, "")) if after >= request.prefix => Bound::Excluded(after),
            Some((after, _)) if after >= request.prefix => Bound::Included(after),
            _ => Bound::Included(request.prefix),
        };
        let mut page = VersionPage::default();
        let keys = bucket.objects.range::<str, _>((start, Bound::Unbounded));
        for (key, versions) in keys.take_while(|(key, _)| key.starts_with(request.prefix)) {
            // Of a version that is gone nobody knows what came after it: then the key begins anew.
            let seen = request.after.filter(|(after, _)| after == key);
            let left = seen.and_then(|(_, id)| versions.iter().position(|v| v.id == id)).unwrap_or(versions.len());
            for (at, version) in versions[..left].iter().enumerate().rev() {
                if page.versions.len() == request.limit {
                    page.next = page.versions.last().map(|last| (last.key.clone(), last.version_id.clone()));
                    return Ok(page);
                }
                page.versions.push(shown(key, version, at + 1 == versions.len()));
            }
        }
        Ok(page)
    }
}

fn shown(key: &str, version: &Version, is_latest: bool) -> ObjectVersion {
    let kind = version.content.as_ref().map_or(VersionKind::Marker, |content| VersionKind::Object {
        size: content.body.len() as u64,
        etag: content.etag.clone(),
        storage_class: content.attributes.storage_class.clone(),
    });
    ObjectVersion {
        key: key.to_owned(),
        version_id: version.id.clone(),
        is_latest,
        last_modified: version.last_modified,
        kind,
    }
}

/// Attributes as listings show them.
fn listed(meta: ObjectMeta) -> ObjectMeta {
    ObjectMeta { metadata: Metadata::default(), grants: Vec::new(), canned_acl: None, restore: None, ..meta }
}
