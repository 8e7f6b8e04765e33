//! Batch jobs in the dialect of S3 Control, for boto3, the aws command line and every SDK of AWS.
//!
//! COS Batch Operations is a sibling of this API: the jobs are the same, and one engine runs them. Here are the other
//! messages, the other signature and the service that speaks them.
//!
//! | look in | for |
//! |---|---|
//! | [`shapes`], [`shape`] | the published service model as tables, and the reader that holds values against them |
//! | [`request`] | requests with a body |
//! | [`action`] | one file for each action: what its query says, and its answer |
//! | [`map`] | from a request to a job, and back |
//! | [`invocation`] | how a function is called for a task |
//! | [`sigv4`] | whether a signature is right |
//! | [`S3Control`] | the service over an engine |

pub mod action;
mod admission;
mod error;
pub mod invocation;
pub mod map;
mod owner;
pub mod request;
mod service;
pub mod shape;
pub mod shapes;
pub mod sigv4;

pub use owner::{Callers, Key, Keys, Owner};
pub use service::{Before, S3Control};
