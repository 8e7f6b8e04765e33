//! An engine over stores in memory, and what a test does with it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_engine::{Access, Buckets, Config, Engine, JobStore, MemoryJobStore, Parts, Spool, SystemClock};
use cos_batch_model::{
    AppId, BatchApi as _, BucketArn, ClientRequestToken, CreateJobRequest, DescribeJobRequest, ETag, Job, JobId,
    JobStatus, Manifest, ManifestField, ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority,
    PutObjectCopy, Report, ReportScope, RequestContext, RequestedJobStatus, RoleArn, UpdateJobStatusRequest,
};
use cos_batch_objectstore::{GetRequest, MemoryStore, ObjectStore, PutRequest, VersionSelector};

/// The tenant of all tests.
pub(super) const APPID: &str = "1250000000";
pub(super) const SOURCE: &str = "src-1250000000";
pub(super) const TARGET: &str = "dst-1250000000";

/// A generous guard against hanging; no test depends on how long anything takes.
pub(super) const GUARD: Duration = Duration::from_secs(60);

pub(super) struct World {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) memory: Arc<MemoryStore>,
    pub(super) jobs: Arc<dyn JobStore>,
    pub(super) spool: Spool,
    pub(super) access: Access,
    pub(super) config: Config,
    pub(super) engine: Engine,
    tokens: std::cell::Cell<u32>,
}

pub(super) fn config() -> Config {
    Config { checkpoint_interval: Duration::from_millis(20), poll: Duration::from_millis(20), ..Config::default() }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(config(), |objects| objects).await
    }

    /// With these settings, and the object store wrapped.
    pub(super) async fn with(config: Config, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self::over(config, |memory| wrap(memory as Arc<dyn ObjectStore>)).await
    }

    /// With these settings, and an object store made from one in memory.
    pub(super) async fn over(config: Config, make: impl FnOnce(Arc<MemoryStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self::of(config, make, |jobs| jobs).await
    }

    /// The same, and the jobs' store wrapped.
    pub(super) async fn of(
        config: Config,
        make: impl FnOnce(Arc<MemoryStore>) -> Arc<dyn ObjectStore>,
        wrap: impl FnOnce(Arc<dyn JobStore>) -> Arc<dyn JobStore>,
    ) -> Self {
        let memory = Arc::new(MemoryStore::new());
        for bucket in [SOURCE, TARGET] {
            memory.create_bucket(bucket).unwrap();
        }
        let spool = MemoryStore::new();
        spool.create_bucket("segments").unwrap();
        let spool = Spool::new(Arc::new(spool), "segments");
        let objects = make(Arc::clone(&memory));
        let jobs = wrap(Arc::new(MemoryJobStore::new(Arc::new(SystemClock))));
        let access = Access::new();
        let parts = Parts {
            jobs: Arc::clone(&jobs),
            buckets: Buckets::new(Arc::clone(&objects)),
            access: access.clone(),
            spool: spool.clone(),
            config: config.clone(),
        };
        let engine = Engine::start(parts, true).await.unwrap();
        Self { objects, memory, jobs, spool, access, config, engine, tokens: std::cell::Cell::new(0) }
    }

    /// Another engine on the same stores, as after a restart.
    pub(super) async fn restart(&mut self) {
        self.engine = Engine::start(self.parts(), true).await.unwrap();
    }

    /// What the engine works with.
    pub(super) fn parts(&self) -> Parts {
        Parts {
            jobs: Arc::clone(&self.jobs),
            buckets: Buckets::new(Arc::clone(&self.objects)),
            access: self.access.clone(),
            spool: self.spool.clone(),
            config: self.config.clone(),
        }
    }

    pub(super) async fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> String {
        self.memory.put(PutRequest::new(bucket, key, body.into())).await.unwrap().etag
    }

    pub(super) async fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        let version = &VersionSelector::Latest;
        self.memory.get_range(GetRequest { bucket, key, version, range: 0..u64::MAX >> 40, pin: None }).await.ok()
    }

    /// `count` objects named `in/0`, `in/1`, … and the rows that name them.
    pub(super) async fn fill(&self, count: u32) -> String {
        let mut rows = String::new();
        for number in 0..count {
            let key = format!("in/{number}");
            self.put(SOURCE, &key, format!("content {number}")).await;
            rows.push_str(&format!("{SOURCE},{key}\n"));
        }
        rows
    }

    /// A copy of everything in a manifest with these rows, reporting all tasks.
    pub(super) async fn copy_request(&self, rows: &str) -> CreateJobRequest {
        let etag = self.put(SOURCE, "manifest.csv", rows.to_owned()).await;
        let target = BucketArn::for_bucket("ap-guangzhou", TARGET).unwrap();
        let token = self.tokens.get();
        self.tokens.set(token + 1);
        CreateJobRequest {
            client_request_token: ClientRequestToken::new(format!("token-{token}")).unwrap(),
            confirmation_required: false,
            description: None,
            manifest: Manifest {
                location: ManifestLocation {
                    e_tag: ETag::new(format!("\"{etag}\"")).unwrap(),
                    object_arn: ObjectArn::for_object("ap-guangzhou", SOURCE, "manifest.csv").unwrap(),
                    object_version_id: None,
                },
                spec: ManifestSpec {
                    fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
                    format: ManifestFormat::BatchOperationsCsv.into(),
                },
            },
            operation: Operation::PutObjectCopy(Box::new(PutObjectCopy::to(target.clone()))),
            priority: Priority::new(1).unwrap(),
            report: Report::to(target, ReportScope::AllTasks),
            role_arn: RoleArn::new("qcs::cam::uin/100000000001:roleName/R").unwrap(),
        }
    }

    pub(super) fn context(&self) -> RequestContext {
        RequestContext::new(AppId::new(APPID).unwrap(), "test")
    }

    pub(super) async fn create(&self, request: CreateJobRequest) -> JobId {
        self.engine.create_job(&self.context(), request).await.unwrap().job_id
    }

    pub(super) async fn describe(&self, id: &JobId) -> Job {
        let (context, request) = (self.context(), DescribeJobRequest { job_id: id.clone() });
        loop {
            let before = self.engine.describe_job(&context, request.clone()).await.unwrap();
            let document = self.engine.describe_job_document(&context, request.clone()).await.unwrap();
            let after = self.engine.describe_job(&context, request.clone()).await.unwrap();
            // Where it does not change just now, both ways tell the same.
            if before == after {
                assert_eq!(document, after.document());
                return after.job;
            }
        }
    }

    pub(super) async fn set_status(
        &self,
        id: &JobId,
        status: RequestedJobStatus,
    ) -> Result<(), cos_batch_model::ApiError> {
        let request =
            UpdateJobStatusRequest { job_id: id.clone(), requested_job_status: status, status_update_reason: None };
        self.engine.update_job_status(&self.context(), request).await.map(|_| ())
    }

    /// Waits until the job is as `wanted`; meanwhile its counts never go back.
    pub(super) async fn until(&self, id: &JobId, wanted: impl Fn(&Job) -> bool) -> Job {
        let watch = async {
            let (mut executed, mut total) = (0, 0);
            loop {
                let job = self.describe(id).await;
                let now = job.progress_summary;
                let done = now.number_of_tasks_failed + now.number_of_tasks_succeeded;
                assert!(done >= executed && done <= now.total_number_of_tasks, "{now:?}");
                assert!(now.total_number_of_tasks >= total, "{now:?}");
                (executed, total) = (done, now.total_number_of_tasks);
                if wanted(&job) {
                    return job;
                }
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        match tokio::time::timeout(GUARD, watch).await {
            Ok(job) => job,
            Err(_) => panic!("the job never came to it: {:?}", self.describe(id).await),
        }
    }

    pub(super) async fn until_status(&self, id: &JobId, status: JobStatus) -> Job {
        let job = self.until(id, |job| {
            let now = *job.status.known().unwrap();
            now == status || now.is_final()
        });
        let job = job.await;
        assert_eq!(*job.status.known().unwrap(), status, "{job:?}");
        job
    }

    /// Rows of the report: (key, succeeded, code), by key; each file's MD5 and row count is what its manifest says.
    pub(super) async fn report(&self, id: &JobId) -> Vec<(String, bool, String)> {
        let manifest = self.get(TARGET, &format!("job-{id}/manifest.json")).await.expect("a report's manifest");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let mut rows = Vec::new();
        for file in manifest["Results"].as_array().unwrap() {
            let body = self.get(TARGET, file["Key"].as_str().unwrap()).await.expect("a file the manifest names");
            assert_eq!(file["MD5Checksum"], md5_hex(&body));
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert_eq!(file["Rows"], text.lines().count());
            for line in text.lines() {
                let fields: Vec<_> = line.splitn(7, ',').collect();
                assert_eq!(fields.len(), 7, "{line}");
                assert_eq!(fields[3], file["TaskExecutionStatus"]);
                rows.push((fields[1].to_owned(), fields[3] == "succeeded", fields[5].to_owned()));
            }
        }
        rows.sort();
        rows
    }
}

fn md5_hex(body: &[u8]) -> String {
    use md5::Digest as _;
    hex::encode(md5::Md5::digest(body))
}
