//! Any sequence of calls on any legal keys does what it does to a plain map.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{prelude::*, sample::Index};

use super::{Bucket, Fixture, LATEST, refused};
use crate::{Conditions, CopyRequest, CopySource, Directive, ErrorKind, ListRequest, MAX_KEY_BYTES, PutRequest};

/// One call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Puts a content under a key.
    Put(String, Vec<u8>),
    /// Gets, and compares.
    Get(String),
    /// Deletes.
    Delete(String),
    /// Copies from one key to another.
    Copy(String, String),
    /// Lists one page: prefix, after, limit.
    List(String, Option<String>, usize),
}

/// Segments that are special to file systems or to stores that use them, and some that are not.
const SEGMENTS: [&str; 18] =
    ["", "", ".", "..", "a", "a", "b", "a-", "a.", ".cos-batch", "tmp", "odd", "~", "%2F", "\0", "é", "fa", " "];

/// A legal key: 1–850 bytes of UTF-8.
fn key() -> impl Strategy<Value = String> {
    let path = prop::collection::vec(prop::sample::select(&SEGMENTS[..]), 1..8).prop_map(|s| s.join("/"));
    let long =
        ("[a-z/é]{1,9}", prop::sample::select(vec![199_usize, 200, 255, 256, 849, 850])).prop_map(|(unit, length)| {
            let mut key = unit.repeat(length);
            cut(&mut key, length);
            key
        });
    let any = prop::collection::vec(any::<char>(), 1..400).prop_map(String::from_iter);
    prop_oneof![4 => path, 1 => long, 1 => any, 1 => "\\PC{1,40}"].prop_map(|mut key| {
        cut(&mut key, MAX_KEY_BYTES);
        if key.is_empty() { "/".to_owned() } else { key }
    })
}

fn cut(key: &mut String, length: usize) {
    let mut end = key.len().min(length);
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    key.truncate(end);
}

/// A few keys with their relatives: what is above, what is below, what sorts beside.
fn keys() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(key(), 1..4).prop_map(|keys| {
        let mut all = Vec::new();
        for key in keys {
            all.extend(key.rmatch_indices('/').take(3).map(|(at, _)| key[..at].to_owned()));
            for after in ["/", "/x", "//", "-", "/x/y"] {
                all.push(format!("{key}{after}"));
            }
            all.push(key);
        }
        all.retain(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
        all
    })
}

/// Sequences of calls on a few related keys, for proptest.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let raw = (0..12_u8, any::<Index>(), any::<Index>(), 0..200_usize, 1..20_usize);
    (keys(), prop::collection::vec(raw, 1..40)).prop_map(|(keys, raw)| {
        raw.into_iter()
            .map(|(what, one, two, size, limit)| {
                let (key, other) = (one.get(&keys).clone(), two.get(&keys).clone());
                match what {
                    0..5 => Step::Put(key, vec![u8::try_from(size).unwrap(); size]),
                    5 | 6 => Step::Delete(key),
                    7 => Step::Get(key),
                    8 | 9 => Step::Copy(key, other),
                    10 => Step::List(String::new(), Some(other), limit),
                    _ => {
                        let mut prefix = key;
                        let half = prefix.len() / 2;
                        cut(&mut prefix, half);
                        Step::List(prefix, (limit % 2 == 0).then_some(other), limit)
                    }
                }
            })
            .collect()
    })
}

/// Does the steps in an empty bucket and in a map; panics where they differ.
pub async fn assert_model(fixture: &dyn Fixture, steps: Vec<Step>) {
    let b = Bucket::new(fixture).await;
    let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Put(key, body) => {
                b.store.put(PutRequest::new(b.name, &key, Bytes::from(body.clone()))).await.unwrap();
                model.insert(key, body);
            }
            Step::Get(key) => assert_content(&b, &key, model.get(&key)).await,
            Step::Delete(key) => {
                b.delete(&key).await;
                model.remove(&key);
                assert_content(&b, &key, None).await;
            }
            Step::Copy(from, to) => {
                let copied = b.store.copy(plain_copy(&from, &to)).await;
                match model.get(&from).cloned() {
                    None => refused(copied, ErrorKind::NoSuchKey),
                    Some(_) if from == to => refused(copied, ErrorKind::InvalidRequest),
                    Some(body) => {
                        copied.unwrap();
                        model.insert(to, body);
                    }
                }
            }
            Step::List(prefix, after, limit) => {
                let request = ListRequest { bucket: b.name, prefix: &prefix, after: after.as_deref(), limit };
                let page = b.store.list(request).await.unwrap();
                let found: Vec<_> = page.objects.into_iter().map(|(key, meta)| (key, meta.size)).collect();
                let admitted = |key: &str| key.starts_with(&prefix) && after.as_deref().is_none_or(|after| key > after);
                let mut all = model.iter().filter(|(key, _)| admitted(key)).map(|(k, v)| (k.clone(), v.len() as u64));
                let expected: Vec<_> = all.by_ref().take(limit).collect();
                assert_eq!(found, expected, "prefix {prefix:?} after {after:?} limit {limit}");
                assert_eq!(page.next.is_some(), all.next().is_some());
            }
        }
    }
    for limit in [2, 1000] {
        assert_eq!(b.keys("", limit).await, model.keys().cloned().collect::<Vec<_>>());
    }
    for (key, body) in &model {
        assert_content(&b, key, Some(body)).await;
    }
    for key in model.keys() {
        b.delete(key).await;
    }
    assert_eq!(b.keys("", 10).await, Vec::<String>::new());
}

async fn assert_content(b: &Bucket<'_>, key: &str, expected: Option<&Vec<u8>>) {
    let request = crate::GetRequest { bucket: b.name, key, version: LATEST, range: 0..u64::MAX, pin: None };
    match (b.store.get_range(request).await, expected) {
        (Ok(found), Some(expected)) => assert_eq!(&found, expected, "{key:?}"),
        (found, None) => refused(found, ErrorKind::NoSuchKey),
        (Err(error), Some(_)) => panic!("{error}"),
    }
}

fn plain_copy<'a>(from: &'a str, to: &'a str) -> CopyRequest<'a> {
    CopyRequest {
        source: CopySource { bucket: super::BUCKET, key: from, version: LATEST },
        target_bucket: super::BUCKET,
        target_key: to,
        metadata: Directive::Copy,
        tags: Directive::Copy,
        grants: Directive::Replace(&[]),
        canned_acl: None,
        storage_class: None,
        conditions: Conditions::default(),
        operation: None,
    }
}
