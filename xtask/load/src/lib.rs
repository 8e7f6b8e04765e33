//! Load on a server over HTTP, and the least that a server can do.
//!
//! [`run`] sends requests that were prepared beforehand over connections that stay open, each as soon as the one before it
//! was answered. [`bare`] answers everything with the same bytes, by hyper alone: what a server has to be compared with.
//! Each belongs in a process of its own. [`jobs`] fills job stores and signs the requests.

pub mod bare;
pub mod jobs;
pub mod layers;
pub mod run;

use serde::{Deserialize, Serialize};

/// A request as it is sent, or an answer as it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Method, of requests.
    #[serde(default)]
    pub method: String,
    /// Path and query, of requests.
    #[serde(default)]
    pub path: String,
    /// Names and values of headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default)]
    pub body: String,
}
