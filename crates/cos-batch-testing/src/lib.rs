//! A COS Batch server inside your own tests.
//!
//! It listens on a port of this machine, speaks the real API with real signatures, and really carries jobs out, on buckets in
//! memory or in a folder. What a store may do to you can be ordered ([`Faults`]), and time can be set ([`Builder::clock`]).
//!
//! ```
//! use cos_batch_client::JobBuilder;
//! use cos_batch_testing::{Call, ErrorKind, TestServer};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = TestServer::start().await?;
//! server.put("photos-1250000000", "a.txt", "hello").await?;
//! server.make_bucket("backup-1250000000").await?;
//! let etag = server.put("photos-1250000000", "all.csv", "photos-1250000000,a.txt\n").await?;
//! server.faults().fail(Call::Copy, "a.txt", ErrorKind::InternalError, 2); // then it works
//!
//! let client = server.client()?; // what you test would make its own, from server.endpoint()
//! let job = JobBuilder::new("local", "photos-1250000000/all.csv", &etag).copy_to("backup-1250000000").build("token")?;
//! let id = client.create_job(job).await?.job_id;
//! assert_eq!(client.wait(&id).await?.progress_summary.number_of_tasks_succeeded, 1);
//! assert_eq!(server.get("backup-1250000000", "a.txt").await?, "hello");
//! assert_eq!(server.faults().left(), 0);
//! server.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod faults;
mod server;
mod store;

pub use cos_batch_engine::clock::ManualClock;
pub use cos_batch_objectstore::ErrorKind;

pub use faults::{Call, Faults};
pub use server::{APPID, Builder, Error, SECRET_ID, SECRET_KEY, TestServer};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
