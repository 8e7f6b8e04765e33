//! Integration tests of cos-batch-client.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

mod building;
mod create;
mod errors;
mod extension;
mod go_sdk;
mod list;
mod matrix;
mod proxy;
mod retry;
mod samples;
mod script;
mod server;
mod signing;
mod sockets;
#[cfg(feature = "tls")]
mod tls;
mod wait;

use cos_batch_client::{Client, ClientBuilder, Credentials, Endpoint};
use script::Script;

const SECRET_ID: &str = "AKIDEXAMPLEONLYNOTREAL0001";
const SECRET_KEY: &str = "exampleSecretKeyNotReal0001";

/// The time of all tests, 2023-11-14T22:13:20Z.
const NOW: i64 = 1_700_000_000;

fn credentials() -> Credentials {
    Credentials::new(SECRET_ID, SECRET_KEY)
}

/// A client of a scripted service, not yet built.
fn builder(script: &Script) -> ClientBuilder<Script> {
    Client::builder()
        .endpoint(Endpoint::url("http://127.0.0.1:9450").unwrap())
        .appid(samples::appid())
        .credentials(credentials())
        .clock(|| NOW)
        .transport(script.clone())
}

fn client(script: &Script) -> Client<Script> {
    builder(script).build().unwrap()
}
