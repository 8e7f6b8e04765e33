//! GET Bucket Object versions.

use cos_batch_objectstore::{ListVersionsRequest, MAX_LIST_LIMIT, ObjectVersion, VersionKind, VersionSelector};

use super::{
    Answer, Call, bucket, document,
    list::{Etags, Search, delimiter, group, past},
};
use crate::{
    error::{Code, Failure},
    headers, time,
    xml::Document,
};

enum Entry {
    Version(ObjectVersion),
    Group(String),
}

pub(super) async fn run(call: &Call<'_>) -> Answer {
    let prefix = call.query.get("prefix").unwrap_or_default();
    let key_marker = call.query.get("key-marker").unwrap_or_default();
    let version_marker = call.query.get("version-id-marker").unwrap_or_default();
    if key_marker.is_empty() && !version_marker.is_empty() {
        return Err(Failure::new(Code::InvalidArgument, "version-id-marker goes with a key-marker"));
    }
    let delimiter = delimiter(call)?;
    let limit = call.query.page("max-keys", 0, MAX_LIST_LIMIT)?;
    let bucket = call.bucket.to_owned();
    let versioning = call.store.call(|store| async move { store.get_versioning(&bucket).await }).await?;
    let (entries, more) = page(call, prefix, (key_marker, version_marker), delimiter, limit).await?;
    let encoding = call.query.encoding()?;
    let shown = |name: &str| if encoding { super::encoded(name) } else { name.to_owned() };
    // A bucket that never kept versions shows no ids.
    let id = |version: &ObjectVersion| if versioning.is_none() { String::new() } else { version.version_id.clone() };
    Ok(document(Document::whole("ListVersionsResult", |result| {
        if encoding {
            result.text("EncodingType", "url");
        }
        result.text("Name", call.bucket);
        result.text("Prefix", &shown(prefix));
        result.text("KeyMarker", &shown(key_marker));
        result.text("VersionIdMarker", version_marker);
        result.value("MaxKeys", limit);
        if let Some(delimiter) = delimiter {
            result.text("Delimiter", &shown(&delimiter.to_string()));
        }
        result.value("IsTruncated", more);
        match entries.last().filter(|_| more) {
            Some(Entry::Version(last)) => {
                result.text("NextKeyMarker", &shown(&last.key));
                result.text("NextVersionIdMarker", &last.version_id);
            }
            Some(Entry::Group(group)) => {
                result.text("NextKeyMarker", &shown(group));
                result.text("NextVersionIdMarker", "");
            }
            None => {}
        }
        for entry in &entries {
            match entry {
                Entry::Group(name) => result.element("CommonPrefixes", |inner| inner.text("Prefix", &shown(name))),
                Entry::Version(version) => show(call, result, version, &shown(&version.key), &id(version)),
            }
        }
    })))
}

fn show(call: &Call<'_>, result: &mut Document, version: &ObjectVersion, key: &str, id: &str) {
    let name = if version.kind == VersionKind::Marker { "DeleteMarker" } else { "Version" };
    result.element(name, |inner| {
        inner.text("Key", key);
        inner.text("VersionId", id);
        inner.value("IsLatest", version.is_latest);
        inner.text("LastModified", &time::listed(version.last_modified));
        if let VersionKind::Object { size, etag, storage_class } = &version.kind {
            inner.text("ETag", &headers::quoted(etag));
            inner.value("Size", size);
            inner.text("StorageClass", &storage_class.0);
        }
        let owner = call.owner_appid().map_or_else(|| call.owner(), str::to_owned);
        inner.element("Owner", |element| {
            element.text("ID", &owner);
            element.text("DisplayName", &owner);
        });
    });
}

async fn page(
    call: &Call<'_>,
    prefix: &str,
    marker: (&str, &str),
    delimiter: Option<char>,
    limit: usize,
) -> Result<(Vec<Entry>, bool), Failure> {
    let mut entries: Vec<Entry> = Vec::new();
    if limit == 0 {
        bucket::must_exist(call).await?;
        return Ok((entries, false));
    }
    let seen = group(marker.0, prefix, delimiter).filter(|group| *group == marker.0 && marker.1.is_empty());
    let mut after = (seen.map_or_else(|| marker.0.to_owned(), past), marker.1.to_owned());
    let (mut search, mut etags) = (Search::new(delimiter, limit), Etags::default());
    loop {
        let (want, had) = (search.want(entries.len()), entries.len());
        let (bucket, prefix_owned, place) = (call.bucket.to_owned(), prefix.to_owned(), after.clone());
        let found = call
            .store
            .call(|store| async move {
                let after = Some((place.0.as_str(), place.1.as_str())).filter(|(key, _)| !key.is_empty());
                store
                    .list_versions(ListVersionsRequest { bucket: &bucket, prefix: &prefix_owned, after, limit: want })
                    .await
            })
            .await?;
        let seen = found.versions.len();
        for mut version in found.versions {
            let group = group(&version.key, prefix, delimiter);
            let is_known =
                matches!((entries.last(), group), (Some(Entry::Group(known)), Some(group)) if known == group);
            if is_known {
                continue;
            }
            if entries.len() == limit {
                return Ok((entries, true));
            }
            if let Some(group) = group {
                entries.push(Entry::Group(group.to_owned()));
                continue;
            }
            if let VersionKind::Object { size, etag, .. } = &mut version.kind {
                let id = VersionSelector::Id(version.version_id.clone());
                match etags.of(call, &version.key, id, (*size, etag)).await {
                    Some(known) => *etag = known,
                    None => continue,
                }
            }
            entries.push(Entry::Version(version));
        }
        let Some(next) = found.next else { return Ok((entries, false)) };
        let skips = matches!(entries.last(), Some(Entry::Group(group)) if next.0.starts_with(group.as_str()));
        after = match entries.last() {
            Some(Entry::Group(group)) if skips => (past(group), String::new()),
            _ => next,
        };
        if search.is_over(seen, entries.len() - had, skips) && !entries.is_empty() {
            return Ok((entries, true));
        }
    }
}
