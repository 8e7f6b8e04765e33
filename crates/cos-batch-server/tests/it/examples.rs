//! The examples do what they say.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use cos_batch_client::{Client, Credentials, Endpoint};
use cos_batch_conformance::{Account, Group, Outcome, Setup, api};
use cos_batch_model::*;
use cos_batch_server::{BatchService, Key, StaticKeys};
use cos_signature::SecretKey;
use futures_util::TryStreamExt;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::{net::TcpListener, sync::oneshot};
use tower::ServiceExt;

use crate::support::{socket::patiently, *};

#[path = "../../examples/axum_router.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod axum_router;
#[path = "../../examples/in_process.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod in_process;
#[path = "../../examples/own_job_table.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod own_job_table;
#[path = "../../examples/plain_hyper.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod plain_hyper;
#[path = "../../examples/proxy.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod proxy;

use own_job_table::JobTable;

/// The ETag of the one list of objects that there is.
const ETAG: &str = "0cc175b9c0f1b6a831c399e269772661";

/// The time of job tables: each look at the clock is a second later.
static TIME: AtomicI64 = AtomicI64::new(NOW);

fn table() -> JobTable {
    let clock = || TIME.fetch_add(1, Ordering::Relaxed);
    JobTable::new(clock, |manifest| {
        let etag = manifest.location.e_tag.unquoted();
        if etag == ETAG { Ok(3) } else { Err(format!("the list has another ETag than {etag}")) }
    })
}

fn request() -> CreateJobRequest {
    let bucket = BucketArn::for_bucket("ap-guangzhou", "photos-1250000000").unwrap();
    let object_arn = ObjectArn::for_object("ap-guangzhou", "photos-1250000000", "list.csv").unwrap();
    CreateJobRequest {
        client_request_token: "t-1".parse().unwrap(),
        confirmation_required: true,
        description: None,
        manifest: Manifest {
            location: ManifestLocation { e_tag: ETAG.parse().unwrap(), object_arn, object_version_id: None },
            spec: ManifestSpec {
                fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
                format: ManifestFormat::BatchOperationsCsv.into(),
            },
        },
        operation: Operation::DeleteObject,
        priority: Priority::default(),
        report: Report::to(bucket, ReportScope::AllTasks),
        role_arn: "qcs::cam::uin/100000000001:roleName/R".parse().unwrap(),
    }
}

/// A server that an example runs itself; ends when told so.
async fn running<F>(serve: impl FnOnce(TcpListener, BoxFuture<'static, ()>) -> F) -> (Connection, impl AsyncFnOnce())
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = Box::pin(async move {
        let _ = stopped.await;
    });
    let task = tokio::spawn(serve(listener, shutdown));
    let end = async move || {
        stop.send(()).unwrap();
        patiently(task).await.unwrap().unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it still listens");
    };
    (Connection::to(address).await, end)
}

#[tokio::test]
async fn plain_hyper_serves_until_it_is_told_to_stop() {
    let service = plain_hyper::service().unwrap();
    let (mut connection, end) = running(|listener, shutdown| plain_hyper::serve(listener, service, shutdown)).await;
    for _ in 0..2 {
        let answer = connection.ask("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert_eq!(ListJobsResult::from_http(&answer).unwrap(), ListJobsResult::default());
    }
    let answer = connection.ask("DELETE /jobs/j HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(error(&answer).code, ErrorCode::NotImplemented);
    // A connection that is only kept open does not hold the end up.
    end().await;
    assert!(connection.rest().await.is_empty());
}

#[tokio::test]
async fn axum_routes_to_the_api_and_to_what_is_the_programs_own() {
    let recorder = Recorder::default();
    let app = axum_router::app(strict(recorder.clone()));
    let (mut connection, end) = running(|listener, shutdown| axum_router::serve(listener, app.clone(), shutdown)).await;
    let answer = connection.ask("GET /health HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"well"[..]));
    assert_eq!(answer.headers()["x-served-by"], "example");
    assert!(!answer.headers().contains_key("x-cos-request-id"));
    let answer = connection.ask("GET /elsewhere HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!((answer.status().as_u16(), answer.body().len()), (404, 0));

    // What is wrong below /jobs is answered by the API, as without axum.
    for (line, code) in [
        ("GET /jobs", ErrorCode::InvalidArgument),
        ("GET /jobs/", ErrorCode::InvalidRequest),
        ("POST /jobs//status", ErrorCode::InvalidRequest),
        ("POST /jobs/j/other", ErrorCode::InvalidUri),
        ("PUT /jobs/j", ErrorCode::MethodNotAllowed),
    ] {
        let answer = connection.ask(format!("{line} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(error(&answer).code, code, "{line}");
        assert_eq!(answer.headers()["x-served-by"], "example");
    }
    let answer = connection.ask("GET /requests HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(answer.body(), "8", "the layer sees the requests of all routes");
    drop(connection);
    end().await;

    // Signatures cover the path: it reaches the service as it was sent.
    let odd: JobId = "a+b*\"!".parse().unwrap();
    let actions: [Request<Full<Bytes>>; 3] = [
        signed(create()),
        signed(for_action(&DeleteJobRequest { job_id: odd })),
        signed(for_action(&ListJobsRequest { max_results: Some(MaxResults::new(2).unwrap()), ..Default::default() })),
    ];
    for request in actions {
        let what = format!("{} {}", request.method(), request.uri());
        let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(head.status.is_success(), "{what}: {}", String::from_utf8_lossy(&body));
    }
    assert_eq!(recorder.take().len(), 3);
}

#[tokio::test]
async fn the_job_table_keeps_every_rule_of_the_api() {
    let table = table();
    let account = |appid: &str, secret_id: &str| {
        Account::signed(appid.parse().unwrap(), Credentials::new(secret_id, SECRET_KEY), request)
    };
    let worker = table.clone();
    let pause = move || -> BoxFuture<'static, ()> {
        worker.work();
        Box::pin(tokio::task::yield_now())
    };
    let now = || TIME.load(Ordering::Relaxed);
    let setup = Setup::new("run-1", account(APPID, "AKID1"), now, pause).unwrap().other(account("1250000001", "AKID2"));
    let groups = [Group::Basic, Group::Errors, Group::Paging, Group::Lifecycle];
    let report = api::run(Arc::new(table), &setup, &groups).await;
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    assert!(report.checks.iter().all(|check| matches!(check.outcome, Outcome::Passed)), "{report}");
}

#[tokio::test]
async fn client_and_backend_meet_without_a_socket() {
    let table = table();
    let client = in_process::connect(Arc::new(table.clone()), appid()).unwrap();
    let made = client.create_job(request()).await.unwrap();
    assert_eq!(client.describe_job(&made.job_id).await.unwrap().status, JobStatus::Suspended);
    client.confirm(&made.job_id, None).await.unwrap();
    table.work();
    let job = client.wait(&made.job_id).await.unwrap();
    assert_eq!((job.status, job.progress_summary.number_of_tasks_succeeded), (JobStatus::Complete.into(), 3));
    client.delete_job(&made.job_id).await.unwrap();
    let error = client.describe_job(&made.job_id).await.unwrap_err();
    assert!(matches!(&error, cos_batch_client::Error::Api(error) if error.code == ErrorCode::NoSuchJob), "{error}");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client over TCP that signs with this key.
fn client_of(server: &Server, credentials: Credentials) -> Client {
    let endpoint = Endpoint::url(&format!("http://{}", server.address)).unwrap();
    Client::builder().endpoint(endpoint).appid(appid()).credentials(credentials).build().unwrap()
}

#[tokio::test]
async fn the_proxy_passes_calls_on_under_its_own_key_and_writes_them_down() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let keys = StaticKeys::new().with(SECRET_ID, key());
    let upstream = BatchService::builder(Arc::new(table())).authenticate(keys).build().unwrap();
    let upstream = Server::start(upstream).await;
    let callers = StaticKeys::new().with("AKIDCALLER", Key::new(SecretKey::new("callersSecret"), appid()));
    let proxy = proxy::service(client_of(&upstream, credentials()), callers).unwrap();
    let proxy = Server::start(proxy).await;

    let client = client_of(&proxy, Credentials::new("AKIDCALLER", "callersSecret"));
    let made = client.create_job(request()).await.unwrap();
    client.update_job_priority(&made.job_id, Priority::new(7).unwrap()).await.unwrap();
    client.cancel(&made.job_id, None).await.unwrap();
    assert_eq!(client.jobs(vec![]).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    client.delete_job(&made.job_id).await.unwrap();
    let error = client.describe_job(&made.job_id).await.unwrap_err();
    assert!(matches!(&error, cos_batch_client::Error::Api(error) if error.code == ErrorCode::NoSuchJob), "{error}");
    // The caller's key is the proxy's business, the proxy's key nobody else's.
    assert!(
        client_of(&upstream, Credentials::new("AKIDCALLER", "callersSecret"))
            .list_jobs(ListJobsRequest::default())
            .await
            .is_err()
    );
    assert!(client_of(&proxy, credentials()).list_jobs(ListJobsRequest::default()).await.is_err());
    drop((guard, client));
    proxy.stop().await;
    upstream.stop().await;

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of_proxy: Vec<&str> = text.lines().filter(|line| line.contains("action=")).collect();
    let words = ["CreateJob", "UpdateJobPriority", "UpdateJobStatus", "ListJobs", "DeleteJob", "DescribeJob"];
    assert_eq!(of_proxy.len(), words.len(), "{text}");
    for (line, word) in of_proxy.iter().zip(words) {
        assert!(line.contains(&format!("action={word} appid=\"{APPID}\"")), "{line}");
    }
    assert!(of_proxy[5].contains("WARN") && of_proxy[5].contains("code=NoSuchJob"), "{}", of_proxy[5]);
    assert!(of_proxy[..5].iter().all(|line| line.contains("INFO") && line.contains("done")), "{text}");
    for secret in ["q-signature", "callersSecret", SECRET_KEY, "CreateJobRequest"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
