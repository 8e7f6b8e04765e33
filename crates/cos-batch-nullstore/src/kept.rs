//! Objects that were put.

use std::{collections::BTreeMap, ops::Range};

use bytes::Bytes;
use md5::{Digest as _, Md5};

/// Most bytes of all kept objects together: manifests and reports of some million rows.
pub(crate) const KEPT_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// An object that was put.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    /// Without quotes.
    pub(crate) etag: String,
}

/// All of them, by `bucket/key`.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    objects: BTreeMap<String, Object>,
    bytes: usize,
}

impl Kept {
    /// Keeps it; none if there is no room left.
    pub(crate) fn put(&mut self, name: String, body: Bytes) -> Option<Object> {
        let before = self.objects.get(&name).map_or(0, |object| object.body.len());
        let bytes = self.bytes - before + body.len();
        if bytes > KEPT_BYTES_MAX {
            return None;
        }
        self.bytes = bytes;
        let object = Object { etag: hex::encode(Md5::digest(&body)), body };
        self.objects.insert(name, object.clone());
        Some(object)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Object> {
        self.objects.get(name)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(object) = self.objects.remove(name) {
            self.bytes -= object.body.len();
        }
    }

    /// Names after `after` that begin with `prefix`.
    pub(crate) fn list<'a>(&'a self, prefix: &'a str, after: &str) -> impl Iterator<Item = (&'a str, &'a Object)> {
        let from = if after > prefix { after.to_owned() } else { prefix.to_owned() };
        let after = after.to_owned();
        self.objects
            .range(from..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .filter(move |(name, _)| **name != after)
            .map(|(name, object)| (name.as_str(), object))
    }
}

/// The bytes that `Range: bytes=a-b` or `bytes=a-` asks for of an object of `size`; none: not understood, or past it.
pub(crate) fn range(header: &str, size: usize) -> Option<Range<usize>> {
    let (start, end) = header.strip_prefix("bytes=")?.split_once('-')?;
    let start: usize = start.parse().ok()?;
    let end = if end.is_empty() { size } else { end.parse::<usize>().ok()?.saturating_add(1).min(size) };
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_listed_in_order_and_after_the_marker() {
        let mut kept = Kept::default();
        for name in ["b/x/2", "b/x/1", "b/y", "c/x/3"] {
            kept.put(name.to_owned(), Bytes::from_static(b"1")).unwrap();
        }
        let names = |after: &str| kept.list("b/x/", after).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(""), ["b/x/1", "b/x/2"]);
        assert_eq!(names("b/x/1"), ["b/x/2"]);
        assert_eq!(names("b/x/2"), [""; 0]);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut kept = Kept { bytes: KEPT_BYTES_MAX - 1, ..Kept::default() };
        assert!(kept.put("b/a".into(), Bytes::from_static(b"12")).is_none());
        assert_eq!(kept.put("b/a".into(), Bytes::from_static(b"1")).unwrap().etag, "c4ca4238a0b923820dcc509a6f75849b");
        assert!(kept.put("b/a".into(), Bytes::from_static(b"2")).is_some(), "in place of the first");
        kept.remove("b/a");
        assert!(kept.get("b/a").is_none() && kept.bytes == KEPT_BYTES_MAX - 1);
    }

    #[test]
    fn ranges() {
        assert_eq!(range("bytes=2-4", 10), Some(2..5));
        assert_eq!(range("bytes=2-400", 10), Some(2..10));
        assert_eq!(range("bytes=2-", 10), Some(2..10));
        assert_eq!(range("bytes=10-11", 10), None);
        assert_eq!(range("lines=1-2", 10), None);
    }
}
