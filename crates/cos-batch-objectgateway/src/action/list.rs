//! GET Bucket (List Objects), and how listings put keys into groups.

use cos_batch_objectstore::{ErrorKind, ListRequest, MAX_KEY_BYTES, MAX_LIST_LIMIT, ObjectMeta, VersionSelector};
use http::HeaderName;

use super::{Answer, Call, document};
use crate::{
    error::{Code, Failure},
    headers,
    limits::LISTED_ETAG_BYTES_MAX,
    time,
    xml::Document,
};

/// What a listing shows.
enum Entry {
    Object(String, Box<ObjectMeta>),
    Group(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Object(name, _) | Self::Group(name) => name,
        }
    }
}

pub(super) async fn run(call: &Call<'_>) -> Answer {
    let prefix = call.query.get("prefix").unwrap_or_default();
    let marker = call.query.get("marker").unwrap_or_default();
    let delimiter = delimiter(call)?;
    let limit = call.query.number("max-keys", 0, usize::MAX)?.unwrap_or(MAX_LIST_LIMIT).min(MAX_LIST_LIMIT);
    let (entries, more) = page(call, prefix, marker, delimiter, limit).await?;
    let encoding = call.query.encoding()?;
    let shown = |name: &str| if encoding { super::encoded(name) } else { name.to_owned() };
    let next = entries.last().filter(|_| more).map(Entry::name);
    let bytes = Document::whole("ListBucketResult", |result| {
        result.text("Name", call.bucket);
        if encoding {
            result.text("EncodingType", "url");
        }
        result.text("Prefix", &shown(prefix));
        result.text("Marker", &shown(marker));
        result.value("MaxKeys", limit);
        if let Some(delimiter) = delimiter {
            result.text("Delimiter", &shown(&delimiter.to_string()));
        }
        result.value("IsTruncated", more);
        if let Some(next) = next {
            result.text("NextMarker", &shown(next));
        }
        for entry in &entries {
            match entry {
                Entry::Group(name) => result.element("CommonPrefixes", |inner| inner.text("Prefix", &shown(name))),
                Entry::Object(key, meta) => result.element("Contents", |inner| {
                    inner.text("Key", &shown(key));
                    inner.text("LastModified", &time::listed(meta.last_modified));
                    inner.text("ETag", &headers::quoted(&meta.etag));
                    inner.value("Size", meta.size);
                    inner.element("Owner", |owner| {
                        owner.text("ID", &call.caller.owner);
                        owner.text("DisplayName", &call.caller.owner);
                    });
                    inner.text("StorageClass", &meta.storage_class.0);
                }),
            }
        }
    });
    let mut response = document(bytes);
    headers::put(response.headers_mut(), HeaderName::from_static("x-cos-bucket-region"), call.region);
    Ok(response)
}

/// The delimiter: one character.
pub(super) fn delimiter(call: &Call<'_>) -> Result<Option<char>, Failure> {
    let Some(text) = call.query.filled("delimiter") else { return Ok(None) };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (one, None) => Ok(one),
        _ => Err(Failure::new(Code::InvalidDelimiter, format!("delimiter must be one character, not {text:?}"))),
    }
}

/// The group that a key belongs to: what it begins with, up to the first delimiter after the prefix.
pub(super) fn group<'a>(key: &'a str, prefix: &str, delimiter: Option<char>) -> Option<&'a str> {
    let delimiter = delimiter?;
    let at = key.get(prefix.len()..)?.find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len_utf8()])
}

/// A text that no key of the group comes after, and every key after the group does.
pub(super) fn past(group: &str) -> String {
    let mut past = group.to_owned();
    while past.len() <= MAX_KEY_BYTES {
        past.push(char::MAX);
    }
    past
}

async fn page(
    call: &Call<'_>,
    prefix: &str,
    marker: &str,
    delimiter: Option<char>,
    limit: usize,
) -> Result<(Vec<Entry>, bool), Failure> {
    let mut entries: Vec<Entry> = Vec::new();
    if limit == 0 {
        return Ok((entries, false));
    }
    // A marker that is a group, as the last page gave it, skips the whole group.
    let seen = group(marker, prefix, delimiter).filter(|group| *group == marker);
    let mut after = seen.map_or_else(|| marker.to_owned(), past);
    let mut etag_bytes = LISTED_ETAG_BYTES_MAX;
    loop {
        // One more than asked for tells whether there is another page.
        let want = if delimiter.is_some() { MAX_LIST_LIMIT } else { (limit - entries.len() + 1).min(MAX_LIST_LIMIT) };
        let (bucket, prefix_owned, place) = (call.bucket.to_owned(), prefix.to_owned(), after.clone());
        let found = call
            .store
            .call(|store| async move {
                let after = Some(place.as_str()).filter(|place| !place.is_empty());
                store.list(ListRequest { bucket: &bucket, prefix: &prefix_owned, after, limit: want }).await
            })
            .await?;
        let last = found.next.is_none();
        for (key, meta) in found.objects {
            after.clone_from(&key);
            let group = group(&key, prefix, delimiter);
            let is_known =
                matches!((entries.last(), group), (Some(Entry::Group(known)), Some(group)) if known == group);
            if is_known {
                continue;
            }
            if entries.len() == limit {
                return Ok((entries, true));
            }
            match group {
                Some(group) => entries.push(Entry::Group(group.to_owned())),
                None => {
                    let meta = with_etag(call, &key, meta, &mut etag_bytes).await?;
                    entries.extend(meta.map(|meta| Entry::Object(key, Box::new(meta))));
                }
            }
        }
        if last {
            return Ok((entries, false));
        }
        if let Some(Entry::Group(group)) = entries.last()
            && after.starts_with(group.as_str())
        {
            after = past(group);
        }
    }
}

/// Has the ETag computed that the listing does not know, within bounds. None: the object is gone.
async fn with_etag(
    call: &Call<'_>,
    key: &str,
    meta: ObjectMeta,
    bytes: &mut u64,
) -> Result<Option<ObjectMeta>, Failure> {
    if !meta.etag.is_empty() {
        return Ok(Some(meta));
    }
    let Some(left) = bytes.checked_sub(meta.size) else { return Ok(Some(meta)) };
    *bytes = left;
    let (bucket, key) = (call.bucket.to_owned(), key.to_owned());
    let head =
        call.store.try_call(|store| async move { store.head(&bucket, &key, &VersionSelector::Latest).await }).await;
    match head {
        Ok(known) => Ok(Some(ObjectMeta { etag: known.etag, ..meta })),
        Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(None),
        // A file that cannot be read now is listed all the same.
        Err(_) => Ok(Some(meta)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        for (key, prefix, delimiter, expected) in [
            ("a/b/c", "", Some('/'), Some("a/")),
            ("a/b/c", "a/", Some('/'), Some("a/b/")),
            ("a/b/c", "a/b/", Some('/'), None),
            ("a/b/c", "", None, None),
            ("a中b", "a", Some('中'), Some("a中")),
            ("abc", "", Some('/'), None),
        ] {
            assert_eq!(group(key, prefix, delimiter), expected, "{key} {prefix}");
        }
    }

    #[test]
    fn what_is_past_a_group_is_past_all_of_its_keys() {
        let past = past("a/");
        for within in ["a/", "a/b", "a/\u{10ffff}", &format!("a/{}", "\u{10ffff}".repeat(212))] {
            assert!(within < past.as_str(), "{within:?}");
        }
        for after in ["a0", "a/\u{10ffff}".replace('/', "0").as_str(), "b"] {
            assert!(after > past.as_str(), "{after:?}");
        }
    }
}
