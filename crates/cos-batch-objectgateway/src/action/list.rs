//! GET Bucket (List Objects), and how listings put keys into groups.

use cos_batch_objectstore::{ErrorKind, ListRequest, MAX_KEY_BYTES, MAX_LIST_LIMIT, ObjectMeta, VersionSelector};
use http::HeaderName;
use tokio::time::Instant;

use super::{Answer, Call, bucket, document};
use crate::{
    error::{Code, Failure},
    headers,
    limits::{LIST_TIME, LISTED_ETAG_BYTES_MAX},
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
    let limit = call.query.page("max-keys", 0, MAX_LIST_LIMIT)?;
    let (entries, more) = page(call, prefix, marker, delimiter, limit).await?;
    let encoding = call.query.encoding()?;
    let owner = call.owner_appid().map_or_else(|| call.owner(), str::to_owned);
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
                    inner.element("Owner", |element| {
                        element.text("ID", &owner);
                        element.text("DisplayName", &owner);
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
        bucket::must_exist(call).await?;
        return Ok((entries, false));
    }
    // A marker that is a group, as the last page gave it, skips the whole group.
    let seen = group(marker, prefix, delimiter).filter(|group| *group == marker);
    let mut after = seen.map_or_else(|| marker.to_owned(), past);
    let mut etags = Etags::default();
    let mut search = Search::new(delimiter, limit);
    loop {
        let (want, had) = (search.want(entries.len()), entries.len());
        let (bucket, prefix_owned, place) = (call.bucket.to_owned(), prefix.to_owned(), after.clone());
        let found = call
            .store
            .call(|store| async move {
                let after = Some(place.as_str()).filter(|place| !place.is_empty());
                store.list(ListRequest { bucket: &bucket, prefix: &prefix_owned, after, limit: want }).await
            })
            .await?;
        let (last, seen) = (found.next.is_none(), found.objects.len());
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
                    let known = etags.of(call, &key, VersionSelector::Latest, (meta.size, &meta.etag)).await;
                    let object = |etag| Entry::Object(key, Box::new(ObjectMeta { etag, ..meta }));
                    entries.extend(known.map(object));
                }
            }
        }
        if last {
            return Ok((entries, false));
        }
        let mut skips = false;
        if let Some(Entry::Group(group)) = entries.last()
            && after.starts_with(group.as_str())
        {
            after = past(group);
            skips = true;
        }
        if search.is_over(seen, entries.len() - had, skips) && !entries.is_empty() {
            return Ok((entries, true));
        }
    }
}

/// How much a store is asked for at a time while entries of a page are looked for, and for how long.
///
/// Where keys are put into groups, a look finds fewer entries than keys. As many keys are asked for as the last look needed
/// for each entry, so that a page of small groups takes few looks. But one look may find a group of a million keys, of which
/// the first is all that is wanted: after a look that found nothing else little is asked for, and now and then as much as
/// before, to see whether groups are small again.
pub(super) struct Search {
    groups: bool,
    limit: usize,
    /// How many keys the last look found for each entry, if it found several entries.
    keys_each: usize,
    /// How many looks, one after the other, found one group that goes on and nothing else.
    alone: usize,
    started: Instant,
}

/// What is asked for at least, where keys are put into groups: each look costs something however little it finds.
const WANT_MIN: usize = 32;

/// Of how many looks that found one group each, one asks for more. In large groups it adds some 120 keys to each look's 32.
const WIDE_EVERY: usize = 8;

impl Search {
    pub(super) fn new(delimiter: Option<char>, limit: usize) -> Self {
        Self { groups: delimiter.is_some(), limit, keys_each: 1, alone: 0, started: Instant::now() }
    }

    /// How much to ask for when the page has so many entries.
    pub(super) fn want(&self, entries: usize) -> usize {
        // One more than is missing tells whether there is another page.
        let missing = (self.limit - entries + 1).min(MAX_LIST_LIMIT);
        if !self.groups {
            return missing;
        }
        match self.alone % WIDE_EVERY {
            0 => missing.saturating_mul(self.keys_each).clamp(WANT_MIN, MAX_LIST_LIMIT),
            _ => WANT_MIN,
        }
    }

    /// Whether the page has to do with what was found, after a look that saw so many keys and found so many entries more,
    /// and did or did not end in the middle of a group.
    pub(super) fn is_over(&mut self, seen: usize, found: usize, in_group: bool) -> bool {
        if in_group && found <= 1 {
            self.alone += 1;
        } else {
            self.alone = 0;
            self.keys_each = seen.div_ceil(found.max(1)).max(1);
        }
        self.started.elapsed() > LIST_TIME
    }
}

/// Has ETags computed that a listing does not know, within the bounds of a page.
pub(super) struct Etags {
    /// Bytes of objects that may still be read for it.
    left: u64,
}

impl Default for Etags {
    fn default() -> Self {
        Self { left: LISTED_ETAG_BYTES_MAX }
    }
}

impl Etags {
    /// The ETag of an object of this size, of which the listing has this one; empty beyond the bounds. None: the object is
    /// gone.
    pub(super) async fn of(
        &mut self,
        call: &Call<'_>,
        key: &str,
        version: VersionSelector,
        (size, listed): (u64, &str),
    ) -> Option<String> {
        let Some(left) = self.left.checked_sub(size).filter(|_| listed.is_empty()) else {
            return Some(listed.to_owned());
        };
        self.left = left;
        let (bucket, key) = (call.bucket.to_owned(), key.to_owned());
        let head = call.store.try_call(|store| async move { store.head(&bucket, &key, &version).await }).await;
        match head {
            Ok(known) => Some(known.etag),
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion) => None,
            // A file that cannot be read now is listed all the same.
            Err(_) => Some(String::new()),
        }
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

    /// Looks that a page takes of a bucket of groups of these sizes, and the keys they see.
    fn looks(sizes: &[usize], limit: usize) -> (usize, usize) {
        let mut search = Search::new(Some('/'), limit);
        let (mut entries, mut looks, mut keys) = (0, 0, 0);
        // Each look begins where a group does, as the one before it passes the group over in which it ends.
        while entries < sizes.len() && entries < limit {
            let want = search.want(entries);
            let (mut seen, mut found) = (0, 0);
            while seen < want && entries + found < sizes.len() {
                seen += sizes[entries + found].min(want - seen);
                found += 1;
            }
            entries += found;
            (looks, keys) = (looks + 1, keys + seen);
            search.is_over(seen, found, seen == want);
        }
        (looks, keys)
    }

    #[tokio::test(start_paused = true)]
    async fn small_groups_take_few_looks_and_large_ones_few_keys() {
        assert_eq!(looks(&[50; 1000], 1000).0, 50);
        assert_eq!(looks(&[3; 900], 1000).0, 3);
        let (looks_of_large, keys) = looks(&[1_000_000; 400], 1000);
        assert!(looks_of_large == 400 && keys < 400 * 200, "{keys}");
        // Small ones after large ones.
        let mixed = [vec![1_000_000; 10], vec![50; 900]].concat();
        let (looks_of_mixed, _) = looks(&mixed, 1000);
        assert!(looks_of_mixed < 80, "{looks_of_mixed}");
        // A small page asks for little.
        assert_eq!(looks(&[150; 20], 2), (2, 2 * WANT_MIN));
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_ends() {
        let mut search = Search::new(Some('/'), 1000);
        assert_eq!(search.want(0), 1000);
        assert!(!search.is_over(1000, 1, true));
        assert_eq!(search.want(1), WANT_MIN);
        // A look that saw nothing.
        assert!(!search.is_over(0, 0, false));
        assert_eq!(search.want(999), WANT_MIN);
        tokio::time::advance(LIST_TIME * 2).await;
        assert!(search.is_over(32, 1, true));
        assert_eq!(Search::new(None, 10).want(4), 7);
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
