//! The program as its users have it: real processes, real files, real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

mod attacks;
mod aws;
mod cancel;
mod command_line;
mod conformance;
mod console;
mod crowd;
mod demo;
mod dice;
mod end_to_end;
mod ends;
mod full_disk;
mod history;
mod hostile;
mod kills;
mod left;
mod lifetime;
mod manifest;
mod manners;
mod matrix;
mod metrics;
mod nodes;
mod objects;
mod operate;
mod output;
mod packaging;
mod pages;
mod plain;
mod plain_server;
mod python;
mod raw;
mod ready;
mod refusals;
mod remote;
mod report;
mod reported;
mod retry;
mod s3control;
mod sample;
mod scenario;
mod screen;
mod settings;
mod sides;
mod sign;
mod soak;
mod support;
#[cfg(feature = "otel")]
mod traces;
mod validate;
mod weather;
