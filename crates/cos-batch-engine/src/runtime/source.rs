//! Where rows are read from: one object, of which exactly the content that was prepared is read.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_objectstore::{GetRequest, ObjectStore, Pin, StoreError, VersionSelector};
use uuid::Uuid;

use super::{core::Core, offload::offload};
use crate::{
    job::{JobRecord, PinnedManifest},
    report::spool::Spool,
    spec::ManifestSpec,
    store::ShardSource,
};

/// Bytes read at once.
pub(crate) const READ_BYTES: u64 = 256 * 1024;

/// An object, with what it takes to read exactly this content of it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: VersionSelector,
    /// None before it is known, and for what nobody else can change.
    pub(crate) pin: Option<Pin>,
}

impl Source {
    pub(crate) fn of_manifest(
        store: Arc<dyn ObjectStore>,
        spec: &ManifestSpec,
        version: VersionSelector,
        pin: Option<Pin>,
    ) -> Self {
        Self { store, bucket: spec.bucket.clone(), key: spec.key.clone(), version, pin }
    }

    /// Another object of the same bucket: its newest version.
    pub(crate) fn beside(&self, key: String) -> Self {
        Self { key, version: VersionSelector::Latest, pin: None, ..self.clone() }
    }

    fn spooled(spool: &Spool, job: Uuid, name: &str) -> Self {
        Self {
            store: Arc::clone(spool.store()),
            bucket: spool.bucket().to_owned(),
            key: Spool::file_key(job, name),
            version: VersionSelector::Latest,
            pin: None,
        }
    }

    /// Where the rows of a shard are.
    pub(crate) fn of_shard(core: &Core, job: &JobRecord, manifest: &PinnedManifest, shard: &ShardSource) -> Self {
        let spec = &job.spec.manifest;
        let version = manifest.version.clone().map_or_else(|| version(spec), VersionSelector::Id);
        let manifest = Self::of_manifest(core.buckets.store(&spec.bucket), spec, version, Some(manifest.pin.clone()));
        match shard {
            ShardSource::Bytes { .. } => manifest,
            ShardSource::Spooled { name, .. } => Self::spooled(&core.spool, job.id, name),
            ShardSource::File { key, version, pin, .. } => {
                let version = version.clone().map_or(VersionSelector::Latest, VersionSelector::Id);
                Self { version, pin: Some(pin.clone()), ..manifest.beside(key.clone()) }
            }
        }
    }

    /// Reads up to `READ_BYTES` from `start`, not past `end` nor the end of the object.
    pub(crate) async fn read(&self, start: u64, end: u64) -> Result<Bytes, StoreError> {
        let source = self.clone();
        let range = start..end.min(start.saturating_add(READ_BYTES));
        offload(self.store.execution(), async move {
            let request = GetRequest {
                bucket: &source.bucket,
                key: &source.key,
                version: &source.version,
                range,
                pin: source.pin.as_ref(),
            };
            source.store.get_range(request).await
        })
        .await
    }
}

/// The version of the manifest that a job names.
pub(crate) fn version(spec: &ManifestSpec) -> VersionSelector {
    spec.version.as_ref().map_or(VersionSelector::Latest, |id| VersionSelector::Id(id.clone()))
}
