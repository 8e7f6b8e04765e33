//! The service with its engine, and what all accounts share.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use cos_batch_engine::{Access, Buckets, Config, Engine, MemoryJobStore, Parts, Spool, SystemClock};
use cos_batch_model::AppId;
use cos_batch_objectstore::{GetRequest, MemoryStore, ObjectStore, PutRequest, VersionSelector};
use cos_batch_server::{BatchService, Key, StaticKeys};
use cos_signature::SecretKey;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

pub(crate) const TENANTS: usize = 8;
pub(crate) const NOW: i64 = 1_700_000_000;

/// What every account has in its bucket and nobody may touch.
pub(crate) const KEEP: &str = "keep";

pub(crate) fn appid(tenant: usize) -> String {
    format!("125000000{tenant}")
}

pub(crate) fn secret_id(tenant: usize) -> String {
    format!("AKIDTENANT{tenant}")
}

pub(crate) fn secret_key(tenant: usize) -> String {
    format!("exampleSecretOfTenant{tenant}")
}

pub(crate) fn bucket(tenant: usize) -> String {
    format!("bucket-{}", appid(tenant))
}

#[derive(Clone)]
pub(crate) struct World {
    service: BatchService,
    engine: Arc<Engine>,
    objects: Arc<MemoryStore>,
    time: Arc<AtomicI64>,
    /// ETags of the manifests, by bucket and key.
    manifests: Arc<BTreeMap<(usize, &'static str), String>>,
    /// Every job that was ever made, and whose it is.
    jobs: Arc<Mutex<Vec<(usize, String)>>>,
    done: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let objects = Arc::new(MemoryStore::new());
        let mut manifests = BTreeMap::new();
        for tenant in 0..TENANTS {
            let (own, next) = (bucket(tenant), bucket((tenant + 1) % TENANTS));
            objects.create_bucket(&own).unwrap();
            objects.put(PutRequest::new(&own, KEEP, Bytes::from(own.clone()))).await.unwrap();
            // As many rows as tell the account, so that a count that leaks shows; and one row that names what is not
            // the account's to delete.
            let rows: String = (0..=tenant).map(|row| format!("{own},gone/{row}\n")).collect();
            for (key, rows) in [("own.csv", rows), ("theirs.csv", format!("{next},{KEEP}\n"))] {
                let put = objects.put(PutRequest::new(&own, key, Bytes::from(rows))).await.unwrap();
                manifests.insert((tenant, key), put.etag);
            }
        }
        let spool = MemoryStore::new();
        spool.create_bucket("segments").unwrap();
        let parts = Parts {
            jobs: Arc::new(MemoryJobStore::new(Arc::new(SystemClock))),
            buckets: Buckets::new(Arc::clone(&objects) as Arc<dyn ObjectStore>),
            access: Access::new(),
            spool: Spool::new(Arc::new(spool), "segments"),
            config: Config::default(),
        };
        let engine = Arc::new(Engine::start(parts, true).await.unwrap());
        let keys: StaticKeys = (0..TENANTS)
            .map(|tenant| {
                let key = Key::new(SecretKey::new(secret_key(tenant)), AppId::new(appid(tenant)).unwrap());
                (secret_id(tenant), key)
            })
            .collect();
        let time = Arc::new(AtomicI64::new(NOW));
        let clock = Arc::clone(&time);
        let service = BatchService::builder(Arc::clone(&engine) as Arc<dyn cos_batch_model::BatchApi>)
            .authenticate(keys)
            .clock(move || clock.load(Ordering::Relaxed))
            .build()
            .unwrap();
        let (jobs, done) = (Arc::default(), Arc::default());
        Self { service, engine, objects, time, manifests: Arc::new(manifests), jobs, done }
    }

    pub(crate) fn set_time(&self, now: i64) {
        self.time.store(now, Ordering::Relaxed);
    }

    pub(crate) fn etag(&self, tenant: usize, manifest: &'static str) -> &str {
        &self.manifests[&(tenant, manifest)]
    }

    /// The answer, and the id of the request.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> (Response<Bytes>, String) {
        let answer = self.service.clone().oneshot(request).await.unwrap();
        let (mut head, body) = answer.into_parts();
        let id = head.headers.remove("x-cos-request-id").unwrap().to_str().unwrap().to_owned();
        (Response::from_parts(head, body.collect().await.unwrap().to_bytes()), id)
    }

    pub(crate) fn made(&self, tenant: usize, id: &str) {
        self.jobs.lock().unwrap().push((tenant, id.to_owned()));
    }

    /// A job that is not this account's.
    pub(crate) fn foreign_job(&self, tenant: usize, random: &mut crate::random::Random) -> Option<String> {
        let jobs = self.jobs.lock().unwrap();
        let found = random.one_of(&jobs)?;
        (found.0 != tenant).then(|| found.1.clone())
    }

    pub(crate) fn owner(&self, id: &str) -> Option<usize> {
        self.jobs.lock().unwrap().iter().find(|(_, job)| job == id).map(|(tenant, _)| *tenant)
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.done.lock().unwrap().entry(what).or_default() += 1;
    }

    pub(crate) fn done(&self) -> BTreeMap<&'static str, usize> {
        self.done.lock().unwrap().clone()
    }

    pub(crate) async fn every_bucket_is_as_it_was(&self) {
        for tenant in 0..TENANTS {
            let (bucket, version) = (bucket(tenant), &VersionSelector::Latest);
            let get = GetRequest { bucket: &bucket, key: KEEP, version, range: 0..100, pin: None };
            assert_eq!(self.objects.get_range(get).await.unwrap(), bucket, "what one has, another has not touched");
        }
    }

    pub(crate) async fn stop(&self) {
        self.engine.shutdown().await;
    }
}
