//! Content that comes in pieces.

use std::{
    future::ready,
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};

use super::{
    MemoryStore, locked,
    state::{Content, State},
};
use crate::{
    BoxFuture, ObjectWriter, PutOutcome, PutRequest, StoreError, UploadId,
    attributes::Attributes,
    clock::Clock,
    rules::{self, Versioning},
    upload,
};

struct Writer {
    state: Arc<Mutex<State>>,
    clock: Clock,
    capacity: u64,
    bucket: String,
    key: String,
    body: BytesMut,
    becomes: Becomes,
}

enum Becomes {
    Object { attributes: Box<Attributes>, version: Option<String> },
    Part { id: String, number: u16 },
}

impl MemoryStore {
    pub(super) fn object_writer(&self, request: &PutRequest<'_>) -> Result<Box<dyn ObjectWriter>, StoreError> {
        let (bucket, key) = (request.bucket, request.key);
        self.lock().bucket(bucket)?;
        let attributes =
            rules::check_key(key).and_then(|()| Attributes::of_put(request)).map_err(|f| f.about(bucket, key))?;
        let version = request.operation.map(rules::operation_version);
        let mut writer = self.writer(bucket, key, Becomes::Object { attributes: Box::new(attributes), version });
        writer.add(&request.body)?;
        Ok(Box::new(writer))
    }

    pub(super) fn part_writer(&self, id: UploadId<'_>, number: u16) -> Result<Box<dyn ObjectWriter>, StoreError> {
        upload::check_number(number).map_err(|f| f.about(id.bucket, id.key))?;
        self.lock().upload(id)?;
        Ok(Box::new(self.writer(id.bucket, id.key, Becomes::Part { id: id.id.to_owned(), number })))
    }

    fn writer(&self, bucket: &str, key: &str, becomes: Becomes) -> Writer {
        Writer {
            state: Arc::clone(&self.state),
            clock: self.clock,
            capacity: self.capacity,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            body: BytesMut::new(),
            becomes,
        }
    }
}

impl Writer {
    fn add(&mut self, piece: &Bytes) -> Result<(), StoreError> {
        let size = (self.body.len() + piece.len()) as u64;
        rules::check_put_size(size)
            .and_then(|()| locked(&self.state).check_room(size, self.capacity))
            .map_err(|f| f.about(&self.bucket, &self.key))?;
        self.body.extend_from_slice(piece);
        Ok(())
    }

    fn end(self) -> Result<PutOutcome, StoreError> {
        let (bucket, key) = (&*self.bucket, &*self.key);
        let now = (self.clock)();
        let body = self.body.freeze();
        let mut state = locked(&self.state);
        match self.becomes {
            Becomes::Object { attributes, version } => {
                let keeps = state.bucket(bucket)?.versioning == Versioning::Enabled;
                let etag = hex::encode(Md5::digest(&body));
                let content = Content { body, etag: etag.clone(), attributes: *attributes };
                let id = state.add(bucket, key, Some(content), version, now, self.capacity)?;
                Ok(PutOutcome { etag, version_id: keeps.then_some(id) })
            }
            Becomes::Part { id, number } => {
                let id = UploadId { bucket, key, id: &id };
                let etag = state.add_part(id, number, body, now, self.capacity)?.etag;
                Ok(PutOutcome { etag, version_id: None })
            }
        }
    }
}

impl ObjectWriter for Writer {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(self.add(&piece)))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>> {
        Box::pin(async move { self.end() })
    }
}
