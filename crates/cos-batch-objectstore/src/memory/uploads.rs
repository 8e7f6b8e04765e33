//! Uploads in parts.

use std::{collections::BTreeMap, ops::Bound};

use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};

use super::{
    MemoryStore,
    state::{Content, State},
};
use crate::{
    CompleteRequest, ErrorKind, ListUploadsRequest, MultipartRequest, Part, PartCopyRequest, PartOutcome, PutOutcome,
    StoreError, UploadId, UploadPage,
    attributes::Attributes,
    fail::Fail,
    rules::{self, Versioning},
    upload::{self, Known},
};

/// An upload that is neither complete nor aborted.
#[derive(Debug)]
pub(super) struct Upload {
    initiated: i64,
    attributes: Attributes,
    /// Id of the version that completing makes, if the caller wants to know it again.
    version: Option<String>,
    parts: BTreeMap<u16, UploadedPart>,
}

#[derive(Debug)]
struct UploadedPart {
    body: Bytes,
    etag: String,
    last_modified: i64,
}

impl Upload {
    fn bytes(&self) -> u64 {
        self.parts.values().map(|part| part.body.len() as u64).sum()
    }
}

fn name(id: UploadId<'_>) -> (String, String) {
    (id.key.to_owned(), id.id.to_owned())
}

fn unknown(id: UploadId<'_>) -> StoreError {
    upload::no_such_upload().about(id.bucket, id.key)
}

impl State {
    pub(super) fn upload(&self, id: UploadId<'_>) -> Result<&Upload, StoreError> {
        self.bucket(id.bucket)?.uploads.get(&name(id)).ok_or_else(|| unknown(id))
    }

    fn upload_mut(&mut self, id: UploadId<'_>) -> Result<&mut Upload, StoreError> {
        self.bucket_mut(id.bucket)?.uploads.get_mut(&name(id)).ok_or_else(|| unknown(id))
    }

    fn remove_upload(&mut self, id: UploadId<'_>) -> Result<Upload, StoreError> {
        let removed = self.bucket_mut(id.bucket)?.uploads.remove(&name(id)).ok_or_else(|| unknown(id))?;
        self.used -= removed.bytes();
        Ok(removed)
    }

    /// Adds a part, in the place of the one with its number.
    pub(super) fn add_part(
        &mut self,
        id: UploadId<'_>,
        number: u16,
        body: Bytes,
        now: i64,
        capacity: u64,
    ) -> Result<PartOutcome, StoreError> {
        upload::check_number(number).map_err(|fail| fail.about(id.bucket, id.key))?;
        self.upload(id)?;
        self.check_room(body.len() as u64, capacity).map_err(|fail| fail.about(id.bucket, id.key))?;
        let etag = hex::encode(Md5::digest(&body));
        let size = body.len() as u64;
        let part = UploadedPart { body, etag: etag.clone(), last_modified: now };
        let replaced = self.upload_mut(id)?.parts.insert(number, part);
        self.used = self.used + size - replaced.map_or(0, |part| part.body.len() as u64);
        Ok(PartOutcome { etag })
    }
}

impl MemoryStore {
    pub(super) fn begin_upload(&self, request: &MultipartRequest<'_>) -> Result<String, StoreError> {
        let (bucket, key) = (request.bucket, request.key);
        let initiated = (self.clock)();
        let mut state = self.lock();
        state.bucket(bucket)?;
        let attributes =
            rules::check_key(key).and_then(|()| Attributes::of_upload(request)).map_err(|f| f.about(bucket, key))?;
        state.serial += 1;
        let id = format!("u{:016x}", state.serial);
        let version = request.operation.map(rules::operation_version);
        let upload = Upload { initiated, attributes, version, parts: BTreeMap::new() };
        state.bucket_mut(bucket)?.uploads.insert((key.to_owned(), id.clone()), upload);
        Ok(id)
    }

    pub(super) fn add_part(&self, id: UploadId<'_>, number: u16, body: Bytes) -> Result<PartOutcome, StoreError> {
        rules::check_put_size(body.len() as u64).map_err(|f| f.about(id.bucket, id.key))?;
        let now = (self.clock)();
        self.lock().add_part(id, number, body, now, self.capacity)
    }

    pub(super) fn copy_part(&self, request: &PartCopyRequest<'_>) -> Result<PartOutcome, StoreError> {
        let (source, id) = (&request.source, request.upload);
        let now = (self.clock)();
        let mut state = self.lock();
        state.upload(id)?;
        let from = state.bucket(source.bucket)?;
        let body = rules::check_key(source.key)
            .and_then(|()| from.find(source.key, source.version))
            .and_then(|found| {
                found.content.attributes.check_readable(now)?;
                if request.source_etag.is_some_and(|etag| etag != found.content.etag) {
                    return Err(Fail::new(ErrorKind::PreconditionFailed, "the source has another ETag"));
                }
                let body = &found.content.body;
                let range = rules::whole_range(request.range.as_ref(), body.len() as u64)?;
                self.sizes.check_copy(range.end - range.start)?;
                let index = |at: u64| usize::try_from(at).unwrap_or(body.len());
                Ok(body.slice(index(range.start)..index(range.end)))
            })
            .map_err(|f| f.about(source.bucket, source.key))?;
        state.add_part(id, request.number, body, now, self.capacity)
    }

    pub(super) fn complete_upload(&self, request: &CompleteRequest<'_>) -> Result<PutOutcome, StoreError> {
        let id = request.upload;
        let mut state = self.lock();
        let keeps = state.bucket(id.bucket)?.versioning == Versioning::Enabled;
        let upload = state.upload(id)?;
        let known = |number| {
            let known = |part: &UploadedPart| Known { etag: part.etag.clone(), size: part.body.len() as u64 };
            Ok(upload.parts.get(&number).map(known))
        };
        let size = upload::check_completion(request.parts, self.sizes.min_part, known)
            .map_err(|f| f.about(id.bucket, id.key))?;
        let mut body = BytesMut::with_capacity(usize::try_from(size).unwrap_or(0));
        for part in request.parts.iter().filter_map(|named| upload.parts.get(&named.number)) {
            body.extend_from_slice(&part.body);
        }
        let etag = upload::etag_of_parts(request.parts.iter().map(|part| part.etag.as_str()));
        let now = (self.clock)();
        // An upload whose object must not be replaced stays as it is.
        state.check_replaceable(id.bucket, id.key, now)?;
        // What the parts took is free now, and no less than what the object takes.
        let upload = state.remove_upload(id)?;
        let content = Content { body: body.freeze(), etag: etag.clone(), attributes: upload.attributes };
        let version = state.add(id.bucket, id.key, Some(content), upload.version, now, self.capacity)?;
        Ok(PutOutcome { etag, version_id: keeps.then_some(version) })
    }

    pub(super) fn abort_upload(&self, id: UploadId<'_>) -> Result<(), StoreError> {
        self.lock().remove_upload(id).map(drop)
    }

    pub(super) fn list_parts_now(
        &self,
        id: UploadId<'_>,
        after: u16,
        limit: usize,
    ) -> Result<(Vec<Part>, bool), StoreError> {
        rules::check_limit(limit).map_err(|f| f.about(id.bucket, id.key))?;
        let state = self.lock();
        let parts = &state.upload(id)?.parts;
        let mut left = parts.range((Bound::Excluded(after), Bound::Unbounded));
        let page = left.by_ref().take(limit).map(|(number, part)| Part {
            number: *number,
            etag: part.etag.clone(),
            size: part.body.len() as u64,
            last_modified: part.last_modified,
        });
        let page = page.collect();
        Ok((page, left.next().is_some()))
    }

    pub(super) fn list_uploads_now(&self, request: &ListUploadsRequest<'_>) -> Result<UploadPage, StoreError> {
        rules::check_limit(request.limit).map_err(|f| f.about_bucket(request.bucket))?;
        let state = self.lock();
        let uploads = &state.bucket(request.bucket)?.uploads;
        let admitted = |key: &str, id: &str| {
            key.starts_with(request.prefix)
                && request.after.is_none_or(|(after, after_id)| {
                    key > after || (key == after && !after_id.is_empty() && id > after_id)
                })
        };
        let mut left = uploads.iter().filter(|((key, id), _)| admitted(key, id));
        let page = left.by_ref().take(request.limit).map(|((key, id), upload)| crate::Upload {
            key: key.clone(),
            id: id.clone(),
            initiated: upload.initiated,
            storage_class: upload.attributes.storage_class.clone(),
        });
        let mut page = UploadPage { uploads: page.collect(), next: None };
        if left.next().is_some() {
            page.next = page.uploads.last().map(|last| (last.key.clone(), last.id.clone()));
        }
        Ok(page)
    }
}
