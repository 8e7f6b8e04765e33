//! Integration tests of cos-batch-conformance: right systems pass, wrong ones fail by name.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

#[path = "../../../cos-batch-server/examples/custom_server.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod custom_server;
mod right;
mod router;
mod toy;
mod twisted;
mod world;
mod wrong_api;
mod wrong_backend;
mod wrong_wire;
