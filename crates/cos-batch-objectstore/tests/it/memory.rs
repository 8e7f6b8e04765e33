//! What only the store in memory has.

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use cos_batch_objectstore::{
    ErrorKind, MemoryStore, ObjectStore, PutRequest, RestoreOutcome, RestoreRequest, RestoreTier, StorageClass,
    VersionSelector,
};

use crate::fixtures::run;

const B: &str = "b-1";
const LATEST: &VersionSelector = &VersionSelector::Latest;

#[test]
fn it_is_full_at_its_capacity_and_has_room_again_after_a_delete() {
    let store = MemoryStore::new().with_capacity(10);
    store.create_bucket(B).unwrap();
    let put = |key, size| run(store.put(PutRequest::new(B, key, Bytes::from(vec![0; size]))));
    put("a", 6).unwrap();
    assert_eq!(put("b", 5).unwrap_err().kind(), ErrorKind::InsufficientStorage);
    put("b", 4).unwrap();
    let delete = cos_batch_objectstore::DeleteRequest { bucket: B, key: "a", version: LATEST, operation: None };
    run(store.delete(delete)).unwrap();
    put("c", 6).unwrap();
    put("c", 0).unwrap();
    put("d", 6).unwrap();
}

#[test]
fn bucket_names_are_checked_and_listed() {
    let store = MemoryStore::new();
    assert_eq!(store.create_bucket("../x").unwrap_err().kind(), ErrorKind::InvalidArgument);
    store.create_bucket("b-2").unwrap();
    store.create_bucket("b-1").unwrap();
    store.create_bucket("b-2").unwrap();
    assert_eq!(store.buckets(), ["b-1", "b-2"]);
    assert_eq!(store.set_versioning("none", true).unwrap_err().kind(), ErrorKind::NoSuchBucket);
    assert_eq!(format!("{store:?}"), r#"MemoryStore { buckets: ["b-1", "b-2"], .. }"#);
}

#[test]
fn a_restore_runs_out() {
    static NOW: AtomicI64 = AtomicI64::new(1_000_000);
    let store = MemoryStore::new().with_clock(|| NOW.load(Ordering::SeqCst));
    store.create_bucket(B).unwrap();
    crate::memory::restore_runs_out(&store, &NOW);
}

/// Restores for a day, lets the day pass, restores again.
pub(crate) fn restore_runs_out(store: &dyn ObjectStore, now: &AtomicI64) {
    let start = now.load(Ordering::SeqCst);
    let class = StorageClass::new("ARCHIVE");
    let put = PutRequest { storage_class: class, ..PutRequest::new(B, "cold", Bytes::from_static(b"x")) };
    run(store.put(put)).unwrap();
    let restore = |days| {
        let tier = RestoreTier::Standard;
        run(store.restore(RestoreRequest { bucket: B, key: "cold", version: LATEST, days, tier })).unwrap()
    };
    let head = || run(store.head(B, "cold", LATEST)).unwrap();
    let get = || {
        let request =
            cos_batch_objectstore::GetRequest { bucket: B, key: "cold", version: LATEST, range: 0..1, pin: None };
        run(store.get_range(request))
    };
    assert_eq!(restore(1), RestoreOutcome::Started);
    let state = head().restore.unwrap();
    assert_eq!((state.ongoing, state.expires), (false, start + 86_400));
    assert_eq!(restore(2), RestoreOutcome::Extended);
    assert_eq!(restore(1), RestoreOutcome::Extended);
    assert_eq!(head().restore.unwrap().expires, start + 2 * 86_400, "never shortened");
    now.store(start + 2 * 86_400 - 1, Ordering::SeqCst);
    get().unwrap();
    now.store(start + 2 * 86_400, Ordering::SeqCst);
    assert_eq!(get().unwrap_err().kind(), ErrorKind::InvalidObjectState);
    assert_eq!(head().restore, None);
    assert_eq!(restore(1), RestoreOutcome::Started);
    get().unwrap();
}
