//! What people read.

use std::io;
use std::time::Duration;

use cos_batch_client::{Error, WaitOptions};
use cos_batch_model::{ErrorCode, JobStatus};
use http::Response;

use crate::script::Script;
use crate::{builder, client, samples};

/// The error of one attempt to describe a job.
async fn described(script: &Script) -> Error {
    let once = builder(script).retry(cos_batch_client::RetryPolicy::NEVER).build().unwrap();
    once.describe_job(&samples::job_id()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn texts() {
    let mut errors = Vec::new();
    for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset, io::ErrorKind::PermissionDenied] {
        errors.push(described(Script::new().fail(kind)).await);
    }
    errors.push(described(Script::new().silence()).await);
    errors.push(described(Script::new().error(ErrorCode::NoSuchJob)).await);
    errors.push(described(Script::new().respond(Response::new("<DescribeJobResult><Job>".into()))).await);

    let script = Script::new();
    for _ in 0..4 {
        script.silence();
    }
    errors.push(client(&script).create_job(samples::create()).await.unwrap_err());

    let mut request = samples::create();
    request.manifest.spec.fields.pop();
    errors.push(client(&script).create_job(request).await.unwrap_err());

    let options = || WaitOptions { give_up_after: Some(Duration::from_millis(1500)), ..WaitOptions::default() };
    let script = Script::new();
    script.answer(&samples::described(JobStatus::Suspended, 0)).silence().silence();
    errors.push(client(&script).wait_with(&samples::job_id(), options()).await.unwrap_err());
    errors.push(client(&script).wait_with(&samples::job_id(), options()).await.unwrap_err());

    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn sources_lead_to_the_first_cause() {
    let error = described(Script::new().fail(io::ErrorKind::ConnectionRefused)).await;
    let source = std::error::Error::source(&error).unwrap();
    let io = source.downcast_ref::<io::Error>().unwrap();
    assert_eq!(io.kind(), io::ErrorKind::ConnectionRefused);
}
