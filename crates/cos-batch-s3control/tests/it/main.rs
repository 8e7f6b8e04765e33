//! Messages against the model of those who publish it, signatures against the signer of their SDK, the service over an engine.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

mod alterations;
mod answers;
mod botocore;
mod messages;
mod roundtrip;
mod service;
mod signing;
mod world;
