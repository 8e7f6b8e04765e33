//! The service over an engine that runs, with everything in memory and a clock that stands still.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_engine::{Access, Buckets, Config, Engine, MemoryJobStore, Parts, Spool, clock::ManualClock};
use cos_batch_model::AppId;
use cos_batch_objectstore::{MemoryStore, ObjectStore as _, PutRequest};
use cos_batch_s3control::{Before, Callers, S3Control};
use http::{Request, Response, StatusCode, request::Parts as Head};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use hyper::service::Service;

/// The time at which everything happens, in Unix milliseconds: 2026-11-30T08:00:00Z.
pub(crate) const NOW: i64 = 1_796_025_600_000;

/// A job that there is not; requests that were captured name it.
pub(crate) const NOBODY: &str = "0193a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b";

/// A generous guard against hanging; no test depends on how long anything takes.
const GUARD: Duration = Duration::from_secs(60);

/// Answers what is none of the API's business.
#[derive(Clone, Copy)]
pub(crate) struct Otherwise;

impl<B> Service<Request<B>> for Otherwise {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn call(&self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::from("otherwise"));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        std::future::ready(Ok(response))
    }
}

pub(crate) struct World {
    pub(crate) service: Before<Otherwise>,
    pub(crate) objects: Arc<MemoryStore>,
}

impl World {
    /// For these callers, who may have three jobs that have not ended.
    pub(crate) async fn new(callers: Callers) -> Self {
        let (objects, spool) = (Arc::new(MemoryStore::new()), MemoryStore::new());
        for bucket in ["photos-1250000000", "archive-1250000000"] {
            objects.create_bucket(bucket).unwrap();
        }
        spool.create_bucket("segments").unwrap();
        let parts = Parts {
            jobs: Arc::new(MemoryJobStore::new(Arc::new(ManualClock::new(NOW)))),
            buckets: Buckets::new(Arc::clone(&objects) as _),
            access: Access::new(),
            spool: Spool::new(Arc::new(spool), "segments"),
            config: Config { poll: Duration::from_millis(20), live_jobs_max: 3, ..Config::default() },
        };
        let engine = Arc::new(Engine::start(parts, true).await.unwrap());
        let service = S3Control::new(engine, callers, || NOW / 1000).before(Otherwise);
        Self { service, objects }
    }

    /// The same, where nobody has to sign.
    pub(crate) async fn open() -> Self {
        Self::new(Callers::Everybody(AppId::new("1250000000").unwrap())).await
    }

    pub(crate) async fn put(&self, key: &str, text: &str) {
        self.objects.put(PutRequest::new("photos-1250000000", key, text.to_owned().into())).await.unwrap();
    }

    pub(crate) async fn send<B>(&self, request: Request<B>) -> Response<Bytes>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let answer = tokio::time::timeout(GUARD, self.service.call(request)).await.unwrap();
        let (head, body) = answer.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    /// Looks at a job until it is in this status, or has ended.
    pub(crate) async fn until(&self, job: &str, status: &str) {
        let wanted = [format!("<Status>{status}</Status>"), "<TerminationDate>".to_owned()];
        let look = async {
            loop {
                let request = Request::get(format!("/v20180820/jobs/{job}")).header("x-amz-account-id", "123456789012");
                let seen = self.send(request.body(Full::<Bytes>::default()).unwrap()).await;
                let seen = String::from_utf8(seen.into_body().to_vec()).unwrap();
                if wanted.iter().any(|wanted| seen.contains(wanted)) {
                    assert!(seen.contains(&wanted[0]), "{seen}");
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(GUARD, look).await.unwrap();
    }
}

/// A body.
pub(crate) fn full(body: impl Into<Bytes>) -> Full<Bytes> {
    Full::new(body.into())
}

/// A folder of the fixtures.
pub(crate) fn fixtures(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder)
}

/// A request as boto3 sent it.
pub(crate) fn captured(name: &str) -> (Head, Bytes) {
    let path = fixtures("captures/s3control").join(format!("{name}.http"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let mut lines = std::str::from_utf8(&bytes[..end]).unwrap().split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let mut request = Request::builder().method(first.next().unwrap()).uri(first.next().unwrap());
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    (request.body(()).unwrap().into_parts().0, Bytes::copy_from_slice(&bytes[end + 4..]))
}
