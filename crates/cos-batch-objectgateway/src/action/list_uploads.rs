//! List Multipart Uploads.

use cos_batch_objectstore::{ListUploadsRequest, MAX_LIST_LIMIT, Upload};

use super::{
    Answer, Call, acl, bucket, document,
    list::{Search, delimiter, group, past},
};
use crate::{error::Failure, time, xml::Document};

enum Entry {
    Upload(Upload),
    Group(String),
}

pub(super) async fn run(call: &Call<'_>) -> Answer {
    let prefix = call.query.get("prefix").unwrap_or_default();
    let key_marker = call.query.get("key-marker").unwrap_or_default();
    // Without a key it means nothing, as COS has it.
    let id_marker = call.query.get("upload-id-marker").filter(|_| !key_marker.is_empty()).unwrap_or_default();
    let delimiter = delimiter(call)?;
    let limit = call.query.page("max-uploads", 0, MAX_LIST_LIMIT)?;
    let (entries, more) = page(call, prefix, (key_marker, id_marker), delimiter, limit).await?;
    let encoding = call.query.encoding()?;
    let shown = |name: &str| if encoding { super::encoded(name) } else { name.to_owned() };
    let owner = call.owner();
    let account = acl::account(&owner);
    Ok(document(Document::whole("ListMultipartUploadsResult", |result| {
        result.text("Bucket", call.bucket);
        if encoding {
            result.text("Encoding-Type", "url");
        }
        result.text("KeyMarker", &shown(key_marker));
        result.text("UploadIdMarker", id_marker);
        match entries.last().filter(|_| more) {
            Some(Entry::Upload(last)) => {
                result.text("NextKeyMarker", &shown(&last.key));
                result.text("NextUploadIdMarker", &last.id);
            }
            Some(Entry::Group(group)) => {
                result.text("NextKeyMarker", &shown(group));
                result.text("NextUploadIdMarker", "");
            }
            None => {}
        }
        result.value("MaxUploads", limit);
        result.value("IsTruncated", more);
        result.text("Prefix", &shown(prefix));
        if let Some(delimiter) = delimiter {
            result.text("Delimiter", &shown(&delimiter.to_string()));
        }
        for entry in &entries {
            match entry {
                Entry::Group(name) => result.element("CommonPrefixes", |inner| inner.text("Prefix", &shown(name))),
                Entry::Upload(upload) => result.element("Upload", |inner| {
                    inner.text("Key", &shown(&upload.key));
                    inner.text("UploadId", &upload.id);
                    inner.text("StorageClass", &upload.storage_class.0);
                    for name in ["Initiator", "Owner"] {
                        inner.element(name, |who| {
                            who.text("ID", &account);
                            who.text("DisplayName", &owner);
                        });
                    }
                    inner.text("Initiated", &time::listed(upload.initiated));
                }),
            }
        }
    })))
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
    let mut search = Search::new(delimiter, limit);
    loop {
        let (limit_of_page, had) = (limit, entries.len());
        let limit = search.want(had);
        let (bucket, prefix_owned, place) = (call.bucket.to_owned(), prefix.to_owned(), after.clone());
        let found = call
            .store
            .call(|store| async move {
                let after = Some((place.0.as_str(), place.1.as_str())).filter(|(key, _)| !key.is_empty());
                store.list_uploads(ListUploadsRequest { bucket: &bucket, prefix: &prefix_owned, after, limit }).await
            })
            .await?;
        let seen = found.uploads.len();
        for upload in found.uploads {
            let group = group(&upload.key, prefix, delimiter);
            let is_known =
                matches!((entries.last(), group), (Some(Entry::Group(known)), Some(group)) if known == group);
            if is_known {
                continue;
            }
            if entries.len() == limit_of_page {
                return Ok((entries, true));
            }
            entries.push(match group {
                Some(group) => Entry::Group(group.to_owned()),
                None => Entry::Upload(upload),
            });
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
