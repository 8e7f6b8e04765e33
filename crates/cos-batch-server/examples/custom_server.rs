//! A backend of one's own that offers a single action: it describes any job as complete. All other actions answer
//! `NotImplemented`. Run it with a loopback port: `cargo run --example custom_server 8080`.

use std::{error::Error, sync::Arc};

use cos_batch_model::{
    ApiError, AppId, BatchApi, BoxFuture, DescribeJobRequest, DescribeJobResult, ETag, Job, JobStatus, Manifest,
    ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority, ProgressSummary, Report,
    RequestContext, RoleArn, Timestamp,
};
use cos_batch_server::{BatchService, listen};

struct Describer;

impl BatchApi for Describer {
    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        Box::pin(async move { Ok(DescribeJobResult { job: job(context, request)? }) })
    }
}

/// A real backend would look the job up.
fn job(context: &RequestContext, request: DescribeJobRequest) -> Result<Job, ApiError> {
    let object_arn = ObjectArn::for_object("ap-guangzhou", &format!("lists-{}", context.appid), "all/manifest.json")?;
    let location = ManifestLocation { e_tag: ETag::new("0cc175b9c0f1b6a8")?, object_arn, object_version_id: None };
    let spec = ManifestSpec { fields: Vec::new(), format: ManifestFormat::InventoryReportCsv.into() };
    Ok(Job {
        client_request_token: None,
        confirmation_required: false,
        creation_time: Timestamp::from_unix_seconds(1_700_000_000)?,
        description: None,
        failure_reasons: Vec::new(),
        job_id: request.job_id,
        manifest: Manifest { location, spec },
        operation: Operation::DeleteObject,
        priority: Priority::default(),
        progress_summary: ProgressSummary::default(),
        report: Report::disabled(),
        role_arn: RoleArn::new("qcs::cam::uin/100000000001:roleName/example")?,
        status: JobStatus::Complete.into(),
        status_update_reason: None,
        suspended_cause: None,
        suspended_date: None,
        termination_date: None,
    })
}

/// Lets everybody in, so that one can try it without signing; a server for others gets keys by `authenticate`.
pub(crate) fn service() -> Result<BatchService, Box<dyn Error>> {
    Ok(BatchService::builder(Arc::new(Describer)).allow_anonymous(AppId::new("1250000000")?).build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("name a port")?.parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let shutdown = async {
        // Without signals it serves until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    };
    listen::serve(listener, service()?, shutdown, listen::ListenOptions::default()).await?;
    Ok(())
}
