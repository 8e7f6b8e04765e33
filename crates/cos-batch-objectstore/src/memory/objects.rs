//! Put, copy, delete.

use md5::{Digest, Md5};

use super::{MemoryStore, state::Content};
use crate::{
    CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, OperationId, PutOutcome, PutRequest, StoreError,
    VersionSelector,
    attributes::{self, Attributes},
    rules::{self, NULL_VERSION, Versioning},
};

fn operation_version(operation: Option<OperationId>) -> Option<String> {
    operation.map(rules::operation_version)
}

impl MemoryStore {
    pub(super) fn put_now(&self, request: PutRequest<'_>) -> Result<PutOutcome, StoreError> {
        let (bucket, key) = (request.bucket, request.key);
        let mut state = self.lock();
        let versioning = state.bucket(bucket)?.versioning;
        let attributes =
            rules::check_key(key).and_then(|()| Attributes::of_put(&request)).map_err(|f| f.about(bucket, key))?;
        let etag = hex::encode(Md5::digest(&request.body));
        let content = Content { body: request.body, etag: etag.clone(), attributes };
        let id = state.add(
            bucket,
            key,
            Some(content),
            operation_version(request.operation),
            (self.clock)(),
            self.capacity,
        )?;
        Ok(PutOutcome { etag, version_id: (versioning == Versioning::Enabled).then_some(id) })
    }

    pub(super) fn copy_now(&self, request: &CopyRequest<'_>) -> Result<CopyOutcome, StoreError> {
        let now = (self.clock)();
        let source = &request.source;
        let mut state = self.lock();
        let target = (request.target_bucket, request.target_key);
        let versioning = state.bucket(target.0)?.versioning;
        rules::check_key(target.1).map_err(|f| f.about(target.0, target.1))?;
        let from = state.bucket(source.bucket)?;
        let content = rules::check_key(source.key)
            .and_then(|()| from.find(source.key, source.version))
            .and_then(|found| {
                rules::check_conditions(request.conditions, found.version.last_modified)?;
                found.content.attributes.check_readable(now)?;
                self.sizes.check_copy(found.content.body.len() as u64)?;
                let onto_itself = found.latest && (source.bucket, source.key) == target;
                if onto_itself && !attributes::changes_something(request) {
                    return Err(attributes::changes_nothing());
                }
                let attributes = found.content.attributes.of_copy(request)?;
                Ok(Content { attributes, ..found.content.clone() })
            })
            .map_err(|f| f.about(source.bucket, source.key))?;
        let id =
            state.add(target.0, target.1, Some(content), operation_version(request.operation), now, self.capacity)?;
        Ok(CopyOutcome { version_id: (versioning == Versioning::Enabled).then_some(id) })
    }

    pub(super) fn delete_now(&self, request: &DeleteRequest<'_>) -> Result<DeleteOutcome, StoreError> {
        let (bucket, key) = (request.bucket, request.key);
        let mut state = self.lock();
        let versioning = state.bucket(bucket)?.versioning;
        rules::check_key(key).map_err(|f| f.about(bucket, key))?;
        match request.version {
            VersionSelector::Id(id) => state.remove(bucket, key, id, (self.clock)()),
            VersionSelector::Latest if versioning == Versioning::Off => {
                state.remove(bucket, key, NULL_VERSION, (self.clock)())?;
                Ok(DeleteOutcome::default())
            }
            VersionSelector::Latest => {
                let id = state.add(
                    bucket,
                    key,
                    None,
                    operation_version(request.operation),
                    (self.clock)(),
                    self.capacity,
                )?;
                Ok(DeleteOutcome { delete_marker: true, version_id: Some(id) })
            }
        }
    }
}
