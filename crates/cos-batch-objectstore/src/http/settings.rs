//! Settings of connections and times.

use std::time::Duration;

/// Connections and times of an [`HttpStore`](crate::HttpStore). Build it with `..HttpSettings::default()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Requests in flight, and so connections, at most. Of each sixteen, one is for what is no operation of a job: reads and
    /// writes of content, and listings. They use any connection that is free, but need not wait behind operations, of which
    /// there are as many as an engine likes to begin.
    pub connections_max: usize,
    /// Longest time for a connection to come about, TLS included, and for a free one to appear.
    pub connect_timeout: Duration,
    /// Longest time from a request to the head of its answer.
    pub response_timeout: Duration,
    /// Longest time of one request with everything that belongs to it. It must stay well below the time that a batch
    /// engine's worker holds a shard without a sign of life (30 seconds in `cos-batch-engine`), so that nothing is still
    /// under way when somebody else takes over.
    pub total_timeout: Duration,
    /// How long a connection without a request is kept.
    pub idle_timeout: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            // A request of 50 ms leaves room for 2,500 a second, more than one server is usually allowed.
            connections_max: 128,
            // A connection that takes longer is lost.
            connect_timeout: Duration::from_secs(5),
            // Stores begin their answer to a long copy at once, or take some seconds per GB.
            response_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(25),
            // Servers commonly close after 15 seconds (nginx: 75, S3: about 20) and more; being the first to close keeps
            // requests off connections that are just being closed.
            idle_timeout: Duration::from_secs(10),
        }
    }
}
