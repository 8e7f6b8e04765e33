//! Content that comes in pieces.

use std::{future::ready, sync::Arc};

use bytes::Bytes;

use super::{
    bucket::Bucket,
    incoming::Incoming,
    parts,
    write::{self, Put},
};
use crate::{BoxFuture, ObjectWriter, PutOutcome, StoreError, UploadId, clock::Clock, fail::Fail};

/// Writes an object or a part of one.
pub(super) struct Writer {
    pub(super) bucket: Arc<Bucket>,
    pub(super) bucket_name: String,
    pub(super) key: String,
    pub(super) incoming: Incoming,
    pub(super) becomes: Becomes,
    pub(super) clock: Clock,
}

/// What the content is to be.
pub(super) enum Becomes {
    Object(Box<Put>),
    Part { id: String, number: u16 },
}

impl Writer {
    fn end(self) -> Result<PutOutcome, StoreError> {
        let Self { bucket, bucket_name, key, incoming, becomes, clock } = self;
        let done: Result<PutOutcome, Fail> = match becomes {
            Becomes::Object(put) => write::end(&bucket, &key, *put, incoming, clock()),
            Becomes::Part { id, number } => {
                let id = UploadId { bucket: &bucket_name, key: &key, id: &id };
                parts::end(&bucket, id, number, incoming).map(|part| PutOutcome { etag: part.etag, version_id: None })
            }
        };
        done.map_err(|fail| fail.about(&bucket_name, &key))
    }
}

impl ObjectWriter for Writer {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        let written = self.incoming.write(&piece).map_err(|fail| fail.about(&self.bucket_name, &self.key));
        Box::pin(ready(written))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>> {
        Box::pin(async move { self.end() })
    }
}
