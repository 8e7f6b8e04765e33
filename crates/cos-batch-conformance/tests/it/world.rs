//! An engine over stores in memory, with two accounts, and the ways to reach it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cos_batch_conformance::{Account, Group, Report, Setup, Wire, api, wire};
use cos_batch_engine::{Access, Buckets, Clock as _, Config, Engine, MemoryJobStore, Parts, Spool, SystemClock};
use cos_batch_model::{
    AppId, BatchApi, BoxFuture, BucketArn, CreateJobRequest, ETag, Manifest, ManifestField, ManifestFormat,
    ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority, PutObjectCopy, Report as JobReport, ReportScope,
    RoleArn,
};
use cos_batch_objectstore::{MemoryStore, ObjectStore as _, PutRequest};
use cos_batch_server::{BatchService, Key, StaticKeys};
use cos_signature::{Credentials, SecretKey};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::ServiceExt as _;

pub(crate) const APPIDS: [&str; 2] = ["1250000000", "1250000001"];
pub(crate) const HOST: &str = "batch.example:8080";

/// Rows of each job.
const OBJECTS: usize = 3;

/// Tells the runs on one world apart.
static RUNS: AtomicU32 = AtomicU32::new(0);

/// A system that keeps every rule.
pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    etags: [String; 2],
}

pub(crate) fn appid(index: usize) -> AppId {
    AppId::new(APPIDS[index]).unwrap()
}

pub(crate) fn credentials(index: usize) -> Credentials {
    Credentials::new(format!("AKIDEXAMPLE{index}"), format!("exampleSecret{index}"))
}

/// The id of a temporary key of the first account.
pub(crate) const TEMPORARY_ID: &str = "AKIDEXAMPLETEMPORARY";

/// The temporary key with its token, which has characters that a query cannot carry plainly.
pub(crate) fn temporary() -> Credentials {
    Credentials::new(TEMPORARY_ID, "exampleTemporarySecret").with_security_token("tok/en+1=")
}

/// The time in Unix seconds.
pub(crate) fn now() -> i64 {
    SystemClock.now() / 1000
}

pub(crate) fn pause() -> BoxFuture<'static, ()> {
    Box::pin(tokio::time::sleep(Duration::from_millis(5)))
}

impl World {
    pub(crate) async fn new() -> Self {
        let objects = MemoryStore::new();
        let mut etags = Vec::new();
        for appid in APPIDS {
            let bucket = format!("src-{appid}");
            objects.create_bucket(&bucket).unwrap();
            objects.create_bucket(&format!("dst-{appid}")).unwrap();
            let mut rows = String::new();
            for number in 0..OBJECTS {
                let key = format!("in/{number}");
                objects.put(PutRequest::new(&bucket, &key, Bytes::from_static(b"content"))).await.unwrap();
                rows.push_str(&format!("{bucket},{key}\n"));
            }
            etags.push(objects.put(PutRequest::new(&bucket, "list.csv", rows.into())).await.unwrap().etag);
        }
        let spool = MemoryStore::new();
        spool.create_bucket("segments").unwrap();
        let quick = Duration::from_millis(10);
        let parts = Parts {
            jobs: Arc::new(MemoryJobStore::new(Arc::new(SystemClock))),
            buckets: Buckets::new(Arc::new(objects)),
            access: Access::new(),
            spool: Spool::new(Arc::new(spool), "segments"),
            config: Config { checkpoint_interval: quick, poll: quick, ..Config::default() },
        };
        Self { engine: Arc::new(Engine::start(parts, true).await.unwrap()), etags: etags.try_into().unwrap() }
    }

    pub(crate) fn api(&self) -> Arc<dyn BatchApi> {
        Arc::<Engine>::clone(&self.engine)
    }

    /// A legal request of the first account.
    pub(crate) fn some_request(&self) -> CreateJobRequest {
        self.request(0)()
    }

    fn request(&self, index: usize) -> impl Fn() -> CreateJobRequest + Send + Sync + 'static {
        let etag = self.etags[index].clone();
        move || {
            let target = BucketArn::for_bucket("ap-guangzhou", &format!("dst-{}", APPIDS[index])).unwrap();
            let source = format!("src-{}", APPIDS[index]);
            CreateJobRequest {
                client_request_token: "replaced".parse().unwrap(),
                confirmation_required: false,
                description: None,
                manifest: Manifest {
                    location: ManifestLocation {
                        e_tag: ETag::new(&etag).unwrap(),
                        object_arn: ObjectArn::for_object("ap-guangzhou", &source, "list.csv").unwrap(),
                        object_version_id: None,
                    },
                    spec: ManifestSpec {
                        fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
                        format: ManifestFormat::BatchOperationsCsv.into(),
                    },
                },
                operation: Operation::PutObjectCopy(Box::new(PutObjectCopy::to(target.clone()))),
                priority: Priority::default(),
                report: JobReport::to(target, ReportScope::AllTasks),
                role_arn: RoleArn::new("qcs::cam::uin/100000000001:roleName/R").unwrap(),
            }
        }
    }

    /// A setup whose requests are signed.
    pub(crate) fn setup(&self) -> Setup {
        let account = |index| Account::signed(appid(index), credentials(index), self.request(index));
        self.setup_of(account).temporary(temporary())
    }

    /// A setup whose requests are not signed.
    pub(crate) fn anonymous_setup(&self) -> Setup {
        self.setup_of(|index| Account::anonymous(appid(index), self.request(index)))
    }

    fn setup_of(&self, account: impl Fn(usize) -> Account) -> Setup {
        let run = format!("run{}", RUNS.fetch_add(1, Ordering::Relaxed));
        Setup::new(run, account(0), now, pause).unwrap().other(account(1)).host(HOST)
    }

    /// The checks of this group over a backend.
    pub(crate) async fn check_api(&self, backend: Arc<dyn BatchApi>, group: Group) -> Report {
        api::run(backend, &self.setup(), &[group]).await
    }

    /// The checks of this group over a wire that wants no signatures.
    pub(crate) async fn check_wire(&self, over: impl Wire + 'static, group: Group) -> Report {
        wire::run(Arc::new(over), &self.anonymous_setup(), &[group]).await
    }
}

/// A server that knows the keys of both accounts.
pub(crate) fn keyed(backend: Arc<dyn BatchApi>) -> cos_batch_server::Builder {
    let key = |index: usize| Key::new(SecretKey::new(credentials(index).secret_key.expose()), appid(index));
    let keys = [0, 1].into_iter().map(|index| (credentials(index).secret_id, key(index)));
    let own = temporary();
    let temporary = Key { security_token: own.security_token, ..Key::new(own.secret_key, appid(0)) };
    BatchService::builder(backend).authenticate(keys.chain([(own.secret_id, temporary)]).collect::<StaticKeys>())
}

/// A server that lets everybody in.
pub(crate) fn anonymous(backend: Arc<dyn BatchApi>) -> BatchService {
    BatchService::builder(backend).allow_anonymous(appid(0)).build().unwrap()
}

/// A service without a socket.
#[derive(Clone)]
pub(crate) struct InProcess(pub(crate) BatchService);

impl Wire for InProcess {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, String>> {
        let service = self.0.clone();
        Box::pin(async move {
            let (head, body) = service.oneshot(request.map(Full::new)).await.unwrap().into_parts();
            Ok(Response::from_parts(head, body.collect().await.unwrap().to_bytes()))
        })
    }
}

/// What was wrong, and which checks have found it.
#[derive(Default)]
pub(crate) struct Found(String);

impl Found {
    /// Something must have been found.
    pub(crate) fn by(&mut self, wrong: &impl std::fmt::Debug, report: &Report) {
        assert!(!report.is_conformant(), "nobody saw {wrong:?}\n{report}");
        self.0.push_str(&format!("{wrong:?}\n"));
        report.failed_ids().for_each(|id| self.0.push_str(&format!("    {id}\n")));
    }

    pub(crate) fn table(self) -> String {
        self.0
    }
}

/// Nothing failed, was left behind or, but for these, skipped.
pub(crate) fn assert_conformant(report: &Report, skipped: &[&str]) {
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    assert_eq!(report.skipped_ids().collect::<Vec<_>>(), skipped, "{report}");
    assert!(report.passed() > 0);
}
