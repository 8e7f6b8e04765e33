//! What a key may do, where somebody says so.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cos_batch_model::*;
use cos_batch_server::{Asked, Authorize, BatchService, Caller, Extension, Key, StaticKeys};
use cos_signature::{Credentials, KeyTime, SecretKey, sign};
use http::{Request, Response};
use http_body_util::Full;

use crate::support::*;

const WATCHER: &str = "AKIDEXAMPLEONLYNOTREAL0002";

/// Lets the watcher look and no more, and writes down what it was asked.
#[derive(Clone, Default)]
struct ReadOnly(Arc<Mutex<Vec<String>>>);

impl Authorize for ReadOnly {
    fn authorize(&self, caller: Caller<'_>, asked: Asked<'_>) -> Result<(), ApiError> {
        let Caller { secret_id, appid, .. } = caller;
        self.0.lock().unwrap().push(format!("{} {appid} {asked:?}", secret_id.unwrap_or("nobody")));
        let looks = match asked {
            Asked::Action(action) => matches!(action, ActionName::DescribeJob | ActionName::ListJobs),
            Asked::Extension { method, .. } => method == "GET",
            _ => false,
        };
        if looks || secret_id != Some(WATCHER) {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::AccessDenied, "this key may look at jobs and no more"))
    }
}

struct Beside;

impl Extension for Beside {
    fn answer<'a>(
        &'a self,
        _: &'a RequestContext,
        _: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, ApiError>> {
        Box::pin(std::future::ready(Ok(Response::new(Bytes::from_static(b"beside")))))
    }
}

/// One request of each kind, and whether it changes something.
fn requests() -> Vec<(&'static str, bool, Request<Full<Bytes>>)> {
    let (job_id, priority) = (job_id(), Priority::new(1).unwrap());
    let status = UpdateJobStatusRequest {
        job_id: job_id.clone(),
        requested_job_status: RequestedJobStatus::Cancelled,
        status_update_reason: None,
    };
    let beside = |method: &str| {
        let mut request = plain(method, "/-/jobs", "");
        request.headers_mut().insert("host", "batch.example".parse().unwrap());
        request.headers_mut().insert("x-cos-appid", APPID.parse().unwrap());
        request.headers_mut().insert("content-md5", md5_of("").parse().unwrap());
        request
    };
    vec![
        ("Action(CreateJob)", true, create()),
        ("Action(DescribeJob)", false, for_action(&DescribeJobRequest { job_id: job_id.clone() })),
        ("Action(ListJobs)", false, for_action(&ListJobsRequest::default())),
        ("Action(UpdateJobPriority)", true, for_action(&UpdateJobPriorityRequest { job_id: job_id.clone(), priority })),
        ("Action(UpdateJobStatus)", true, for_action(&status)),
        ("Action(DeleteJob)", true, for_action(&DeleteJobRequest { job_id })),
        ("Extension { method: GET, path: \"/-/jobs\" }", false, beside("GET")),
        ("Extension { method: POST, path: \"/-/jobs\" }", true, beside("POST")),
    ]
}

#[tokio::test]
async fn a_key_that_may_only_look_changes_nothing() {
    let recorder = Recorder::default();
    let rule = ReadOnly::default();
    let watcher = Key::new(SecretKey::new("exampleSecretKeyNotReal0002"), appid());
    let service = BatchService::builder(Arc::new(recorder.clone()))
        .authenticate(StaticKeys::new().with(SECRET_ID, key()).with(WATCHER, watcher))
        .authorize(Arc::new(rule.clone()))
        .extension(Beside)
        .clock(|| NOW)
        .build()
        .unwrap();
    for (what, changes, request) in requests() {
        // Unsigned, it is refused before anybody is asked what it may.
        assert_eq!(refused(&service, request.clone()).await.0, "AccessDenied", "{what}");
        assert!(rule.0.lock().unwrap().is_empty(), "{what}");
        assert!(recorder.take().is_empty(), "{what}");

        for id in [SECRET_ID, WATCHER] {
            let secret = if id == WATCHER { "exampleSecretKeyNotReal0002" } else { SECRET_KEY };
            let mut request = request.clone();
            sign(&mut request, &Credentials::new(id, secret), KeyTime::new(NOW, NOW + 3600).unwrap()).unwrap();
            let answer = send(&service, request).await;
            assert_eq!(std::mem::take(&mut *rule.0.lock().unwrap()), [format!("{id} {APPID} {what}")]);
            let reached = !recorder.take().is_empty() || answer.body() == "beside";
            assert_eq!(reached, id == SECRET_ID || !changes, "{id} {what}");
            if !reached {
                let refusal = error(&answer);
                assert_eq!(refusal.code, ErrorCode::AccessDenied, "{what}");
                assert_eq!(refusal.message, "this key may look at jobs and no more", "{what}");
            }
        }
    }
}

#[tokio::test]
async fn it_is_asked_about_everybody_where_everybody_is_let_in() {
    let rule = ReadOnly::default();
    let service = anonymous(Recorder::default()).authorize(rule.clone()).build().unwrap();
    assert_eq!(send(&service, for_action(&ListJobsRequest::default())).await.status(), 200);
    assert_eq!(*rule.0.lock().unwrap(), [format!("nobody {APPID} Action(ListJobs)")]);
}
