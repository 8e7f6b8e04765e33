//! The shapes of the service model that jobs are made of, with their published names and limits.
//!
//! A test compares them with the model as botocore has it.

pub mod common;
pub mod generator;
pub mod job;
pub mod manifest;
pub mod operation;
pub mod report;
