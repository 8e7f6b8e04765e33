//! The stores that the story is told to.

use std::sync::Arc;

use cos_batch_objectstore::{FolderStore, ObjectStore};

use super::story::Bucket;
use crate::support::{Place, Server};

/// A server of batch jobs, and the store its buckets are in.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// What the store cannot do, in the story's words.
    pub(crate) lacks: &'static [&'static str],
    pub(crate) server: Server,
    pub(crate) place: Place,
}

/// The server's own folder.
pub(crate) fn folder() -> Backend {
    let place = Place::new();
    for bucket in [Bucket::Source, Bucket::Target] {
        std::fs::create_dir_all(place.bucket(bucket.name())).unwrap();
    }
    let server = Server::start(&place);
    let store = FolderStore::open(place.data().join("buckets")).unwrap();
    Backend { name: "folder", store: Arc::new(store), lacks: &[], server, place }
}
