//! Head, get, put, delete, restore.

use bytes::Bytes;
use http::{Method, header};

use super::{check_version, made_version, with_read_version, with_version};
use crate::{
    DeleteOutcome, DeleteRequest, ErrorKind, GetRequest, MAX_RANGE_BYTES, Metadata, ObjectMeta, Pin, PutOutcome,
    PutRequest, RestoreOutcome, RestoreRequest, RestoreState, StorageClass, StoreError, VersionSelector,
    fail::Fail,
    http::{
        Inner,
        call::{Answer, Call, DOCUMENT_BYTES_MAX},
        dialect, encoding,
        head::Fields,
        xml::Writer,
    },
    rules,
};

impl Inner {
    pub(crate) async fn head(
        &self,
        bucket: &str,
        key: &str,
        version: &VersionSelector,
    ) -> Result<ObjectMeta, StoreError> {
        check_version(version)?;
        let call = Call::object(Method::HEAD, bucket, key).version(version);
        match self.send(call).await {
            Ok(answer) => self.meta(&answer, bucket, key),
            Err(error) => Err(self.explained(error, bucket, key, version).await),
        }
    }

    /// An error that came without a body does not tell whether the bucket, the key or the version is missing, nor whether it is
    /// the store that says so. The same question with GET does; it is asked only then.
    async fn explained(&self, error: StoreError, bucket: &str, key: &str, version: &VersionSelector) -> StoreError {
        if !matches!(error.status(), 400 | 404 | 405) {
            return error;
        }
        let mut call = Call::object(Method::GET, bucket, key).version(version);
        if let Err(error) = call.header(&header::RANGE, "bytes=0-0") {
            return error;
        }
        match self.send(call).await {
            // Who may ask for attributes may not always read content; that HEAD was allowed shows that the store knows of nothing.
            Err(told) if told.kind() == ErrorKind::AccessDenied => with_read_version(error, version),
            Err(told) if told.kind() != ErrorKind::InvalidRange => with_read_version(told, version),
            // There is one byte of it, or it is there and has none.
            _ => {
                let status = error.status();
                let reason = format!("the store answered {status} to HEAD, and has the object all the same");
                Fail::new(ErrorKind::InternalError, reason).about(bucket, key)
            }
        }
    }

    /// What the headers of an object say.
    pub(crate) fn meta(&self, answer: &Answer, bucket: &str, key: &str) -> Result<ObjectMeta, StoreError> {
        let names = self.dialect.names();
        let size = answer.header(&header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let size = size.ok_or_else(|| answer.nonsense("an object without a Content-Length"))?;
        let etag = answer.etag().unwrap_or_default().to_owned();
        let modified = answer.header(&header::LAST_MODIFIED).and_then(encoding::parse_http_time);
        let class = answer.header(&names.storage_class).unwrap_or(StorageClass::STANDARD);
        let restore = answer.header(&names.restore).and_then(restore_state);
        Ok(ObjectMeta {
            size,
            pin: pin(&etag, bucket, key),
            etag,
            last_modified: modified.ok_or_else(|| answer.nonsense("an object without a Last-Modified"))?,
            version_id: answer.header(&names.version_id).map(str::to_owned),
            storage_class: StorageClass::new(self.dialect.class_from_wire(class)),
            metadata: self.metadata(&answer.fields),
            grants: Vec::new(),
            canned_acl: None,
            restore,
        })
    }

    fn metadata(&self, fields: &Fields) -> Metadata {
        let names = self.dialect.names();
        let text = |name| fields.get(name).map(text_of);
        let prefix = names.user_metadata;
        let user = fields.iter().filter_map(|(name, value)| {
            let (start, name) = name.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then(|| (name.to_ascii_lowercase(), text_of(value)))
        });
        let default_type = self.dialect.default_content_type();
        Metadata {
            cache_control: text(&header::CACHE_CONTROL),
            content_disposition: text(&header::CONTENT_DISPOSITION),
            content_encoding: text(&header::CONTENT_ENCODING),
            content_language: text(&header::CONTENT_LANGUAGE),
            content_type: text(&header::CONTENT_TYPE).filter(|found| found != default_type),
            expires: text(&header::EXPIRES),
            server_side_encryption: text(&names.encryption)
                .and_then(|name| self.dialect.encryption_from_wire(&name).map(str::to_owned)),
            user: user.collect(),
        }
    }

    /// Writes standard and user metadata into headers.
    pub(crate) fn write_metadata(&self, call: &mut Call<'_>, metadata: &Metadata) -> Result<(), StoreError> {
        let names = self.dialect.names();
        for (name, value) in [
            (header::CACHE_CONTROL, &metadata.cache_control),
            (header::CONTENT_DISPOSITION, &metadata.content_disposition),
            (header::CONTENT_ENCODING, &metadata.content_encoding),
            (header::CONTENT_LANGUAGE, &metadata.content_language),
            (header::CONTENT_TYPE, &metadata.content_type),
            (header::EXPIRES, &metadata.expires),
        ] {
            if let Some(value) = value {
                call.header(&name, value)?;
            }
        }
        if metadata.content_type.is_none() {
            call.header(&header::CONTENT_TYPE, self.dialect.default_content_type())?;
        }
        if let Some(encryption) = &metadata.server_side_encryption {
            call.header(&names.encryption, self.dialect.encryption_on_wire(encryption))?;
        }
        for (name, value) in &metadata.user {
            let full = format!("{}{name}", names.user_metadata);
            let name = http::HeaderName::try_from(full).map_err(|_| {
                let reason = format!("{name:?} cannot be the name of a header, as user metadata needs it");
                StoreError::new(ErrorKind::InvalidArgument, reason)
            })?;
            if call.lines.has(&name) {
                let reason =
                    format!("user metadata has {name} twice, in letters of different case, which headers do not have");
                return Err(StoreError::new(ErrorKind::InvalidArgument, reason));
            }
            call.header(&name, value)?;
        }
        Ok(())
    }

    pub(crate) async fn get_range(&self, request: &GetRequest<'_>) -> Result<Bytes, StoreError> {
        let GetRequest { bucket, key, version, range, pin } = request;
        check_version(version)?;
        let named = |fail: Fail| fail.about(bucket, key);
        if range.start > range.end {
            let reason = format!("bytes {} to {} are no range", range.start, range.end);
            return Err(named(Fail::new(ErrorKind::InvalidRange, reason)));
        }
        let etag = match pin {
            None => None,
            Some(pin) => Some(pinned_etag(pin, bucket, key).ok_or_else(|| named(changed()))?),
        };
        if range.is_empty() {
            return self.nothing_at(request, etag).await;
        }
        let end = range.end.min(range.start.saturating_add(MAX_RANGE_BYTES));
        let mut call = Call::object(Method::GET, bucket, key).version(version);
        call.header(&header::RANGE, &format!("bytes={}-{}", range.start, end - 1))?;
        if let Some(etag) = etag {
            call.header(&header::IF_MATCH, &format!("\"{etag}\""))?;
        }
        let answer_max = usize::try_from(end - range.start).unwrap_or(usize::MAX).saturating_add(DOCUMENT_BYTES_MAX);
        let answer = match self.send(call.answer_max(answer_max).apart().with_content()).await {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::InvalidRange => return self.nothing_at(request, etag).await,
            Err(error) => return Err(with_read_version(error, version)),
        };
        if etag.is_some_and(|etag| answer.etag() != Some(etag)) {
            return Err(named(changed()));
        }
        self.part_of(&answer, request).map_err(named)
    }

    /// The bytes of an answer to a ranged read; checks that they are the ones that were asked for.
    fn part_of(&self, answer: &Answer, request: &GetRequest<'_>) -> Result<Bytes, Fail> {
        let range = &request.range;
        let odd =
            |what: String| Fail::new(ErrorKind::InternalError, format!("the store's answer cannot be used: {what}"));
        let (first, total) = if answer.status == 206 {
            let text = answer.header(&header::CONTENT_RANGE).unwrap_or_default();
            content_range(text).ok_or_else(|| odd(format!("a Content-Range of {text:?}")))?
        } else {
            // It took no notice of the range: the whole object.
            (0, answer.body.len() as u64)
        };
        let clipped = rules::clip(range, total)?;
        let from = clipped.start.checked_sub(first).and_then(|from| usize::try_from(from).ok());
        let length = usize::try_from(clipped.end - clipped.start).ok();
        match (from, length) {
            (Some(from), Some(length)) if answer.body.len() >= from + length => {
                Ok(answer.body.slice(from..from + length))
            }
            _ => Err(odd(format!("{} bytes from byte {first}, where {clipped:?} were asked for", answer.body.len()))),
        }
    }

    /// A read of no bytes: only whether the object is there, the right one, and long enough.
    async fn nothing_at(&self, request: &GetRequest<'_>, etag: Option<&str>) -> Result<Bytes, StoreError> {
        let meta = self.head(request.bucket, request.key, request.version).await?;
        let named = |fail: Fail| fail.about(request.bucket, request.key);
        if etag.is_some_and(|etag| etag != meta.etag) {
            return Err(named(changed()));
        }
        let clipped = rules::clip(&request.range, meta.size).map_err(named)?;
        if clipped.is_empty() {
            return Ok(Bytes::new());
        }
        let reason = "the store has no bytes where its object has some: it changed in between";
        Err(named(Fail::new(ErrorKind::ServiceUnavailable, reason)))
    }

    pub(crate) async fn put(&self, request: PutRequest<'_>) -> Result<PutOutcome, StoreError> {
        let PutRequest { bucket, key, body, metadata, tags, storage_class, grants, canned_acl, .. } = request;
        let named = |fail: Fail| fail.about(bucket, key);
        rules::check_metadata(&metadata).map_err(named)?;
        rules::check_grants(&grants, canned_acl).map_err(named)?;
        let tags = rules::checked_tags(&tags).map_err(named)?;
        let mut call = Call::object(Method::PUT, bucket, key).content(body);
        self.write_metadata(&mut call, &metadata)?;
        self.write_tags(&mut call, &tags)?;
        self.write_class(&mut call, &storage_class).map_err(named)?;
        self.write_acl(&mut call, &grants, canned_acl)?;
        let answer = self.order(call).await?;
        let etag = answer.etag().ok_or_else(|| answer.nonsense("a write without an ETag"))?.to_owned();
        Ok(PutOutcome { etag, version_id: made_version(answer.header(&self.dialect.names().version_id)) })
    }

    /// Writes the storage class, unless it is the one that objects have anyway.
    pub(crate) fn write_class(&self, call: &mut Call<'_>, class: &StorageClass) -> Result<(), Fail> {
        rules::check_class(class)?;
        if !class.is_standard() {
            // The check leaves only what a header can carry.
            let _ = call.header(&self.dialect.names().storage_class, self.dialect.class_on_wire(&class.0));
        }
        Ok(())
    }

    pub(crate) async fn delete(&self, request: &DeleteRequest<'_>) -> Result<DeleteOutcome, StoreError> {
        let DeleteRequest { bucket, key, version, operation: _ } = request;
        if check_version(version).is_err() {
            return Ok(DeleteOutcome::default());
        }
        let mut call = Call::object(Method::DELETE, bucket, key).version(version);
        if matches!(version, VersionSelector::Id(_)) {
            // A version is gone once; without an id another delete marker would be made.
            call = call.repeatable();
        }
        let names = self.dialect.names();
        match self.order(call).await {
            Ok(answer) => Ok(DeleteOutcome {
                delete_marker: answer.header(&names.delete_marker) == Some("true"),
                version_id: answer.header(&names.version_id).map(str::to_owned),
            }),
            // Only what the store itself said in so many words: a gateway's 404 leaves the object where it is.
            Err(error) => match with_version(error, version) {
                error if matches!(error.kind(), ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion) => {
                    Ok(DeleteOutcome::default())
                }
                error => Err(error),
            },
        }
    }

    pub(crate) async fn restore(&self, request: &RestoreRequest<'_>) -> Result<RestoreOutcome, StoreError> {
        let RestoreRequest { bucket, key, version, days, tier } = request;
        check_version(version)?;
        rules::restored_until(request, 0).map_err(|fail| fail.about(bucket, key))?;
        let body = Writer::document("RestoreRequest", self.dialect.namespace(), |root| {
            root.text("Days", &days.to_string());
            root.element(self.dialect.restore_parameters(), |parameters| {
                parameters.text("Tier", dialect::tier(*tier));
            });
        });
        let call = Call::object(Method::POST, bucket, key).flag("restore").version(version).document(body);
        // Not sent again unseen: the second time the store says that a restore is in progress, which is no failure then.
        match self.order(call).await {
            Ok(answer) if answer.status == 202 => Ok(RestoreOutcome::Started),
            Ok(_) => Ok(RestoreOutcome::Extended),
            Err(error) => Err(match self.dialect.restore_refusal(error.status(), &error.code()) {
                Some(kind) => error.with_kind(kind),
                None => with_version(error, version),
            }),
        }
    }
}

/// The pin of an object: its ETag, with the names of what it belongs to, since other objects may have the same content.
pub(super) fn pin(etag: &str, bucket: &str, key: &str) -> Pin {
    Pin(format!("{etag}/{bucket}/{key}"))
}

/// The ETag in a pin, if it is one of this object.
fn pinned_etag<'a>(pin: &'a Pin, bucket: &str, key: &str) -> Option<&'a str> {
    let etag = pin.0.strip_suffix(key)?.strip_suffix('/')?.strip_suffix(bucket)?.strip_suffix('/')?;
    Some(etag).filter(|etag| !etag.is_empty())
}

fn changed() -> Fail {
    Fail::new(ErrorKind::PreconditionFailed, "the object is not the one that was seen before")
}

/// Metadata may be any text that headers carry; other bytes than UTF-8 are taken one by one.
fn text_of(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// First byte and size of the whole in `bytes 0-9/100`.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()?))
}

/// `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`
fn restore_state(text: &str) -> Option<RestoreState> {
    let value = |name: &str| {
        let rest = &text[text.find(name)? + name.len()..];
        rest.strip_prefix("=\"")?.split('"').next()
    };
    let ongoing = value("ongoing-request")? == "true";
    let expires = value("expiry-date").and_then(encoding::parse_http_time);
    Some(RestoreState { ongoing, expires: expires.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_of_one_object() {
        let pinned = pin("5d41", "b-1", "in/a");
        assert_eq!(pinned_etag(&pinned, "b-1", "in/a"), Some("5d41"));
        for (bucket, key) in [("b-1", "a"), ("b-2", "in/a"), ("1", "in/a"), ("b-1", "b-1/in/a")] {
            assert_eq!(pinned_etag(&pinned, bucket, key), None, "{bucket} {key}");
        }
        assert_eq!(pinned_etag(&pin("", "b", "k"), "b", "k"), None, "an object without an ETag cannot be pinned");
        assert_eq!(pinned_etag(&pin("a/b", "b", "b/b"), "b", "b/b"), Some("a/b"));
    }

    #[test]
    fn headers_that_have_several_parts() {
        assert_eq!(content_range("bytes 5-9/100"), Some((5, 100)));
        for odd in ["", "bytes */100", "bytes 5-9/*", "items 5-9/100", "bytes 5/9"] {
            assert_eq!(content_range(odd), None, "{odd}");
        }
        let done = restore_state(r#"ongoing-request="false", expiry-date="Sun, 06 Nov 1994 08:49:37 GMT""#);
        assert_eq!(done, Some(RestoreState { ongoing: false, expires: 784_111_777 }));
        assert_eq!(restore_state(r#"ongoing-request="true""#), Some(RestoreState { ongoing: true, expires: 0 }));
        assert_eq!(restore_state("soon"), None);
    }

    #[test]
    fn metadata_is_utf_8_or_bytes() {
        assert_eq!(text_of("Ö".as_bytes()), "Ö");
        assert_eq!(text_of(b"\xd6"), "Ö");
    }
}
