//! A signer that is not ours: that of the official Python SDK. It drives a server in strict mode, in its own and in odd
//! ways, signs our client's requests anew, and presigns addresses as we do.
//!
//! The first run makes a virtual environment under the target folder, which needs a network; `cargo xtask test` does so
//! beforehand.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cos_batch_client::{Client, Endpoint};
use cos_batch_model::*;
use cos_batch_server::{BatchService, Key, StaticKeys};
use cos_signature::KeyTime;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::*;

const TEMPORARY_ID: &str = "AKIDEXAMPLETEMPORARY0001";
const TOKEN: &str = "tok/en+1=";

/// What a person needs to read who has no Python.
const NO_PYTHON: &str = "this test needs python3, version 3.8 or newer, with its venv module (Debian and Ubuntu: \
                         `apt install python3 python3-venv`; macOS: `brew install python`; Windows: python.org). \
                         Another interpreter can be named in the environment variable PYTHON";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python")
}

/// The interpreter of the virtual environment, which is made if it is not there.
async fn interpreter() -> PathBuf {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/python/environment.py");
    let output = Command::new(&python).arg(script).arg(folder).output().await;
    let output = output.unwrap_or_else(|error| panic!("{} cannot be started ({error}): {NO_PYTHON}", python.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the environment with the Python SDK cannot be made: {errors}\n{NO_PYTHON}");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// Runs a script on this input, and gives the lines that it prints.
async fn run(script: &str, input: &Value) -> Vec<String> {
    let mut command = Command::new(interpreter().await);
    // What is between here and the server would see, or change, the requests.
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command.arg(scripts().join(script)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn list() -> ListJobsRequest {
    ListJobsRequest {
        job_statuses: vec![JobStatus::Active, JobStatus::Ready],
        max_results: Some("2".parse().unwrap()),
        next_token: Some("066d919e-49b9-429e-b844-e17ea7b16421".parse().unwrap()),
    }
}

fn status() -> UpdateJobStatusRequest {
    UpdateJobStatusRequest {
        job_id: job_id(),
        requested_job_status: RequestedJobStatus::Ready,
        status_update_reason: Some(StatusUpdateReason::new("to do (now) *~'!+&= 好").unwrap()),
    }
}

fn priority() -> UpdateJobPriorityRequest {
    UpdateJobPriorityRequest { job_id: job_id(), priority: Priority::new(7).unwrap() }
}

/// What the six requests below ask of the backend, as the recorder writes it down, and how they are answered.
fn expected() -> [(String, u16); 6] {
    let create = CreateJobRequest::from_http(&create().into_parts().0, CREATE.as_bytes()).unwrap();
    [
        (format!("{create:#?}"), 200),
        (format!("{:#?}", DescribeJobRequest { job_id: job_id() }), 404),
        (format!("{:#?}", list()), 200),
        (format!("{:#?}", priority()), 200),
        (format!("{:#?}", status()), 200),
        (format!("{:#?}", DeleteJobRequest { job_id: job_id() }), 204),
    ]
}

/// The six requests as a script gets them: nothing in them was made by our own client or codec.
fn requests() -> Value {
    let job = format!("/jobs/{JOB}");
    let list =
        json!({"jobStatuses": "Active,Ready", "maxResults": "2", "nextToken": "066d919e-49b9-429e-b844-e17ea7b16421"});
    let status = json!({"requestedJobStatus": "Ready", "statusUpdateReason": "to do (now) *~'!+&= 好"});
    json!([
        {"method": "POST", "path": "/jobs", "params": {}, "body": CREATE},
        {"method": "GET", "path": job, "params": {}, "body": ""},
        {"method": "GET", "path": "/jobs", "params": list, "body": ""},
        {"method": "POST", "path": format!("{job}/priority"), "params": {"priority": "7"}, "body": ""},
        {"method": "POST", "path": format!("{job}/status"), "params": status, "body": ""},
        {"method": "DELETE", "path": job, "params": {}, "body": ""},
    ])
}

#[tokio::test]
async fn it_drives_all_six_actions_in_strict_mode() {
    let recorder = Recorder::default();
    let temporary = Key { security_token: Some(TOKEN.to_owned()), ..key() };
    let keys = StaticKeys::new().with(SECRET_ID, key()).with(TEMPORARY_ID, temporary);
    // The time of the system, since that is what the SDK signs with.
    let service = BatchService::builder(Arc::new(recorder.clone())).authenticate(keys).build().unwrap();
    let server = Server::start(service).await;

    let plan = json!({
        "address": server.address.to_string(),
        "appid": APPID,
        "keys": [
            {"name": "permanent", "id": SECRET_ID, "secret": SECRET_KEY, "token": null},
            {"name": "temporary", "id": TEMPORARY_ID, "secret": SECRET_KEY, "token": TOKEN},
        ],
        "requests": requests(),
    });
    let lines = run("drive.py", &plan).await;
    let calls = recorder.take();
    assert_eq!(lines.len(), 2 * 8 * 6, "two keys, eight ways, six requests: {lines:#?}");
    for (line, (_, status)) in lines.iter().zip(expected().iter().cycle()) {
        assert!(line.ends_with(&format!(" {status}")), "{line}, expected {status}");
    }
    assert_eq!(calls.len(), lines.len());
    for (((context, asked), (wanted, _)), line) in calls.iter().zip(expected().iter().cycle()).zip(&lines) {
        assert_eq!(context.appid, appid());
        assert_eq!(asked, wanted, "{line}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_it_signs_for_another_secret_is_refused() {
    let recorder = Recorder::default();
    let keys = StaticKeys::new().with(SECRET_ID, key());
    let service = BatchService::builder(Arc::new(recorder.clone())).authenticate(keys).build().unwrap();
    let server = Server::start(service).await;
    let plan = json!({
        "address": server.address.to_string(),
        "appid": APPID,
        "keys": [{"name": "wrong", "id": SECRET_ID, "secret": "another", "token": null}],
        "requests": requests(),
    });
    let lines = run("drive.py", &plan).await;
    assert!(lines.len() == 8 * 6 && lines.iter().all(|line| line.ends_with(" 403")), "{lines:#?}");
    assert!(recorder.take().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn it_signs_our_clients_requests_as_the_client_does() {
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    let writer = Arc::clone(&seen);
    let service = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let headers = request.headers().iter();
        let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let headers: Value = headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let target = request.uri().path_and_query().unwrap().as_str();
        let method = request.method().as_str();
        writer.lock().unwrap().push(json!({"method": method, "target": target, "headers": headers}));
        // Any answer does: what is asked is what counts.
        let refused = ApiError::new(ErrorCode::AccessDenied, "not here").to_http().map(Full::new);
        async { Ok::<Response<Full<Bytes>>, Infallible>(refused) }
    });
    let mut count = 0;
    for (url, credentials) in [
        ("http://127.0.0.1:9450", credentials()),
        ("http://batch.example", credentials()),
        ("http://[::1]:9450", credentials().with_security_token(TOKEN)),
    ] {
        let client = Client::builder()
            .endpoint(Endpoint::url(url).unwrap())
            .appid(appid())
            .credentials(credentials)
            .clock(|| NOW)
            .transport(service.clone())
            .build()
            .unwrap();
        let create = CreateJobRequest::from_http(&create().into_parts().0, CREATE.as_bytes()).unwrap();
        let refused = [
            client.create_job(create).await.is_err(),
            client.describe_job(&job_id()).await.is_err(),
            client.list_jobs(list()).await.is_err(),
            client.list_jobs(ListJobsRequest::default()).await.is_err(),
            client.update_job_priority(&job_id(), priority().priority).await.is_err(),
            client.update_job_status(status()).await.is_err(),
            client.delete_job(&job_id()).await.is_err(),
        ];
        assert_eq!(refused, [true; 7]);
        count += refused.len();
    }

    let requests = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(requests.len(), count);
    let lines = run("verify.py", &json!({"id": SECRET_ID, "secret": SECRET_KEY, "requests": requests})).await;
    assert_eq!(lines, vec!["same"; count]);
}

/// An address of the SDK's making is an address of ours, parameter by parameter.
#[tokio::test]
async fn it_presigns_addresses_as_we_do() {
    let mut asked = Vec::new();
    let mut ours = Vec::new();
    let token = json!({"x-cos-security-token": TOKEN});
    let odd =
        json!({"response-content-type": "text/plain; charset=utf-8", "a b/c": "to do (now) *~'!+&= 好", "empty": ""});
    for (method, key, params) in
        [("GET", "jobs/1", json!({})), ("PUT", "in/好 (1)+*~'.txt", odd), ("DELETE", "jobs/1", token)]
    {
        asked.push(json!({"method": method, "key": key, "params": params}));
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let path: Vec<String> = key.split('/').map(encode).collect();
        let params = params.as_object().unwrap();
        let query = params.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value.as_str().unwrap())));
        let mut uri = format!("http://b-1250000000.cos.ap-guangzhou.myqcloud.com/{}", path.join("/"));
        if !params.is_empty() {
            uri.push('?');
            uri.push_str(&query.collect::<Vec<_>>().join("&"));
        }
        let mut request = Request::builder().method(method).uri(uri).body(()).unwrap();
        // The SDK signs from a minute before its time on.
        let window = KeyTime::new(NOW - 60, NOW + 300).unwrap();
        cos_signature::presign(&mut request, &credentials(), window).unwrap();
        ours.push(request.uri().to_string());
    }
    let theirs =
        run("presign.py", &json!({"id": SECRET_ID, "secret": SECRET_KEY, "now": NOW, "requests": asked})).await;
    let parameters = |address: &str| {
        let (path, query) = address.split_once('?').unwrap();
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
        };
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
        let pairs: BTreeMap<String, String> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
        (decoded(&path.replace('+', "%2B")), pairs)
    };
    assert_eq!(theirs.len(), ours.len());
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!(parameters(theirs), parameters(ours), "theirs {theirs}\nours   {ours}");
    }
}
