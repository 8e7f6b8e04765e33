//! The COS Batch Operations API as a tower and hyper service over any backend.
//!
//! A backend implements [`BatchApi`](cos_batch_model::BatchApi), each method of which has a default that answers
//! `NotImplemented`. [`BatchService`] does the rest: limits, routing, authentication, reading and checking bodies,
//! rendering answers and errors. It knows neither an engine nor a store.
//!
//! ```
//! # use std::{sync::Arc, time::Duration};
//! # use cos_batch_model::BatchApi;
//! # use cos_signature::SecretKey;
//! # use tokio::net::TcpListener;
//! use cos_batch_server::{BatchService, Key, StaticKeys, listen};
//!
//! struct Backend; // offers nothing yet
//! impl BatchApi for Backend {}
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let shutdown = tokio::time::sleep(Duration::from_millis(10)); // in a program: a signal
//! let key = Key::new(SecretKey::new("exampleSecret"), "1250000000".parse()?);
//! let keys = StaticKeys::new().with("AKIDEXAMPLE", key);
//! let service = BatchService::builder(Arc::new(Backend)).authenticate(keys).build()?;
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! listen::serve(listener, service, shutdown, listen::ListenOptions::default()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | look in | for |
//! |---|---|
//! | [`BatchService`], [`Builder`] | the service and its settings |
//! | [`Authenticate`], [`StaticKeys`] | whose requests are accepted |
//! | [`Authorize`] | what each key may do |
//! | [`Limits`] | how much a request may be |
//! | [`rate`] | how many requests of one APPID are worked on in a second |
//! | [`Extension`] | what a server offers beside the API |
//! | [`Exchange`], [`body`] | what a service of another dialect on the same address does alike |
//! | [`listen`] | serving connections; the only place that spawns |
//!
//! Authentication is on unless [`Builder::allow_anonymous`] switches it off by name. A signed request can be replayed
//! while its window of time is open, since the protocol has no nonce: a replayed CreateJob meets its used
//! ClientRequestToken, a replayed priority or status change is done again.

mod access;
mod authenticate;
mod authorize;
pub mod body;
mod exchange;
mod extension;
mod limits;
pub mod listen;
pub mod rate;
mod request_id;
mod router;
mod service;
mod trace;

pub use authenticate::{Authenticate, Key, StaticKeys};
pub use authorize::{Asked, Authorize, Caller};
pub use cos_signature::Strictness;
pub use exchange::Exchange;
pub use extension::{EXTENSION_PREFIX, Extension};
pub use limits::{
    BODY_BYTES_MAX, BODY_TIMEOUT, DRAIN_TIMEOUT, DRAINED_BYTES_MAX, EXTENSION_BODY_BYTES_MAX, EXTENSION_TIMEOUT,
    HEADER_BYTES_MAX, HEADER_COUNT_MAX, Limits, REQUEST_TIMEOUT, URI_BYTES_MAX,
};
pub use service::{BatchService, BuildError, Builder};
pub use trace::TRACE_TARGET;
