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
    /// Longest time from a request, or from the last piece of its body that got away, to the head of its answer.
    pub response_timeout: Duration,
    /// The same where the store has to work first: a copy, an upload in parts that is completed.
    pub work_timeout: Duration,
    /// Longest time between two pieces of an answer. While a store works on a copy or puts an upload together it sends a space
    /// from time to time.
    pub gap_timeout: Duration,
    /// Longest time of one request with everything that belongs to it, waiting for credentials and for a connection included,
    /// unless `long_timeout` is for it. It must stay well below the time that a batch engine's worker holds a shard without a
    /// sign of life (30 seconds in `cos-batch-engine`), so that nothing is still under way when somebody else takes over.
    pub total_timeout: Duration,
    /// The same for what takes the longer the more bytes there are: copies, completed uploads in parts, reads and writes of
    /// content. Such a request can still be under way when a shard has another worker, who then makes the same copy once more.
    pub long_timeout: Duration,
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
            response_timeout: Duration::from_secs(20),
            // COS and S3 begin their answer to a long copy at once; others when it is done. This is enough for 5 GB at 42 MB a
            // second, and short enough for a server that is stuck.
            work_timeout: Duration::from_secs(120),
            // COS and S3 send their spaces every few seconds.
            gap_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(25),
            // The most that one request copies has 5 GB, and stores copy some hundred megabytes a second. As long as
            // `cos-batch-engine` gives a part.
            long_timeout: Duration::from_secs(10 * 60),
            // Servers commonly close after 15 seconds (nginx: 75, S3: about 20) and more; being the first to close keeps
            // requests off connections that are just being closed.
            idle_timeout: Duration::from_secs(10),
        }
    }
}
