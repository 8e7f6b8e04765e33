//! The way of a task through the engine: its row is read and checked, its object copied, how it went is counted, checkpointed
//! and reported. On stores in memory, so that nothing else is counted than the engine and the least that a store does.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use cos_batch_engine::{Access, Buckets, Config, Engine, MemoryJobStore, Parts, Spool, SystemClock};
use cos_batch_model::{
    AppId, BatchApi as _, BucketArn, CreateJobRequest, DescribeJobRequest, JobStatus, Lenient, Manifest, ManifestField,
    ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority, ProgressSummary, PutObjectCopy,
    Report, ReportScope, RequestContext,
};
use cos_batch_objectstore::{MemoryStore, ObjectStore as _, PutRequest};

const APPID: &str = "1250000000";
const SOURCE: &str = "src-1250000000";
const TARGET: &str = "dst-1250000000";
const REGION: &str = "ap-guangzhou";
const SEGMENTS: &str = "segments";

/// How long to wait before looking again whether the job is done: long enough that looking does not count.
const LOOK: Duration = Duration::from_millis(100);

/// Copies so many objects by a job that reports all of them, and waits for its end.
///
/// # Errors
///
/// If the job cannot be made, or does not end with each of its tasks succeeded.
pub fn copied(count: u32) -> anyhow::Result<()> {
    // One thread: what is counted does not depend on who came first.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(count))
}

async fn run(count: u32) -> anyhow::Result<()> {
    let (objects, spool) = (Arc::new(MemoryStore::new()), MemoryStore::new());
    objects.create_bucket(SOURCE)?;
    objects.create_bucket(TARGET)?;
    spool.create_bucket(SEGMENTS)?;
    let mut rows = String::new();
    for number in 0..count {
        let key = format!("photos/2026/11/some-folder/{number:09}");
        writeln!(rows, "{SOURCE},{key}")?;
        objects.put(PutRequest::new(SOURCE, &key, key.clone().into())).await?;
    }
    let etag = objects.put(PutRequest::new(SOURCE, "manifest.csv", rows.into())).await?.etag;
    let parts = Parts {
        jobs: Arc::new(MemoryJobStore::new(Arc::new(SystemClock))),
        buckets: Buckets::new(objects),
        access: Access::new(),
        spool: Spool::new(Arc::new(spool), SEGMENTS),
        config: Config::default(),
    };
    let engine = Engine::start(parts, true).await?;
    let context = RequestContext::new(AppId::new(APPID)?, "instructions");
    let job_id = engine.create_job(&context, request(&etag)?).await?.job_id;
    let job = loop {
        let job = engine.describe_job(&context, DescribeJobRequest { job_id: job_id.clone() }).await?.job;
        if job.termination_date.is_some() {
            break job;
        }
        tokio::time::sleep(LOOK).await;
    };
    engine.shutdown().await;
    let done = ProgressSummary {
        number_of_tasks_failed: 0,
        number_of_tasks_succeeded: count.into(),
        total_number_of_tasks: count.into(),
    };
    anyhow::ensure!(
        job.status == Lenient::Known(JobStatus::Complete) && job.progress_summary == done,
        "it ended so: {job:?}"
    );
    Ok(())
}

fn request(etag: &str) -> anyhow::Result<CreateJobRequest> {
    let target = BucketArn::for_bucket(REGION, TARGET)?;
    Ok(CreateJobRequest {
        client_request_token: "token".parse()?,
        confirmation_required: false,
        description: None,
        manifest: Manifest {
            location: ManifestLocation {
                e_tag: format!("\"{etag}\"").parse()?,
                object_arn: ObjectArn::for_object(REGION, SOURCE, "manifest.csv")?,
                object_version_id: None,
            },
            spec: ManifestSpec {
                fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
                format: ManifestFormat::BatchOperationsCsv.into(),
            },
        },
        operation: Operation::PutObjectCopy(Box::new(PutObjectCopy::to(target.clone()))),
        priority: Priority::new(1)?,
        report: Report::to(target, ReportScope::AllTasks),
        role_arn: "qcs::cam::uin/100000000001:roleName/R".parse()?,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_job_ends_with_each_of_its_tasks_succeeded() {
        super::copied(50).expect("it does");
    }
}
