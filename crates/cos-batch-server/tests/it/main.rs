//! Integration tests of cos-batch-server.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

mod answers;
mod authentication;
mod authorize;
mod backend;
mod captures;
#[path = "../../examples/custom_server.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod custom_server;
mod ends;
mod error_table;
mod errors;
mod example;
mod examples;
mod extension;
mod forbidden;
mod foreign_signer;
mod forms;
mod front;
mod hostile_http;
mod hostile_xml;
mod limits;
mod listener;
mod logging;
mod rate;
mod smuggling;
mod support;
mod tamper;
