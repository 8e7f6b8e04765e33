//! The folder does what the store in memory does, in buckets whose versioning is switched on and off.

use bytes::Bytes;
use cos_batch_objectstore::{
    Conditions, CopyRequest, CopySource, DeleteRequest, Directive, GetRequest, ListRequest, MemoryStore, ObjectStore,
    OperationId, PutRequest, Tag, TagRequest, VersionSelector,
};
use proptest::prelude::*;

use crate::fixtures::{InFolder, run};

const B: &str = "b-1";
/// Plain, in the way of each other, and odd.
const KEYS: [&str; 5] = ["a", "a/b", "a/b/", "c", ".."];

#[derive(Clone, Debug)]
enum Step {
    Versioning(bool),
    Put { key: usize, size: usize, tagged: bool, row: Option<u64> },
    Copy { from: usize, to: usize, row: Option<u64> },
    Delete { key: usize, row: Option<u64> },
    DeleteVersion { key: usize, version: prop::sample::Index },
    Tag { key: usize, version: prop::sample::Index },
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS.len();
    // Few rows, so that operations are repeated.
    let row = || prop::option::of(0..4_u64);
    prop_oneof![
        1 => any::<bool>().prop_map(Step::Versioning),
        4 => (key.clone(), 0..50_usize, any::<bool>(), row())
            .prop_map(|(key, size, tagged, row)| Step::Put { key, size, tagged, row }),
        2 => (key.clone(), key.clone(), row()).prop_map(|(from, to, row)| Step::Copy { from, to, row }),
        3 => (key.clone(), row()).prop_map(|(key, row)| Step::Delete { key, row }),
        4 => (key.clone(), any::<prop::sample::Index>()).prop_map(|(key, version)| Step::DeleteVersion { key, version }),
        2 => (key, any::<prop::sample::Index>()).prop_map(|(key, version)| Step::Tag { key, version }),
    ]
}

/// One store and the version ids it has given for each key, in order: what is compared is their place in it.
struct Side<'a> {
    store: &'a dyn ObjectStore,
    ids: Vec<Vec<String>>,
}

impl Side<'_> {
    fn note(&mut self, key: usize, id: Option<String>) -> Option<usize> {
        let id = id?;
        let ids = &mut self.ids[key];
        Some(ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        }))
    }

    fn selector(&self, key: usize, version: prop::sample::Index) -> VersionSelector {
        let ids = &self.ids[key];
        VersionSelector::Id(ids[version.index(ids.len())].clone())
    }

    /// Does a step; says what came of it, without what may differ.
    fn take(&mut self, step: &Step) -> String {
        // Kinds of operation have rows of their own, as they have in jobs.
        let operation = |row: Option<u64>, kind: u64| row.map(|row| OperationId { job: 9, row: row * 10 + kind });
        match step {
            Step::Versioning(_) => String::new(),
            Step::Put { key, size, tagged, row } => {
                let tags = if *tagged { vec![Tag { key: "t".into(), value: size.to_string() }] } else { Vec::new() };
                let body = Bytes::from(vec![b'x'; *size]);
                let request =
                    PutRequest { tags, operation: operation(*row, 0), ..PutRequest::new(B, KEYS[*key], body) };
                let outcome = run(self.store.put(request)).unwrap();
                format!("{:?} {}", self.note(*key, outcome.version_id), outcome.etag)
            }
            Step::Copy { from, to, row } => {
                let request = CopyRequest {
                    source: CopySource { bucket: B, key: KEYS[*from], version: &VersionSelector::Latest },
                    target_bucket: B,
                    target_key: KEYS[*to],
                    metadata: Directive::Copy,
                    tags: Directive::Copy,
                    grants: Directive::Replace(&[]),
                    canned_acl: None,
                    storage_class: None,
                    conditions: Conditions::default(),
                    operation: operation(*row, 1),
                };
                match run(self.store.copy(request)) {
                    Ok(outcome) => format!("{:?}", self.note(*to, outcome.version_id)),
                    Err(error) => error.kind().code().to_owned(),
                }
            }
            Step::Delete { key, row } => {
                let version = &VersionSelector::Latest;
                let request = DeleteRequest { bucket: B, key: KEYS[*key], version, operation: operation(*row, 2) };
                let outcome = run(self.store.delete(request)).unwrap();
                format!("{} {:?}", outcome.delete_marker, self.note(*key, outcome.version_id))
            }
            Step::DeleteVersion { key, version } => {
                let version = &self.selector(*key, *version);
                let request = DeleteRequest { bucket: B, key: KEYS[*key], version, operation: None };
                let outcome = run(self.store.delete(request)).unwrap();
                format!("{} {:?}", outcome.delete_marker, self.note(*key, outcome.version_id))
            }
            Step::Tag { key, version } => {
                let version = &self.selector(*key, *version);
                let tags = [Tag { key: "set".into(), value: "later".into() }];
                let request = TagRequest { bucket: B, key: KEYS[*key], version, tags: Directive::Replace(&tags) };
                format!("{:?}", run(self.store.put_tags(request)).map_err(|e| e.kind()))
            }
        }
    }

    /// All there is to see.
    fn view(&mut self) -> Vec<String> {
        let mut view = Vec::new();
        for (key, name) in KEYS.iter().enumerate() {
            let mut selectors = vec![VersionSelector::Latest];
            selectors.extend(self.ids[key].iter().cloned().map(VersionSelector::Id));
            for version in &selectors {
                let line = match run(self.store.head(B, name, version)) {
                    Ok(meta) => {
                        let request = GetRequest { bucket: B, key: name, version, range: 0..99, pin: Some(&meta.pin) };
                        let body = run(self.store.get_range(request)).unwrap();
                        let tags = run(self.store.get_tags(B, name, version)).unwrap();
                        assert_eq!(body.len() as u64, meta.size);
                        format!("{} {:?} {tags:?}", meta.etag, self.note(key, meta.version_id))
                    }
                    Err(error) => error.kind().code().to_owned(),
                };
                view.push(line);
            }
        }
        let page = run(self.store.list(ListRequest { bucket: B, prefix: "", after: None, limit: 100 })).unwrap();
        view.extend(page.objects.into_iter().map(|(key, meta)| format!("{key} {}", meta.size)));
        view
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn folder_and_memory_agree(steps in prop::collection::vec(step(), 1..30)) {
        let memory = MemoryStore::new();
        let folder = InFolder::new();
        memory.create_bucket(B).unwrap();
        folder.store.create_bucket(B).unwrap();
        let ids = vec![vec!["null".to_owned()]; KEYS.len()];
        let mut expected = Side { store: &memory, ids: ids.clone() };
        let mut found = Side { store: &folder.store, ids };
        for step in &steps {
            if let Step::Versioning(on) = step {
                memory.set_versioning(B, *on).unwrap();
                folder.store.set_versioning(B, *on).unwrap();
            }
            prop_assert_eq!(found.take(step), expected.take(step), "{:?}", step);
            prop_assert_eq!(found.view(), expected.view(), "after {:?}", step);
        }
        // Everything can be removed again, by its id.
        for (key, name) in KEYS.iter().enumerate() {
            for version in found.ids[key].iter().cloned().map(VersionSelector::Id) {
                run(folder.store.delete(DeleteRequest { bucket: B, key: name, version: &version, operation: None })).unwrap();
            }
        }
        folder.assert_nothing_left();
    }
}
