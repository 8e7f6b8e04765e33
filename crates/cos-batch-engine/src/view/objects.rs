//! Objects of a tenant: lists, pieces, uploads. Enough to make manifests and to read reports, whatever store there is.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use cos_batch_model::{ApiError, ErrorCode, RequestContext};
use cos_batch_objectstore::{
    BoxFuture, CompleteRequest, CompletedPart, GetRequest, ListRequest, Metadata, MultipartRequest, ObjectMeta,
    ObjectStore, PartRequest, Pin, PutRequest, StorageClass, StoreError, UploadId, VersionSelector,
};
use serde::{Deserialize, Serialize};

use super::object_error;
use crate::{access::Right, engine::Engine, runtime::offload, wire};

/// Most objects of a page: what stores list at once.
pub const LIST_LIMIT_MAX: usize = 1000;

/// Most bytes of an object that are read at once; clients take answers of up to 8 MiB.
pub const READ_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Most bytes of a name of an object or an upload that is passed on to a store; stores have rules of their own below.
const NAME_BYTES_MAX: usize = 2048;

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedObject {
    /// Its key, as it is.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed, Unix seconds.
    pub last_modified: i64,
    /// Its storage class.
    pub storage_class: String,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectPage {
    /// Objects, by key in the order of bytes.
    pub objects: Vec<ListedObject>,
    /// Where the next page begins; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Attributes of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectAttributes {
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag, without quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
    /// When it was last changed.
    pub last_modified: String,
    /// Its storage class.
    pub storage_class: String,
    /// Its version, where the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Opaque: reads that name it get bytes of this very content, or an error.
    pub pin: String,
}

impl From<ObjectMeta> for ObjectAttributes {
    fn from(meta: ObjectMeta) -> Self {
        Self {
            size: meta.size,
            etag: meta.etag,
            last_modified: wire::timestamp(meta.last_modified.saturating_mul(1000)).to_string(),
            storage_class: meta.storage_class.0,
            version_id: meta.version_id,
            pin: meta.pin.0,
        }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Written {
    /// ETag, without quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
}

/// A part that completing an upload names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PartName {
    /// Its number, from 1.
    pub number: u16,
    /// Its ETag, without quotes.
    #[serde(rename = "ETag")]
    pub etag: String,
}

impl Engine {
    /// A page of a bucket's objects whose keys begin with `prefix`, after the key `after`, at most `limit` (up to
    /// [`LIST_LIMIT_MAX`]). Needs the right to read.
    ///
    /// # Errors
    /// AccessDenied; those of the store.
    pub async fn list_objects(
        &self,
        context: &RequestContext,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ObjectPage, ApiError> {
        named(prefix, "prefix", 0)?;
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let limit = limit.clamp(1, LIST_LIMIT_MAX);
        let page = self.with_store(context, bucket, Right::Read, |store, bucket| {
            Box::pin(async move {
                store.list(ListRequest { bucket: &bucket, prefix: &prefix, after: after.as_deref(), limit }).await
            })
        });
        let page = page.await?;
        let listed = |(key, meta): (String, ObjectMeta)| ListedObject {
            key,
            size: meta.size,
            last_modified: meta.last_modified,
            storage_class: meta.storage_class.0,
        };
        Ok(ObjectPage { objects: page.objects.into_iter().map(listed).collect(), next: page.next })
    }

    /// Attributes of an object. Needs the right to read.
    ///
    /// # Errors
    /// AccessDenied; those of the store.
    pub async fn object_attributes(
        &self,
        context: &RequestContext,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectAttributes, ApiError> {
        named(key, "key", 1)?;
        let (key, version) = (key.to_owned(), selector(version));
        let meta = self.with_store(context, bucket, Right::Read, |store, bucket| {
            Box::pin(async move { store.head(&bucket, &key, &version).await })
        });
        meta.await.map(ObjectAttributes::from)
    }

    /// Bytes of an object, at most [`READ_BYTES_MAX`] from the start of the range. Needs the right to read.
    ///
    /// # Errors
    /// AccessDenied; those of the store: PreconditionFailed where the object is no longer that of `pin`.
    pub async fn read_object(
        &self,
        context: &RequestContext,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        range: Range<u64>,
        pin: Option<&str>,
    ) -> Result<Bytes, ApiError> {
        named(key, "key", 1)?;
        let end = range.end.min(range.start.saturating_add(READ_BYTES_MAX));
        if range.start > end {
            return Err(ApiError::new(ErrorCode::InvalidArgument, "the range ends before it begins"));
        }
        let (key, version) = (key.to_owned(), selector(version));
        let (range, pin) = (range.start..end, pin.map(|pin| Pin(pin.to_owned())));
        let read = self.with_store(context, bucket, Right::Read, |store, bucket| {
            Box::pin(async move {
                let version = &version;
                store.get_range(GetRequest { bucket: &bucket, key: &key, version, range, pin: pin.as_ref() }).await
            })
        });
        read.await
    }

    /// Writes an object in one piece, durably. Needs the right to write.
    ///
    /// # Errors
    /// AccessDenied; those of the store.
    pub async fn write_object(
        &self,
        context: &RequestContext,
        bucket: &str,
        key: &str,
        body: Bytes,
        content_type: Option<&str>,
    ) -> Result<Written, ApiError> {
        named(key, "key", 1)?;
        let (key, metadata) = (key.to_owned(), metadata(content_type));
        let outcome = self.with_store(context, bucket, Right::Write, |store, bucket| {
            Box::pin(async move {
                store.put(PutRequest { metadata, durable: true, ..PutRequest::new(&bucket, &key, body) }).await
            })
        });
        outcome.await.map(|outcome| Written { etag: outcome.etag })
    }

    /// Begins an object that is written in parts, and gives the upload's id. Needs the right to write.
    ///
    /// # Errors
    /// AccessDenied; those of the store: NotImplemented where it takes no parts.
    pub async fn begin_upload(
        &self,
        context: &RequestContext,
        bucket: &str,
        key: &str,
        content_type: Option<&str>,
    ) -> Result<String, ApiError> {
        named(key, "key", 1)?;
        let (key, metadata) = (key.to_owned(), metadata(content_type));
        let id = self.with_store(context, bucket, Right::Write, |store, bucket| {
            Box::pin(async move {
                let request = MultipartRequest {
                    bucket: &bucket,
                    key: &key,
                    metadata,
                    tags: Vec::new(),
                    storage_class: StorageClass::default(),
                    grants: Vec::new(),
                    canned_acl: None,
                    operation: None,
                };
                store.create_multipart(request).await
            })
        });
        id.await
    }

    /// Writes one part; the same number again replaces it. Needs the right to write.
    ///
    /// # Errors
    /// AccessDenied; those of the store.
    pub async fn upload_part(
        &self,
        context: &RequestContext,
        (bucket, key, id): (&str, &str, &str),
        number: u16,
        body: Bytes,
    ) -> Result<Written, ApiError> {
        named(key, "key", 1)?;
        named(id, "upload", 1)?;
        let (key, id) = (key.to_owned(), id.to_owned());
        let outcome = self.with_store(context, bucket, Right::Write, |store, bucket| {
            Box::pin(async move {
                let upload = UploadId { bucket: &bucket, key: &key, id: &id };
                store.upload_part(PartRequest { upload, number, body }).await
            })
        });
        outcome.await.map(|outcome| Written { etag: outcome.etag })
    }

    /// Puts an object together from its parts, durably; without parts, drops the upload. Needs the right to write.
    ///
    /// # Errors
    /// AccessDenied; those of the store.
    pub async fn end_upload(
        &self,
        context: &RequestContext,
        (bucket, key, id): (&str, &str, &str),
        parts: Option<Vec<PartName>>,
    ) -> Result<Option<Written>, ApiError> {
        named(key, "key", 1)?;
        named(id, "upload", 1)?;
        let (key, id) = (key.to_owned(), id.to_owned());
        let syncs = self.core.buckets.syncs().clone();
        let outcome = self.with_store(context, bucket, Right::Write, |store, bucket| {
            Box::pin(async move {
                let upload = UploadId { bucket: &bucket, key: &key, id: &id };
                let Some(parts) = parts else {
                    store.abort_multipart(upload).await?;
                    return Ok(None);
                };
                let part = |part: PartName| CompletedPart { number: part.number, etag: part.etag };
                let parts: Vec<CompletedPart> = parts.into_iter().map(part).collect();
                let outcome = store.complete_multipart(CompleteRequest { upload, parts: &parts }).await?;
                syncs.barrier(&*store, &bucket).await?;
                Ok(Some(Written { etag: outcome.etag }))
            })
        });
        outcome.await
    }

    /// Asks the store of a bucket, if the caller may.
    async fn with_store<T: Send + 'static>(
        &self,
        context: &RequestContext,
        bucket: &str,
        right: Right,
        ask: impl FnOnce(Arc<dyn ObjectStore>, String) -> BoxFuture<'static, Result<T, StoreError>>,
    ) -> Result<T, ApiError> {
        let tenant = context.appid.as_str();
        // An unknown bucket and one of somebody else are the same answer.
        if !self.core.access.allows(tenant, bucket, right) {
            let message = format!("APPID {tenant} may not {} bucket {bucket}", right.name());
            return Err(ApiError::new(ErrorCode::AccessDenied, message));
        }
        let store = self.core.buckets.store(bucket);
        offload(store.execution(), ask(store, bucket.to_owned())).await.map_err(|error| object_error(&error))
    }
}

fn selector(version: Option<&str>) -> VersionSelector {
    version.map_or(VersionSelector::Latest, |id| VersionSelector::Id(id.to_owned()))
}

fn metadata(content_type: Option<&str>) -> Metadata {
    Metadata { content_type: content_type.map(str::to_owned), ..Metadata::default() }
}

fn named(text: &str, what: &str, least: usize) -> Result<(), ApiError> {
    if (least..=NAME_BYTES_MAX).contains(&text.len()) {
        return Ok(());
    }
    let length = text.len();
    let message = format!("{what} must be {least} to {NAME_BYTES_MAX} bytes long, not {length} bytes");
    Err(ApiError::new(ErrorCode::InvalidArgument, message))
}
