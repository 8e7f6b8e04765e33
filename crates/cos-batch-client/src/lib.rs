//! A client for the COS Batch Operations API: for Tencent COS itself, or any other server of the API.
//!
//! ```
//! use cos_batch_client::{Client, Credentials, Endpoint, WaitOptions};
//! use cos_batch_model::{JobId, JobStatus};
//! use futures_util::TryStreamExt as _;
//! # use bytes::Bytes;
//! # use cos_batch_model::{ActionOutput as _, ListJobsResult};
//! # use http_body_util::Full;
//! # use std::convert::Infallible;
//! # let service = tower::service_fn(|_: http::Request<Full<Bytes>>| async {
//! #     Ok::<_, Infallible>(ListJobsResult::default().to_http().map(Full::new))
//! # });
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let client = Client::builder()
//!     .endpoint(Endpoint::cos(&"100000000001".parse()?, "ap-guangzhou")?)
//!     .appid("1250000000".parse()?)
//!     .credentials(Credentials::new("AKIDEXAMPLE", "exampleSecret"))
//!     .transport(service) // any tower service; without this line: HTTPS
//!     .build()?;
//!
//! let mut running = client.jobs(vec![JobStatus::Active, JobStatus::Suspended]);
//! while let Some(job) = running.try_next().await? {
//!     if job.status == JobStatus::Suspended {
//!         client.confirm(&job.job_id, None).await?;
//!     }
//!     let job = client.wait(&job.job_id).await?;
//!     println!("{} {}: {} tasks failed", job.job_id, job.status, job.progress_summary.number_of_tasks_failed);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Client`] has a method for each action, [`Client::jobs`] for all pages of the list, [`Client::progress`] and
//! [`Client::wait`] for following a job, [`JobBuilder`] makes the common jobs in a few lines, and [`Client::presign`] for handing a signed request to somebody without a key. It is a [`BatchApi`](cos_batch_model::BatchApi), too: what serves one can stand
//! in front of it.
//!
//! # What is repeated
//!
//! A call is a few attempts ([`RetryPolicy`]), each with its own signature and its own time. Another attempt follows
//! where it may help **and** cannot do harm:
//!
//! | action | no connection; InternalError, ServiceUnavailable, SlowDown, RequestTimeout | answer lost: timeout, reset |
//! |---|---|---|
//! | DescribeJob, ListJobs, UpdateJobPriority | repeated | repeated |
//! | CreateJob | repeated, with the same token | repeated, with the same token |
//! | UpdateJobStatus | repeated | **not** repeated: look at the job |
//! | DeleteJob | repeated | repeated: ids do not come again |
//!
//! A repeat can be refused because an attempt before it was carried out after all. The client finds out: a job that is
//! gone was deleted, a job's own status shows that it was confirmed or cancelled, and a job that was made is looked for by
//! its token. Where that stays open, [`Error::AmbiguousCreate`] says so.
//!
//! Redirects are never followed, and no proxy is used: a signature is for one host.
//!
//! # Features
//!
//! `tls` (on by default): `https` endpoints, with rustls, aws-lc-rs and the roots of webpki-roots.

mod actions;
mod api;
mod builder;
mod client;
mod clock;
mod create;
mod endpoint;
mod error;
mod extension;
mod job;
mod list;
mod manifest_csv;
mod presign;
mod retry;
mod transport;
mod wait;

pub use builder::{ClientBuilder, SIGNATURE_LIFETIME_DEFAULT, SIGNATURE_LIFETIME_MAX, TIMEOUT_DEFAULT};
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use cos_signature::{Credentials, SecretKey};
pub use create::{SCAN_JOBS_MAX, SCAN_PAGES_MAX};
pub use endpoint::Endpoint;
pub use error::{BoxError, BuildError, Error, TransportErrorKind};
pub use extension::ExtensionRequest;
pub use job::JobBuilder;
pub use manifest_csv::{KEY_BYTES_MAX, ManifestCsv};
pub use retry::{ATTEMPTS_MAX, RetryPolicy};
pub use transport::{
    CONNECT_TIMEOUT, DefaultConnector, HttpTransport, IDLE_CONNECTIONS_MAX, IDLE_TIMEOUT, RESPONSE_BYTES_MAX, Transport,
};
pub use wait::{POLL_PAUSE_MIN, WaitOptions};
