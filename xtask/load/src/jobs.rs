//! Jobs to ask for, and signed requests that ask for them.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use bytes::Bytes;
use cos_batch_engine::{
    JobState, JobStore as _, SystemClock,
    store::{JobChange, JobStatus, NewJob},
    wire,
};
use cos_batch_jobstore::SqliteJobStore;
use cos_batch_model::{Action, AppId, CreateJobRequest, DescribeJobRequest, JobId, ListJobsRequest, MaxResults, xml};
use cos_signature::{Credentials, KeyTime, SigningKey, sign_with};
use http::{HeaderValue, Request, header};
use md5::{Digest as _, Md5};
use tokio::task::JoinSet;

use crate::Message;

/// The account of all jobs.
pub const APPID: &str = "1250000000";

/// How long the requests may be sent, in seconds.
const WINDOW_SECONDS: i64 = 12 * 3600;

/// Changes of the store under way at a time, when it is filled: as many as one commit takes.
const AT_ONCE: usize = 64;

/// A request that makes a job whose answer to DescribeJob has some 2.7 KB.
const CREATE: &str = include_str!("../../../fixtures/golden/CreateJob/copy-every-field.request.http");

/// The request with another token.
///
/// # Errors
///
/// If the request that is built in is none.
pub fn create(token: &str) -> anyhow::Result<CreateJobRequest> {
    let (_, body) = CREATE.split_once("\r\n\r\n").context("there is a body")?;
    let mut request: CreateJobRequest = xml::from_slice(body.as_bytes(), xml::Mode::Strict)?;
    request.client_request_token = token.parse()?;
    Ok(request)
}

/// Puts so many jobs into a job store, by its own means, and gives their ids: all complete, or all waiting for somebody to
/// confirm them. Once of each kind for a store.
///
/// # Errors
///
/// If the store cannot be written.
pub async fn fill(path: &Path, count: usize, status: JobStatus) -> anyhow::Result<Vec<String>> {
    let store = Arc::new(SqliteJobStore::open(path, Arc::new(SystemClock))?);
    let mut changes = JoinSet::new();
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        while changes.len() >= AT_ONCE {
            ids.push(changes.join_next().await.context("there are some")???);
        }
        let request = create(&format!("stored-{status}-{number}"))?;
        let store = Arc::clone(&store);
        changes.spawn(async move { one(&store, &request, status).await });
    }
    while let Some(id) = changes.join_next().await {
        ids.push(id??);
    }
    ids.sort_unstable();
    Ok(ids)
}

async fn one(store: &SqliteJobStore, request: &CreateJobRequest, status: JobStatus) -> anyhow::Result<String> {
    let job = NewJob {
        tenant: APPID.to_owned(),
        token: request.client_request_token.as_str().to_owned(),
        spec: wire::spec(request)?,
        priority: request.priority.get(),
        live_jobs_max: u64::MAX,
    };
    let job = store.create(job).await?;
    let now = store.now();
    let mut state = JobState { status, ..JobState::new() };
    if status.is_final() {
        state.terminated_at = Some(now);
    } else {
        state.suspended_at = Some(now);
        state.suspended_cause = Some("it waits for its confirmation".to_owned());
    }
    let change = JobChange { state: Some(state), total: Some(1_000_000), ..JobChange::default() };
    store.transition(job.id, job.version, change).await?;
    Ok(job.id.to_string())
}

/// Signs requests to one server.
pub struct Signer {
    host: String,
    credentials: Credentials,
    key: SigningKey,
    appid: AppId,
}

impl Signer {
    /// For the server at `host`, from `now` (Unix seconds) on.
    ///
    /// # Errors
    ///
    /// If the times make no window.
    pub fn new(host: &str, secret_id: &str, secret_key: &str, now: i64) -> anyhow::Result<Self> {
        let credentials = Credentials::new(secret_id, secret_key);
        let key = SigningKey::derive(&credentials.secret_key, KeyTime::new(now, now + WINDOW_SECONDS)?);
        Ok(Self { host: host.to_owned(), credentials, key, appid: APPID.parse()? })
    }

    /// DescribeJob.
    ///
    /// # Errors
    ///
    /// If the id is none.
    pub fn describe(&self, id: &str) -> anyhow::Result<Message> {
        let job_id: JobId = id.parse()?;
        self.signed(DescribeJobRequest { job_id }.to_http(&self.appid))
    }

    /// ListJobs, so many.
    ///
    /// # Errors
    ///
    /// If there cannot be so many.
    pub fn list(&self, results: u16) -> anyhow::Result<Message> {
        let request = ListJobsRequest { max_results: Some(MaxResults::new(results)?), ..ListJobsRequest::default() };
        self.signed(request.to_http(&self.appid))
    }

    /// CreateJob, with this token.
    ///
    /// # Errors
    ///
    /// If the token is none.
    pub fn create(&self, token: &str) -> anyhow::Result<Message> {
        self.signed(create(token)?.to_http(&self.appid))
    }

    fn signed(&self, mut request: Request<Bytes>) -> anyhow::Result<Message> {
        request.headers_mut().insert(header::HOST, HeaderValue::from_str(&self.host)?);
        if !request.body().is_empty() {
            let length = request.body().len();
            let digest = base64(&Md5::digest(request.body()));
            request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            request.headers_mut().insert("content-md5", HeaderValue::from_str(&digest)?);
        }
        sign_with(&mut request, &self.credentials, &self.key)?;
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned);
        let headers = request.headers().iter().map(|(name, value)| Ok((name.to_string(), text(value)?)));
        Ok(Message {
            method: request.method().to_string(),
            path: request.uri().to_string(),
            headers: headers.collect::<anyhow::Result<_>>()?,
            body: String::from_utf8(request.body().to_vec())?,
        })
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use cos_batch_engine::store::ListFilter;

    use super::*;

    #[tokio::test]
    async fn a_store_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        let ids = fill(&path, 100, JobStatus::Complete).await.unwrap();
        let store = SqliteJobStore::open(&path, Arc::new(SystemClock)).unwrap();
        let filter = ListFilter {
            tenant: APPID,
            statuses: &[JobStatus::Complete],
            after: None,
            limit: 1000,
            newest_first: false,
        };
        let (jobs, more) = store.list(filter).await.unwrap();
        assert_eq!((jobs.iter().map(|job| job.id.to_string()).collect::<Vec<_>>(), more), (ids, false));
        let shown = wire::document(&jobs[0]).unwrap();
        assert!((2500..3000).contains(&shown.len()), "{} bytes", shown.len());
    }

    #[test]
    fn requests_are_signed() {
        let signer = Signer::new("127.0.0.1:1", "AKIDEXAMPLE", "exampleSecret", 1_700_000_000).unwrap();
        let describe = signer.describe("job-1").unwrap();
        assert_eq!((describe.method.as_str(), describe.path.as_str()), ("GET", "/jobs/job-1"));
        assert!(describe.headers.iter().any(|(name, _)| name == "authorization"));
        let create = signer.create("token-7").unwrap();
        assert!(create.body.contains("<ClientRequestToken>token-7<") && create.method == "POST");
        assert!(create.headers.iter().any(|(name, _)| name == "content-md5"));
        assert!(signer.list(1000).unwrap().path.contains("maxResults=1000"));
    }
}
