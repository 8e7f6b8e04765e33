//! One job from its submission to its report: made, followed to its end, and each of its tasks read in the report.
//!
//! Run it against a server whose buckets are folders (`cos-batch serve --data DIR`), with the lines that the server prints for
//! another shell: `cargo run -p cos-batch-client --example submit_to_report DIR/buckets BUCKET/KEY ETAG TARGET`.
#![expect(clippy::print_stdout, reason = "printing is how it tells")]

use std::{env, error::Error, fs, path::PathBuf};

use bytes::Bytes;
use cos_batch_client::{Client, Credentials, JobBuilder};
use cos_batch_model::{AppId, CreateJobRequest, JobStatus};
use serde_json::Value;

/// What became of a job.
#[derive(Debug)]
pub(crate) struct Told {
    /// Its status at the end.
    pub(crate) status: String,
    /// Tasks that succeeded, and that failed.
    pub(crate) counts: (u64, u64),
    /// The rows of its report: bucket, key, version, `succeeded` or `failed`, HTTP status, code, message.
    pub(crate) rows: Vec<String>,
}

/// Makes the job, waits for its end, and reads its report. `read` gives an object: reports are objects as all others, and
/// where those are is nothing that this API knows.
pub(crate) async fn drive(
    client: &Client,
    job: CreateJobRequest,
    read: impl AsyncFn(&str, &str) -> Result<Bytes, Box<dyn Error>>,
) -> Result<Told, Box<dyn Error>> {
    // Sent once more with the same token, as after an answer that was lost, it makes no second job.
    let id = client.create_job(job).await?.job_id;
    // It asks again and again, with growing pauses; what fails in passing is tried again.
    let job = client.wait(&id).await?;
    if job.status.known() == Some(&JobStatus::Failed) {
        let reasons =
            job.failure_reasons.iter().map(|reason| format!("{}: {}", reason.failure_code, reason.failure_reason));
        return Err(format!("the job failed as a whole: {}", reasons.collect::<Vec<_>>().join("; ")).into());
    }
    let progress = job.progress_summary;
    let counts = (progress.number_of_tasks_succeeded, progress.number_of_tasks_failed);
    let mut rows = Vec::new();
    if let Some(bucket) = job.report.bucket.as_ref() {
        // `manifest.json` is written last: where it is, the report is whole.
        let prefix = job.report.prefix.as_ref().map(|prefix| format!("{}/", prefix.as_str())).unwrap_or_default();
        let manifest = read(bucket.bucket(), &format!("{prefix}job-{id}/manifest.json")).await?;
        let manifest: Value = serde_json::from_slice(&manifest)?;
        for file in manifest["Results"].as_array().ok_or("a report has results")? {
            let name = |name: &str| file[name].as_str().ok_or("a result has a bucket and a key");
            let text = read(name("Bucket")?, name("Key")?).await?;
            rows.extend(String::from_utf8(text.to_vec())?.lines().map(str::to_owned));
        }
    }
    Ok(Told { status: job.status.to_string(), counts, rows })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [folder, manifest, etag, target] = &words[..] else {
        return Err("usage: submit_to_report DIR/buckets BUCKET/KEY ETAG TARGET".into());
    };
    let endpoint = env::var("COS_BATCH_ENDPOINT").unwrap_or_else(|_| "http://127.0.0.1:9450".to_owned());
    let client = Client::builder()
        .endpoint(endpoint.parse()?)
        .appid(AppId::new(env::var("COS_APPID")?)?)
        .credentials(Credentials::new(env::var("COS_SECRET_ID")?, env::var("COS_SECRET_KEY")?))
        .build()?;
    let job = JobBuilder::new("local", manifest, etag).copy_to(target).report_to(target, "reports").build(etag)?;
    let folder = PathBuf::from(folder);
    let read = async |bucket: &str, key: &str| Ok(Bytes::from(fs::read(folder.join(bucket).join(key))?));
    let told = drive(&client, job, read).await?;
    println!("{}: {} succeeded, {} failed", told.status, told.counts.0, told.counts.1);
    told.rows.iter().for_each(|row| println!("{row}"));
    Ok(())
}
