//! What carries requests: any `tower` service, by default HTTP.

mod failure;
mod http_transport;
mod service;

pub(crate) use failure::timed_out;
pub use http_transport::{CONNECT_TIMEOUT, DefaultConnector, HttpTransport, IDLE_CONNECTIONS_MAX, IDLE_TIMEOUT};
pub use service::{RESPONSE_BYTES_MAX, Transport};
