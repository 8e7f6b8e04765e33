//! Tests of the engine from outside.
#![expect(clippy::unwrap_used, reason = "tests: a panic is how they fail")]

mod engine;
mod job_store;
mod keys;
mod pages;
mod scale;
