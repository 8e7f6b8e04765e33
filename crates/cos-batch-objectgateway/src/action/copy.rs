//! PUT Object - Copy.

use cos_batch_objectstore::{
    Conditions as StoreConditions, CopyRequest, CopySource, Directive, Metadata, ObjectMeta, VersionSelector,
};
use http::HeaderName;
use percent_encoding::percent_decode_str;

use super::{Answer, Call, document, tell_checksum};
use crate::{
    Right,
    conditions::Conditions,
    error::{Code, Failure},
    headers,
    target::bucket_of_host,
    time,
    xml::Document,
};

/// What is copied.
pub(super) struct Source {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version: VersionSelector,
    /// The version that the request names.
    named: Option<String>,
    /// ETag, where a condition is about it.
    pub(super) etag: Option<String>,
    /// Time of change, where a condition was looked at.
    last_modified: Option<i64>,
}

pub(super) async fn run(call: &Call<'_>) -> Answer {
    let source = source(call).await?;
    let replaces = |name: &str| -> Result<bool, Failure> {
        match headers::text(call.headers, name)?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("copy") => Ok(false),
            Some("replaced") => Ok(true),
            Some(other) => {
                Err(Failure::new(Code::InvalidArgument, format!("{name} must be Copy or Replaced, not {other:?}")))
            }
        }
    };
    let given = headers::metadata(call.headers)?;
    let replaces_metadata = replaces("x-cos-metadata-directive")?;
    // What is taken over from the source is not its encryption, which is what the request says.
    let encryption = Metadata { server_side_encryption: given.server_side_encryption.clone(), ..Metadata::default() };
    let told = encryption.clone();
    let tags = if replaces("x-cos-tagging-directive")? {
        Some(headers::tags(call.headers)?.unwrap_or_default())
    } else {
        None
    };
    let storage_class = headers::storage_class(call.headers)?;
    let access = headers::access_list(call.headers)?;
    let (bucket, key) = call.object();
    let named = source.named.clone();
    let of_source = (source.bucket.clone(), source.key.clone(), source.version.clone());
    let outcome = call
        .store
        .call(|store| async move {
            let request = CopyRequest {
                source: CopySource { bucket: &source.bucket, key: &source.key, version: &source.version },
                target_bucket: &bucket,
                target_key: &key,
                metadata: match encryption.server_side_encryption {
                    _ if replaces_metadata => Directive::Replace(&given),
                    Some(_) => Directive::Add(&encryption),
                    None => Directive::Copy,
                },
                tags: tags.as_deref().map_or(Directive::Copy, Directive::Replace),
                grants: Directive::Replace(&access.grants),
                canned_acl: access.canned.as_deref(),
                storage_class,
                // Conditions were looked at before; so a change since then is noticed, too.
                conditions: StoreConditions { unmodified_since: source.last_modified, modified_since: None },
                operation: None,
            };
            store.copy(request).await
        })
        .await?;
    let version = outcome.version_id.clone().map_or(VersionSelector::Latest, VersionSelector::Id);
    let meta = match call.head_of(version).await {
        Ok(meta) => meta,
        // Somebody deleted the copy at once. It was made all the same, and was what its source is.
        Err(_) => {
            let (bucket, key, version) = of_source;
            let source = call.store.call(|store| async move { store.head(&bucket, &key, &version).await }).await?;
            ObjectMeta { last_modified: call.now, ..source }
        }
    };
    let sum = call.checksums.of(&meta.etag).filter(|sum| sum.size == meta.size);
    let mut response = document(Document::whole("CopyObjectResult", |result| {
        result.text("ETag", &headers::quoted(&meta.etag));
        if let Some(sum) = sum {
            result.value("CRC64", sum.crc);
        }
        result.text("LastModified", &time::plain(meta.last_modified));
        if let Some(id) = &outcome.version_id {
            result.text("VersionId", id);
        }
    }));
    if let Some(sum) = sum {
        tell_checksum(&mut response, sum.crc);
    }
    headers::tell_encryption(response.headers_mut(), &told);
    if let Some(id) = named {
        headers::put(response.headers_mut(), HeaderName::from_static("x-cos-copy-source-version-id"), &id);
    }
    Ok(response)
}

/// Finds the source, looks whether the caller may read it, and at the conditions on it.
pub(super) async fn source(call: &Call<'_>) -> Result<Source, Failure> {
    let text = headers::text(call.headers, "x-cos-copy-source")?.unwrap_or_default();
    let (bucket, key, version) = parse(text)?;
    call.access.check(call.caller, &bucket, Right::Read)?;
    let named = match &version {
        VersionSelector::Id(id) => Some(id.clone()),
        VersionSelector::Latest => None,
    };
    let mut source = Source { bucket, key, version, named, etag: None, last_modified: None };
    let conditions = Conditions::of_source(call.headers)?;
    if !conditions.is_empty() {
        let (bucket, key, version) = (source.bucket.clone(), source.key.clone(), source.version.clone());
        let meta = call.store.call(|store| async move { store.head(&bucket, &key, &version).await }).await?;
        conditions.check_source(&meta.etag, meta.last_modified)?;
        // Where versions are kept, what is copied is the one that was looked at.
        if let Some(id) = meta.version_id {
            source.version = VersionSelector::Id(id);
        }
        source.etag = Some(meta.etag);
        source.last_modified = Some(meta.last_modified);
    }
    Ok(source)
}

/// `<host>/<key>[?versionId=<id>]`, percent-encoded as a whole or in its key only. The host begins with the bucket, or
/// the path does where the host has none.
fn parse(text: &str) -> Result<(String, String, VersionSelector), Failure> {
    let wrong = || {
        let message = format!("x-cos-copy-source must be <bucket>.cos.<region>.myqcloud.com/<key>, and is {text:?}");
        Failure::new(Code::InvalidCopySource, message)
    };
    let decode = |text: &str| String::from_utf8(percent_decode_str(text).collect()).map_err(|_| wrong());
    let whole = text.strip_prefix('/').unwrap_or(text);
    let (place, version) = match whole.rfind("?versionId=") {
        Some(at) => (&whole[..at], Some(&whole[at + "?versionId=".len()..])),
        None => (whole, None),
    };
    let split = |text: &'_ str| -> Option<(String, String)> {
        let at = text.find('/').map(|at| (at, 1));
        let escaped = text.to_ascii_lowercase().find("%2f").map(|at| (at, 3));
        let (at, length) = at.into_iter().chain(escaped).min()?;
        Some((text[..at].to_owned(), text[at + length..].to_owned()))
    };
    let (host, rest) = split(place).ok_or_else(wrong)?;
    let (bucket, key) = match bucket_of_host(&host) {
        Some(bucket) => (bucket, rest),
        None => split(&rest).ok_or_else(wrong)?,
    };
    if bucket.is_empty() || key.is_empty() {
        return Err(wrong());
    }
    let version = match version.filter(|id| !id.is_empty()) {
        Some(id) => VersionSelector::Id(decode(id)?),
        None => VersionSelector::Latest,
    };
    Ok((bucket, decode(&key)?, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let id = |id: &str| VersionSelector::Id(id.to_owned());
        for (text, bucket, key, version) in [
            ("b-1.cos.ap-guangzhou.myqcloud.com/a/b", "b-1", "a/b", VersionSelector::Latest),
            ("/b-1.cos.ap-guangzhou.myqcloud.com/a%2Fb%20c?versionId=v%2F1", "b-1", "a/b c", id("v/1")),
            ("b-1.cos.ap-guangzhou.myqcloud.com%2Fa%2fb", "b-1", "a/b", VersionSelector::Latest),
            ("b-1.cos.ap-guangzhou.myqcloud.com/a?versionId=x?versionId=y", "b-1", "a?versionId=x", id("y")),
            ("b-1.127.0.0.1:9460/k", "b-1", "k", VersionSelector::Latest),
            ("b-1/a/b", "b-1", "a/b", VersionSelector::Latest),
            ("/b-1/a", "b-1", "a", VersionSelector::Latest),
            ("objects.example/photos/a/b", "photos", "a/b", VersionSelector::Latest),
            ("store:9460/b-1/a", "b-1", "a", VersionSelector::Latest),
            ("127.0.0.1:9460/b-1/k//l", "b-1", "k//l", VersionSelector::Latest),
            ("b-1.cos.ap-guangzhou.myqcloud.com//k", "b-1", "/k", VersionSelector::Latest),
        ] {
            assert_eq!(parse(text).unwrap(), (bucket.to_owned(), key.to_owned(), version), "{text}");
        }
        for text in [
            "",
            "/",
            "k",
            "b-1.cos.ap-guangzhou.myqcloud.com",
            "b-1.cos.ap-guangzhou.myqcloud.com/",
            "127.0.0.1/b-1",
            "b.cos.x.y/%ff",
        ] {
            assert_eq!(parse(text).unwrap_err().code, "InvalidCopySource", "{text}");
        }
    }
}
