//! Tests of the gateway as its clients see it.
#![expect(clippy::unwrap_used, reason = "helpers of tests: they panic where a test fails")]

mod hostile;
mod reading;
mod refusals;
mod requests;
mod sdk;
mod signatures;
mod streaming;
mod support;
mod uploads;
mod wrapped;
