//! Tests of the model against its fixtures and by generated values.
#![expect(clippy::unwrap_used, reason = "tests: what cannot be unwrapped fails the test")]

mod answers;
mod api;
mod captures;
mod characters;
mod edges;
mod golden;
mod hostile;
mod invalid;
mod json;
mod limits;
mod order;
mod queries;
mod roundtrip;
mod schema;
mod spec;
mod strategies;
mod support;
mod tables;
mod traps;
