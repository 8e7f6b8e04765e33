//! The common jobs, from Rust: copies under another prefix, other tags, a restore that waits for its confirmation; and how one
//! is followed. Against a server of its own, so that it runs without an account.
#![expect(clippy::print_stdout, reason = "printing is how it tells")]

use std::{error::Error, time::Duration};

use cos_batch_client::{Client, ManifestCsv, WaitOptions};
use cos_batch_model::JobId;
use cos_batch_testing::TestServer;
use futures_util::TryStreamExt as _;

const PHOTOS: &str = "photos-1250000000";
const BACKUP: &str = "backup-1250000000";

/// Follows a job to its end, and tells what was seen last: every look comes by the stream.
async fn follow(client: &Client, id: &JobId) -> Result<String, Box<dyn Error>> {
    let often = WaitOptions { interval_min: Duration::from_millis(20), ..WaitOptions::default() };
    let mut looks = client.progress(id, often);
    let mut last = String::new();
    while let Some(job) = looks.try_next().await? {
        let progress = job.progress_summary;
        let (done, all) = (progress.number_of_tasks_succeeded, progress.total_number_of_tasks);
        last = format!("{}: {done} of {all}", job.status);
    }
    Ok(last)
}

/// Runs the jobs; gives what became of each.
pub(crate) async fn run() -> Result<Vec<String>, Box<dyn Error>> {
    let server = TestServer::start().await?;
    server.make_bucket(BACKUP).await?;
    let mut list = ManifestCsv::new(PHOTOS)?;
    for key in ["2025/a.jpg", "2025/b.jpg"] {
        server.put(PHOTOS, key, "picture").await?;
        list.push(key)?;
    }
    server.put(PHOTOS, "lists/2025.csv", list.bytes()).await?;
    let client = server.client()?;
    let job = || list.job("local", "lists/2025.csv");
    let mut told = Vec::new();

    let copy = job().copy_to(BACKUP).prefix("2025/", "old/2025/").build("copy")?;
    let id = client.create_job(copy).await?.job_id;
    told.push(follow(&client, &id).await?);

    let tags = job().retag([("project", "summer"), ("keep", "yes")]).build("tags")?;
    let id = client.create_job(tags).await?.job_id;
    told.push(follow(&client, &id).await?);

    let restore = job().restore(7).confirm_first().build("restore")?;
    let id = client.create_job(restore).await?.job_id;
    // The same token makes no second job; nothing happens before `Client::confirm`.
    client.cancel(&id, None).await?;
    told.push(follow(&client, &id).await?);

    told.push(String::from_utf8_lossy(&server.get(BACKUP, "old/2025/a.jpg").await?).into_owned());
    server.stop().await;
    Ok(told)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    for line in run().await? {
        println!("{line}");
    }
    Ok(())
}
