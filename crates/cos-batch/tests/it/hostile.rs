//! Very many connections of people who mean no good, beside somebody honest and a job: each honest request is answered, the job ends
//! exactly, and when they are gone the server holds nothing of theirs.
//!
//! `cargo xtask long hostile` does the same to a release build with more of them, each of which stays as long as it is let.

use std::{
    env,
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    raw::Caller,
    soak::look::Sample,
    support::{Place, Server, assert_exact},
};

/// Connections in place of those of the test.
const CONNECTIONS_VARIABLE: &str = "COS_BATCH_HOSTILE_CONNECTIONS";
const CONNECTIONS: usize = 1_200;

/// At the same time: a server has room for 900, and a few are the honest ones'.
const AT_A_TIME: usize = 800;

/// How long each stays in the test, if it is let. In the long form it is ended by the server, or after this time a hundred times.
const STAYS: Duration = Duration::from_secs(1);

/// Files of the job.
const FILES: usize = 2_000;

/// Honest requests before the others come.
const ALONE: usize = 200;

/// Bytes that the server may have of its own for each connection, while it is there: what it reads of a head at most, as often
/// as a buffer doubles, and what its task takes.
const BYTES_OF_ONE: u64 = 160 * 1024;

/// Bytes that it may keep when they are gone: an allocator gives back only whole pieces.
const BYTES_KEPT: u64 = 48 << 20;

/// Descriptors that may be more when they are gone: files of the job, and connections that are just closed.
const DESCRIPTORS_KEPT: u64 = 32;

/// A generous guard against hanging.
const GUARD: Duration = Duration::from_secs(120);

/// What somebody does with a connection who means no good.
#[derive(Clone, Copy, Debug)]
enum Bad {
    /// Says nothing.
    Silent,
    /// Says half a head, and nothing more.
    HalfAHead,
    /// Says half a body, and nothing more.
    HalfABody,
    /// Says a byte of a head now and then.
    Drips,
    /// Says what is no HTTP.
    Garbage,
    /// Says a head that does not end.
    Flood,
    /// Says many requests at once, and reads no answer.
    NeverReads,
    /// Says a request, and goes away without its answer.
    Leaves,
    /// Says two requests in one, of two lengths.
    TwoLengths,
}

impl Bad {
    const ALL: [Self; 9] = [
        Self::Silent,
        Self::HalfAHead,
        Self::HalfABody,
        Self::Drips,
        Self::Garbage,
        Self::Flood,
        Self::NeverReads,
        Self::Leaves,
        Self::TwoLengths,
    ];

    fn words(self) -> String {
        let head = "GET /jobs HTTP/1.1\r\nHost: h\r\n";
        match self {
            Self::Silent => String::new(),
            Self::HalfAHead | Self::Drips => format!("{head}X-A: "),
            Self::HalfABody => "POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n<Create".to_owned(),
            Self::Garbage => "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\r\n\r\n".to_owned(),
            Self::Flood => format!("{head}X-A: {}", "v".repeat(1 << 20)),
            Self::NeverReads => format!("{head}\r\n").repeat(2_000),
            Self::Leaves => format!("{head}\r\n"),
            Self::TwoLengths => {
                "POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\nGET /x".to_owned()
            }
        }
    }

    /// Does it until the server ends the connection, or for so long.
    async fn act(self, address: SocketAddr, stays: Duration) {
        // Without room for it the system keeps it waiting, or refuses it.
        let Ok(mut connection) = TcpStream::connect(address).await else { return };
        let words = self.words();
        let _ = tokio::time::timeout(stays, connection.write_all(words.as_bytes())).await;
        match self {
            Self::Leaves => {}
            Self::NeverReads => tokio::time::sleep(stays).await,
            Self::Drips => {
                let drip = async {
                    while connection.write_all(b"v").await.is_ok() {
                        tokio::time::sleep(stays / 20).await;
                    }
                };
                let _ = tokio::time::timeout(stays, drip).await;
            }
            _ => {
                let mut answer = Vec::new();
                let _ = tokio::time::timeout(stays, connection.read_to_end(&mut answer)).await;
                // Refused, or nothing: but for the beginning it is only read to see the end.
                let text = String::from_utf8_lossy(&answer);
                assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{self:?}: {text}");
            }
        }
    }
}

/// Somebody honest: asks for the jobs again and again, each time over a new connection.
struct Honest {
    stop: Arc<AtomicBool>,
    times: Arc<Mutex<Vec<Duration>>>,
    thread: thread::JoinHandle<()>,
}

impl Honest {
    fn begin(caller: Caller) -> Self {
        let (stop, times) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stops, told) = (Arc::clone(&stop), Arc::clone(&times));
        let thread = thread::spawn(move || {
            while !stops.load(Ordering::SeqCst) {
                let begin = Instant::now();
                let mut request = caller.request("GET", "/jobs", "");
                caller.sign(&mut request);
                let answer = caller.send(request);
                assert_eq!(answer.status, 200, "{}{}", answer.head, answer.body);
                told.lock().unwrap().push(begin.elapsed());
            }
        });
        Self { stop, times, thread }
    }

    /// The times since the last look: the median, and what one in a hundred takes longer than.
    fn take(&self) -> (usize, Duration, Duration) {
        let mut times = std::mem::take(&mut *self.times.lock().unwrap());
        assert!(!self.thread.is_finished(), "somebody honest was not answered");
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        (times.len(), at(50), at(99))
    }

    async fn until(&self, answered: usize) {
        let waits = async {
            while self.times.lock().unwrap().len() < answered {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(GUARD, waits).await.expect("somebody honest is served");
    }

    fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("each honest request was answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_bad_connections_beside_an_honest_one_and_a_job() {
    if !cfg!(target_os = "linux") {
        let _ = writeln!(std::io::stderr(), "SKIPPED: what a process takes is told by Linux only");
        return;
    }
    let wanted: Option<usize> = env::var(CONNECTIONS_VARIABLE).ok().map(|text| text.parse().unwrap());
    let (connections, stays) = (wanted.unwrap_or(CONNECTIONS), wanted.map_or(STAYS, |_| STAYS * 100));
    let descriptors = AT_A_TIME as u64 + 200;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < descriptors) {
        limit.current = Some(descriptors);
        setrlimit(Resource::Nofile, limit).expect("a hard limit of a thousand descriptors");
    }

    let place = Place::of_release();
    let rows = place.fill(FILES);
    let server = Server::start(&place);
    let address: SocketAddr = server.endpoint.trim_start_matches("http://").parse().unwrap();
    let sample = || Sample::of(server.id(), &place.file("")).unwrap();
    let honest = Honest::begin(Caller::new(&server, &place));
    honest.until(ALONE).await;
    let (before, (_, median_alone, most_alone)) = (sample(), honest.take());

    let etag = place.write_manifest(&rows.text);
    let job = server.create_copy(&etag, &[]);
    let (mut bad, mut most) = (JoinSet::new(), before);
    for (number, kind) in Bad::ALL.into_iter().cycle().take(connections).enumerate() {
        if bad.len() == AT_A_TIME {
            bad.join_next().await.unwrap().unwrap();
        }
        bad.spawn(kind.act(address, stays));
        if number % 100 == 99 {
            let now = sample();
            most.own = most.own.max(now.own);
            most.descriptors = most.descriptors.max(now.descriptors);
        }
    }
    while let Some(ended) = bad.join_next().await {
        ended.unwrap();
    }
    let (answered, median, worst) = honest.take();
    assert_exact(&place, &server, &job, &rows);
    // It closes what is left of theirs as soon as it looks.
    let gone = async {
        while sample().descriptors > before.descriptors + DESCRIPTORS_KEPT {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(GUARD, gone).await.expect("no descriptor of theirs is kept");
    let after = sample();
    honest.end();

    let mib = |bytes: u64| bytes >> 20;
    let said = format!(
        "{connections} bad connections: {answered} honest requests answered beside them, the median in {median:?} and 99 % in \
         {worst:?}, alone in {median_alone:?} and {most_alone:?}; memory of its own {} MiB before, {} at most, {} after; descriptors {}, \
         {}, {}",
        mib(before.own),
        mib(most.own),
        mib(after.own),
        before.descriptors,
        most.descriptors,
        after.descriptors
    );
    let _ = writeln!(std::io::stderr(), "{said}");
    assert!(answered > 0, "{said}");
    assert!(most.descriptors > before.descriptors + AT_A_TIME as u64 / 4, "they were not there at once: {said}");
    assert!(most.own < before.own + AT_A_TIME as u64 * BYTES_OF_ONE, "{said}");
    assert!(after.own < before.own + BYTES_KEPT, "{said}");
}
