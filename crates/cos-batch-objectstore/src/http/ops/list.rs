//! Listings of keys and of versions.

use http::Method;

use super::{document, object::pin};
use crate::{
    ErrorKind, ListPage, ListRequest, ListVersionsRequest, Metadata, ObjectMeta, ObjectVersion, StorageClass,
    StoreError, VersionKind, VersionPage,
    fail::Fail,
    http::{
        Inner,
        call::{Answer, Call, PAGE_BYTES_MAX, unquoted},
        encoding, fault,
    },
    rules::{self, NULL_VERSION},
};

/// Pages without keys that are asked for one after another at most: whoever lists wants to hear something some time.
const EMPTY_PAGES_MAX: usize = 100;

/// What one request for a page gives.
enum Listed {
    Page(ListPage),
    /// No keys, but where there may be some.
    Nothing(String),
}

/// An entry of a listing in the making.
#[derive(Debug, Default)]
struct Entry {
    key: String,
    version: String,
    is_latest: bool,
    modified: String,
    etag: String,
    size: String,
    class: String,
}

impl Entry {
    /// Takes what an element of an entry says.
    fn take(&mut self, name: &str, text: &str) {
        match name {
            "Key" => text.clone_into(&mut self.key),
            "VersionId" => text.clone_into(&mut self.version),
            "IsLatest" => self.is_latest = text.trim() == "true",
            "LastModified" => text.clone_into(&mut self.modified),
            "ETag" => unquoted(text).clone_into(&mut self.etag),
            "Size" => text.clone_into(&mut self.size),
            "StorageClass" => text.clone_into(&mut self.class),
            _ => {}
        }
    }

    fn modified(&self) -> Result<i64, StoreError> {
        encoding::parse_iso_time(self.modified.trim())
            .ok_or_else(|| fault::nonsense(&format!("a LastModified of {:?}", self.modified), false))
    }

    fn size(&self) -> Result<u64, StoreError> {
        self.size.trim().parse().map_err(|_| fault::nonsense(&format!("a Size of {:?}", self.size), false))
    }

    fn class(&self, store: &Inner) -> StorageClass {
        let name = if self.class.is_empty() { StorageClass::STANDARD } else { self.class.as_str() };
        StorageClass::new(store.dialect.class_from_wire(name))
    }
}

impl Inner {
    /// A page may be empty and not the last one: a store that looks at so many keys and finds that all of them are gone says so.
    pub(crate) async fn list(&self, request: &ListRequest<'_>) -> Result<ListPage, StoreError> {
        rules::check_limit(request.limit).map_err(|fail| fail.about_bucket(request.bucket))?;
        let mut token = None;
        for _ in 0..EMPTY_PAGES_MAX {
            match self.list_once(request, token.as_deref()).await? {
                Listed::Page(page) => return Ok(page),
                Listed::Nothing(further) => token = Some(further),
            }
        }
        let reason = format!("the store lists {EMPTY_PAGES_MAX} pages without keys one after another");
        Err(Fail::new(ErrorKind::InternalError, reason).about_bucket(request.bucket))
    }

    async fn list_once(&self, request: &ListRequest<'_>, token: Option<&str>) -> Result<Listed, StoreError> {
        let ListRequest { bucket, prefix, after, limit } = request;
        let mut call = Call::bucket(Method::GET, bucket).answer_max(PAGE_BYTES_MAX).apart();
        if let Some((name, value)) = self.dialect.list_type() {
            call = call.parameter(name, value);
        }
        call = call.parameter("encoding-type", "url").parameter("max-keys", &limit.to_string());
        if !prefix.is_empty() {
            call = call.parameter("prefix", prefix);
        }
        if let Some(token) = token {
            call = call.parameter("continuation-token", token);
        } else if let Some(after) = after.filter(|after| !after.is_empty()) {
            call = call.parameter(self.dialect.list_after(), after);
        }
        let answer = self.send(call).await?;
        let (mut entries, mut entry) = (Vec::new(), Entry::default());
        let (mut encoded, mut more, mut next_marker, mut next_token) = (false, false, None, None);
        document(&answer, "ListBucketResult", |path, text| match path {
            "ListBucketResult/EncodingType" => encoded = text == "url",
            "ListBucketResult/IsTruncated" => more = text.trim() == "true",
            "ListBucketResult/NextMarker" => next_marker = Some(text.to_owned()).filter(|text| !text.is_empty()),
            "ListBucketResult/NextContinuationToken" => next_token = Some(text.to_owned()),
            "ListBucketResult/Contents" => entries.push(std::mem::take(&mut entry)),
            other => {
                if let Some(name) = other.strip_prefix("ListBucketResult/Contents/") {
                    entry.take(name, text);
                }
            }
        })?;
        let mut objects = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = self.decoded(&entry.key, encoded)?;
            let meta = ObjectMeta {
                size: entry.size()?,
                last_modified: entry.modified()?,
                version_id: None,
                storage_class: entry.class(self),
                metadata: Metadata::default(),
                grants: Vec::new(),
                canned_acl: None,
                restore: None,
                pin: pin(&entry.etag, bucket, &key),
                etag: entry.etag,
            };
            objects.push((key, meta));
        }
        let next = match (more, objects.last(), next_marker, next_token) {
            (false, ..) => None,
            (true, Some((last, _)), ..) => Some(last.clone()),
            (true, None, Some(marker), _) => Some(self.decoded(&marker, encoded)?),
            (true, None, None, Some(further)) if token != Some(&*further) => return Ok(Listed::Nothing(further)),
            (true, None, None, _) => return Err(answer.nonsense("a page without keys that is not the last")),
        };
        if next.is_some() && next.as_deref() <= *after {
            return Err(answer.nonsense("a listing that does not advance"));
        }
        Ok(Listed::Page(ListPage { objects, next }))
    }

    pub(crate) async fn list_versions(&self, request: &ListVersionsRequest<'_>) -> Result<VersionPage, StoreError> {
        let ListVersionsRequest { bucket, prefix, after, limit } = request;
        rules::check_limit(*limit).map_err(|fail| fail.about_bucket(bucket))?;
        let mut call = Call::bucket(Method::GET, bucket).flag("versions").answer_max(PAGE_BYTES_MAX).apart();
        call = call.parameter("encoding-type", "url").parameter("max-keys", &limit.to_string());
        if !prefix.is_empty() {
            call = call.parameter("prefix", prefix);
        }
        if let Some((key, version)) = after {
            call = call.parameter("key-marker", key);
            if !version.is_empty() {
                call = call.parameter("version-id-marker", version);
            }
        }
        let answer = self.send(call).await?;
        let (mut entries, mut entry) = (Vec::new(), Entry::default());
        let (mut encoded, mut more) = (false, false);
        let (mut next_key, mut next_version) = (None, String::new());
        document(&answer, "ListVersionsResult", |path, text| {
            let Some(rest) = path.strip_prefix("ListVersionsResult/") else { return };
            match rest {
                "EncodingType" => encoded = text == "url",
                "IsTruncated" => more = text.trim() == "true",
                "NextKeyMarker" => next_key = Some(text.to_owned()),
                "NextVersionIdMarker" => text.clone_into(&mut next_version),
                "Version" | "DeleteMarker" => entries.push((rest == "Version", std::mem::take(&mut entry))),
                _ => {
                    if let Some(name) = rest.strip_prefix("Version/").or_else(|| rest.strip_prefix("DeleteMarker/")) {
                        entry.take(name, text);
                    }
                }
            }
        })?;
        let mut versions = Vec::with_capacity(entries.len());
        for (is_object, entry) in entries {
            let kind = if is_object {
                VersionKind::Object { size: entry.size()?, storage_class: entry.class(self), etag: entry.etag.clone() }
            } else {
                VersionKind::Marker
            };
            versions.push(ObjectVersion {
                key: self.decoded(&entry.key, encoded)?,
                last_modified: entry.modified()?,
                // COS leaves it empty where no versions were ever kept.
                version_id: if entry.version.is_empty() { NULL_VERSION.to_owned() } else { entry.version },
                is_latest: entry.is_latest,
                kind,
            });
        }
        let next = match (more, next_key.filter(|key: &String| !key.is_empty())) {
            (false, _) => None,
            (true, Some(key)) => Some((self.decoded(&key, encoded)?, next_version)),
            (true, None) => match versions.last() {
                Some(last) => Some((last.key.clone(), last.version_id.clone())),
                None => return Err(answer.nonsense("a page without versions that is not the last")),
            },
        };
        check_advance(&answer, next.as_ref(), *after)?;
        Ok(VersionPage { versions, next })
    }

    /// A key as it stands in a listing.
    pub(super) fn decoded(&self, text: &str, encoded: bool) -> Result<String, StoreError> {
        if !encoded {
            return Ok(text.to_owned());
        }
        self.dialect.decode_listed(text).ok_or_else(|| {
            StoreError::new(ErrorKind::InternalError, format!("the store lists a key that is not UTF-8: {text:?}"))
        })
    }
}

/// Where the next page begins must be behind where this one began, or a listing has no end. Of two versions or uploads of one key
/// only the store knows which comes first.
pub(super) fn check_advance(
    answer: &Answer,
    next: Option<&(String, String)>,
    after: Option<(&str, &str)>,
) -> Result<(), StoreError> {
    match (next, after) {
        (Some((key, id)), Some((before, before_id))) if key.as_str() < before || key == before && id == before_id => {
            Err(answer.nonsense("a listing that does not advance"))
        }
        _ => Ok(()),
    }
}
