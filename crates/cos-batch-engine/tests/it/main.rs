//! Tests of the engine from outside.

mod job_store;
