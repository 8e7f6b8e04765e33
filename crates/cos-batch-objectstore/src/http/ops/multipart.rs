//! Uploads in parts.

use bytes::Bytes;
use http::Method;
use tokio::sync::mpsc;

use super::{check_version, document, list::check_advance, made_version};
use crate::{
    CompleteRequest, ErrorKind, ListUploadsRequest, MultipartRequest, Part, PartCopyRequest, PartOutcome, PartRequest,
    PutOutcome, StorageClass, StoreError, Upload, UploadId, UploadPage,
    fail::Fail,
    http::{
        Inner,
        call::{Call, PAGE_BYTES_MAX, unquoted},
        encoding,
        xml::Writer,
    },
    rules,
    upload::{check_number, no_such_upload},
};

impl Inner {
    pub(crate) async fn create_multipart(&self, request: &MultipartRequest<'_>) -> Result<String, StoreError> {
        let MultipartRequest { bucket, key, metadata, tags, storage_class, grants, canned_acl, operation: _ } = request;
        let named = |fail: Fail| fail.about(bucket, key);
        rules::check_metadata(metadata).map_err(named)?;
        rules::check_grants(grants, *canned_acl).map_err(named)?;
        let tags = rules::checked_tags(tags).map_err(named)?;
        let mut call = Call::object(Method::POST, bucket, key).flag("uploads");
        self.write_metadata(&mut call, metadata)?;
        self.write_tags(&mut call, &tags)?;
        self.write_class(&mut call, storage_class).map_err(named)?;
        self.write_acl(&mut call, grants, *canned_acl)?;
        let answer = self.send(call).await?;
        let mut id = String::new();
        document(&answer, "InitiateMultipartUploadResult", |path, text| {
            if path == "InitiateMultipartUploadResult/UploadId" {
                text.clone_into(&mut id);
            }
        })?;
        if id.is_empty() {
            return Err(answer.nonsense("an upload without an id"));
        }
        Ok(id)
    }

    pub(crate) async fn upload_part(&self, request: PartRequest<'_>) -> Result<PartOutcome, StoreError> {
        let PartRequest { upload, number, body } = request;
        // The same number again replaces the part by the same.
        let call = part(Method::PUT, upload, number)?.content(body).repeatable();
        let answer = self.order(call).await?;
        let etag = answer.etag().ok_or_else(|| answer.nonsense("a part without an ETag"))?;
        Ok(PartOutcome { etag: etag.to_owned() })
    }

    /// A part whose content is still on its way: `size` bytes in all.
    pub(crate) async fn upload_pieces(
        &self,
        upload: UploadId<'_>,
        number: u16,
        size: u64,
        pieces: mpsc::Receiver<Bytes>,
    ) -> Result<PartOutcome, StoreError> {
        let answer = self.order(part(Method::PUT, upload, number)?.pieces(size, pieces)).await?;
        let etag = answer.etag().ok_or_else(|| answer.nonsense("a part without an ETag"))?;
        Ok(PartOutcome { etag: etag.to_owned() })
    }

    pub(crate) async fn upload_part_copy(&self, request: &PartCopyRequest<'_>) -> Result<PartOutcome, StoreError> {
        let PartCopyRequest { upload, number, source, range, source_etag } = request;
        let names = self.dialect.names();
        check_version(source.version)?;
        if !rules::is_bucket_name(source.bucket) {
            let fail = Fail::new(ErrorKind::NoSuchBucket, "no bucket can have this name");
            return Err(fail.about(source.bucket, source.key));
        }
        self.check_key(source.key).map_err(|fail| fail.about(source.bucket, source.key))?;
        let mut call = part(Method::PUT, *upload, *number)?.repeatable().with_work();
        self.write_source(&mut call, source)?;
        if let Some(range) = range {
            if range.is_empty() {
                return Err(StoreError::new(ErrorKind::InvalidRange, format!("{range:?} are no bytes")));
            }
            call.header(&names.copy_source_range, &format!("bytes={}-{}", range.start, range.end - 1))?;
        }
        if let Some(etag) = source_etag {
            call.header(&names.copy_source_if_match, &format!("\"{etag}\""))?;
        }
        let answer = self.send(call).await.map_err(|error| match error.kind() {
            // S3 has it that way.
            ErrorKind::InvalidArgument if error.message().contains("range") => error.with_kind(ErrorKind::InvalidRange),
            _ => error,
        })?;
        let mut etag = String::new();
        document(&answer, "CopyPartResult", |path, text| {
            if path == "CopyPartResult/ETag" {
                unquoted(text).clone_into(&mut etag);
            }
        })?;
        if etag.is_empty() {
            return Err(answer.nonsense("a part without an ETag"));
        }
        Ok(PartOutcome { etag })
    }

    pub(crate) async fn complete_multipart(&self, request: &CompleteRequest<'_>) -> Result<PutOutcome, StoreError> {
        let CompleteRequest { upload, parts } = request;
        if parts.is_empty() {
            // A store takes it for a document that is not one; that there is no such upload is said first.
            self.list_parts(*upload, 0, 1).await?;
            let fail = Fail::new(ErrorKind::InvalidArgument, "an upload is completed from one part at least");
            return Err(fail.about(upload.bucket, upload.key));
        }
        check_id(*upload)?;
        let body = Writer::document("CompleteMultipartUpload", self.dialect.namespace(), |root| {
            for completed in *parts {
                root.element("Part", |part| {
                    part.text("PartNumber", &completed.number.to_string());
                    part.text("ETag", &format!("\"{}\"", completed.etag));
                });
            }
        });
        let call = Call::object(Method::POST, upload.bucket, upload.key)
            .parameter("uploadId", upload.id)
            .document(body)
            .with_work();
        let answer = self.send(call).await?;
        let mut etag = String::new();
        document(&answer, "CompleteMultipartUploadResult", |path, text| {
            if path == "CompleteMultipartUploadResult/ETag" {
                unquoted(text).clone_into(&mut etag);
            }
        })?;
        if etag.is_empty() {
            return Err(answer.nonsense("a completed upload without an ETag"));
        }
        Ok(PutOutcome { etag, version_id: made_version(answer.header(&self.dialect.names().version_id)) })
    }

    pub(crate) async fn abort_multipart(&self, upload: UploadId<'_>) -> Result<(), StoreError> {
        check_id(upload)?;
        let call = Call::object(Method::DELETE, upload.bucket, upload.key).parameter("uploadId", upload.id);
        self.order(call).await.map(drop)
    }

    pub(crate) async fn list_parts(
        &self,
        upload: UploadId<'_>,
        after: u16,
        limit: usize,
    ) -> Result<(Vec<Part>, bool), StoreError> {
        check_id(upload)?;
        rules::check_limit(limit).map_err(|fail| fail.about(upload.bucket, upload.key))?;
        let mut call = Call::object(Method::GET, upload.bucket, upload.key).answer_max(PAGE_BYTES_MAX);
        call = call.parameter("uploadId", upload.id).parameter("max-parts", &limit.to_string());
        if after > 0 {
            call = call.parameter("part-number-marker", &after.to_string());
        }
        let answer = self.send(call).await?;
        let (mut parts, mut more, mut odd) = (Vec::new(), false, None);
        let (mut number, mut etag, mut size, mut modified) = (None, String::new(), None, None);
        document(&answer, "ListPartsResult", |path, text| match path {
            "ListPartsResult/IsTruncated" => more = text.trim() == "true",
            "ListPartsResult/Part/PartNumber" => number = text.trim().parse().ok(),
            "ListPartsResult/Part/ETag" => unquoted(text).clone_into(&mut etag),
            "ListPartsResult/Part/Size" => size = text.trim().parse().ok(),
            "ListPartsResult/Part/LastModified" => modified = encoding::parse_iso_time(text.trim()),
            "ListPartsResult/Part" => match (number.take(), size.take(), modified.take()) {
                (Some(number), Some(size), Some(last_modified)) => {
                    parts.push(Part { number, etag: std::mem::take(&mut etag), size, last_modified });
                }
                _ => odd = Some("a part without number, size or time"),
            },
            _ => {}
        })?;
        match odd {
            Some(what) => Err(answer.nonsense(what)),
            None => Ok((parts, more)),
        }
    }

    pub(crate) async fn list_uploads(&self, request: &ListUploadsRequest<'_>) -> Result<UploadPage, StoreError> {
        let ListUploadsRequest { bucket, prefix, after, limit } = request;
        rules::check_limit(*limit).map_err(|fail| fail.about_bucket(bucket))?;
        let mut call = Call::bucket(Method::GET, bucket).flag("uploads").answer_max(PAGE_BYTES_MAX);
        call = call.parameter("encoding-type", "url").parameter("max-uploads", &limit.to_string());
        if !prefix.is_empty() {
            call = call.parameter("prefix", prefix);
        }
        if let Some((key, id)) = after {
            call = call.parameter("key-marker", key);
            if !id.is_empty() {
                call = call.parameter("upload-id-marker", id);
            }
        }
        let answer = self.send(call).await?;
        let (mut found, mut encoded, mut more) = (Vec::new(), false, false);
        let (mut next_key, mut next_id) = (None, String::new());
        let (mut key, mut id, mut initiated, mut class) = (String::new(), String::new(), None, String::new());
        document(&answer, "ListMultipartUploadsResult", |path, text| {
            let Some(rest) = path.strip_prefix("ListMultipartUploadsResult/") else { return };
            match rest {
                // COS spells it with a hyphen here.
                "EncodingType" | "Encoding-Type" | "Encoding-type" => encoded = text == "url",
                "IsTruncated" => more = text.trim() == "true",
                "NextKeyMarker" => next_key = Some(text.to_owned()),
                "NextUploadIdMarker" => text.clone_into(&mut next_id),
                "Upload/Key" => text.clone_into(&mut key),
                "Upload/UploadId" => text.clone_into(&mut id),
                "Upload/Initiated" => initiated = encoding::parse_iso_time(text.trim()),
                "Upload/StorageClass" => text.clone_into(&mut class),
                "Upload" => found.push((
                    std::mem::take(&mut key),
                    std::mem::take(&mut id),
                    initiated.take().unwrap_or_default(),
                    std::mem::take(&mut class),
                )),
                _ => {}
            }
        })?;
        let mut uploads = Vec::with_capacity(found.len());
        for (key, id, initiated, class) in found {
            let class = if class.is_empty() { StorageClass::STANDARD } else { self.dialect.class_from_wire(&class) };
            let key = self.decoded(&key, encoded)?;
            uploads.push(Upload { key, id, initiated, storage_class: StorageClass::new(class) });
        }
        let next = match (more, next_key.filter(|key: &String| !key.is_empty())) {
            (false, _) => None,
            (true, Some(key)) => Some((self.decoded(&key, encoded)?, next_id)),
            (true, None) => match uploads.last() {
                Some(last) => Some((last.key.clone(), last.id.clone())),
                None => return Err(answer.nonsense("a page without uploads that is not the last")),
            },
        };
        check_advance(&answer, next.as_ref(), *after)?;
        Ok(UploadPage { uploads, next })
    }
}

/// Without an id a request would be about the object.
fn check_id(upload: UploadId<'_>) -> Result<(), StoreError> {
    if upload.id.is_empty() {
        return Err(no_such_upload().about(upload.bucket, upload.key));
    }
    Ok(())
}

/// A request about one part.
fn part<'a>(method: Method, upload: UploadId<'a>, number: u16) -> Result<Call<'a>, StoreError> {
    check_number(number).map_err(|fail| fail.about(upload.bucket, upload.key))?;
    check_id(upload)?;
    let call = Call::object(method, upload.bucket, upload.key);
    Ok(call.parameter("partNumber", &number.to_string()).parameter("uploadId", upload.id))
}
