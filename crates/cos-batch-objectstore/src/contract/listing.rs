//! List.

use super::{Bucket, Fixture, possible, refused};
use crate::{ErrorKind, ListRequest};

/// `a-` is before `a/`, whatever is a folder; upper case before lower case; all by bytes.
pub async fn list_is_in_byte_order(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if fixture.lacks().byte_order {
        return;
    }
    let keys = ["a/b", "a-", "a0", "a/", "a", "a.b/c", "a.b", "B/x", "B", "b", "ä", "z/1/2/3", "z/1-", "z/1/2", "a!"];
    let mut keys = possible(fixture, keys);
    for key in keys.iter().copied() {
        b.put(key, "").await;
    }
    keys.sort_unstable();
    for limit in 1..=keys.len() + 1 {
        assert_eq!(b.keys("", limit).await, keys, "by pages of {limit}");
    }
}

/// Pages are full but for the last, which says that it is the last.
pub async fn list_pages_and_prefixes(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    assert_eq!(b.keys("", 1000).await, Vec::<String>::new());
    for folder in 0..3 {
        for n in 0..7 {
            b.put(&format!("p{folder}/x{n}"), "body").await;
        }
    }
    let list =
        async |prefix, after, limit| b.store.list(ListRequest { bucket: b.name, prefix, after, limit }).await.unwrap();
    let page = list("", None, 20).await;
    assert_eq!(page.objects.len(), 20);
    assert_eq!(page.next.as_deref(), Some("p2/x5"));
    let page = list("", page.next.as_deref(), 20).await;
    assert_eq!(page.objects.len(), 1);
    assert_eq!(page.objects[0].1.size, 4);
    assert_eq!(page.next, None);
    assert_eq!(list("", None, 21).await.next, None, "a full last page is the last");

    assert_eq!(b.keys("p1/", 3).await.len(), 7);
    assert_eq!(b.keys("p1/x3", 3).await, ["p1/x3"]);
    assert_eq!(b.keys("p", 1000).await.len(), 21);
    let nothings = ["p1/x3/", "q", "p1//", "../", "p1/../p1/", "/"];
    // A key may go on behind what is asked for.
    for nothing in nothings.into_iter().filter(|prefix| fixture.allows_key(&format!("{prefix}x"))) {
        assert_eq!(b.keys(nothing, 1000).await, Vec::<String>::new(), "{nothing}");
    }
    for limit in [0, 1001] {
        let request = ListRequest { bucket: b.name, prefix: "", after: None, limit };
        refused(b.store.list(request).await, ErrorKind::InvalidArgument);
    }
}

/// `after` need not be a key that exists, and may be outside of the prefix.
pub async fn list_continues_after_any_key(fixture: &dyn Fixture) {
    let b = Bucket::new(fixture).await;
    if fixture.lacks().byte_order {
        return;
    }
    let keys = possible(fixture, ["a", "b/1", "b/2", "b/2/", "b0", "c/d/e"]);
    for key in keys.iter().copied() {
        b.put(key, "").await;
    }
    for prefix in ["", "b", "b/", "b/2", "c/d/", "x"] {
        for after in ["", "0", "a", "a/", "b", "b/", "b/1", "b/1/zz", "b/2", "b/2/", "b0", "c", "c/d", "c/d/e", "d"] {
            let request = ListRequest { bucket: b.name, prefix, after: Some(after), limit: 10 };
            let page = b.store.list(request).await.unwrap();
            let found: Vec<_> = page.objects.iter().map(|(key, _)| key.as_str()).collect();
            let expected: Vec<_> = keys.iter().copied().filter(|k| k.starts_with(prefix) && *k > after).collect();
            assert_eq!(found, expected, "prefix {prefix:?} after {after:?}");
        }
    }
}
